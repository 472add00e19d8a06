"""How sure a difference is over seeds and test scenes at once, and over test scenes alone.

differences (..., seeds, frames) ─► totals (..., seeds, scenes) ─► mean squares ─► Estimate
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics.intervals import Estimate, check_seeds

Floats = NDArray[np.float64]


class Totals(NamedTuple):
    """Sums over the frames of each scene (..., C), and how many frames a scene has (C,)."""

    sums: Floats
    sizes: NDArray[np.int64]


def by_scene(values: NDArray[np.floating], scenes: NDArray[np.integer]) -> Totals:
    """Add up the frames of each scene.

    Args:
        values: (..., N), one a frame.
        scenes: (N,) scene of every frame; frames of one scene are one cluster.

    Raises:
        SemcomError: the frames differ in number, or are of fewer than two scenes.
    """
    if scenes.ndim != 1 or values.shape[-1:] != scenes.shape:
        raise SemcomError(f"values of shape {values.shape} for {scenes.shape} frames: the last is the frame")
    order = np.argsort(scenes, kind="stable")
    _, starts, sizes = np.unique(scenes[order], return_index=True, return_counts=True)
    if len(sizes) < 2:
        raise SemcomError(
            f"test frames of {len(sizes)} scene: at least 2 are needed to see how scenes differ, better 30; "
            "prepare a data set with more test scenes"
        )
    return Totals(np.add.reduceat(values[..., order], starts, axis=-1, dtype=np.float64), sizes)


@dataclass(frozen=True)
class Crossed:
    """Analysis of variance of a table of seeds by scenes; every array has shape (...).

    Mean squares are those of one cell, scaled such that the variance of the mean is
    (seeds + scenes - both) / (S·C).
    """

    mean: Floats
    """Mean difference over frames and seeds."""
    of_seeds: Floats
    """Mean square between seeds, S - 1 degrees of freedom."""
    of_scenes: Floats
    """Mean square between scenes, C - 1 degrees of freedom."""
    of_both: Floats
    """Mean square of their interaction, (S - 1)(C - 1) degrees of freedom."""
    seeds: int
    scenes: int

    @property
    def seed_variance(self) -> Floats:
        """Variance of one seed's difference on these test scenes: what more seeds average out."""
        return self.of_seeds / self.scenes

    @property
    def scene_variance(self) -> Floats:
        """Variance of the mean that stays with these test scenes however many seeds are run; at least 0."""
        return np.maximum(self.of_scenes - self.of_both, 0) / (self.seeds * self.scenes)

    def estimate(self, seeds: float | Floats | None = None) -> Estimate:
        """The mean with its standard error over seeds and scenes and Satterthwaite's degrees of freedom.

        variance = seed_variance / S + scene_variance; df = variance² over the sum of each mean square's
        squared share divided by its own degrees of freedom (Satterthwaite 1946), but never below the
        smaller of S - 1 and C - 1, where the difference of mean squares makes the formula fall
        (Gaylor & Hopper 1969). Where scenes show no variance of their own, this is the t over seeds.

        Args:
            seeds: what the estimate would be with this many seeds (infinity too) at these components of
                variance, of a shape that goes with (...); None: with those that were run.
        """
        count = np.asarray(self.seeds if seeds is None else seeds, dtype=np.float64)
        scene = self.scene_variance
        # Each mean square's share of the variance of the mean, and its square over its degrees of freedom.
        seed_share = self.seed_variance / count
        both_share = self.of_both / (count * self.scenes)
        variance = seed_share + scene
        small = np.minimum(count, self.scenes) - 1
        spread = seed_share**2 / (count - 1) + (scene > 0) * (
            (scene + both_share) ** 2 / (self.scenes - 1) + both_share**2 / (count - 1) / (self.scenes - 1)
        )
        df = np.divide(variance**2, spread, out=np.ones_like(variance), where=spread > 0)
        return Estimate(*np.broadcast_arrays(self.mean, np.sqrt(variance), np.maximum(df, small)))


def crossed(differences: NDArray[np.floating], scenes: NDArray[np.integer]) -> Crossed:
    """Seeds and scenes as crossed random effects of a mean over frames.

    The mean over frames is a ratio, frames right over frames there, and scenes have unequal sizes. So
    each cell is linearised: y_sc = (sum over the scene's frames - mean · frames) · C / N (Cochran 1977,
    Sampling Techniques, chapter 6). Every seed is tested on every frame, so that this table is complete
    and balanced whatever the sizes, and the mean squares of the two-way analysis of variance estimate its
    components without bias and without a model of how scenes differ (Searle, Casella & McCulloch 1992,
    Variance Components, chapter 4). The scene component is set to 0 where its estimate is negative, as
    Hillis (2007, Statistics in Medicine 26:596) does for readers and cases; the component of seeds is never
    cut, as a low mean square of few seeds is no sign of none.

    Args:
        differences: (..., S, N) difference between two methods for every seed and test frame, channel
            draws averaged, for example -1, 0, 1 for wrong or right answers.
        scenes: (N,) scene of every frame.

    Raises:
        SemcomError: fewer than two seeds or scenes, shapes that do not fit, or values that are not finite.
    """
    check_seeds(differences.shape[-2] if differences.ndim > 1 else 1)
    if not np.isfinite(differences).all():
        raise SemcomError("differences over frames must be finite numbers, but some are not: leave them out")
    sums, sizes = by_scene(differences, scenes)
    seeds, count = sums.shape[-2:]
    mean = sums.sum((-2, -1)) / (seeds * sizes.sum())
    cells = (sums - mean[..., None, None] * sizes) * (count / sizes.sum())
    rows, columns = cells.mean(-1), cells.mean(-2)
    rest = cells - rows[..., :, None] - columns[..., None, :]  # their mean is 0 by construction
    return Crossed(
        mean=mean,
        of_seeds=_rounded(count * np.square(rows).sum(-1) / (seeds - 1), count),
        of_scenes=_rounded(seeds * np.square(columns).sum(-1) / (count - 1), count),
        of_both=_rounded(np.square(rest).sum((-2, -1)) / ((seeds - 1) * (count - 1)), count),
        seeds=seeds,
        scenes=count,
    )


def _rounded(square: Floats, scale: int) -> Floats:
    """Zero where nothing but rounding is left."""
    return np.where(square > 1e-24 * scale, square, 0.0)


def bootstrap_scenes(
    differences: NDArray[np.floating],
    scenes: NDArray[np.integer],
    *,
    generator: np.random.Generator,
    resamples: int = 4000,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Percentile bootstrap of a mean over frames: whole scenes are drawn with replacement.

    It speaks of other test scenes for these very models; not for seeds, of which there are too few.

    Args:
        differences: (..., N), one a frame; several seeds are averaged before.
        scenes: (N,) scene of every frame.
        generator: source of the resamples, the same ones for all of (...).
        resamples: how many.
        level: coverage, in 0..1.

    Returns:
        Lower and upper ends, each (...).

    Raises:
        SemcomError: the frames differ in number, or are of fewer than two scenes.
    """
    sums, sizes = by_scene(differences, scenes)
    drawn = generator.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=resamples)
    means = sums @ drawn.T / (drawn @ sizes)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return low, high
