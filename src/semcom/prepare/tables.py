"""Tables that say what is known of pictures: a CSV, or CelebA's lists.

    a CSV with a header        image (or file, path, …), class (or label, …); split, group, if there are any
    list_attr_celeba.txt       a count; the attributes' names; a line a picture: its file, then 1 or -1 each
    identity_CelebA.txt        a line a picture: its file, and who it shows
    list_eval_partition.txt    a line a picture: its file, and 0 (train), 1 (val) or 2 (test)

Several tables are joined by the pictures' files. Further columns whose values are all 0 and 1, or -1 and 1,
are attributes; others are ignored.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import PurePosixPath

from semcom.files.errors import SemcomError
from semcom.frames.prepared import UNLABELLED
from semcom.prepare.images_store import Known
from semcom.prepare.source import Split
from semcom.prepare.table_files import Joined, role_of
from semcom.progress import log

PARTS = {
    "train": ("train", "training", "0"),
    "val": ("val", "valid", "validation", "dev", "1"),
    "test": ("test", "testing", "2"),
}


@dataclass(frozen=True)
class Found:
    """Pictures of a tree."""

    known: Mapping[str, Known]
    attribute_names: tuple[str, ...] = ()
    bad: Mapping[str, str] = field(default_factory=dict)
    unlabelled: int = 0


def known(table: Joined, pictures: Sequence[str], *, label: str | None) -> Found:
    """What a table says of `pictures`, which are files of a tree.

    Raises:
        SemcomError: no column is the class; a split is unknown; a value is missing.
    """
    split, group = (role_of(role, table.columns) for role in ("split", "group"))
    attributes = [c for c in table.columns if c not in (split, group) and _is_attribute(table, c)]
    column = _label(table, label, attributes)
    ignored = [c for c in table.columns if c not in (split, group, column, *attributes)]
    if ignored:
        log.info("columns of %s that are ignored: %s", table.where, ", ".join(ignored))
    files, sides = _files(pictures), _sides(table, split)
    result: dict[str, Known] = {}
    bad: dict[str, str] = {}
    for picture, row in table.rows.items():
        file = files.get(str(PurePosixPath(picture.replace("\\", "/"))))
        if file is None or file in result:
            bad[picture] = "named in the table, but not there" if file is None else "named by two lines"
            continue
        result[file] = Known(
            label=_class(row, column, attributes, f"{picture} in {table.where}"),
            split=sides.get(row[split].lower()) if split else None,
            group=row[group] if group and group != column else "",
            attributes=tuple(row[attribute] == "1" for attribute in attributes),
        )
    kept = {file: result[file] for file in sorted(result)}
    return Found(kept, tuple(attributes), bad, len(pictures) - len(kept))


def _is_attribute(table: Joined, column: str) -> bool:
    values = {row[column] for row in table.rows.values()}
    return "1" in values and (values <= {"0", "1"} or values <= {"-1", "1"})


def _label(table: Joined, label: str | None, attributes: Sequence[str]) -> str | None:
    """The column that is the class; None for a set without classes."""
    if label == "none":
        return None
    column = label or role_of("class", table.columns)
    if column is None:
        names = ", ".join(table.columns[:40]) or "none"
        raise SemcomError(
            f"which column of {table.where} is the class? Name it by --label COLUMN, or --label none for a "
            f"set without classes; there are: {names}"
        )
    if column not in table.columns:
        near = get_close_matches(column, table.columns, n=1)
        raise SemcomError(
            f"--label {column}: {table.where} has no such column"
            + (f"; did you mean {near[0]}?" if near else f", but {', '.join(table.columns[:40])}")
        )
    return column


def _class(row: Mapping[str, str], column: str | None, attributes: Sequence[str], where: str) -> str:
    if column is None:
        return UNLABELLED
    if column in attributes:
        return column if row[column] == "1" else f"not_{column}"
    if not row[column]:
        raise SemcomError(f"{where}: {column} is empty; give each picture its class")
    return row[column]


def _sides(table: Joined, split: str | None) -> dict[str, Split]:
    """What each value of the column `split` counts as."""
    if split is None:
        return {}
    names = {name: part for part, known in PARTS.items() for name in known}
    values = Counter(row[split].lower() for row in table.rows.values())
    unknown = [value for value in values if value not in names]
    if unknown:
        raise SemcomError(
            f"{table.where}: {split} {unknown[0]!r} is none of {', '.join(names)} (0, 1, 2 as in CelebA)"
        )
    sides = counts_as({names[value] for value in values})
    return {value: sides[names[value]] for value in values}


def counts_as(parts: set[str]) -> dict[str, Split]:
    """What the parts `train`, `val` and `test` of a set count as."""
    return {"train": "train", "val": "train" if "test" in parts else "test", "test": "test"}


def _files(pictures: Sequence[str]) -> dict[str, str]:
    """Files by all that a table may call them: the end of their path, with and without the ending."""
    found: dict[str, str] = {}
    several: set[str] = set()
    for file in pictures:
        parts = PurePosixPath(file).parts
        ends = ["/".join(parts[start:]) for start in range(len(parts))]
        for name in {*ends, *(end[: -len(PurePosixPath(end).suffix)] for end in ends)}:
            if found.setdefault(name, file) != file:
                several.add(name)
    return {name: file for name, file in found.items() if name not in several}
