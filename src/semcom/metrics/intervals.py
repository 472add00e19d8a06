"""How sure a mean over seeds is: Student's t."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from semcom.files.errors import SemcomError

Floats = NDArray[np.float64]
Values = Sequence[float] | NDArray[np.floating]


class Interval(NamedTuple):
    """A mean and its uncertainty: the interval is mean - half_width … mean + half_width."""

    mean: float
    half_width: float


class Estimate(NamedTuple):
    """Means, their standard errors and the degrees of freedom of these, all of one shape (...).

    A standard error of 0 says that nothing varied, which in counts of few frames is no certainty: such an
    estimate has no interval (NaN) and the p-value 1.
    """

    mean: Floats
    standard_error: Floats
    df: Floats

    def half_width(self, level: float = 0.95) -> Floats:
        """Half the width of the interval around the mean, in its unit; NaN where nothing varied."""
        half = stdtrit(self.df, (1 + level) / 2) * self.standard_error
        return np.where(self.standard_error > 0, half, np.nan)

    def p_value(self) -> Floats:
        """Two-sided p-value of a mean of zero; 1 where nothing varied."""
        varied = self.standard_error > 0
        t = np.abs(self.mean) / np.where(varied, self.standard_error, 1)
        return np.where(varied, 2 * stdtr(self.df, -t), 1.0)


def over_seeds(differences: NDArray[np.floating]) -> Estimate:
    """The paired Student t: means of differences between two methods, one a seed.

    It speaks of other seeds on these same test frames, and of no other frames.

    Args:
        differences: (..., S) difference of every seed, in any unit.

    Returns:
        Estimate of shape (...), with S - 1 degrees of freedom.

    Raises:
        SemcomError: there are fewer than two seeds, or a difference is not finite.
    """
    sample = np.asarray(differences, dtype=np.float64)
    count = sample.shape[-1] if sample.ndim else 0
    check_seeds(count)
    if not np.isfinite(sample).all():
        raise SemcomError("differences over seeds must be finite numbers, but some are not: leave them out")
    mean = sample.mean(-1)
    # What is left of equal differences after rounding is no spread.
    varied = np.ptp(sample, -1) > 1e-12 * np.abs(sample).max(-1)
    error = np.where(varied, sample.std(-1, ddof=1), 0) / np.sqrt(count)
    return Estimate(mean, error, np.full(mean.shape, count - 1.0))


def check_seeds(count: int) -> None:
    """Raises: SemcomError: an interval over `count` seeds is asked where there are fewer than two."""
    if count < 2:
        raise SemcomError(
            f"{count} seed{'s' * (count != 1)}: an interval over seeds needs at least 2, better 5 or more; "
            "add seeds to the params file and run snakemake again"
        )


def t_interval(values: Values, *, level: float = 0.95) -> Interval:
    """Student's t interval of the mean of independent values, such as one a seed.

    Not the bootstrap: over five seeds its percentile interval of nominally 95 % covers 84 %.

    Args:
        values: (n,) values in any unit.
        level: coverage, in 0..1.

    Returns:
        Mean and half width in that unit; with n = 1 the half width is NaN: one value says nothing of it.

    Raises:
        SemcomError: no value is given.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not len(sample):
        raise SemcomError(
            f"an interval needs at least one value in one dimension, but has shape {sample.shape}"
        )
    if len(sample) == 1:
        return Interval(float(sample[0]), float("nan"))
    quantile = stdtrit(len(sample) - 1, (1 + level) / 2)
    return Interval(float(sample.mean()), float(quantile * sample.std(ddof=1) / np.sqrt(len(sample))))


def paired_interval(values: Values, rivals: Values, *, level: float = 0.95) -> Interval:
    """Student's t interval of the mean difference `values` - `rivals`, paired by position (the same seeds).

    Raises:
        SemcomError: the two are not equally long, or empty.
    """
    a, b = np.asarray(values, dtype=np.float64), np.asarray(rivals, dtype=np.float64)
    if a.shape != b.shape:
        raise SemcomError(f"{a.shape} values cannot be paired with {b.shape}: give both for the same seeds")
    return t_interval(a - b, level=level)
