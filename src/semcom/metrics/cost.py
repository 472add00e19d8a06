"""What training must send to be good enough: channel uses at which a curve of accuracy reaches a target."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

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
    curve = isotonic_regression(y).x
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
