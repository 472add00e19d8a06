"""The layout of nyu_depth_v2_labeled.mat (MATLAB v7.3, which is HDF5) with its splits.mat, frame by frame.

HDF5 holds MATLAB's axes reversed: `images` is (N, 3, W, H) and `depths` (N, W, H), so a frame is the
transpose of its slice; turning it by 90 degrees instead would give the mirrored picture. The cell arrays
`sceneTypes` and `scenes` are (1, N) references to UTF-16 texts. `scenes` names the room and gives the groups.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.prepare.chunks import FAULTS, ChunkedFrames
from semcom.prepare.classes import label
from semcom.prepare.description import Description
from semcom.prepare.objects import read_mapping
from semcom.prepare.source import Row, Split
from semcom.progress import log

LISTS: dict[str, Split] = {"trainNdxs": "train", "testNdxs": "test"}
OFFICIAL = "8db3dc4c0cf4f885"
"""Digest of the 795 training frames of the official split."""


class NYUv2Mat:
    """An open .mat of this layout. Construction reads headers, scene names and the split; frames come later.

    Raises:
        SemcomError: the .mat is truncated, not HDF5, lacks a member, or its members disagree in count or
            shape; the split has an index out of range, twice, leaves a frame out, or cuts a room.
    """

    def __init__(self, paths: Mapping[str, Path], description: Description) -> None:
        self.paths, self.description = paths, description
        self.where = self.path = paths[str(description.mat)]
        self._file = _open(self.path)
        try:
            depths = description.depth_array
            count, width, height = _shape(self.path, self._file, depths)
            self.size = (width, height)
            self._images, self._depths = (ChunkedFrames(self._file[name]) for name in ("images", depths))
            self._map, self._labels = None, None
            if description.objects:
                self._map = read_mapping(paths[description.objects])
                self._labels = ChunkedFrames(_labels(self.path, self._file, (count, width, height)))
            self.object_names = self._map.names if self._map else ()
            types = _texts(self.path, self._file, "sceneTypes", count)
            scenes = _texts(self.path, self._file, "scenes", count)
            splits = read_splits(paths[str(description.splits)], count)
            _check_rooms(scenes, splits, paths[str(description.splits)])
        except BaseException:
            self.close()
            raise
        classes = description.classes
        self.rows = tuple(
            Row(i + 1, splits[i], types[i], classes[label(types[i], classes=classes)], group=scenes[i])
            for i in range(count)
        )

    def pixels(self, position: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """RGB (H, W, 3) and depth (H, W) in metres of `rows[position]`."""
        try:
            rgb = self._images.frame(position).transpose(2, 1, 0)
            depth = self._depths.frame(position).T
        except FAULTS as error:
            raise SemcomError(
                f"frame {position + 1} in {self.path} is damaged ({error}): copy the file again"
            ) from None
        return rgb, depth.astype(np.float32, copy=False)

    def objects(self, position: int) -> NDArray[np.bool_]:
        """(object_names,) which objects the label map of the frame shows."""
        if self._map is None or self._labels is None:
            raise SemcomError(f"{self.path} was added without classMapping40.mat: add it again with one")
        where = f"frame {position + 1} in {self.path}"
        try:
            labels = self._labels.frame(position)
        except FAULTS as error:
            raise SemcomError(f"`labels` of {where} are damaged ({error}): copy the file again") from None
        return self._map.present(labels, where=where)

    def close(self) -> None:
        """Close the .mat."""
        self._file.close()


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        with open(path, "rb") as file:
            head = file.read(128)
        if head.startswith(b"MATLAB 5.0"):
            fault = "is a .mat of version 5, not 7.3: save it in MATLAB with `-v7.3`"
        elif "truncated" in str(error):
            fault = f"is truncated, it ends after {path.stat().st_size} bytes ({error}): copy it again"
        else:
            fault = f"is no HDF5 file, so no whole .mat of version 7.3 ({error}): copy it again"
        raise SemcomError(f"{path} {fault}") from None


def _labels(path: Path, file: h5py.File, shape: tuple[int, int, int]) -> h5py.Dataset:
    if "labels" not in file:
        raise SemcomError(f"{path} lacks labels, which objects need: add it without classMapping40.mat")
    labels = file["labels"]
    if labels.shape != shape or labels.dtype.kind != "u":
        raise SemcomError(
            f"`labels` in {path} is {labels.dtype} {labels.shape}; these images need unsigned {shape}: "
            f"take label maps of the images' own size, or add the data without classMapping40.mat"
        )
    return labels


def _shape(path: Path, file: h5py.File, depth: str) -> tuple[int, int, int]:
    """Frames, width and height, after all members have been looked at."""
    members = ("images", depth, "sceneTypes", "scenes")
    missing = [name for name in members if name not in file]
    if missing:
        raise SemcomError(
            f"{path} lacks {', '.join(missing)}; it has {', '.join(sorted(file)) or 'nothing'}. "
            f"Needed are {', '.join(members)}, as in nyu_depth_v2_labeled.mat"
        )
    images, depths = file["images"], file[depth]
    if images.ndim != 4 or images.shape[1] != 3 or images.dtype != np.uint8:
        raise SemcomError(
            f"`images` in {path} is {images.dtype} {images.shape}; "
            f"uint8 (frames, 3, width, height) is expected, MATLAB's axes reversed"
        )
    count, _, width, height = images.shape
    if depths.ndim != 3 or depths.shape[0] != count:
        raise SemcomError(
            f"{path} has {count} images but `{depth}` of shape {depths.shape}: one depth an image is needed"
        )
    if depths.shape != (count, width, height):
        raise SemcomError(
            f"`{depth}` in {path} is {depths.shape}; these images need ({count}, {width}, {height})"
        )
    if depths.dtype.kind != "f":
        raise SemcomError(
            f"`{depth}` in {path} is {depths.dtype}; single or double in metres is expected: "
            f"it looks like millimetres; divide it by 1000 and save it as single"
        )
    return count, width, height


def _texts(path: Path, file: h5py.File, member: str, count: int) -> list[str]:
    references = np.ravel(file[member][()])
    if len(references) != count:
        raise SemcomError(
            f"{path} has {count} images but {len(references)} `{member}`: one an image is needed"
        )
    try:
        texts = [_text(file, reference) for reference in references]
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RuntimeError) as error:
        raise SemcomError(f"`{member}` in {path} is no cell array of texts ({error})") from None
    for number, text in enumerate(texts, 1):
        if not text or not text.isprintable():
            raise SemcomError(f"`{member}` of frame {number} in {path} is {text!r}: a name is expected")
    return texts


def _text(file: h5py.File, reference: h5py.Reference) -> str:
    """One cell, by h5py's lower level: a fifth of the time, of thousands of cells."""
    cell = h5py.h5r.dereference(reference, file.id)
    units = np.empty(cell.shape, cell.dtype)
    cell.read(h5py.h5s.ALL, h5py.h5s.ALL, units)
    return units.tobytes().decode("utf-16-le")


def read_splits(path: Path, count: int) -> list[Split]:
    """The split of each of `count` frames, from the lists `trainNdxs` and `testNdxs` (1-based) of splits.mat.

    Raises:
        SemcomError: the file is damaged or lacks a list; an index is out of 1..count or listed twice; a
            frame is in neither list.
    """
    lists = _load_lists(path)
    splits: dict[int, Split] = {}
    for name, split in LISTS.items():
        for value in np.ravel(lists[name]).tolist():
            if value != int(value) or not 1 <= value <= count:
                raise SemcomError(
                    f"{name} in {path} has the index {value:g}, but the .mat has the frames 1..{count}: "
                    f"take the splits.mat that belongs to it"
                )
            if int(value) in splits:
                both = "in both lists" if splits[int(value)] != split else f"twice in {name}"
                raise SemcomError(f"frame {value:g} stands {both} of {path}: each frame belongs to one split")
            splits[int(value)] = split
    left_out = [index for index in range(1, count + 1) if index not in splits]
    if left_out:
        raise SemcomError(
            f"{path} leaves {len(left_out)} of {count} frames out (the first is {left_out[0]}): "
            f"take the splits.mat that belongs to the .mat"
        )
    return [splits[index] for index in range(1, count + 1)]


def _check_rooms(scenes: Sequence[str], splits: Sequence[Split], path: Path) -> None:
    """Raise a SemcomError unless each room is in one split; of the official one it is no more than said."""
    first: dict[str, int] = {}
    for index, (room, split) in enumerate(zip(scenes, splits, strict=True), 1):
        other = first.setdefault(room, index)
        if splits[other - 1] == split:
            continue
        fault = (
            f"{path}: the group {room!r} is {splits[other - 1]} in frame {other} and {split} in frame "
            f"{index}; frames of one room belong on one side, or the test knows the room"
        )
        if _train_digest(splits) == OFFICIAL:
            log.warning("%s. It is the official split, and taken as it is", fault)
            return
        raise SemcomError(
            f"{fault}: take the splits.mat that belongs to the .mat, or put all of the room into one list"
        )


def _train_digest(splits: Sequence[Split]) -> str:
    train = [index for index, split in enumerate(splits, 1) if split == "train"]
    return hashlib.sha256(",".join(map(str, train)).encode()).hexdigest()[: len(OFFICIAL)]


def _load_lists(path: Path) -> Mapping[str, NDArray[Any]]:
    from scipy.io import loadmat

    try:
        lists: dict[str, NDArray[Any]] = loadmat(path, variable_names=list(LISTS))
    # scipy raises whatever a damaged byte leads it to, zlib.error and IndexError among others.
    except Exception as error:
        raise SemcomError(
            f"{path} cannot be read as a .mat of version 5 ({error}): take the original splits.mat"
        ) from None
    missing = [name for name in LISTS if name not in lists]
    if missing:
        raise SemcomError(f"{path} lacks {' and '.join(missing)}: take the original splits.mat")
    for name in LISTS:
        if not np.issubdtype(lists[name].dtype, np.number):
            raise SemcomError(f"{name} in {path} holds {lists[name].dtype}: whole numbers are expected")
    return lists
