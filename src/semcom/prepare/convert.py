"""Data sets of any layout: a function of the user's gives pictures one by one, and they are kept losslessly.

    paths ─► mylab.data:pictures ─► Picture … ─► rgb.zip (PNG), depth.zip (PNG, 16 bit, mm), meta.csv

The function is called with the list of paths and yields a `Picture` a frame. Its module may say TITLE,
LICENCE and CITATION.
"""

import csv
import io
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semcom.files.errors import SemcomError
from semcom.prepare.description import Description
from semcom.prepare.source import Row, Split, check_depth

FILES = ("rgb.zip", "depth.zip", "meta.csv")
COLUMNS = ("index", "split", "scene", "group")
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The same pictures give the same bytes."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame of a data set."""

    rgb: NDArray[np.uint8]
    """(H, W, 3); all frames of a set have one size."""
    depth_m: NDArray[np.float32]
    """(H, W), metres; 0 where nothing was measured. Kept to a millimetre."""
    scene: str
    """Its scene class."""
    split: Split
    """`train` or `test`."""
    group: str
    """Frames that show one room: a group is in one split, and validation never cuts it."""


def store(pictures: Iterable[object], folder: Path, *, where: str) -> tuple[str, ...]:
    """Check every picture and write the three files into `folder`.

    Args:
        pictures: each a `Picture`.
        folder: there already.
        where: what messages call the source.

    Returns:
        The scene classes in alphabetical order, which is that of their labels.

    Raises:
        SemcomError: something is no picture, its depth is not in metres, sizes differ, a group is in two
            splits, or there are no two classes or no frames in one of the splits.
    """
    rows: list[tuple[int, str, str, str]] = []
    split_of: dict[str, str] = {}
    first: Picture | None = None
    with zipfile.ZipFile(folder / "rgb.zip", "w") as rgb, zipfile.ZipFile(folder / "depth.zip", "w") as depth:
        for index, picture in enumerate(pictures, 1):
            whole = _checked(picture, first, f"frame {index} of {where}")
            first = first or whole
            if split_of.setdefault(whole.group, whole.split) != whole.split:
                raise SemcomError(
                    f"frame {index} of {where}: the group {whole.group!r} is in train and in test; frames of "
                    "one room belong on one side, or the test knows the room"
                )
            millimetres = np.rint(whole.depth_m * 1000).astype(np.uint16)
            for archive, image in ((rgb, whole.rgb), (depth, millimetres)):
                archive.writestr(zipfile.ZipInfo(_member(index), LONG_AGO), _png(image))
            rows.append((index, whole.split, whole.scene, whole.group))
    classes = tuple(sorted({scene for _, _, scene, _ in rows}))
    if len(classes) < 2 or set(split_of.values()) != {"train", "test"}:
        raise SemcomError(
            f"{where} gave {len(rows)} frames of {len(classes)} classes in the splits "
            f"{', '.join(sorted(set(split_of.values()))) or 'none'}; two classes, train and test are needed"
        )
    with open(folder / "meta.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    return classes


def said(function: object) -> tuple[str, str, str]:
    """Title, licence and citation that the module of `function` says, each may be empty."""
    module = sys.modules[str(getattr(function, "__module__", __name__))]
    title, licence, citation = (str(getattr(module, key, "")) for key in ("TITLE", "LICENCE", "CITATION"))
    return title, licence, citation


def describe(function: object, classes: tuple[str, ...], *, name: str) -> Description:
    """The description of a set that `function` converted; what its module says of itself goes in."""
    title, licence, citation = said(function)
    return Description(
        format="converted",
        title=title or name,
        licence=licence,
        citation=citation,
        depth="16 bit, millimetres, of the converter's metres",
        classes=classes,
    )


class Converted:
    """An open converted set, a `semcom.prepare.source.Source`.

    Raises:
        SemcomError: a file is damaged, or the table and the archives do not go together.
    """

    def __init__(self, paths: Mapping[str, Path], description: Description) -> None:
        self.paths, self.description = paths, description
        self.where = paths["rgb.zip"].parent
        try:
            with open(paths["meta.csv"], newline="", encoding="utf-8") as file:
                self.rows = tuple(_row(line) for line in csv.DictReader(file))
            self._rgb, self._depth = (zipfile.ZipFile(paths[name]) for name in FILES[:2])
            wanted = [_member(row.index) for row in self.rows]
            if not wanted or self._rgb.namelist() != wanted or self._depth.namelist() != wanted:
                raise ValueError("meta.csv and the archives name other frames")
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise SemcomError(f"{self.where} is damaged ({error}): add the data again") from None
        height, width, _ = self._read(self._rgb, 0).shape
        self.size = (width, height)

    def pixels(self, position: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """RGB (H, W, 3) and depth (H, W) in metres of `rows[position]`."""
        depth = self._read(self._depth, position).astype(np.float32) / np.float32(1000)
        return self._read(self._rgb, position).astype(np.uint8), depth

    def close(self) -> None:
        """Close both archives."""
        self._rgb.close()
        self._depth.close()

    def _read(self, archive: zipfile.ZipFile, position: int) -> NDArray[np.uint16]:
        member = _member(self.rows[position].index)
        try:
            with Image.open(io.BytesIO(archive.read(member))) as image:
                return np.asarray(image, dtype=np.uint16)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise SemcomError(f"{member} in {archive.filename} is damaged ({error})") from None


def _row(line: Mapping[str, str]) -> Row:
    split: Split = "train" if line["split"] == "train" else "test"
    return Row(int(line["index"]), split, line["scene"], line["scene"], line["group"])


def _member(index: int) -> str:
    return f"{index:06d}.png"


def _png(image: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def _checked(given: object, first: Picture | None, where: str) -> Picture:
    if not isinstance(given, Picture):
        raise SemcomError(f"{where} is a {type(given).__name__}; yield semcom.prepare.convert.Picture")
    rgb, depth = np.asarray(given.rgb), np.asarray(given.depth_m)
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or depth.shape != rgb.shape[:2]:
        raise SemcomError(
            f"{where}: rgb is {rgb.dtype} {rgb.shape}, depth_m {depth.shape}; they must be uint8 (H, W, 3) "
            "and (H, W)"
        )
    if first is not None and rgb.shape != first.rgb.shape:
        raise SemcomError(
            f"{where} is {rgb.shape[:2]}, the first one {first.rgb.shape[:2]}; resize them alike"
        )
    if given.split not in ("train", "test"):
        raise SemcomError(f"{where}: split {given.split!r} is neither train nor test")
    if not given.scene or not given.group:
        raise SemcomError(f"{where}: scene {given.scene!r}, group {given.group!r}; both must be named")
    check_depth(depth.astype(np.float32), where=where)
    return Picture(rgb, depth.astype(np.float32), str(given.scene), given.split, str(given.group))
