"""Several comparisons at once."""

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError

Floats = NDArray[np.float64]


def holm(p_values: NDArray[np.floating]) -> Floats:
    """P-values adjusted for their number: where one is below 0.05, so is the chance of any false finding.

    Step-down Bonferroni (Holm 1979, Scandinavian Journal of Statistics 6:65): the smallest of m counts m
    times, the next m - 1 times and so on, none less than the one before. Valid whatever the dependence.

    Args:
        p_values: (m,) of one family of comparisons, in any order.

    Returns:
        (m,) in the same order, at most 1.

    Raises:
        SemcomError: they are no list of numbers in 0..1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise SemcomError(f"{p_values} are no p-values: give a list of numbers from 0 to 1")
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted
