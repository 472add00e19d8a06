"""Write the prepared format (see `semcom.frames.prepared`): crop, resize, check, and describe."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.frames.prepared import DEPTHLESS_VERSION, FORMAT, FORMAT_VERSION, ContentHash
from semcom.prepare.description import IMAGES
from semcom.prepare.shrink import GAP, middle, shrink, squares
from semcom.prepare.source import Row, Source, WithObjects, frames
from semcom.progress import Progress, log

PAGE = 4096
BLOCK = 32
"""Frames that are written at once, since each call of h5py costs a quarter of a millisecond."""


class TrainStatistics:
    """Mean and standard deviation over all pixels of the training frames, from exact integer sums.

    Depth: over all that were measured.
    """

    def __init__(self) -> None:
        self.pixels, self.measured = 0, 0
        self.rgb, self.rgb2 = np.zeros(3, np.int64), np.zeros(3, np.int64)
        self.depth, self.depth2 = 0, 0

    def add(self, rgb: NDArray[np.uint8], depth_mm: NDArray[np.uint16] | None) -> None:
        """Add one frame."""
        self.pixels += rgb.shape[0] * rgb.shape[1]
        colour = rgb.reshape(-1, 3).astype(np.int64)
        self.rgb += colour.sum(axis=0)
        self.rgb2 += (colour**2).sum(axis=0)
        if depth_mm is None:
            return
        self.measured += int(np.count_nonzero(depth_mm))
        millimetres = depth_mm.astype(np.int64)
        self.depth += int(millimetres.sum())
        self.depth2 += int((millimetres**2).sum())

    def attributes(self, *, depth: bool) -> dict[str, Any]:
        """`rgb_mean`, `rgb_std` (3,) in 0..1 and, with `depth`, `depth_mean_m`, `depth_std_m` in metres."""
        rgb_mean = self.rgb / self.pixels
        rgb_std = np.sqrt(np.maximum(self.rgb2 / self.pixels - rgb_mean**2, 0))
        colour = {"rgb_mean": rgb_mean / 255, "rgb_std": rgb_std / 255}
        if not depth:
            return colour
        if not self.measured:
            raise SemcomError("no training frame has a measured depth: all of it is 0; look at the source")
        depth_mean = self.depth / self.measured
        depth_std = np.sqrt(max(self.depth2 / self.measured - depth_mean**2, 0))
        return colour | {
            "depth_mean_m": float(depth_mean) / 1000,
            "depth_std_m": float(depth_std) / 1000,
        }


def write(output: Path, source: Source, *, name: str, size: tuple[int, int], version: str) -> None:
    """Write all frames of `source` at `size` (width, height) to `output`, atomically.

    `name` and `version` (the content hash that DVC gives the raw folder) are noted in the file. One frame
    is in memory at a time. Equal input gives equal bytes: no times, no paths.

    Raises:
        SemcomError: a raw frame is damaged or its depth no depth in metres; train or test is empty; the disk
            is full.
    """
    images = source.description.format == IMAGES
    _check_splits(source)
    checksums = {file: sha256(path) for file, path in source.paths.items()}
    groups = list(dict.fromkeys(row.group for row in source.rows))
    with atomic(output) as temporary, _plain_errors():
        _check_space(temporary.parent, len(source.rows) * size[0] * size[1] * (3 if images else 5))
        # Large arrays begin at a page, so that a map of them does too.
        with h5py.File(
            temporary, "w", libver=("v110", "v110"), alignment_threshold=PAGE, alignment_interval=PAGE
        ) as file:
            _write_columns(file, source.rows, source.description.classes, groups)
            statistics, content = _write_frames(file, source, size)
            file.attrs.update(_attributes(source, name=name, size=size, version=version))
            file.attrs.update(statistics.attributes(depth=not images))
            file.attrs["source_sha256"] = json.dumps(checksums, sort_keys=True)
            columns = [file[column][()] for column in ("scene", "split", "group", "index")]
            names = [source.description.classes, groups]
            if isinstance(source, WithObjects) and source.object_names:
                columns.append(_write_objects(file, source, len(source.rows), images=images))
                names.append(source.object_names)
            file.attrs["sha256"] = content.close(*columns, names=names)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Errors of HDF5 without its inner state: what the system said."""
    try:
        yield
    except OSError as error:
        if not error.errno or "\n" not in str(error):
            raise
        raise OSError(error.errno, os.strerror(error.errno)) from error


def _check_space(folder: Path, needed: int) -> None:
    """Raise an OSError unless so many bytes are free: HDF5 may crash on a disk that is full."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        text = f"{os.strerror(errno.ENOSPC)} ({needed / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free)"
        raise OSError(errno.ENOSPC, text)


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
    labels = {name: number for number, name in enumerate(classes)}
    columns = {
        "scene": np.array([labels[row.scene10] for row in rows], np.int64),
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


def _write_objects(file: h5py.File, source: WithObjects, count: int, *, images: bool) -> NDArray[np.uint8]:
    present = np.stack([source.objects(position) for position in range(count)]).astype(np.uint8)
    file.create_dataset("objects", data=present, track_times=False)
    meaning = "it has the attribute" if images else "the object covers over a hundredth of the frame"
    file["objects"].attrs["meaning"] = f"1 = {meaning}, in object_names"
    file.attrs["object_names"] = list(source.object_names)
    return present


def _write_frames(
    file: h5py.File, source: Source, size: tuple[int, int]
) -> tuple[TrainStatistics, ContentHash]:
    count, (width, height), description = len(source.rows), size, source.description
    members = [file.create_dataset("rgb", (count, height, width, 3), "u1", track_times=False)]
    members[0].attrs["units"] = "sRGB, 0..255"
    if description.format != IMAGES:
        members.append(file.create_dataset("depth_mm", (count, height, width), "<u2", track_times=False))
        members[1].attrs["units"] = "millimetre"
    statistics, content, progress = TrainStatistics(), ContentHash(), Progress(count)
    held: list[tuple[NDArray[np.uint8], NDArray[np.uint16] | None]] = []
    for position, frame in enumerate(frames(source)):
        colour, millimetres = shrink(frame, crop=description.crop, size=size, fit=description.fit)
        held.append((colour, millimetres))
        if len(held) == BLOCK or position + 1 == count:
            part = slice(position + 1 - len(held), position + 1)
            for member, values in zip(members, zip(*held, strict=True), strict=False):
                member[part] = np.stack(values)
            held.clear()
        content.frame(colour, millimetres)
        if frame.row.split == "train":
            statistics.add(colour, millimetres)
        progress.step(position + 1, f"frame {position + 1} of {count}")
    return statistics, content


def _attributes(source: Source, *, name: str, size: tuple[int, int], version: str) -> dict[str, Any]:
    description = source.description
    images = description.format == IMAGES
    depth = "" if images else "depth_mm (N, H, W) uint16; "
    return {
        "format": FORMAT,
        "format_version": DEPTHLESS_VERSION if images else FORMAT_VERSION,
        "name": name,
        "data_version": version,
        "title": description.title,
        "citation": description.citation,
        "licence": description.licence,
        "class_names": list(description.classes),
        "layout": f"rgb (N, H, W, 3) uint8; {depth}scene, split, group, index (N,)",
        "source_format": description.format,
        "source_depth": description.depth,
        "source_width_height": np.array(source.size),
        "width_height": np.array(size),
        "crop": description.crop.model_dump_json() if description.crop else "none",
        "resize": _resizing(source, size),
    }


def _resizing(source: Source, size: tuple[int, int]) -> str:
    """In words, for frames of the usual size."""
    description = source.description
    width, height = source.size
    if description.crop:
        rows, columns = description.crop.slices(width, height)
        width, height = columns.stop - columns.start, rows.stop - rows.start
    if description.fit == "crop":
        rows, columns = middle((width, height), size)
        width, height = columns.stop - columns.start, rows.stop - rows.start
    gap = f", reducing_gap {GAP:g}" if squares((width, height), size) != (1, 1) else ""
    if description.format == IMAGES:
        fit = {"crop": "largest middle part of the shape wanted", "squash": "all of the picture"}
        return f"rgb: {fit[description.fit]}, Pillow LANCZOS{gap}"
    return f"rgb: Pillow LANCZOS{gap}; depth: nearest pixel"
