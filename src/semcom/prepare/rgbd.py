"""Folders of RGB-D pairs: a colour picture and a 16-bit depth picture a frame, and a table that names them.

    folders + pairs.csv ─► colour.zip, depth.zip (the files' own bytes), pairs.csv ─► frames

Columns of the table: `colour` and `depth` (paths within a folder), `scene` (the class), `split` (train or
test), `group` (frames of one room). Colour and depth may differ in size, also from frame to frame; they are
taken to have the same field of view, each pixel of one lying under the same share of width and height of the
other: nothing is registered here.
"""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semcom.files.errors import SemcomError
from semcom.prepare.description import Coding, Description
from semcom.prepare.source import MAX_DEPTH_M, Row, Split

FILES = ("colour.zip", "depth.zip", "pairs.csv")
COLUMNS = ("colour", "depth", "scene", "split", "group")
SPLITS: dict[str, Split] = {"train": "train", "test": "test"}
LONG_AGO = (1980, 1, 1, 0, 0, 0)
SHAPE_TOLERANCE = 0.03
NEAR_M = 1.0
"""Some frame of a set of rooms looks farther than this."""
CODINGS: dict[Coding, str] = {
    "linear": "values / scale = metres",
    "sun": "bits rotated by 3 as in SUN RGB-D and SUN3D, then values / scale = metres",
    "nyu_raw": "Kinect disparity of the raw NYU Depth V2, bytes swapped; 351.3 / (1092.5 - value) = metres",
}


@dataclass(frozen=True)
class Pair:
    """A line of the table."""

    line: int
    colour: str
    depth: str
    scene: str
    split: Split
    group: str


def read_table(path: Path) -> tuple[Pair, ...]:
    """The table's pairs, in its order.

    Raises:
        SemcomError: it cannot be read, lacks a column or a value, names a file twice or an unknown split, has
            a group in both splits, or not two classes and both splits.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            lines = list(reader)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SemcomError(f"{path} cannot be read as a CSV table: {error}") from None
    if missing or not lines:
        raise SemcomError(
            f"{path} lacks {'the columns ' + ', '.join(missing) if missing else 'lines'}: "
            f"needed are {', '.join(COLUMNS)} and a line a pair, with commas between"
        )
    pairs = tuple(_pair(line, number, path) for number, line in enumerate(lines, 2))
    _check_together(pairs, path)
    return pairs


def _pair(line: Mapping[str, str | None], number: int, path: Path) -> Pair:
    values = {name: (line[name] or "").strip() for name in COLUMNS}
    for name, value in values.items():
        if not value:
            raise SemcomError(
                f"line {number} of {path}: {name} is empty; each pair needs {', '.join(COLUMNS)}"
            )
    split = SPLITS.get(values["split"])
    if split is None:
        raise SemcomError(
            f"line {number} of {path}: split {values['split']!r} is neither train nor test; "
            f"validation is taken from train, by groups, so write its frames as train"
        )
    return Pair(number, values["colour"], values["depth"], values["scene"], split, values["group"])


def _check_together(pairs: Sequence[Pair], path: Path) -> None:
    first: dict[str, Pair] = {}
    seen: dict[tuple[str, str], int] = {}
    for pair in pairs:
        other = first.setdefault(pair.group, pair)
        if other.split != pair.split:
            raise SemcomError(
                f"{path}: the group {pair.group!r} is {other.split} in line {other.line} and {pair.split} in "
                f"line {pair.line}; frames of one room belong on one side: put all of it into one split"
            )
        for kind, name in (("colour", pair.colour), ("depth", pair.depth)):
            line = seen.setdefault((kind, name), pair.line)
            if line != pair.line:
                raise SemcomError(
                    f"{path}: {name} stands in the lines {line} and {pair.line}; keep one of them"
                )
    splits, scenes = {pair.split for pair in pairs}, {pair.scene for pair in pairs}
    if len(splits) < 2 or len(scenes) < 2:
        raise SemcomError(
            f"{path} has {len(scenes)} scene classes ({', '.join(sorted(scenes)[:3])}) and the splits "
            f"{', '.join(sorted(splits))}: two classes, train and test are needed"
        )


def store(folders: Sequence[Path], pairs: Sequence[Pair], target: Path) -> None:
    """Put the pictures' bytes as they are into two archives in `target`, and the table beside them.

    Raises:
        SemcomError: a file of the table is in none of the folders.
    """
    for name, chosen in zip(FILES[:2], ("colour", "depth"), strict=True):
        with zipfile.ZipFile(target / name, "w") as archive:
            for number, pair in enumerate(pairs, 1):
                path = _find(folders, getattr(pair, chosen), pair.line)
                archive.writestr(zipfile.ZipInfo(_member(number), LONG_AGO), path.read_bytes())
    with open(target / FILES[2], "w", newline="", encoding="utf-8") as file:
        rows = [[getattr(pair, name) for name in COLUMNS] for pair in pairs]
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


def _find(folders: Sequence[Path], name: str, line: int) -> Path:
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise SemcomError(
        f"line {line} of the table names {name}, which is not in {', '.join(map(str, folders))}: "
        f"give the folder that its paths begin in, or mend the line"
    )


def _member(number: int) -> str:
    return f"{number:06d}"


class RGBDPairs:
    """An open set of pairs, a `semcom.prepare.source.Source`.

    Raises:
        SemcomError: a file is damaged, or the table and the archives do not go together.
    """

    def __init__(self, paths: Mapping[str, Path], description: Description) -> None:
        self.paths, self.description = paths, description
        self.where = paths["pairs.csv"].parent
        self._pairs = read_table(paths["pairs.csv"])
        self.rows = tuple(
            Row(number, pair.split, pair.scene, pair.scene, pair.group)
            for number, pair in enumerate(self._pairs, 1)
        )
        try:
            self._colour, self._depth = (zipfile.ZipFile(paths[name]) for name in FILES[:2])
        except (OSError, zipfile.BadZipFile) as error:
            raise SemcomError(f"{self.where} is damaged ({error}): add the data again") from None
        wanted = [_member(row.index) for row in self.rows]
        if self._colour.namelist() != wanted or self._depth.namelist() != wanted:
            raise SemcomError(f"{self.where}: pairs.csv and the archives differ: add the data again")
        first = self._picture(self._colour, 0, "colour")
        self.size = first.size

    def pixels(self, position: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """RGB (H, W, 3) and depth (h, w) in metres of `rows[position]`, each in its own size."""
        pair = self._pairs[position]
        rgb = np.asarray(self._picture(self._colour, position, "colour").convert("RGB"))
        picture = self._picture(self._depth, position, "depth")
        depth = metres(_integers(picture, pair), self.description, where=pair.depth)
        shapes = [image.shape[1] / image.shape[0] for image in (rgb, depth)]
        if abs(shapes[0] / shapes[1] - 1) > SHAPE_TOLERANCE:
            raise SemcomError(
                f"{pair.colour} has {rgb.shape[1]}x{rgb.shape[0]} pixels and {pair.depth} "
                f"{depth.shape[1]}x{depth.shape[0]}: another shape is another field of view; "
                f"register depth to colour, or crop both to what they share"
            )
        return rgb, depth

    def close(self) -> None:
        """Close both archives."""
        self._colour.close()
        self._depth.close()

    def _picture(self, archive: zipfile.ZipFile, position: int, kind: str) -> Image.Image:
        name = getattr(self._pairs[position], kind)
        try:
            image = Image.open(io.BytesIO(archive.read(_member(position + 1))))
            image.load()
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, SyntaxError) as error:
            raise SemcomError(f"{name} is no whole picture ({error}): copy it again") from None
        return image


def _integers(picture: Image.Image, pair: Pair) -> NDArray[np.uint16]:
    if not picture.mode.startswith("I"):
        raise SemcomError(
            f"{pair.depth} (line {pair.line} of the table) is a picture of the kind {picture.mode!r}, 8 bits "
            f"a channel: depth must be 16 bits in one channel; save it as a 16-bit PNG, say in millimetres"
        )
    return np.asarray(picture).astype(np.uint16)


def metres(values: NDArray[np.uint16], description: Description, *, where: str) -> NDArray[np.float32]:
    """Depth (H, W) in metres of a picture's values, 0 where nothing was measured.

    Raises:
        SemcomError: it is farther than a room: another scale or coding.
    """
    scale, coding = description.depth_scale or 1.0, description.depth_coding
    if coding == "nyu_raw":
        disparity = values.byteswap().astype(np.float64)
        depth = np.where(disparity < 1092.5, 351.3 / np.where(disparity < 1092.5, 1092.5 - disparity, 1), 0)
    else:
        turned = (values >> 3) | (values << 13) if coding == "sun" else values
        depth = turned / scale
    far = float(depth.max())
    if far > MAX_DEPTH_M:
        raise SemcomError(
            f"{where} reaches {far:.4g} m by {CODINGS[coding]}"
            f"{'' if coding == 'nyu_raw' else f', scale {scale:g}'}; rooms end at {MAX_DEPTH_M} m. Give the "
            f"values a metre by --depth-scale (millimetres 1000, TUM RGB-D 5000), or --depth-coding sun for "
            f"SUN RGB-D; write 0 where nothing was measured"
        )
    return depth.astype(np.float32)
