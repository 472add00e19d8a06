"""A mentor's embeddings of all images of a prepared file: one HDF5 a (mentor, data, size).

    embeddings  (N, dim) float16   as the mentor gave them, of any length
    index       (N,)     int64     number of each image in its source, as in the prepared file
    train       (N,)     uint8     1 = train, 0 = test
    pixels      (N,)     uint64    digest of each image, by which it is known again in other data

Contiguous and uncompressed. Readers take it in chunks: in memory is what was asked for and one chunk.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.quantise.about import mentor_sha256
from semcom.quantise.source import CHUNK, Positions, Vectors

FORMAT = "semcom embeddings"
FORMAT_VERSION = 1
COLUMNS = ("index", "train", "pixels")
WAY_OUT = "remove it and run its job again"

Half = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """An open file, or some of its rows.

    Attributes:
        path: of the file.
        dim: of an embedding.
        index: (N,) number of each image in its source.
        train: (N,) whether it is an official training image.
        pixels: (N,) digest of each image.
        mentor: what made them, the SHA-256 of its weights included.
        data: SHA-256 of the prepared content.
        network: `parameters`, `multiply_adds` of an image, `shipped_bytes` of the mentor's network, if known.
        rows: (N,) rows of the file, rising; None for all.
    """

    path: Path
    dim: int
    index: Positions
    train: NDArray[np.bool_]
    pixels: NDArray[np.uint64] = field(repr=False)
    mentor: Mapping[str, Any]
    data: str
    content: str = field(repr=False)
    network: Mapping[str, float] = field(default_factory=dict)
    rows: Positions | None = None

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def open(cls, path: Path) -> "Embeddings":
        """Open the file at `path`; the embeddings themselves are read when they are asked for.

        Raises:
            SemcomError: it is missing, truncated, or of another kind or version.
        """
        try:
            with h5py.File(path, "r") as file:
                said = dict(file.attrs)
                if said.get("format") != FORMAT or str(said["format_version"]) != str(FORMAT_VERSION):
                    raise SemcomError(
                        f"{path} is an HDF5 file, but holds no embeddings of version {FORMAT_VERSION}: "
                        f"{WAY_OUT}"
                    )
                return cls._of(path, file, said)
        except SemcomError:
            raise
        except FileNotFoundError:
            raise SemcomError(
                f"there is no file of embeddings {path}: run `semcom knowledge embed`"
            ) from None
        except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise SemcomError(f"{path} is no whole file of embeddings ({reason}): {WAY_OUT}") from None

    @classmethod
    def _of(cls, path: Path, file: h5py.File, said: Mapping[str, Any]) -> "Embeddings":
        shape, columns = file["embeddings"].shape, {name: file[name][()] for name in COLUMNS}
        if len(shape) != 2 or any(column.shape != shape[:1] for column in columns.values()):
            shapes = ", ".join(f"{name} {column.shape}" for name, column in columns.items())
            raise ValueError(f"embeddings {shape}, {shapes}")
        mentor, network = (json.loads(text) for text in (said["mentor"], said.get("network", "{}")))
        if not isinstance(mentor, dict) or not isinstance(network, dict):
            raise ValueError(f"mentor {mentor!r} and network {network!r} must be named values")
        return cls(
            path=Path(path),
            dim=shape[1],
            index=columns["index"],
            train=columns["train"].astype(bool),
            pixels=columns["pixels"],
            mentor=mentor,
            data=str(said["data"]),
            content=str(said["sha256"]),
            network=network,
        )

    @property
    def mentor_sha256(self) -> str:
        """Checksum of the mentor."""
        return mentor_sha256(self.mentor)

    @property
    def ids(self) -> Positions:
        """(N,) what the images are called in a knowledge base: their numbers in their source."""
        return self.index

    def take(self, positions: Positions | NDArray[np.bool_]) -> "Embeddings":
        """Those at `positions` (n,), rising, or where a mask (N,) is true.

        Raises:
            SemcomError: positions do not rise.
        """
        chosen = np.nonzero(positions)[0] if positions.dtype == bool else np.asarray(positions, np.int64)
        if (np.diff(chosen) <= 0).any():
            raise SemcomError("rows of a file of embeddings are taken in rising order; sort the positions")
        rows = chosen if self.rows is None else self.rows[chosen]
        return replace(
            self, index=self.index[chosen], train=self.train[chosen], pixels=self.pixels[chosen], rows=rows
        )

    def chunks(self, positions: Positions | None = None) -> Iterator[Vectors]:
        """The embeddings (n, dim) in pieces, in their order; those at `positions` (rising) if given."""
        for piece in self.halves(positions):
            yield piece.astype(np.float32)

    def halves(self, positions: Positions | None = None) -> Iterator[Half]:
        """As `chunks`, in float16, as they are stored."""
        wanted = self.rows if positions is None else self._rows(positions)
        with h5py.File(self.path, "r") as file:
            stored = file["embeddings"]
            for start in range(0, len(stored), CHUNK):
                if wanted is None:
                    yield stored[start : start + CHUNK]
                    continue
                first, last = np.searchsorted(wanted, [start, start + CHUNK])
                if first < last:
                    near = wanted[first:last]
                    yield stored[near[0] : near[-1] + 1][near - near[0]]

    def vectors(self) -> Vectors:
        """All of them (N, dim), in memory."""
        return np.concatenate([np.empty((0, self.dim), np.float32), *self.chunks()])

    def mapped(self) -> Half:
        """The whole file's embeddings (rows of the file, dim), a read-only map."""
        with h5py.File(self.path, "r") as file:
            stored = file["embeddings"]
            offset, shape = stored.id.get_offset(), stored.shape
        return np.memmap(self.path, dtype="<f2", mode="r", offset=offset or 0, shape=shape)

    def verify(self) -> None:
        """Compare the whole file's content with the hash that it carries.

        Raises:
            SemcomError: they differ.
        """
        with h5py.File(self.path, "r") as file:
            columns = {name: file[name][()] for name in COLUMNS}
        if content_sha256(replace(self, rows=None).halves(), columns) != self.content:
            raise SemcomError(f"the embeddings in {self.path} are damaged: {WAY_OUT}")

    def _rows(self, positions: Positions) -> Positions:
        return positions if self.rows is None else self.rows[positions]


def content_sha256(pieces: Iterable[Half], columns: Mapping[str, NDArray[Any]]) -> str:
    """Of embeddings in pieces, however they are cut, and of what is said of each image."""
    content = hashlib.sha256()
    for piece in pieces:
        content.update(np.ascontiguousarray(piece, "<f2").data)
    for name in COLUMNS:
        content.update(np.ascontiguousarray(columns[name]).data)
    return content.hexdigest()
