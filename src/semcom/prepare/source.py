"""What every raw format offers: rows that describe the frames, and the frames' pixels one at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.prepare.description import Description, read

Split = Literal["train", "test"]
MAX_DEPTH_M = 10.5
"""The Kinect's depth ends at 10 m; anything beyond this is another unit."""


@dataclass(frozen=True)
class Row:
    """What is known of one frame besides its pixels."""

    index: int
    """Number of the frame in its source, from 1."""
    split: Split
    scene27: str
    """Scene type as the source names it."""
    scene10: str
    """Scene class of the data set's `classes`."""
    group: str
    """Frames of one group show one room: no split within train may cut it."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame."""

    rgb: NDArray[np.uint8]
    """(H, W, 3)."""
    depth: NDArray[np.float32] | None
    """(H, W), metres; 0 where the sensor saw nothing. Its size may be another than that of `rgb`. None: the
    set has colour alone."""
    row: Row

    @property
    def metres(self) -> NDArray[np.float32]:
        """`depth` of a set that has it."""
        assert self.depth is not None, "the format images has no depth"
        return self.depth


class Source(Protocol):
    """An open raw data set."""

    paths: Mapping[str, Path]
    """Where the raw files lie, by the names that `description.files()` gives them."""
    where: Path
    """What messages call this source."""
    description: Description
    rows: tuple[Row, ...]
    size: tuple[int, int]
    """Width and height in pixels."""

    def pixels(self, position: int) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        """RGB (H, W, 3) and depth (H, W) in metres of `rows[position]`; no depth of the format images."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...


@runtime_checkable
class WithObjects(Protocol):
    """What a source offers besides where it knows of objects."""

    object_names: tuple[str, ...]
    """Object classes, or attributes of images; empty where nothing is known of them."""

    def objects(self, position: int) -> NDArray[np.bool_]:
        """(object_names,) which objects `rows[position]` shows."""
        ...


@contextmanager
def open_source(folder: Path) -> Iterator[Source]:
    """Open a data folder in the format that its dataset.json names; headers and tables are checked here.

    Raises:
        SemcomError: see the formats' modules.
    """
    description = read(folder)
    missing = [name for name in description.files() if not (folder / name).is_file()]
    if missing:
        raise SemcomError(
            f"{folder} lacks {', '.join(missing)}, which the format {description.format} needs: "
            f"get the data again (`dvc pull --force {folder}`), or add it again with `semcom data add`"
        )
    paths = {name: folder / name for name in description.files()}
    with open_files(paths, description) as source:
        yield source


@contextmanager
def open_files(paths: Mapping[str, Path], description: Description) -> Iterator[Source]:
    """Open raw files that may lie anywhere, by the names that `description.files()` gives them."""
    source: Source
    if description.format == "nyuv2_mat":
        from semcom.prepare.nyuv2_mat import NYUv2Mat

        source = NYUv2Mat(paths, description)
    elif description.format == "converted":
        from semcom.prepare.convert import Converted

        source = Converted(paths, description)
    elif description.format == "rgbd":
        from semcom.prepare.rgbd import RGBDPairs

        source = RGBDPairs(paths, description)
    elif description.format == "images":
        from semcom.prepare.images import Images

        source = Images(paths, description)
    else:
        from semcom.prepare.nyuv2_pack import NYUv2Pack

        source = NYUv2Pack(paths, description)
    try:
        yield source
    finally:
        source.close()


def frames(source: Source) -> Iterator[Frame]:
    """All frames in the order of `rows`, read and checked one by one, so that memory stays small.

    Raises:
        SemcomError: a frame cannot be read, or its depth is no depth in metres.
    """
    for position in range(len(source.rows)):
        yield frame(source, position)


def frame(source: Source, position: int) -> Frame:
    """The frame at `position` (0..) of `source.rows`, its depth checked."""
    row = source.rows[position]
    rgb, depth = source.pixels(position)
    if depth is not None:
        check_depth(depth, where=f"frame {row.index} of {source.where}")
    return Frame(rgb=rgb, depth=depth, row=row)


def check_depth(depth: NDArray[np.float32], *, where: str) -> None:
    """Raise a SemcomError unless `depth` is finite and within 0..10.5 metres; `where` names the frame."""
    low, high = float(depth.min()), float(depth.max())
    if not np.isfinite(low + high):
        count = int(np.count_nonzero(~np.isfinite(depth)))
        raise SemcomError(
            f"the depth of {where} is not finite at {count} of {depth.size} pixels: "
            f"use the filled-in depth (`depths`), or write 0 where nothing was measured"
        )
    if high > MAX_DEPTH_M:
        raise SemcomError(
            f"the depth of {where} reaches {high:.6g}, but metres end at {MAX_DEPTH_M} for this sensor: "
            f"it looks like millimetres; divide it by 1000 and add the data again"
        )
    if low < 0:
        raise SemcomError(
            f"the depth of {where} falls to {low:.6g} m; it must not be negative: "
            f"write 0 where nothing was measured"
        )
