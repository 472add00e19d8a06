"""What a training logged, as the tidy table that reports read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from semcom.files.tables import write_rows
from semcom.training.loop import Epoch


def write(path: Path, tags: Mapping[str, str], epochs: Sequence[Epoch]) -> None:
    """A row an epoch, from 1 on, and metric.

    Args:
        path: the CSV.
        tags: columns of the job, before those of the row.
        epochs: what was logged in each.
    """
    write_rows(
        path,
        [
            {**tags, "epoch": epoch, "metric": metric, "value": value}
            for epoch, means in enumerate(epochs, start=1)
            for metric, value in means.items()
        ],
    )
