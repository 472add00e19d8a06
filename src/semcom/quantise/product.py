"""Product quantisation: features as exactly B bits each, for a link that carries B bits a frame.

    feature (dim) ─► cut into M parts ─► nearest centroid of each part's codebook ─► B bits
    B bits ─► centroids, put together ─► feature (dim)

The B bits are dealt out to M codebooks as evenly as they go, and so are the dimensions, so that any B can be
had (faiss' own ProductQuantizer needs dim and B divisible by M; where they are, codes are the same).
Codebooks are faiss k-means. Decoded vectors are shorter than the features (a centroid is a mean): where only
the direction counts, normalise again.
"""

import math
from dataclasses import dataclass
from typing import Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.progress import log

Vectors = NDArray[np.float32]
Bits = NDArray[np.uint8]

POINTS_A_CENTROID = 39
"""Fewer training vectors a centroid make a codebook of noise; faiss warns from there on."""
MOST_CODEBOOK_BITS = 8
ITERATIONS = 25


@dataclass(frozen=True, eq=False)
class ProductQuantiser:
    """Trained codebooks.

    Attributes:
        codebooks: one a part, (2^bits, width) float32; the parts' widths add up to dim, their bits to B.
        mean: (dim,) mean training feature, which stands in for a lost one.
    """

    codebooks: tuple[Vectors, ...]
    mean: Vectors

    @classmethod
    def train(
        cls,
        features: Vectors,
        *,
        bits: int,
        seed: int,
        codebook_bits: int = MOST_CODEBOOK_BITS,
        too_few: Literal["fewer_bits", "refuse"] = "fewer_bits",
    ) -> "ProductQuantiser":
        """Learn codebooks from features.

        Args:
            features: (N, dim) float32.
            bits: B, bits a feature.
            seed: of the k-means.
            codebook_bits: most bits of one codebook; more make better codes of the same length, but need
                39 · 2^bits features.
            too_few: with fewer features than that, `fewer_bits` takes smaller codebooks and more of them, and
                says so; `refuse` is an error.

        Raises:
            SemcomError: B bits cannot be had: too few features or dimensions. Nothing was trained then.
        """
        features = np.ascontiguousarray(features, np.float32)
        if features.ndim != 2 or not np.isfinite(features).all():
            raise SemcomError(
                f"features must be (N, dim) and finite, but have shape {features.shape} or NaN in them"
            )
        sizes = _deal_bits(len(features), features.shape[1], bits, codebook_bits, too_few)
        parts = np.array_split(features, len(sizes), axis=1)
        codebooks = tuple(_codebook(part, size, seed) for part, size in zip(parts, sizes, strict=True))
        return cls(codebooks, features.mean(0))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Bits of each codebook."""
        return tuple(len(book).bit_length() - 1 for book in self.codebooks)

    @property
    def bits(self) -> int:
        """Bits a feature, B."""
        return sum(self.sizes)

    def encode(self, features: Vectors) -> Bits:
        """Features (N, dim) to bits (N, B) of 0 and 1, each index with its highest bit first."""
        columns, start = [], 0
        for book, size in zip(self.codebooks, self.sizes, strict=True):
            part = np.ascontiguousarray(features[:, start : start + book.shape[1]], np.float32)
            nearest = faiss.knn(part, book, 1)[1][:, 0]
            columns.append((nearest[:, None] >> np.arange(size - 1, -1, -1)) & 1)
            start += book.shape[1]
        return np.concatenate(columns, axis=1).astype(np.uint8)

    def decode(self, bits: NDArray[np.generic], *, lost: NDArray[np.bool_] | None = None) -> Vectors:
        """Bits (N, B) to features (N, dim); the mean feature where `lost` (N,) says that nothing arrived.

        Any bits have a meaning: wrong ones give a wrong feature, no error.

        Raises:
            SemcomError: a row does not have B bits.
        """
        if bits.ndim != 2 or bits.shape[1] != self.bits:
            raise SemcomError(f"codes are (N, {self.bits}) bits, not {bits.shape}")
        parts, start = [], 0
        for book, size in zip(self.codebooks, self.sizes, strict=True):
            weights = 1 << np.arange(size - 1, -1, -1)
            parts.append(book[bits[:, start : start + size].astype(np.int64) @ weights])
            start += size
        features = np.concatenate(parts, axis=1)
        if lost is not None:
            features[lost] = self.mean
        return features


def _deal_bits(count: int, dim: int, bits: int, codebook_bits: int, too_few: str) -> list[int]:
    """Bits of each codebook: as few codebooks as the features allow, their bits as even as they go."""
    if bits < 1 or not 1 <= codebook_bits <= 16:
        raise SemcomError(
            f"{bits} bits a feature in codebooks of {codebook_bits}: take ≥ 1 bit, codebooks of 1 to 16"
        )
    affordable = int(math.log2(max(count / POINTS_A_CENTROID, 1)))
    wanted = min(codebook_bits, bits)
    needed = POINTS_A_CENTROID * 2**wanted
    if affordable < 1 or (affordable < wanted and too_few == "refuse"):
        least = wanted if too_few == "refuse" else 1
        raise SemcomError(
            f"{count} features are too few to train a codebook of {least} bits, which takes "
            f"{POINTS_A_CENTROID * 2**least}; give more features"
            + (f", or codebook_bits: {affordable}" if affordable >= 1 else "")
        )
    most = min(wanted, affordable)
    books = -(-bits // most)
    if books > dim:
        raise SemcomError(
            f"{bits} bits a feature need {books} codebooks of {most} bits, but {dim} dimensions make {dim} "
            f"parts at most: take at most {dim * most} bits, or more features for larger codebooks"
        )
    if most < wanted:
        log.info(
            "product quantiser: %d features train codebooks of %d bits, not %d (%d features): %d of them",
            count,
            most,
            wanted,
            needed,
            books,
        )
    return [bits // books + (i < bits % books) for i in range(books)]


def _codebook(part: Vectors, size: int, seed: int) -> Vectors:
    part = np.ascontiguousarray(part)
    means = faiss.Kmeans(
        part.shape[1], 2**size, niter=ITERATIONS, seed=seed, max_points_per_centroid=max(256, len(part))
    )
    means.train(part)
    return np.asarray(means.centroids, np.float32)
