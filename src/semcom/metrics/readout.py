"""What a linear reader finds in a representation: of another representation, or of a label.

    cross_r2        ridge regression                 argmin_W  |Y - X W|^2 / n + p |W|^2
    probe_accuracy  multinomial logistic regression  argmin_W  mean cross-entropy + p |W|^2 / 2

both with a free intercept. Readers are fitted on training frames, their one penalty p is the one of PENALTIES
that validation frames like best, and what is told is of test frames. `matching_correlation` fits nothing.
"""

from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics.classification import accuracy
from semcom.metrics.heads import Labelled, logistic

Floats = NDArray[np.float64]
Number = TypeVar("Number", bound=np.generic)
PENALTIES = tuple(10.0 ** (exponent / 2) for exponent in range(8, -9, -1))
"""From 10^4, where nothing but the mean is left, down to 10^-4; of equally good ones the first is taken."""
PROBE_PENALTIES = tuple(10.0**exponent for exponent in range(3, -5, -1))
"""Whole decades: a probe's accuracy is flat in its penalty, and each is a training."""


class Parts(NamedTuple, Generic[Number]):
    """Arrays of the frames that readers are fitted on, chosen on, and measured on."""

    train: NDArray[Number]
    validation: NDArray[Number]
    test: NDArray[Number]


class Explained(NamedTuple):
    """Share of test variance explained, at most 1; 0 or less: no better than the mean; NaN: there is none."""

    weighted: float
    """Of all columns' variance together: 1 - sum of squared errors / sum of squares."""
    uniform: float
    """Mean of the columns' own shares."""


def rotated(x: Parts[np.floating[Any]]) -> Parts[np.floating[Any]]:
    """Columns standardised by the training frames, then turned onto their principal directions.

    n training frames span at most n directions, so a wide representation becomes a narrow one. To both
    readers it is the same: they have no weight where training frames have no variance, and a rotation
    changes no penalty. Columns that are constant on the training frames are left out.

    Args:
        x: (n, D) each.

    Returns:
        (n, R) each, R at most the smaller of D and the number of training frames.
    """
    train, validation, test = (np.asarray(part, np.float64) for part in x)
    mean, deviation = train.mean(0), train.std(0)
    varies = deviation > 1e-6 * np.abs(mean)  # fp32 has seven digits: less is rounding
    if not varies.any():
        return Parts(*(np.zeros((len(part), 1)) for part in x))
    scaled = [(part - mean)[:, varies] / deviation[varies] for part in (train, validation, test)]
    _, singular, directions = np.linalg.svd(scaled[0], full_matrices=False)
    seen = directions[singular > 1e-10 * singular[0]]
    return Parts(*(part @ seen.T for part in scaled))


def cross_r2(x: Parts[np.floating[Any]], y: Parts[np.floating[Any]]) -> Explained:
    """How much of `y` a ridge regression from `x` explains.

    Args:
        x: (n, R) each, as `rotated` gives them.
        y: (n, D) each, of the same frames.

    Raises:
        SemcomError: frames differ in number.
    """
    _check(x, y)
    train, validation, test = (np.asarray(part, np.float64) for part in y)
    mean = train.mean(0)
    power = np.square(x.train).sum(0)[:, None]
    products = x.train.T @ (train - mean)
    weights = [products / (power + len(train) * penalty) for penalty in PENALTIES]
    errors = [np.square(validation - mean - x.validation @ weight).sum() for weight in weights]
    return _explained(test, mean + x.test @ weights[int(np.argmin(errors))])


def _explained(y: Floats, predicted: Floats) -> Explained:
    """Columns that do not vary in `y` have nothing to explain and are left out."""
    total, error = np.square(y - y.mean(0)).sum(0), np.square(y - predicted).sum(0)
    varies = total > len(y) * np.square(1e-6 * np.abs(y).max(0))
    if not varies.any():
        return Explained(float("nan"), float("nan"))
    total, error = total[varies], error[varies]
    return Explained(float(1 - error.sum() / total.sum()), float(np.mean(1 - error / total)))


def probe_accuracy(x: Parts[np.floating[Any]], labels: Parts[np.int64]) -> float:
    """Share of test frames whose class a linear probe finds, in 0..1.

    Args:
        x: (n, R) each, as `rotated` gives them.
        labels: (n,) classes each.

    Raises:
        SemcomError: frames differ in number, or the training frames are all of one class.
    """
    _check(x, labels)
    train, validation, test = (Labelled(*part) for part in zip(x, labels, strict=True))
    probe = logistic(train, validation, penalties=PROBE_PENALTIES)
    return float(accuracy(probe.predict(test.features), test.classes))


def matching_correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Mean over i of the correlation of column i of `a` with column i of `b`, in -1..1.

    Args:
        a: (N, D).
        b: (N, D), of the same frames.

    Raises:
        SemcomError: shapes differ.
    """
    if a.shape != b.shape or a.ndim != 2:
        raise SemcomError(f"columns of {a.shape} and {b.shape} do not match: both must be (N, D)")
    return float((standardised(a) * standardised(b)).mean())


def standardised(x: NDArray[np.floating]) -> Floats:
    """Columns (N, D) of mean 0 and variance 1; a constant one becomes 0."""
    wide = np.asarray(x, np.float64)
    mean, deviation = wide.mean(0), wide.std(0)
    varies = deviation > 1e-6 * np.abs(mean)
    return np.where(varies, (wide - mean) / np.where(varies, deviation, 1), 0.0)


def _check(x: Parts[Any], y: Parts[Any]) -> None:
    if [len(part) for part in x] != [len(part) for part in y]:
        raise SemcomError(
            f"representations of {[len(part) for part in x]} frames to train, validate and test on do not go "
            f"with {[len(part) for part in y]}: both must be of the same frames"
        )
