"""Writes labelled RGB-D frames in the very layout of `nyu_depth_v2_labeled.mat`, and its `splits.mat`.

That file is MATLAB v7.3: an HDF5 file behind a 512-byte user block whose first 128 bytes are MATLAB's header.
HDF5 keeps MATLAB's column-major arrays with their axes reversed, so an image of H x W x 3 lies there as
(3, W, H), and a cell array is an array of object references into the group `#refs#`. Source: what loaders
of the real file print; `namesToIds` and `#subsystem#`, which no loader reads, are left out.

The same frames give the same bytes: no dates, no object times.
"""

import io
import itertools
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import savemat

from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError

USER_BLOCK = 512
# MATLAB writes the time of day here; a fixed text keeps the bytes reproducible.
CREATED = "Created on: Thu Jan  1 00:00:00 1970"
GZIP = 9  # read times do not depend on it, and the set is small
# name in the file -> (key of a frame, dtype, MATLAB class); shapes follow from the first frame
ARRAYS: dict[str, tuple[str, type[np.generic], str]] = {
    "images": ("rgb", np.uint8, "uint8"),
    "depths": ("depth_m", np.float32, "single"),
    "rawDepths": ("raw_depth_m", np.float32, "single"),
    "labels": ("labels", np.uint16, "uint16"),
    "instances": ("instances", np.uint8, "uint8"),
}


def write_labeled_mat(path: Path, frames: Iterable[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Write `frames`, one at a time, as a labelled .mat of NYU Depth V2's layout.

    Args:
        path: the file; it appears whole or not at all.
        frames: each with `rgb` (H, W, 3) uint8; `depth_m` (H, W) float32, metres, no holes; `raw_depth_m`
            (H, W) float32, metres, 0 = missing (optional: `depth_m` again); `labels` (H, W) uint16, 0 = none,
            k = the k-th of `names`; `instances` (H, W) uint8, counted from 1 within a label; `scene`, as
            `kitchen_0001`; `scene_type`, as `kitchen`.
        names: the classes of `labels`.

    Raises:
        SemcomError: no frame, a frame of another shape than the first, a label beyond `names`, or the path
            cannot be written.
    """
    with atomic(path) as temporary:
        with h5py.File(temporary, "w", userblock_size=USER_BLOCK, libver="earliest") as file:
            scenes, types = _write_arrays(file, frames, len(names))
            numbered = list(enumerate(scenes, start=1))
            write_accelerations(file, len(scenes))
            cells = {
                "names": list(names),
                "scenes": scenes,
                "sceneTypes": types,
                "rawDepthFilenames": [f"{scene}/d-{i:05d}.pgm" for i, scene in numbered],
                "rawRgbFilenames": [f"{scene}/r-{i:05d}.ppm" for i, scene in numbered],
            }
            write_cells(file, cells)
        write_header(temporary)


def write_splits(path: Path, train: Sequence[int], test: Sequence[int]) -> None:
    """Write `splits.mat`: `trainNdxs` and `testNdxs`, (n, 1) uint16, 1-based indices into the frames."""
    columns = {"trainNdxs": train, "testNdxs": test}
    for name, indices in columns.items():
        if len(indices) == 0 or min(indices) < 1 or max(indices) > np.iinfo(np.uint16).max:
            raise SemcomError(
                f"{name} needs indices of 1..65535 (1-based), at least one; got {indices!r:.80}"
            )
    _write_mat5(path, {name: np.array(i, dtype=np.uint16)[:, None] for name, i in columns.items()})


def write_mapping(path: Path, names: Sequence[str]) -> None:
    """Write a file in the layout of `classMapping40.mat` that makes each label k the class `names[k - 1]`."""
    classes = np.array([[np.array([name]) for name in names]], dtype=object)
    _write_mat5(path, {"mapClass": np.arange(1, len(names) + 1, dtype=np.uint16), "className": classes})


def _write_mat5(path: Path, content: Mapping[str, Any]) -> None:
    """Write a .mat of version 5 without the time of day."""
    buffer = io.BytesIO()
    savemat(buffer, dict(content))
    header = f"MATLAB 5.0 MAT-file Platform: posix, {CREATED}".encode().ljust(116)
    with atomic(path) as temporary:
        temporary.write_bytes(header + buffer.getvalue()[len(header) :])


def _write_arrays(
    file: h5py.File, frames: Iterable[Mapping[str, Any]], classes: int
) -> tuple[list[str], list[str]]:
    """Append every frame to the five large arrays; return the frames' scenes and scene types."""
    scenes: list[str] = []
    types: list[str] = []
    for i, frame in enumerate(frames):
        largest = int(np.max(frame["labels"]))
        if largest > classes:
            raise SemcomError(f"frame {i + 1}: label {largest} has no name (1..{classes} have); add its name")
        for name, (key, dtype, matlab) in ARRAYS.items():
            value = frame["depth_m"] if key == "raw_depth_m" and key not in frame else frame[key]
            reversed_axes = np.ascontiguousarray(np.asarray(value, dtype=dtype).T)
            if i == 0:
                _create(file, name, reversed_axes.shape, dtype, matlab)
            array = file[name]
            if array.shape[1:] != reversed_axes.shape:
                shapes = f"{reversed_axes.shape[::-1]}, but the first frame's {array.shape[:0:-1]}"
                raise SemcomError(f"frame {i + 1}: {key} has shape {shapes}; give all frames one shape")
            array.resize(i + 1, axis=0)
            array[i] = reversed_axes
        scenes.append(str(frame["scene"]))
        types.append(str(frame["scene_type"]))
    if not scenes:
        raise SemcomError("no frame to write: the .mat layout has no empty form; give at least one frame")
    return scenes, types


def _create(file: h5py.File, name: str, shape: tuple[int, ...], dtype: type[np.generic], matlab: str) -> None:
    """Create an array that grows by frames, one frame a chunk, gzipped."""
    array = file.create_dataset(
        name,
        shape=(0, *shape),
        maxshape=(None, *shape),
        chunks=(1, *shape),
        dtype=dtype,
        compression="gzip",
        compression_opts=GZIP,
    )
    mark(array, matlab)


def write_accelerations(file: h5py.File, frames: int) -> None:
    """Write `accelData` (4, N) float32: roll, yaw, pitch, tilt of the sensor; zero = level."""
    mark(file.create_dataset("accelData", data=np.zeros((4, frames), dtype=np.float32)), "single")


def write_cells(file: h5py.File, cells: Mapping[str, Sequence[str]]) -> None:
    """Write N x 1 cell arrays as (1, N) references into `#refs#`; equal strings share a target."""
    targets = file.create_group("#refs#")
    labels = _target_names()
    references: dict[str, h5py.Reference] = {}
    for name, texts in cells.items():
        cell = file.create_dataset(name, shape=(1, len(texts)), dtype=h5py.ref_dtype)
        for text in texts:
            if text not in references:
                references[text] = _write_text(targets, next(labels), text).ref
        cell[0, :] = np.array([references[text] for text in texts], dtype=h5py.ref_dtype)
        mark(cell, "cell")


def _write_text(group: h5py.Group, name: str, text: str) -> h5py.Dataset:
    """Write a string as MATLAB does: its UTF-16 code units as a (length, 1) uint16 array."""
    if not text:
        raise SemcomError("an empty string among names, scenes or scene types; give every one a text")
    units = np.frombuffer(text.encode("utf-16-le"), dtype="<u2")[:, None]
    array = group.create_dataset(name, data=units)
    mark(array, "char")
    array.attrs.create("MATLAB_int_decode", 2, dtype=np.int32)
    return array


def _target_names() -> Iterator[str]:
    """MATLAB's names of reference targets: a to z, aa, ab and so on."""
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            yield "".join(letters)


def mark(array: h5py.Dataset, matlab: str) -> None:
    """Set the array's `MATLAB_class`, a fixed-length ASCII attribute."""
    array.attrs["MATLAB_class"] = np.bytes_(matlab)


def write_header(path: Path) -> None:
    """Put MATLAB's 128 bytes at the start of the user block: text, eight zeros, version 0x0200, `IM`."""
    text = f"MATLAB 7.3 MAT-file, Platform: GLNXA64, {CREATED} HDF5 schema 1.00 ."
    with path.open("r+b") as file:
        file.write(text.encode().ljust(116) + bytes(8) + b"\x00\x02IM")
