"""The nearest code of many vectors, by squared Euclidean distance."""

from typing import Any

import faiss as untyped
import numpy as np
import torch
from torch import Tensor

from semcom.files.errors import SemcomError

faiss: Any = untyped
"""Its type hints lack half of it."""
LARGEST = 1e18
"""Of a value: squares of larger ones are no numbers in fp32."""
ROWS = 16_384
"""Vectors at a time: their products with 1,024 codes are 64 MB."""


def nearest(vectors: Tensor, codebook: Tensor) -> Tensor:
    """Index (N,) int64 of each vector's nearest code; nothing is differentiated.

    On the CPU faiss searches, which never writes the N×K distances to memory; elsewhere it is one product of
    matrices a block. Both work in fp32: where two codes are equally near but for rounding, either may be
    named, and another number of vectors or of threads may change which.

    Args:
        vectors: (N, dim), any floating type.
        codebook: (K, dim), on the same device.

    Raises:
        SemcomError: vectors or their distances are not finite.
    """
    vectors, codebook = vectors.detach().float(), codebook.detach().float()
    if len(vectors) and not vectors.abs().amax() < LARGEST:  # a NaN is not, either
        raise SemcomError(
            "vectors to quantise are not finite, or too large to have distances: a training that diverged; "
            "lower the optimiser's lr or raise warmup"
        )
    if vectors.device.type != "cpu":
        return by_products(vectors, codebook)
    if not len(vectors):
        return torch.empty(0, dtype=torch.int64)
    found = faiss.knn(_array(vectors), _array(codebook), 1)[1][:, 0]
    return torch.from_numpy(np.asarray(found, np.int64))


def by_products(vectors: Tensor, codebook: Tensor) -> Tensor:
    """The same with products of matrices: |v - c|² and ½|c|² - v·c are least at the same code.

    Args:
        vectors: (N, dim) fp32.
        codebook: (K, dim) fp32.
    """
    half = codebook.square().sum(1) / 2
    with torch.autocast(vectors.device.type, enabled=False):
        parts = [torch.addmm(half, part, codebook.T, alpha=-1).argmin(1) for part in vectors.split(ROWS)]
    return torch.cat(parts)


def _array(tensor: Tensor) -> "np.ndarray[Any, np.dtype[np.float32]]":
    return np.ascontiguousarray(tensor.numpy())
