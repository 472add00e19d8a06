"""A linear map from one encoder's space to another's, fitted on images that both have seen.

    both embed n shared images ─► the target's embeddings are sent, in fp16 ─► ridge regression at the source

The rival of a shared space: it needs no mentor and no base, but embeddings of shared images between each two
parties.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics.heads import Vectors, unit

Floats = NDArray[np.float64]
PENALTIES = tuple(10.0**exponent for exponent in range(2, -7, -1))
"""In units of the mean variance of a source dimension; of equally good ones the first is taken."""
VALIDATION = 5
"""One in so many of the shared images is held out, to choose the penalty."""
SENT = np.float16


@dataclass(frozen=True, eq=False)
class RidgeMap:
    """x W + b, made a unit vector.

    Attributes:
        weight: W (D of the source, D of the target).
        offset: b (D of the target,).
        penalty: the one chosen.
        validation: mean cosine of held-out images with their targets, -1..1.
        images: n, shared images that it took.
    """

    weight: Floats
    offset: Floats
    penalty: float
    validation: float
    images: int

    def __call__(self, features: Vectors) -> Vectors:
        """Unit vectors (N, D of the target) of features (N, D of the source)."""
        return unit(features @ self.weight + self.offset)

    @property
    def exchanged_bytes(self) -> int:
        """Of the target's embeddings, which the source was sent."""
        return exchanged_bytes(self.images, len(self.offset))


def exchanged_bytes(images: int, dim: int) -> int:
    """Embeddings of `images` shared images, `dim` values of fp16 each."""
    return images * dim * np.dtype(SENT).itemsize


def ridge_map(source: Vectors, target: Vectors, *, seed: int) -> RidgeMap:
    """Fit a map, its penalty the one whose maps of held-out images point best; then fit again on all.

    Args:
        source: (n, D of the source) of unit length, in the order of the images.
        target: (n, D of the target) of unit length, of the same images.
        seed: of the draw of those that are held out.

    Raises:
        SemcomError: the images differ in number, or are fewer than 10.
    """
    if len(source) != len(target) or len(source) < 2 * VALIDATION:
        raise SemcomError(
            f"a map is fitted on at least {2 * VALIDATION} images that both have seen; here are "
            f"{len(source)} of the one and {len(target)} of the other"
        )
    x, y = np.asarray(source, np.float64), np.asarray(target, SENT).astype(np.float64)
    order = np.random.default_rng([seed, 2]).permutation(len(x))
    held, kept = order[: len(x) // VALIDATION], order[len(x) // VALIDATION :]
    scores = [
        float((unit(x[held] @ weight + offset) * unit(y[held])).sum(1).mean())
        for weight, offset in _path(x[kept], y[kept], PENALTIES)
    ]
    chosen = int(np.argmax(scores))
    ((weight, offset),) = _path(x, y, PENALTIES[chosen : chosen + 1])
    return RidgeMap(weight, offset, PENALTIES[chosen], scores[chosen], len(x))


def _path(x: Floats, y: Floats, penalties: tuple[float, ...]) -> list[tuple[Floats, Floats]]:
    """Weight and offset for each penalty: argmin |Y - X W - b|² + n p v |W|², v the mean variance of X."""
    mean, level = x.mean(0), y.mean(0)
    power, turn = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    products = turn.T @ ((x - mean).T @ (y - level) / len(x))
    scale = max(power.mean(), np.finfo(np.float64).tiny)
    weights = [turn @ (products / (np.maximum(power, 0) + p * scale)[:, None]) for p in penalties]
    return [(weight, level - mean @ weight) for weight in weights]
