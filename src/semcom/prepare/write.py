"""Write the prepared format (see `semcom.frames.prepared`): crop, resize, check, and describe."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.frames.prepared import FORMAT, FORMAT_VERSION, ContentHash
from semcom.prepare.description import Crop
from semcom.prepare.source import Frame, Row, Source, WithObjects, frames
from semcom.progress import Progress, log

PAGE = 4096
BLOCK = 32
"""Frames that are written at once, since each call of h5py costs a quarter of a millisecond."""
GAP = 3.0
"""Colour over 2 × GAP times its new size is first averaged over whole squares, 2×2 or more (Pillow's
`reducing_gap`): no difference that one sees, in a third of the time."""


class TrainStatistics:
    """Mean and standard deviation over all pixels of the training frames, from exact integer sums.

    Depth: over all that were measured.
    """

    def __init__(self) -> None:
        self.pixels, self.measured = 0, 0
        self.rgb, self.rgb2 = np.zeros(3, np.int64), np.zeros(3, np.int64)
        self.depth, self.depth2 = 0, 0

    def add(self, rgb: NDArray[np.uint8], depth_mm: NDArray[np.uint16]) -> None:
        """Add one frame."""
        self.pixels += depth_mm.size
        self.measured += int(np.count_nonzero(depth_mm))
        colour, millimetres = rgb.reshape(-1, 3).astype(np.int64), depth_mm.astype(np.int64)
        self.rgb += colour.sum(axis=0)
        self.rgb2 += (colour**2).sum(axis=0)
        self.depth += int(millimetres.sum())
        self.depth2 += int((millimetres**2).sum())

    def attributes(self) -> dict[str, Any]:
        """`rgb_mean`, `rgb_std` (3,) in 0..1 and `depth_mean_m`, `depth_std_m` in metres."""
        if not self.measured:
            raise SemcomError("no training frame has a measured depth: all of it is 0; look at the source")
        rgb_mean, depth_mean = self.rgb / self.pixels, self.depth / self.measured
        rgb_std = np.sqrt(np.maximum(self.rgb2 / self.pixels - rgb_mean**2, 0))
        depth_std = np.sqrt(max(self.depth2 / self.measured - depth_mean**2, 0))
        return {
            "rgb_mean": rgb_mean / 255,
            "rgb_std": rgb_std / 255,
            "depth_mean_m": float(depth_mean) / 1000,
            "depth_std_m": float(depth_std) / 1000,
        }


def write(output: Path, source: Source, *, name: str, size: tuple[int, int], version: str) -> None:
    """Write all frames of `source` at `size` (width, height) to `output`, atomically.

    `name` and `version` (the content hash that DVC gives the raw folder) are noted in the file. One frame
    is in memory at a time. Equal input gives equal bytes: no times, no paths.

    Raises:
        SemcomError: a raw frame is damaged or its depth no depth in metres; train or test is empty.
    """
    _check_splits(source)
    checksums = {file: sha256(path) for file, path in source.paths.items()}
    groups = list(dict.fromkeys(row.group for row in source.rows))
    with atomic(output) as temporary:
        # Large arrays begin at a page, so that a map of them does too.
        with h5py.File(
            temporary, "w", libver=("v110", "v110"), alignment_threshold=PAGE, alignment_interval=PAGE
        ) as file:
            _write_columns(file, source.rows, source.description.classes, groups)
            statistics, content = _write_frames(file, source, size)
            file.attrs.update(_attributes(source, name=name, size=size, version=version))
            file.attrs.update(statistics.attributes())
            file.attrs["source_sha256"] = json.dumps(checksums, sort_keys=True)
            columns = [file[column][()] for column in ("scene", "split", "group", "index")]
            names = [source.description.classes, groups]
            if isinstance(source, WithObjects) and source.object_names:
                columns.append(_write_objects(file, source, len(source.rows)))
                names.append(source.object_names)
            file.attrs["sha256"] = content.close(*columns, names=names)


def _check_splits(source: Source) -> None:
    for split in ("train", "test"):
        if not any(row.split == split for row in source.rows):
            raise SemcomError(f"{source.where} has no {split} frame among {len(source.rows)}")
    sides: dict[str, set[str]] = {}
    for row in source.rows:
        sides.setdefault(row.group, set()).add(row.split)
    both = [group for group, splits in sides.items() if len(splits) > 1]
    if both:
        log.info("%d groups have train and test frames, %s among them: test leaks", len(both), both[0])


def _write_columns(file: h5py.File, rows: Sequence[Row], classes: Sequence[str], groups: list[str]) -> None:
    numbers = {group: number for number, group in enumerate(groups)}
    columns = {
        "scene": np.array([classes.index(row.scene10) for row in rows], np.int64),
        "split": np.array([row.split == "train" for row in rows], np.uint8),
        "group": np.array([numbers[row.group] for row in rows], np.int64),
        "index": np.array([row.index for row in rows], np.int64),
        "group_names": np.array([group.encode() for group in groups]),
    }
    for column, values in columns.items():
        file.create_dataset(column, data=values, track_times=False)
    file["split"].attrs["meaning"] = "1 = train, 0 = test"
    file["scene"].attrs["meaning"] = "index into class_names"
    file["group"].attrs["meaning"] = "index into group_names; frames of one group show one room"
    file["index"].attrs["meaning"] = "number of the frame in its source, from 1"


def _write_objects(file: h5py.File, source: WithObjects, count: int) -> NDArray[np.uint8]:
    present = np.stack([source.objects(position) for position in range(count)]).astype(np.uint8)
    file.create_dataset("objects", data=present, track_times=False)
    file["objects"].attrs["meaning"] = "1 = the object covers over a hundredth of the frame, in object_names"
    file.attrs["object_names"] = list(source.object_names)
    return present


def _write_frames(
    file: h5py.File, source: Source, size: tuple[int, int]
) -> tuple[TrainStatistics, ContentHash]:
    count, (width, height) = len(source.rows), size
    rgb = file.create_dataset("rgb", (count, height, width, 3), "u1", track_times=False)
    depth_mm = file.create_dataset("depth_mm", (count, height, width), "<u2", track_times=False)
    rgb.attrs["units"] = "sRGB, 0..255"
    depth_mm.attrs["units"] = "millimetre"
    statistics, content, progress = TrainStatistics(), ContentHash(), Progress(count)
    held: list[tuple[NDArray[np.uint8], NDArray[np.uint16]]] = []
    for position, frame in enumerate(frames(source)):
        colour, millimetres = shrink(frame, crop=source.description.crop, size=size)
        held.append((colour, millimetres))
        if len(held) == BLOCK or position + 1 == count:
            part = slice(position + 1 - len(held), position + 1)
            rgb[part], depth_mm[part] = (np.stack(one) for one in zip(*held, strict=True))
            held.clear()
        content.frame(colour, millimetres)
        if frame.row.split == "train":
            statistics.add(colour, millimetres)
        progress.step(position + 1, f"frame {position + 1} of {count}")
    return statistics, content


def cropped(frame: Frame, crop: Crop | None) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """RGB (H, W, 3) and depth (H, W) in metres without the border."""
    if crop is None:
        return frame.rgb, frame.depth
    height, width = frame.depth.shape
    rows, columns = crop.slices(width, height)
    return frame.rgb[rows, columns], frame.depth[rows, columns]


def shrink(
    frame: Frame, *, crop: Crop | None, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Crop, then resize: RGB (H, W, 3) with an antialiasing filter, depth (H, W) to the nearest pixel, in mm.

    Depth is never averaged: between a chair and the wall behind it there is nothing.
    """
    colour, depth = cropped(frame, crop)
    if (colour.shape[1], colour.shape[0]) != size:
        colour = _resized(colour, size)
    if (depth.shape[1], depth.shape[0]) != size:
        depth = depth[np.ix_(_nearest(depth.shape[0], size[1]), _nearest(depth.shape[1], size[0]))]
    return np.ascontiguousarray(colour), np.rint(depth * 1000).astype(np.uint16)


def _resized(colour: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """As Pillow's `resize(size, LANCZOS, reducing_gap=GAP)`, bit for bit; MATLAB's planes turn when small."""
    height, width = colour.shape[:2]
    across, down = _squares((width, height), size)
    if colour.strides[2] > colour.strides[0]:  # (3, W, H), seen the other way round
        planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in colour.transpose(2, 1, 0)]
        small = [plane.reduce((down, across)) if across * down > 1 else plane for plane in planes]
        image = Image.merge("RGB", [plane.transpose(Image.Transpose.TRANSPOSE) for plane in small])
    else:
        image = Image.fromarray(np.ascontiguousarray(colour))
        image = image.reduce((across, down)) if across * down > 1 else image
    box = (0, 0, width / across, height / down)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, box=box))


def _squares(old: tuple[int, int], new: tuple[int, int]) -> tuple[int, int]:
    """Width and height in pixels of what is averaged before the filter."""
    return max(1, int(old[0] / new[0] / GAP)), max(1, int(old[1] / new[1] / GAP))


def _nearest(source: int, target: int) -> NDArray[np.int64]:
    """For each of `target` pixels the one of `source` pixels in which its centre lies."""
    return (2 * np.arange(target) + 1) * source // (2 * target)


def _attributes(source: Source, *, name: str, size: tuple[int, int], version: str) -> dict[str, Any]:
    description = source.description
    width, height = source.size
    if description.crop:
        rows, columns = description.crop.slices(width, height)
        width, height = columns.stop - columns.start, rows.stop - rows.start
    gap = f", reducing_gap {GAP:g}" if _squares((width, height), size) != (1, 1) else ""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "data_version": version,
        "title": description.title,
        "citation": description.citation,
        "licence": description.licence,
        "class_names": list(description.classes),
        "layout": "rgb (N, H, W, 3) uint8; depth_mm (N, H, W) uint16; scene, split, group, index (N,)",
        "source_format": description.format,
        "source_depth": description.depth,
        "source_width_height": np.array(source.size),
        "width_height": np.array(size),
        "crop": description.crop.model_dump_json() if description.crop else "none",
        "resize": f"rgb: Pillow LANCZOS{gap}; depth: nearest pixel",
    }
