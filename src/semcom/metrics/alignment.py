"""A linear map from one encoder's space to another's, fitted on images that both have seen.

    both embed n shared images ─► the target's embeddings are sent, in fp16 ─► ridge regression at the source

The rival of a shared space: it needs no mentor and no base, but embeddings of shared images between each two
parties.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics.heads import Vectors, check_finite, unit

Floats = NDArray[np.float64]
PENALTIES = tuple(10.0**exponent for exponent in range(2, -7, -1))
"""In units of the mean variance of a source dimension; of equally good ones the first is taken."""
VALIDATION = 5
"""One in so many of the shared images is held out, to choose the penalty."""
SENT = np.float16
LARGEST = float(np.finfo(SENT).max)


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
        SemcomError: the images differ in number, or are fewer than 10; embeddings are not (n, D), not finite,
            or too large for fp16.
    """
    if np.ndim(source) != 2 or np.ndim(target) != 2:
        raise SemcomError(
            f"a map from embeddings of shape {np.shape(source)} to some of {np.shape(target)}: give (n, D)"
        )
    if len(source) != len(target) or len(source) < 2 * VALIDATION:
        raise SemcomError(
            f"a map is fitted on at least {2 * VALIDATION} images that both have seen; here are "
            f"{len(source)} of the one and {len(target)} of the other"
        )
    check_finite("the source's embeddings", source)
    check_finite("the target's embeddings", target)
    if (largest := float(np.abs(target).max(initial=0))) > LARGEST:
        raise SemcomError(
            f"the target's embeddings go up to {largest:g}, fp16, in which they are sent, to {LARGEST:g}; "
            "scale them to unit length"
        )
    x, y = np.asarray(source, np.float64), np.asarray(target, SENT).astype(np.float64)
    order = np.random.default_rng([seed, 2]).permutation(len(x))
    held, kept = order[: len(x) // VALIDATION], order[len(x) // VALIDATION :]
    among = Ridge.of(x[kept], y[kept])
    scores = [float((unit(among.predict(x[held], p)) * unit(y[held])).sum(1).mean()) for p in PENALTIES]
    chosen = int(np.argmax(scores))
    weight, offset = Ridge.of(x, y).weights(PENALTIES[chosen])
    return RidgeMap(weight, offset, PENALTIES[chosen], scores[chosen], len(x))


@dataclass(frozen=True, eq=False)
class Ridge:
    """argmin |Y - X W - b|² + n p v |W|² for any p, v the mean variance of X.

    Everything is in the eigenvectors of X's covariance, or, of fewer images than dimensions, of the images'
    products: a penalty then costs no more than a scaling, and W is made for the chosen one alone.

    Attributes:
        mean, level: of X (D,) and of Y (E,).
        basis: (D, r), from X less its mean to the eigenvectors.
        power: (r,) eigenvalues.
        products: (r, E) of the eigenvectors with Y less its mean.
        scale: v.
    """

    mean: Floats
    level: Floats
    basis: Floats
    power: Floats
    products: Floats
    scale: float

    @classmethod
    def of(cls, x: Floats, y: Floats) -> "Ridge":
        """Of sources (n, D) and targets (n, E)."""
        mean, level = x.mean(0), y.mean(0)
        x, y = x - mean, y - level
        scale = max(float(np.square(x).mean()), np.finfo(np.float64).tiny)
        if len(x) < x.shape[1]:
            power, turn = np.linalg.eigh(x @ x.T / len(x))
            return cls(mean, level, x.T @ turn, power, turn.T @ y / len(x), scale)
        power, turn = np.linalg.eigh(x.T @ x / len(x))
        return cls(mean, level, turn, power, turn.T @ (x.T @ y) / len(x), scale)

    def predict(self, x: Floats, penalty: float) -> Floats:
        """Targets (N, E) of sources (N, D)."""
        return ((x - self.mean) @ self.basis) @ self._shrunk(penalty) + self.level

    def weights(self, penalty: float) -> tuple[Floats, Floats]:
        """W (D, E) and b (E,)."""
        weight = self.basis @ self._shrunk(penalty)
        return weight, self.level - self.mean @ weight

    def _shrunk(self, penalty: float) -> Floats:
        made: Floats = self.products / (np.maximum(self.power, 0) + penalty * self.scale)[:, None]
        return made
