"""Reads the tidy tables of jobs, and says of a damaged one what is wrong and what to do."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from semcom.files.errors import SemcomError

TEXTS = (
    "study", "system", "method", "link", "labels", "split", "metric", "modality", "check", "codec",
    "modalities", "scheme", "condition", "block", "measure", "changing", "strategy", "state_name",
    "encoder", "target", "space", "head", "owner", "guest", "form", "trained", "sender",
)  # fmt: skip
"""Columns of names, which stay text even where a name looks like a number."""
WHOLE = ("seed", "budget_epochs", "draw", "epoch", "neighbours", "quality", "state")
"""Columns of whole numbers."""
MAY_BE_EMPTY = ("psnr_rgb_db", "psnr_depth_db", "payload_uses_link", "file_uses_link", "image_bytes")
"""Columns of numbers for what there may be none of; NaN then."""

MAY_BE_INFINITE = ("value", "tolerance")
"""Columns of numbers that may be without bound: nothing is held to an infinite tolerance."""


def damaged(path: Path, what: str) -> SemcomError:
    """The error to raise for a result that is not what its name says."""
    return SemcomError(f"{path} {what}; remove it and run snakemake again")


def check_there(paths: Sequence[Path]) -> None:
    """Raises: SemcomError: one of `paths` is no file."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        many = f", and {len(missing) - 1} more of {len(paths)}" if len(missing) > 1 else ""
        raise SemcomError(f"{missing[0]} is missing{many}; run snakemake, which makes what is missing")


def table(
    path: Path,
    columns: Sequence[str],
    *,
    place: Mapping[str, object],
    key: Sequence[str],
    budgets: Sequence[int] = (),
    may_lack: bool = False,
) -> pd.DataFrame:
    """One job's table, checked.

    Args:
        path: the CSV.
        columns: those that it must have.
        place: what all its rows must say of the job that wrote it, such as method and seed.
        key: the columns that together name a row; every combination of their values occurs once.
        budgets: those whose rows are wanted; none: all.
        may_lack: some combinations of the key may be left out, and values may be NaN.

    Raises:
        SemcomError: the file is missing or damaged, belongs to another job, or lacks a budget.
    """
    rows = _read(path, columns, values_may_lack=may_lack)
    for name, expected in place.items():
        if (found := rows.loc[rows[name] != expected, name]).size:
            raise damaged(path, f"has {name} {found.iloc[0]} where its place says {expected}")
    if absent := sorted(set(budgets) - set(rows["budget_epochs"]) if budgets else ()):
        raise damaged(path, f"lacks the budgets of {', '.join(map(str, absent))} epochs")
    if (twice := rows.duplicated(list(key))).any():
        raise damaged(path, f"says {_named(rows, key, twice.idxmax())} twice")
    if not may_lack:
        whole = pd.MultiIndex.from_product([rows[name].unique() for name in key])
        lacking = whole.difference(pd.MultiIndex.from_frame(rows[list(key)]))
        if len(lacking):
            first = ", ".join(f"{name} {value}" for name, value in zip(key, lacking[0], strict=True))
            raise damaged(path, f"lacks {len(lacking)} of {len(whole)} rows, the first of {first}")
    return rows[rows["budget_epochs"].isin(budgets)] if budgets else rows


def _read(path: Path, columns: Sequence[str], *, values_may_lack: bool) -> pd.DataFrame:
    check_there([path])
    try:
        rows = pd.read_csv(
            path, dtype=dict.fromkeys(TEXTS, str), keep_default_na=False, na_values={"value": ["nan"]}
        )
    except (ValueError, OSError) as error:
        raise damaged(path, f"is not a table ({str(error).strip()})") from error
    lacking = set(columns) - set(rows)
    if lacking or rows.empty:
        what = f"lacks the columns {', '.join(sorted(lacking))}" if lacking else "has no rows"
        raise damaged(path, what)
    for name in columns:
        if name in TEXTS:
            bad = rows[name].isna() | (rows[name] == "")
        else:
            numbers = pd.to_numeric(rows[name], errors="coerce")
            # `nan` is a word of `value` for what was not measured; anywhere else a gap is damage.
            allowed = values_may_lack & (name == "value")
            allowed = (allowed & rows[name].isna()) | ((name in MAY_BE_EMPTY) & (rows[name] == ""))
            bad = numbers.isna() & ~allowed
            bad |= numbers.isin([float("inf"), float("-inf")]) & (name not in MAY_BE_INFINITE)
            bad |= (numbers % 1 != 0) & (name in WHOLE)
        if bad.any():
            line = int(bad.idxmax()) + 2
            raise damaged(path, f"has {str(rows[name][line - 2])!r} for {name} in line {line}")
        if name in MAY_BE_EMPTY:
            rows[name] = numbers
    return rows


def _named(rows: pd.DataFrame, key: Sequence[str], line: object) -> str:
    return ", ".join(f"{name} {rows.loc[line, name]}" for name in key)
