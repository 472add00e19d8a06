"""Indices as bits of fixed length, highest bit first."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from semcom.files.errors import SemcomError

Bits = NDArray[np.uint8]
Indices = NDArray[np.int64]


def to_bits(indices: ArrayLike, *, width: int) -> Bits:
    """Indices (…, n) in 0…2^width - 1 to bits (…, n · width) of 0 and 1.

    Raises:
        SemcomError: an index does not fit.
    """
    values = np.asarray(indices, np.int64)
    if values.size and not 0 <= values.min() <= values.max() < 1 << width:
        raise SemcomError(f"indices {values.min()} to {values.max()} do not all fit into {width} bits")
    bits = (values[..., None] >> np.arange(width - 1, -1, -1)) & 1
    return bits.reshape(*values.shape[:-1], values.shape[-1] * width).astype(np.uint8)


def from_bits(bits: ArrayLike, *, width: int) -> Indices:
    """Undo `to_bits`; any bits are some indices.

    Raises:
        SemcomError: the number of bits is no multiple of `width`.
    """
    values = np.asarray(bits)
    if values.shape[-1] % width:
        raise SemcomError(f"{values.shape[-1]} bits are no whole number of indices of {width} bits")
    parts = values.astype(np.int64).reshape(*values.shape[:-1], -1, width)
    indices: Indices = parts @ (1 << np.arange(width - 1, -1, -1))
    return indices
