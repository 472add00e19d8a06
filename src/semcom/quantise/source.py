"""What a shared base is built of: vectors in pieces, so that they need not be in memory at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError

Vectors = NDArray[np.float32]
Positions = NDArray[np.int64]
CHUNK = 16_384
"""Rows at a time: 32 MB of float32 at 512 dimensions."""


class Source(Protocol):
    """Vectors, what they are called, and where they come from; `Embeddings` and `InMemory` are some."""

    @property
    def dim(self) -> int:
        """Of a vector."""
        ...

    @property
    def ids(self) -> Positions:
        """(N,) what they are called."""
        ...

    @property
    def mentor(self) -> Mapping[str, Any]:
        """What made them."""
        ...

    @property
    def data(self) -> str:
        """Version of the data behind them."""
        ...

    def chunks(self, positions: Positions | None = None) -> Iterator[Vectors]:
        """The vectors (n, dim) in pieces, in their order; those at `positions` (rising) if given."""
        ...


@dataclass(frozen=True, eq=False)
class InMemory:
    """Vectors in an array.

    Attributes:
        array: (N, dim), of any length but 0.
        ids: (N,) what they are called.
        mentor: what made them.
        data: version of the data behind them.

    Raises:
        SemcomError: the array is not (N, dim), or there are more or fewer ids than vectors.
    """

    array: NDArray[np.floating[Any]]
    ids: Positions
    mentor: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""

    def __post_init__(self) -> None:
        if np.ndim(self.array) != 2 or np.shape(self.ids) != (len(self.array),):
            raise SemcomError(
                f"vectors of shape {np.shape(self.array)} and ids of shape {np.shape(self.ids)}: give "
                "(N, dim) and (N,), an id for each vector"
            )

    @classmethod
    def numbered(cls, array: NDArray[np.floating[Any]], *, first: int = 0) -> "InMemory":
        """Vectors called `first`, `first` + 1 and so on."""
        return cls(array, np.arange(first, first + len(array)))

    @property
    def dim(self) -> int:
        """Of a vector."""
        return int(self.array.shape[1])

    def chunks(self, positions: Positions | None = None) -> Iterator[Vectors]:
        """The vectors in pieces, in their order; those at `positions` if given."""
        count = len(self.array) if positions is None else len(positions)
        for start in range(0, count, CHUNK):
            part = slice(start, start + CHUNK)
            yield self.array[part if positions is None else positions[part]].astype(np.float32)


def unit(vectors: Vectors, what: str) -> Vectors:
    """`vectors` (N, dim), scaled to unit length in place.

    Args:
        vectors: float32.
        what: for errors.

    Raises:
        SemcomError: one is zero or not finite: it has no direction.
    """
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None]
    if not (norms > 0).all() or not np.isfinite(norms).all():
        (row,) = np.nonzero(~((norms[:, 0] > 0) & np.isfinite(norms[:, 0])))
        raise SemcomError(
            f"{what} {row[0]} has the length {norms[row[0], 0]}, so no direction; leave it out, or look at "
            "what made it"
        )
    vectors /= norms
    return vectors
