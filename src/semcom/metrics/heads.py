"""Heads on frozen features: a linear one, class means, and a vote of the nearest, all on unit vectors.

    features ─► unit length ─► less the encoder's own unlabelled mean ─► unit length ─► head ─► class

Encoders of one space still differ in their mean direction, which is large where a mentor's vectors are all
positive. Each takes off its own, of images without labels, and a head of one then fits another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics.classification import accuracy
from semcom.metrics.votes import Distinct, winners

Vectors = NDArray[np.floating]
Classes = NDArray[np.integer]
Wide = NDArray[np.float64]
PENALTIES = tuple(10.0**exponent for exponent in range(2, -6, -1))
"""Of the linear head, from the strongest on; of equally good ones the first is taken."""
STEPS = {"maxiter": 2000, "gtol": 1e-4, "ftol": 1e-14}
"""Of the linear head's L-BFGS: at most so many, down to this slope; tens to a few hundreds are enough."""
EMPTY = 1e-12
"""A direction is empty where the features' squares are less than this share of the largest."""


class Labelled(NamedTuple):
    """Features (N, D) and classes (N,) of the same images."""

    features: Vectors
    classes: Classes


def check(which: str, given: Labelled) -> None:
    """Refuse what tells a head nothing.

    Args:
        which: of the images, for errors: `training`, `validation`.
        given: their features and classes.

    Raises:
        SemcomError: there are none, features are not (N, D) or not finite, or classes are not (N,) or NaN.
    """
    features, classes = np.asarray(given.features), np.asarray(given.classes)
    if features.ndim != 2 or classes.shape != features.shape[:1]:
        raise SemcomError(
            f"{which} features of shape {features.shape} and classes of shape {classes.shape}: give (N, D) "
            "and (N,), a row and a class for each image"
        )
    if not features.size:
        raise SemcomError(f"{which} features of shape {features.shape} are empty; give at least one image")
    check_finite(f"{which} features", features)
    if (unnamed := classes != classes).any():  # a NaN is not itself
        raise SemcomError(
            f"the class of {which} image {unnamed.argmax()} is NaN; leave out what has no label"
        )


def check_finite(what: str, features: Vectors) -> None:
    """Refuse features (N, D) that are infinite or no numbers.

    Raises:
        SemcomError: naming the first image that has one.
    """
    (bad,) = np.nonzero(~np.isfinite(features).all(1))
    if len(bad):
        raise SemcomError(
            f"{what} of {len(bad)} of {len(features)} images are not finite, first of image {bad[0]}; look "
            "at the encoder that made them"
        )


class Head(Protocol):
    """What says a class of features."""

    def predict(self, features: Vectors) -> Classes:
        """Classes (N,) of features (N, D)."""
        ...


def unit(features: Vectors) -> Vectors:
    """Rows (N, D) of length 1; a row of zeros stays one."""
    wide = np.asarray(features, np.float64 if features.dtype == np.float64 else np.float32)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(length == 0, 1, length))


def centre(unlabelled: Vectors) -> Vectors:
    """Mean direction (D,) of an encoder's own features (M, D) of images without labels."""
    return np.asarray(unit(unlabelled).mean(0))


def centred(features: Vectors, mean: Vectors) -> Vectors:
    """Unit vectors (N, D) of features (N, D), less the mean (D,) that `centre` gives."""
    return unit(unit(features) - mean)


@dataclass(frozen=True, eq=False)
class Linear:
    """Class scores are linear in the features.

    Attributes:
        weight: (C, D).
        offset: (C,).
        classes: (C,).
        penalty: the one that validation liked best.
        validation: its accuracy there, in 0..1.
    """

    weight: Vectors
    offset: Vectors
    classes: Classes
    penalty: float
    validation: float

    def predict(self, features: Vectors) -> Classes:
        """The class of the highest score."""
        return np.asarray(self.classes[(features @ self.weight.T + self.offset).argmax(1)])


def linear(train: Labelled, validation: Labelled) -> Linear:
    """Multinomial logistic regression: argmin over W of mean cross-entropy + p |W|² / (2 D).

    Of unit vectors each of D values has a mean square of 1 / D, which the D in the penalty p makes up for.

    Args:
        train: what it is fitted on.
        validation: what its penalty is chosen on, among PENALTIES.

    Raises:
        SemcomError: as `logistic`.
    """
    check("training", train)
    scale = train.features.shape[1] ** 0.5
    # In float64: scaled float16 would overflow.
    scaled = (Labelled(scale * np.asarray(x, np.float64), y) for x, y in (train, validation))
    found = logistic(*scaled, penalties=PENALTIES)
    return replace(found, weight=scale * found.weight)


def logistic(train: Labelled, validation: Labelled, *, penalties: Sequence[float]) -> Linear:
    """Multinomial logistic regression: argmin over W of mean cross-entropy + p |W|² / 2.

    Solved by L-BFGS in principal directions of the features, each at the scale at which the loss bends about
    as much as in any other. Unscaled, directions of little variance take hundreds of steps where p is weak.

    Args:
        train: what it is fitted on; features of any length.
        validation: what p is chosen on.
        penalties: each p, from strong to weak: each fit begins at the last one's end.

    Raises:
        SemcomError: images are none, of one class, or of none that the others have; features or classes are
            not finite or do not fit; a penalty is not above 0.
    """
    from scipy.optimize import minimize  # half a second, which only those pay who fit

    _check_pair(train, validation, penalties)
    classes, answers = np.unique(train.classes, return_inverse=True)
    if len(classes) < 2:
        raise SemcomError(f"a linear head needs at least 2 classes, and all {len(answers)} images are of one")
    x, variance, directions = principal(np.asarray(train.features, np.float64))
    weight, offset = np.zeros((len(variance), len(classes))), np.zeros((1, len(classes)))
    best: Linear | None = None
    for penalty in penalties:
        # Of equally likely classes the cross-entropy of a score bends by (1 - 1 / C) / C.
        scale = 1 / np.sqrt(variance / len(classes) + penalty)[:, None]
        loss = partial(_cross_entropy, x=x * scale.T, answers=answers, penalty=penalty * scale**2)
        start = np.vstack([weight / scale, offset])
        fit = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=STEPS)
        ended = fit.x.reshape(start.shape)
        weight, offset = scale * ended[:-1], ended[-1:]
        found = Linear((directions @ weight).T, offset[0], classes, penalty, 0.0)
        right = float(accuracy(found.predict(validation.features), validation.classes))
        if best is None or right > best.validation:
            best = replace(found, validation=right)
    assert best is not None
    return best


def _check_pair(train: Labelled, validation: Labelled, penalties: Sequence[float]) -> None:
    check("training", train)
    check("validation", validation)
    if len(penalties) == 0 or not all(0 < p < np.inf for p in penalties):
        raise SemcomError(f"penalties {list(penalties)} of a linear head; give at least one, all above 0")
    of, other = train.features.shape[1], validation.features.shape[1]
    if of != other:
        raise SemcomError(
            f"training features have {of} dimensions, validation features {other}; take both of one encoder"
        )
    # As plain values: NumPy takes '1' and 1 for one.
    known, asked = (np.asarray(y).tolist() for y in (train.classes, validation.classes))
    if set(known).isdisjoint(asked):
        raise SemcomError(
            f"no validation image has a class of the training images ({asked[0]!r} is none, "
            f"{known[0]!r} is one); call classes the same in both"
        )


def _cross_entropy(flat: Wide, x: Wide, answers: Classes, penalty: Wide) -> tuple[float, Wide]:
    """The penalised loss of weights and offsets (D + 1, C), given flat, and its gradient, flat too.

    The penalty (D, 1) is a factor of each direction's squares.
    """
    given = flat.reshape(x.shape[1] + 1, -1)
    weight, rows = given[:-1], np.arange(len(x))
    scores = x @ weight + given[-1]
    scores -= scores.max(1, keepdims=True)
    right = scores[rows, answers]
    shares = np.exp(scores, out=scores)
    total = shares.sum(1, keepdims=True)
    value = np.log(total).mean() - right.mean() + (penalty * weight**2).sum() / 2
    shares /= total
    shares[rows, answers] -= 1
    slope = np.vstack([x.T @ shares / len(x) + penalty * weight, shares.mean(0, keepdims=True)])
    return float(value), slope.ravel()


def principal(x: Wide) -> tuple[Wide, Wide, Wide]:
    """Features (N, D) along their principal directions (not centred), of which R ≤ min(N, D) are not empty.

    A penalised head has no weight in an empty one, and a rotation changes no penalty: the head is the same.

    Returns:
        The features (N, R), their mean squares (R,), and the directions (D, R).
    """
    squares, directions = np.linalg.eigh(x.T @ x if len(x) >= x.shape[1] else x @ x.T)
    some = squares > EMPTY * squares.max(initial=0)
    squares, directions = squares[some], directions[:, some]
    if len(x) < x.shape[1]:
        directions = x.T @ directions / np.sqrt(squares)
    return x @ directions, squares / len(x), directions


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """The class whose mean is nearest in cosine similarity.

    Attributes:
        means: (C, D) of unit length.
        classes: (C,).
    """

    means: Vectors
    classes: Classes

    def predict(self, features: Vectors) -> Classes:
        """The class of the nearest mean."""
        return np.asarray(self.classes[(features @ self.means.T).argmax(1)])


def class_means(train: Labelled) -> ClassMeans:
    """Means of each class's features; nothing to choose.

    Raises:
        SemcomError: as `check`.
    """
    check("training", train)
    classes = np.unique(train.classes)
    means = np.stack([train.features[train.classes == c].mean(0) for c in classes])
    return ClassMeans(unit(means), classes)


@dataclass(frozen=True, eq=False)
class Nearest:
    """The class that most of the nearest bank features have, in cosine similarity (`metrics.votes`).

    Attributes:
        bank: what is voted by.
        neighbours: how many vote; all there are, if they are fewer.

    Raises:
        SemcomError: as `check`.
    """

    bank: Labelled
    neighbours: int

    def __post_init__(self) -> None:
        check("bank", self.bank)

    @cached_property
    def _distinct(self) -> Distinct:
        return Distinct(unit(self.bank.features))

    def predict(self, features: Vectors) -> Classes:
        """The class of most votes; of equally many that of the nearest."""
        k = min(self.neighbours, len(self.bank.classes))
        return winners(self._distinct.similarity(unit(features)), self.bank.classes, k)
