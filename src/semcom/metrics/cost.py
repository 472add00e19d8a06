"""What training must send to be good enough: channel uses at which a curve of accuracy reaches a target."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import binom

from semcom.files.errors import SemcomError
from semcom.metrics.intervals import Interval, Values, t_interval

Bound = Literal["", "at most", "more than"]


class Reached(NamedTuple):
    """Where a target is reached.

    Attributes:
        uses: complex channel uses of training, in the unit given.
        bound: `at most` if the shortest training reaches the target already, `more than` if none does (both
            censored: `uses` is that training's); empty: a measurement.
    """

    uses: float
    bound: Bound


def uses_to_reach(uses: Values, accuracy: Values, target: float) -> Reached:
    """Channel uses at which accuracy reaches `target`: C(A*).

    Trainings of several budgets give points of a curve. Longer training is taken not to hurt, so that a dip
    is noise: the curve is the closest one that never falls (least squares), read linearly in the logarithm
    of the channel uses. Beyond the shortest and the longest training nothing is known.

    Args:
        uses: (B,) positive and rising, one a budget.
        accuracy: (B,) in any unit.
        target: in that unit.

    Raises:
        SemcomError: lengths differ, or uses are not positive and rising.
    """
    x, y = np.asarray(uses, np.float64), np.asarray(accuracy, np.float64)
    if x.shape != y.shape or x.ndim != 1 or not len(x):
        raise SemcomError(f"{x.shape} channel uses and {y.shape} accuracies: give one of each a budget")
    if (x <= 0).any() or (np.diff(x) <= 0).any():
        raise SemcomError("channel uses of training must be positive, and rise with the budget")
    curve = never_falling(y)
    if curve[0] >= target:
        return Reached(float(x[0]), "at most")
    if curve[-1] < target:
        return Reached(float(x[-1]), "more than")
    after = int(np.argmax(curve >= target))
    share = (target - curve[after - 1]) / (curve[after] - curve[after - 1])
    low, high = np.log(x[after - 1 : after + 1])
    return Reached(float(np.exp(low + share * (high - low))), "")


def ratio_interval(own: Values, rivals: Values, *, level: float = 0.95) -> Interval:
    """Student's t interval of the mean of log(own / rival), paired by position (the same seeds).

    exp of its mean is the geometric mean of the ratios, exp of its ends are those of their interval.

    Raises:
        SemcomError: the two are not equally long.
    """
    a, b = np.asarray(own, np.float64), np.asarray(rivals, np.float64)
    if a.shape != b.shape:
        raise SemcomError(f"{a.shape} values cannot be paired with {b.shape}: give both for the same seeds")
    return t_interval(np.log(a / b), level=level)


def never_falling(accuracy: Values) -> NDArray[np.float64]:
    """The closest curve (least squares) to accuracies (B,) by rising budget that never falls."""
    fitted: NDArray[np.float64] = isotonic_regression(np.asarray(accuracy, np.float64)).x
    return fitted


FEWEST = 6
"""Seeds that a 95 % interval of a median takes."""


class Ratio(NamedTuple):
    """One method's cost through another's, over seeds.

    Attributes:
        value: NaN if bounds tell nothing of it.
        low, high: ends of its interval; NaN where there is none.
        p: of a median, two-sided, that it is 1; else NaN.
        kind: what `value` is: the geometric mean; with bounds among the seeds the median, or a bound of it.
    """

    value: float
    low: float
    high: float
    p: float
    kind: Literal["mean", "median", "at most", "at least"]


def cost_ratio(own: Values, rivals: Values, *, bounds: tuple[Sequence[str], Sequence[str]]) -> Ratio:
    """Ratio of two methods' costs with a 95 % interval, paired by position (the same seeds).

    Args:
        own: (n,) costs, as `Reached.uses`.
        rivals: (n,) the other method's.
        bounds: of both, as `Reached.bound`.

    Returns:
        Geometric mean with Student's t interval of the logarithms; where a seed has a bound `median_ratio`.

    Raises:
        SemcomError: the two are not equally long.
    """
    if not any([*bounds[0], *bounds[1]]):
        mean, half = ratio_interval(own, rivals)
        half = half if half > 1e-9 else np.nan  # seeds that agree to the last digit are no certainty
        value, start, end = (float(np.exp(x)) for x in (mean, mean - half, mean + half))
        return Ratio(value, start, end, np.nan, "mean")
    (least, most), (low, high) = spans(own, bounds[0]), spans(rivals, bounds[1])
    with np.errstate(divide="ignore"):  # by a lower end of 0
        return median_ratio(least / high, most / low)


def spans(values: Values, bounds: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each value may lie, given its `Bound`: from 0 on if `at most`, to infinity if `more than`."""
    there, kind = np.asarray(values, np.float64), np.asarray(list(bounds))
    return np.where(kind == "at most", 0.0, there), np.where(kind == "more than", np.inf, there)


def median_ratio(low: Values, high: Values, *, level: float = 0.95) -> Ratio:
    """Median of ratios that lie between bounds, one a seed, with an interval by order statistics.

    A t interval of bounds is no bound: a seed that in truth lies farther out widens it. The k-th of sorted
    values from either end hold the median with probability 1 - 2 P(fewer than k heads of n fair coins),
    whatever their distribution (Hahn and Meeker 1991, chapter 5); with each seed at the worse of its ends
    this still holds. It takes `FEWEST` seeds for 95 %; with fewer there is no interval. P: sign test.

    Args:
        low: (n,) of each ratio, 0 if nothing bounds it.
        high: (n,), infinity if nothing bounds it.
        level: least coverage.
    """
    lows, highs = np.sort(np.asarray(low, np.float64)), np.sort(np.asarray(high, np.float64))
    n, least, most = len(lows), float(np.median(lows)), float(np.median(highs))
    kind: Literal["median", "at most", "at least"] = "median"
    if least < most:
        kind = "at most" if most < np.inf else "at least"
    value = least if kind == "at least" else most
    k = int(binom.ppf((1 - level) / 2, n, 0.5))
    ends = (lows[k - 1], highs[n - k]) if k else (0.0, np.inf)
    value, start, end = (float(x) if 0 < x < np.inf else np.nan for x in (value, *ends))
    apart = max(int((highs < 1).sum()), int((lows > 1).sum()))
    return Ratio(value, start, end, min(1.0, 2 * float(binom.sf(apart - 1, n, 0.5))), kind)


def settled(budgets: Sequence[int], validation: Sequence[float], *, gain: float = 0.01) -> int | None:
    """The shortest budget from which twice the training, or more, adds less than `gain` on validation.

    Args:
        budgets: rising.
        validation: accuracy on validation frames of each, 0 to 1.
        gain: what a doubling must add to be worth it.

    Returns:
        None if longer training still pays at the longest budget that has a doubling, or none has one.
    """
    for budget, value in zip(budgets, validation, strict=True):
        longer = [other for b, other in zip(budgets, validation, strict=True) if b >= 2 * budget]
        if longer and max(longer) < value + gain:
            return budget
    return None
