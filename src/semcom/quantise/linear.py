"""The linear map before the codes of a shared base, there and back.

Several maps in a row are one, and a trained one is kept as its matrix alone: PCA's full basis, which faiss
keeps beside it, is of no use to who decodes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Exact = NDArray[np.float64]


class Map(NamedTuple):
    """z = A x + b, whose z = 0 stands for x = `origin` (of PCA, the mean)."""

    matrix: Exact
    offset: Exact
    origin: Exact


@dataclass(frozen=True, eq=False)
class Linear:
    """z = A x + b, and the best way back, x = A⁺ z + origin.

    faiss goes back from PCA by Aᵀ (z − b), which loses the part of the mean that lies outside of the
    components.

    Attributes:
        matrix: A, (out, dim).
        offset: b, (out,).
        origin: (dim,).
    """

    matrix: Vectors
    offset: Vectors
    origin: Vectors

    @classmethod
    def of(cls, maps: Iterable[Map]) -> "Linear | None":
        """All `maps`, the first one first, as one; None of none."""
        chain = [Map(*(part.astype(np.float64) for part in step)) for step in maps]
        if not chain:
            return None
        matrix, offset, origin = chain[0]
        for step in chain[1:]:
            origin = origin + _inverse(matrix) @ step.origin
            matrix, offset = step.matrix @ matrix, step.matrix @ offset + step.offset
        return cls(*(part.astype(np.float32) for part in (matrix, offset, origin)))

    @property
    def nbytes(self) -> int:
        """Bytes of all three."""
        return self.matrix.nbytes + self.offset.nbytes + self.origin.nbytes

    def apply(self, vectors: Vectors) -> Vectors:
        """Vectors (N, dim) to what is coded, (N, out)."""
        mapped: Vectors = vectors @ self.matrix.T
        mapped += self.offset
        return mapped

    def back(self, mapped: Vectors) -> Vectors:
        """What was coded (N, out) to vectors (N, dim)."""
        vectors: Vectors = mapped @ self._inverse.T
        vectors += self.origin
        return vectors

    @cached_property
    def _inverse(self) -> Vectors:
        return np.ascontiguousarray(_inverse(self.matrix.astype(np.float64)), np.float32)


def _inverse(matrix: Exact) -> Exact:
    """A⁺: the transpose, where rows are orthonormal."""
    orthonormal = np.abs(matrix @ matrix.T - np.eye(len(matrix))).max() < 1e-4
    if orthonormal:
        return matrix.T
    return np.asarray(np.linalg.pinv(matrix), np.float64)
