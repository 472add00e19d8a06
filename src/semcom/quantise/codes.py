"""A shared base's codebooks as a code for vectors: indices of product quantisation, as bits, and back.

    centred vector ─► about the base's mean ─► linear map ─► nearest centroids ─► indices ─► bits
    bits ─► indices ─► the receiver's copy of the base ─► vector ─► centred

Encoders that learnt under a base differ in their mean direction. Each takes off its own, and the base's takes
its place, so that codebooks are used where they were trained and the receiver needs no mean of the party.
"""

from pathlib import Path
from typing import Any

import faiss as untyped
import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics.heads import centred
from semcom.quantise.bits import from_bits, to_bits
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import Vectors, unit

faiss: Any = untyped
"""Its type hints lack half of it."""
Bits = NDArray[np.uint8]


class BaseCodes:
    """Bits of vectors in a base's space.

    Args:
        base: of a product-quantised form without lists.

    Attributes:
        mean: (D,) of the base's vectors.
        bits: of a vector.

    Raises:
        SemcomError: the base is of another form.
    """

    def __init__(self, base: SharedBase) -> None:
        self.base = base
        if not hasattr(base.index, "pq") or faiss.try_extract_index_ivf(base.index) is not None:
            raise SemcomError(
                f"a base of the form {base.about.form} has no product-quantised indices of single vectors; "
                "take a form such as PQ32x4"
            )
        self.pq = base.index.pq
        self.mean: Vectors = base.decode().mean(0)
        # Of unit vectors E|v|² = 1: their spread about the mean is what its own square leaves.
        self.spread = float(np.sqrt(max(1 - float(self.mean @ self.mean), 1e-6)))

    @classmethod
    def load(cls, path: Path | None) -> "BaseCodes":
        """Of the base in a file.

        Raises:
            SemcomError: there is none, it is damaged, or of another form.
        """
        if path is None:
            raise SemcomError("indices in a shared base's codebooks need the base, and none is given: --base")
        return cls(SharedBase.load(path))

    @property
    def bits(self) -> int:
        """Of all indices of a vector."""
        return int(self.pq.M * self.pq.nbits)

    def encode(self, vectors: Vectors) -> Bits:
        """Bits (N, B) of centred unit vectors (N, D).

        Raises:
            SemcomError: they are of another dimension.
        """
        self.base.about.check_dim(vectors.shape[1])
        placed = unit(np.ascontiguousarray(self.mean + self.spread * vectors, np.float32), "vector")
        mapped = self.base.linear.apply(placed) if self.base.linear else placed
        packed = self.pq.compute_codes(np.ascontiguousarray(mapped, np.float32))
        return to_bits(faiss.unpack_bitstrings(packed, self.pq.M, self.pq.nbits), width=self.pq.nbits)

    def decode(self, bits: NDArray[np.generic]) -> Vectors:
        """Centred unit vectors (N, D) of bits (N, B); any bits are some vector."""
        indices = from_bits(bits, width=self.pq.nbits)
        packed = faiss.pack_bitstrings(np.ascontiguousarray(indices, np.int32), self.pq.nbits)
        coded = self.pq.decode(packed)
        vectors = self.base.linear.back(coded) if self.base.linear else coded
        return np.asarray(centred(vectors, self.mean), np.float32)
