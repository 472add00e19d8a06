"""The small pack of NYU Depth V2: rgb.zip and depth.zip with one WebP a frame, meta.csv with a line a frame.

Depth is stored in 8 bits, `metres = (value + 0.5) * 9.9955 / 255`. The pack does not name the rooms, so
the groups are runs: maximal stretches of consecutive frames with equal split and scene type. A run may
join two rooms, but no room is cut, for the frames of a room follow each other.
"""

import csv
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semcom.files.errors import SemcomError
from semcom.prepare.classes import label
from semcom.prepare.description import Description
from semcom.prepare.objects import read_counts
from semcom.prepare.source import Row, Split

DEPTH_STEP_M = 9.9955 / 255
METRES = ((np.arange(256) + 0.5) * DEPTH_STEP_M).astype(np.float32)
SPLITS: dict[str, Split] = {"train": "train", "test": "test"}
COLUMNS = ("index", "split", "scene27", "scene10")


class NYUv2Pack:
    """An open pack. Construction reads the table and both archives' directories, and the first frame.

    Raises:
        SemcomError: a file is damaged; the table has a wrong column, a wrong value or an index twice; an
            archive has frames that the table lacks, or the other way round.
    """

    def __init__(self, paths: Mapping[str, Path], description: Description) -> None:
        self.paths, self.description = paths, description
        self.where = paths["rgb.zip"].parent
        self.rows = read_meta(paths["meta.csv"], description.classes)
        self._rgb = _open_zip(paths["rgb.zip"], self.rows)
        self._depth = _open_zip(paths["depth.zip"], self.rows)
        self.object_names: tuple[str, ...] = ()
        if description.objects:
            indices = [row.index for row in self.rows]
            self.object_names, self._objects = read_counts(paths[description.objects], indices)
        first = _image(self._rgb, self.rows[0].index)
        self.size = (first.shape[1], first.shape[0])

    def pixels(self, position: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """RGB (H, W, 3) and depth (H, W) in metres of `rows[position]`."""
        index = self.rows[position].index
        rgb, depth = _image(self._rgb, index), _image(self._depth, index)
        for image, archive in ((rgb, self._rgb), (depth, self._depth)):
            if image.shape != (self.size[1], self.size[0], 3):
                raise SemcomError(
                    f"frame {index} in {archive.filename} has {image.shape[1]}x{image.shape[0]} pixels, "
                    f"the first RGB frame {self.size[0]}x{self.size[1]}: all frames must have one size"
                )
        return rgb, METRES[depth[..., 0]]

    def objects(self, position: int) -> NDArray[np.bool_]:
        """(object_names,) which objects the frame shows."""
        present: NDArray[np.bool_] = self._objects[position]
        return present

    def close(self) -> None:
        """Close both archives."""
        self._rgb.close()
        self._depth.close()


def read_meta(path: Path, classes: Sequence[str]) -> tuple[Row, ...]:
    """The table's rows in the order of their index, with runs as groups."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            table = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SemcomError(f"{path} cannot be read as a CSV table: {error}") from None
    if not table or not set(COLUMNS) <= table[0].keys():
        raise SemcomError(f"{path} needs the columns {', '.join(COLUMNS)} and a line a frame")
    lines = sorted((_line(line, number, path, classes) for number, line in enumerate(table, 2)))
    counts = Counter(index for index, *_ in lines)
    twice = [index for index, count in counts.items() if count > 1]
    if twice:
        raise SemcomError(f"{path} has the index {twice[0]} {counts[twice[0]]} times: keep one line a frame")
    return tuple(_grouped(lines))


Line = tuple[int, Split, str, str]


def _line(line: Mapping[str, str | None], number: int, path: Path, classes: Sequence[str]) -> Line:
    index, split, scene27, scene10 = (line[name] or "" for name in COLUMNS)
    where = f"line {number} of {path}"
    if not index.isdecimal() or int(index) < 1:
        raise SemcomError(f"{where}: index {index!r} is not a whole number from 1")
    side = SPLITS.get(split)
    if side is None:
        raise SemcomError(f"{where}: split {split!r} is neither train nor test")
    expected = classes[label(scene27, classes=classes)]
    if scene10 != expected:
        raise SemcomError(f"{where}: scene27 {scene27!r} is {expected!r} in ten classes, not {scene10!r}")
    return int(index), side, scene27, scene10


def _grouped(lines: Sequence[Line]) -> Iterator[Row]:
    run, before = 0, None
    for index, split, scene27, scene10 in lines:
        run += (index - 1, split, scene27) != before
        before = (index, split, scene27)
        yield Row(index, split, scene27, scene10, group=f"{scene27}_run{run:03d}")


def _open_zip(path: Path, rows: Sequence[Row]) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise SemcomError(f"{path} is not a whole zip archive ({error}): copy it again") from None
    there, wanted = set(archive.namelist()), {_member(row.index) for row in rows}
    for names, fault in ((wanted - there, "lacks"), (there - wanted, "has no line in meta.csv for")):
        if names:
            archive.close()
            raise SemcomError(
                f"{path} {fault} {len(names)} frames ({', '.join(sorted(names)[:3])}…): "
                f"it has {len(there)} members, meta.csv {len(wanted)} lines"
            )
    return archive


def _member(index: int) -> str:
    return f"{index:04d}.webp"


def _image(archive: zipfile.ZipFile, index: int) -> NDArray[np.uint8]:
    try:
        # ZipFile.read compares the checksum that the archive's directory holds.
        with Image.open(io.BytesIO(archive.read(_member(index)))) as image:
            return np.asarray(image.convert("RGB"))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError) as error:
        raise SemcomError(
            f"{_member(index)} in {archive.filename} is damaged ({error}): copy the archive again"
        ) from None
