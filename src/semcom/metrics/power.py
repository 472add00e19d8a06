"""How many seeds would decide a difference, and which differences no number of seeds can decide.

A planning figure, not a finding: it takes the difference and the variances seen for the true ones, and both
are rough after few seeds; a difference that looks large by luck makes it too small.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import nctdtr, nctdtrinc, stdtrit

from semcom.metrics.intervals import Estimate
from semcom.metrics.scenes import Crossed

Floats = NDArray[np.float64]

MOST = 1000
"""More seeds than anybody would run."""


def power(true: Estimate, *, level: float = 0.95) -> Floats:
    """Chance that the interval excludes zero on the side of the true difference (noncentral t).

    Args:
        true: the true mean, standard error and degrees of freedom, of shape (...).
        level: of the interval; 1 - 0.05 / m is the strictest step of Holm among m comparisons.
    """
    size = np.divide(
        np.abs(true.mean), true.standard_error, out=np.zeros(true.df.shape), where=true.standard_error > 0
    )
    # Above 30 standard errors the chance is 1, but the distribution function is not computed any more.
    return np.asarray(1 - nctdtr(true.df, np.minimum(size, 30), stdtrit(true.df, (1 + level) / 2)))


def seeds_to_decide(
    table: Crossed, *, beyond_scenes: bool = True, level: float = 0.95, chance: float = 0.8
) -> Floats:
    """Smallest number of seeds with which the interval would exclude zero, at the variances seen.

    Args:
        table: seeds by scenes of the runs there are, of shape (...).
        beyond_scenes: by the interval over seeds and scenes; else by the one over seeds on these scenes.
        level: of the interval.
        chance: power that is asked for.

    Returns:
        (...) whole numbers from 2; infinity where `MOST` seeds do not suffice.
    """
    counts = np.arange(2.0, MOST + 1)
    wide = replace(
        table,
        mean=table.mean[..., None],
        of_seeds=table.of_seeds[..., None],
        of_scenes=table.of_scenes[..., None],
        of_both=table.of_both[..., None],
    )
    if beyond_scenes:
        planned = wide.estimate(counts)
    else:
        error = np.sqrt(wide.seed_variance / counts)
        planned = Estimate(*np.broadcast_arrays(wide.mean, error, counts - 1))
    enough = power(planned, level=level) >= chance
    return np.where(enough.any(-1), counts[enough.argmax(-1)], np.inf)


def least_decidable(table: Crossed, *, level: float = 0.95, chance: float = 0.8) -> Floats:
    """The true difference below which no number of seeds decides it on these test scenes.

    With seeds without end the variance of the scenes remains, with C - 1 degrees of freedom; only more test
    scenes lower it.

    Args:
        table: seeds by scenes, of shape (...).
        level: of the interval.
        chance: power that is asked for.

    Returns:
        (...) differences in the table's unit; 0 where scenes show no variance of their own.
    """
    df = table.scenes - 1.0
    return np.asarray(nctdtrinc(df, 1 - chance, stdtrit(df, (1 + level) / 2)) * np.sqrt(table.scene_variance))
