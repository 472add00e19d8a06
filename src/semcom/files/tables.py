"""Small tidy tables: CSV, one row an observation, written atomically."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from semcom.files.atomic import atomic


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write `rows` (at least one, all with the same keys in the same order) with a header line."""
    with atomic(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
