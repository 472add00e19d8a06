"""Frames of a large HDF5 array, one after the other, each gzip chunk unpacked once.

h5py unpacks a whole chunk for every part of it that is asked for, and keeps only a few in its cache: where
chunks span frames, a frame at a time unpacks the same bytes again and again. So all frames that share
chunks are unpacked together, with libdeflate, which takes a third of the time of HDF5's own zlib.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from deflate import DeflateError, zlib_decompress
from numpy.typing import NDArray

SLAB_BYTES = 160 * 2**20
FAULTS = (OSError, RuntimeError, ValueError, DeflateError)
"""What reading a damaged array raises."""


class ChunkedFrames:
    """An array (N, ...) whose frames are read in order, or at random at the cost of a slab each.

    A slab holds the frames of one row of chunks; fewer, if they are over `SLAB_BYTES`.
    """

    def __init__(self, array: h5py.Dataset) -> None:
        # h5py looks up shape, type and chunks anew at each use.
        self._array, self._shape, self._dtype = array, array.shape, array.dtype
        self._chunks: tuple[int, ...] = array.chunks or (1, *array.shape[1:])
        self._chunk_bytes = int(np.prod(self._chunks)) * self._dtype.itemsize
        self._packed = bytearray(
            self._chunk_bytes + self._chunk_bytes // 500 + 1024
        )  # the worst that zlib does
        one = int(np.prod(self._shape[1:])) * self._dtype.itemsize
        self._span = max(1, min(self._chunks[0], SLAB_BYTES // one))
        self._gzip = _only_gzip(array)
        self._start, self._slab = -1, np.empty(0, array.dtype)

    def frame(self, position: int) -> NDArray[Any]:
        """Frame `position` (0..), to be read only.

        Raises:
            one of `FAULTS`: its bytes are damaged.
        """
        start = position // self._span * self._span
        if start != self._start:
            self._start = -1
            stop = min(start + self._span, self._shape[0])
            self._slab = self._unpacked(start, stop) if self._gzip else self._array[start:stop]
            self._start = start
        frame: NDArray[Any] = self._slab[position - start]
        return frame

    def _unpacked(self, start: int, stop: int) -> NDArray[Any]:
        shape, chunks = self._shape, self._chunks
        if chunks == (1, *shape[1:]):
            return self._chunk((start,) + (0,) * (len(shape) - 1))
        slab = np.empty((stop - start, *shape[1:]), self._dtype)
        for offset in _offsets(shape, chunks, start, stop):
            first, last = max(start, offset[0]), min(stop, offset[0] + chunks[0])
            ends = [min(o + c, s) for o, c, s in zip(offset, chunks, shape, strict=True)][1:]
            here = tuple(slice(o, end) for o, end in zip(offset[1:], ends, strict=True))
            within = tuple(slice(end - o) for o, end in zip(offset[1:], ends, strict=True))
            chunk = self._chunk(offset)
            slab[(slice(first - start, last - start), *here)] = chunk[
                (slice(first - offset[0], last - offset[0]), *within)
            ]
        return slab

    def _chunk(self, offset: tuple[int, ...]) -> NDArray[Any]:
        skipped, packed = self._array.id.read_direct_chunk(offset, out=self._packed)
        data = bytes(packed) if skipped else zlib_decompress(packed, self._chunk_bytes)
        if len(data) != self._chunk_bytes:
            raise ValueError(f"a chunk has {len(data)} bytes, not {self._chunk_bytes}")
        return np.frombuffer(data, self._dtype).reshape(self._chunks)


def _only_gzip(array: h5py.Dataset) -> bool:
    """Whether every chunk is there and one zlib stream; h5py reads all else, slower."""
    if array.chunks is None:
        return False
    properties = array.id.get_create_plist()
    filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    wanted = np.prod([-(-s // c) for s, c in zip(array.shape, array.chunks, strict=True)])
    return filters == [h5py.h5z.FILTER_DEFLATE] and array.id.get_num_chunks() == wanted


def _offsets(
    shape: tuple[int, ...], chunks: tuple[int, ...], start: int, stop: int
) -> Iterator[tuple[int, ...]]:
    """First elements of the chunks that hold frames `start` to `stop`."""
    rows = range(start // chunks[0] * chunks[0], stop, chunks[0])
    return itertools.product(rows, *(range(0, s, c) for s, c in zip(shape[1:], chunks[1:], strict=True)))
