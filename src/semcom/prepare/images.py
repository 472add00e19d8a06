"""Sets of images without depth: one raw format for all of them, whatever they came as.

    images.zip    000001, 000002 … : the pictures' own bytes; arrays as PNG, losslessly
    images.csv    index, split, class, group, name, width, height; then a column of 0 and 1 an attribute
    left_out.csv  name, reason: what was there and is not kept

`index` counts the pictures of the source from 1, those left out too; `name` is what the source calls it. An
empty `group` means that nothing else shows what this picture shows: it is a group of its own.
"""

import csv
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.prepare.decode import BadPicture, decode
from semcom.prepare.description import Description
from semcom.prepare.source import Row, Split

FILES = ("images.zip", "images.csv", "left_out.csv")
KINDS = ("images", "cifar10", "fashion_mnist", "idx", "digits", "rgb")
"""What `semcom data add` calls its ways here."""
COLUMNS = ("index", "split", "class", "group", "name", "width", "height")


def member(index: int) -> str:
    """Name of a picture in images.zip."""
    return f"{index:06d}"


class Images:
    """An open set of images, a `semcom.prepare.source.Source` and `WithObjects`: attributes are objects.

    Raises:
        SemcomError: a file is damaged, or the table and the archive do not go together.
    """

    def __init__(self, paths: Mapping[str, Path], description: Description) -> None:
        self.paths, self.description = paths, description
        self.where = paths["images.csv"].parent
        try:
            with open(paths["images.csv"], newline="", encoding="utf-8") as file:
                head, *lines = csv.reader(file)
            self._archive = zipfile.ZipFile(paths["images.zip"])
            if tuple(head[: len(COLUMNS)]) != COLUMNS:
                raise ValueError(f"images.csv begins with {', '.join(head)}")
            classes = frozenset(description.classes)
            self.rows = tuple(_row(line, classes) for line in lines)
            self._attributes = np.array([line[len(COLUMNS) :] for line in lines], np.uint8).astype(bool)
            there = set(self._archive.namelist())
            if not lines or {member(row.index) for row in self.rows} != there or len(there) != len(lines):
                raise ValueError("images.csv and images.zip name other pictures")
        except (OSError, ValueError, IndexError, csv.Error, zipfile.BadZipFile) as error:
            raise SemcomError(f"{self.where} is damaged ({error}): add the data again") from None
        self.object_names = tuple(head[len(COLUMNS) :])
        self.sizes = Counter((int(line[5]), int(line[6])) for line in lines)
        self.size = max(self.sizes, key=lambda size: self.sizes[size])

    def pixels(self, position: int) -> tuple[NDArray[np.uint8], None]:
        """RGB (H, W, 3) of `rows[position]`, in its own size; no depth."""
        name = member(self.rows[position].index)
        try:
            return decode(self._archive.read(name)).rgb, None
        except (zipfile.BadZipFile, OSError, EOFError, BadPicture) as error:
            raise SemcomError(
                f"{name} in {self.paths['images.zip']} is damaged ({error}): add the data again"
            ) from None

    def objects(self, position: int) -> NDArray[np.bool_]:
        """(object_names,) which attributes `rows[position]` has."""
        present: NDArray[np.bool_] = self._attributes[position]
        return present

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()


def _row(line: list[str], classes: frozenset[str]) -> Row:
    index, split, label, group = int(line[0]), line[1], line[2], line[3]
    if split not in ("train", "test") or label not in classes:
        raise ValueError(f"picture {index} is of the split {split!r} and the class {label!r}")
    side: Split = "train" if split == "train" else "test"
    return Row(index, side, label, label, group or f"image_{member(index)}")
