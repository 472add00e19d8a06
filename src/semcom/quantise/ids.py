"""Ids in few bytes: those of images in their order take next to nothing."""

import zlib

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


def pack(ids: Positions) -> bytes:
    """Differences of ids (N,), deflated."""
    return zlib.compress(np.diff(ids, prepend=0).astype("<i8").tobytes(), 9)


def unpack(packed: bytes) -> Positions:
    """The ids (N,) of `pack`."""
    return np.cumsum(np.frombuffer(zlib.decompress(packed), "<i8"), dtype=np.int64)
