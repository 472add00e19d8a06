"""Reading tables of pictures: CSV, or CelebA's lists; several are joined by the pictures' files."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from semcom.files.errors import SemcomError
from semcom.prepare.trees import Tree

ROLES = {
    "image": (
        "image",
        "file",
        "filename",
        "file_name",
        "image_id",
        "image_name",
        "path",
        "filepath",
        "name",
        "img",
    ),
    "class": ("class", "label", "category", "class_name", "species"),
    "split": ("split", "partition", "subset"),
    "group": ("group", "identity", "person", "subject", "identity_id"),
}
CELEBA = {"list_attr": None, "identity": "identity", "partition": "partition"}
"""Parts of the names of CelebA's lists, and what stands behind the picture where no header says it."""

Rows = dict[str, dict[str, str]]
"""Values by column, by picture."""


@dataclass(frozen=True)
class Joined:
    """Tables joined by picture."""

    where: str
    rows: Rows
    columns: tuple[str, ...]
    """All but the one of the picture."""


def find(tree: Tree, table: Path | None) -> Joined | None:
    """The tables of a tree, joined: the one that is given, else CelebA's lists, else its only CSV.

    Raises:
        SemcomError: a table cannot be read, or there are several that are not CelebA's.
    """
    if table is not None:
        try:
            data = table.read_bytes()
        except OSError as error:
            raise SemcomError(f"cannot read the table {table}: {error.strerror}") from None
        return _join([_read(table.name, data, str(table))])
    lists = [name for name in tree.names if name.endswith((".txt", ".csv")) and _celeba(name) is not False]
    names = lists or [name for name in tree.names if name.lower().endswith(".csv")]
    if len(names) > 1 and not lists:
        raise SemcomError(
            f"{tree.where} has {len(names)} CSV files, {', '.join(names[:3])}…: say by --table which one "
            "names the pictures"
        )
    read = [
        _read(PurePosixPath(name).name, data, f"{name} of {tree.where}") for name, data in tree.read(names)
    ]
    return _join(read) if read else None


def _celeba(name: str) -> str | None | bool:
    """What a list of CelebA has in its second column, None: names it itself; False: it is another file."""
    file = PurePosixPath(name).name.lower()
    if not ("celeba" in file or file.startswith("list_")):
        return False
    return next((role for part, role in CELEBA.items() if part in file), False)


def _read(name: str, data: bytes, where: str) -> Joined:
    try:
        lines = [line for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise SemcomError(f"{where} is no table in UTF-8 ({error}): save it anew") from None
    if not lines:
        raise SemcomError(f"{where} is empty: give a table with a line a picture")
    role = _celeba(name)
    if "," in lines[0]:
        head, *values = csv.reader(lines)
    elif role:
        head, values = ["image", str(role)], [line.split() for line in lines]
    else:
        plain = [line.split("\t") if "\t" in lines[0] else line.split() for line in lines]
        counted = plain[0] == [str(len(lines) - 2)]  # CelebA: the count, then names without the picture's
        head, values = (["image", *plain[1]], plain[2:]) if counted else (plain[0], plain[1:])
    head = [column.strip() for column in head]
    image = role_of("image", head)
    if image is None or len(set(head)) < len(head):
        raise SemcomError(
            f"{where} has the columns {', '.join(head[:8])}: one of them must name the picture "
            f"({', '.join(ROLES['image'][:6])} …), and none may stand twice"
        )
    rows: Rows = {}
    for number, line in enumerate(values, 1):
        if len(line) != len(head):
            raise SemcomError(f"{where}: line {number} of the values has {len(line)}, the header {len(head)}")
        row = {column: value.strip() for column, value in zip(head, line, strict=True)}
        if rows.setdefault(row.pop(image), row) is not row:
            raise SemcomError(f"{where} names {line[head.index(image)]} twice: keep one line a picture")
    return Joined(where, rows, tuple(column for column in head if column != image))


def role_of(role: str, columns: Sequence[str]) -> str | None:
    """The column that has a role by its name."""
    known = {column.lower(): column for column in columns}
    return next((known[name] for name in ROLES[role] if name in known), None)


def _join(read: Sequence[Joined]) -> Joined:
    rows: Rows = {}
    for one in read:
        for picture, values in one.rows.items():
            rows.setdefault(picture, {}).update(values)
    columns = tuple(dict.fromkeys(column for one in read for column in one.columns))
    partial = [picture for picture, values in rows.items() if len(values) < len(columns)]
    if partial:
        raise SemcomError(
            f"{len(partial)} pictures, {partial[0]} first, are not in each of "
            f"{', '.join(one.where for one in read)}: take lists that belong together"
        )
    return Joined(", ".join(one.where for one in read), rows, columns)
