"""The prepared format: one HDF5 a data set and size, memory-mapped.

    rgb       (N, H, W, 3) uint8
    depth_mm  (N, H, W)    uint16   millimetres; 0 = not measured; not in sets of images
    scene     (N,)         int64    label, an index into `scene_names`
    split     (N,)         uint8    1 = train, 0 = test
    group     (N,)         int64    an index into `group_names`; frames of one group show one room
    index     (N,)         int64    number of the frame in its source, from 1
    group_names (groups,)  bytes, UTF-8
    objects   (N, C)       uint8    1 = the frame shows the object or has the attribute; not in every file

`rgb` and `depth_mm` are contiguous and uncompressed, so their bytes lie in the file as in memory and are
mapped at the data set's offset: every process on a machine shares one copy, and nothing is read twice.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError

FORMAT = "semcom prepared RGB-D frames"
FORMAT_VERSION = 1
DEPTHLESS_VERSION = 2
"""Of files without depth, which readers of version 1 cannot open; with depth they are as ever."""
UNLABELLED = "unlabelled"
"""The one class of a set that has no classes."""
WAY_OUT = "remove it and run the workflow again, which prepares it anew"


@dataclass(frozen=True, eq=False)
class Prepared:
    """An open prepared file. `rgb` and `depth_mm` are read-only maps of the file, not copies."""

    path: Path
    rgb: NDArray[np.uint8]
    """(N, H, W, 3)."""
    depth_mm: NDArray[np.uint16] | None
    """(N, H, W), millimetres; storage only: index, then convert to float. None: the set has no depth."""
    scene: NDArray[np.int64]
    train: NDArray[np.bool_]
    """(N,), True for the official training frames."""
    group: NDArray[np.int64]
    index: NDArray[np.int64]
    scene_names: tuple[str, ...]
    group_names: tuple[str, ...]
    objects: NDArray[np.bool_] | None
    """(N, C), which of `object_names` a frame shows; None where the source does not say."""
    object_names: tuple[str, ...]
    attributes: dict[str, Any] = field(repr=False)
    """What the file says of itself: title, source checksums, statistics over the training frames …"""

    def __len__(self) -> int:
        return len(self.scene)

    @property
    def depth(self) -> NDArray[np.uint16]:
        """`depth_mm` (N, H, W) of a set that has it.

        Raises:
            SemcomError: the set has no depth.
        """
        if self.depth_mm is None:
            raise SemcomError(
                f"{self.path}: the data set {self.attributes.get('name', '')!r} has no depth; methods with "
                "modality depth cannot use it: take a set of RGB-D frames (`semcom data list`)"
            )
        return self.depth_mm

    @classmethod
    def open(cls, path: Path) -> "Prepared":
        """Map the file at `path`.

        Raises:
            SemcomError: there is no such file, or it is truncated, of another kind or format version.
        """
        import h5py

        try:
            with h5py.File(path, "r") as file:
                depth = _check_version(path, file) == FORMAT_VERSION
                return cls(
                    path=Path(path),
                    rgb=_map(path, file["rgb"], np.dtype(np.uint8)),
                    depth_mm=_map(path, file["depth_mm"], np.dtype(np.uint16)) if depth else None,
                    scene=file["scene"][()],
                    train=file["split"][()].astype(bool),
                    group=file["group"][()],
                    index=file["index"][()],
                    scene_names=tuple(map(str, file.attrs["class_names"])),
                    group_names=tuple(name.decode() for name in file["group_names"][()]),
                    objects=file["objects"][()].astype(bool) if "objects" in file else None,
                    object_names=tuple(map(str, file.attrs.get("object_names", ()))),
                    attributes=dict(file.attrs),
                )
        except FileNotFoundError:
            raise SemcomError(f"there is no prepared file {path}: run the workflow, which makes it") from None
        except (OSError, KeyError, RuntimeError) as error:
            raise SemcomError(
                f"{path} is not a whole prepared file ({_first_line(error)}): {WAY_OUT}"
            ) from None

    def verify(self) -> None:
        """Compare the content with the hash that the file carries.

        Raises:
            SemcomError: they differ.
        """
        content = ContentHash()
        for position, rgb in enumerate(self.rgb):
            content.frame(rgb, None if self.depth_mm is None else self.depth_mm[position])
        columns = [self.scene, self.train, self.group, self.index]
        names = [self.scene_names, self.group_names]
        if self.objects is not None:
            columns.append(self.objects)
            names.append(self.object_names)
        found = content.close(*columns, names=names)
        if found != self.attributes["sha256"]:
            raise SemcomError(
                f"the content of {self.path} has the SHA-256 {found}, "
                f"but its writer noted {self.attributes['sha256']}: it is damaged; {WAY_OUT}"
            )


class ContentHash:
    """SHA-256 of a prepared file's content, taken frame by frame; independent of the file's layout."""

    def __init__(self) -> None:
        self._rgb, self._depth_mm = hashlib.sha256(), hashlib.sha256()

    def frame(self, rgb: NDArray[np.uint8], depth_mm: NDArray[np.uint16] | None) -> None:
        """Add the next frame."""
        self._rgb.update(np.ascontiguousarray(rgb).data)
        if depth_mm is None:
            return
        self._depth_mm.update(np.ascontiguousarray(depth_mm, dtype="<u2").data)

    def close(self, *columns: NDArray[Any], names: Sequence[Sequence[str]]) -> str:
        """64 hexadecimal digits over all frames, the columns (N, ...) in this order, and the names."""
        whole = hashlib.sha256(self._rgb.digest() + self._depth_mm.digest())
        for column in columns:
            whole.update(np.ascontiguousarray(column, dtype="<i8").data)
        whole.update("\0\0".join("\0".join(part) for part in names).encode())
        return whole.hexdigest()


def _check_version(path: Path, file: Any) -> int:
    if file.attrs.get("format") != FORMAT:
        raise SemcomError(f"{path} is an HDF5 file, but no prepared one: {WAY_OUT}")
    version = int(file.attrs["format_version"])
    if version not in (FORMAT_VERSION, DEPTHLESS_VERSION):
        raise SemcomError(
            f"{path} has the format version {version}, this semcom reads {FORMAT_VERSION} and "
            f"{DEPTHLESS_VERSION}: {WAY_OUT}"
        )
    return version


def _map(path: Path, dataset: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    offset = dataset.id.get_offset()
    if offset is None or dataset.chunks is not None or dataset.dtype != dtype:
        raise SemcomError(f"{dataset.name} in {path} is not contiguous {dtype}: {WAY_OUT}")
    mapped = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=dataset.shape)
    # The plain array over the same map: np.memmap's own indexing costs Python code at each access.
    return mapped.view(np.ndarray)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
