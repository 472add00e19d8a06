"""Heads on frozen features: a linear one, class means, and a vote of the nearest, all on unit vectors.

    features ─► unit length ─► less the encoder's own unlabelled mean ─► unit length ─► head ─► class

Encoders of one space still differ in their mean direction, which is large where a mentor's vectors are all
positive. Each takes off its own, of images without labels, and a head of one then fits another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics.classification import accuracy
from semcom.metrics.votes import Distinct, winners

Vectors = NDArray[np.floating]
Classes = NDArray[np.integer]
PENALTIES = tuple(10.0**exponent for exponent in range(2, -6, -1))
"""Of the linear head, from the strongest on; of equally good ones the first is taken."""
ITERATIONS = 2000
"""Of the linear head, at most; some tens are enough."""


class Labelled(NamedTuple):
    """Features (N, D) and classes (N,) of the same images."""

    features: Vectors
    classes: Classes


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
        SemcomError: the training images are all of one class.
    """
    scale = train.features.shape[1] ** 0.5
    scaled = (Labelled(scale * x, y) for x, y in (train, validation))
    found = logistic(*scaled, penalties=PENALTIES)
    return replace(found, weight=scale * found.weight)


def logistic(train: Labelled, validation: Labelled, *, penalties: Sequence[float]) -> Linear:
    """Multinomial logistic regression: argmin over W of mean cross-entropy + p |W|² / 2.

    Args:
        train: what it is fitted on; features of any length.
        validation: what p is chosen on.
        penalties: each p, from strong to weak: each fit begins at the last one's end.

    Raises:
        SemcomError: the training images are all of one class.
    """
    from sklearn.linear_model import LogisticRegression  # a second, which only those pay who fit

    y = train.classes
    if len(np.unique(y)) < 2:
        raise SemcomError(f"a linear head needs at least 2 classes, and all {len(y)} images are of one")
    x, directions = narrowed(np.asarray(train.features, np.float64))
    fit = LogisticRegression(max_iter=ITERATIONS, warm_start=True)
    best: Linear | None = None
    for penalty in penalties:
        fit.set_params(C=1 / (penalty * len(x))).fit(x, y)
        weight, offset = fit.coef_ @ directions.T, fit.intercept_.copy()
        if len(weight) == 1:  # of two classes scikit-learn has one score, for the second
            weight, offset = np.vstack([0 * weight, weight]), np.append(0, offset)
        found = Linear(weight, offset, fit.classes_, penalty, 0.0)
        right = float(accuracy(found.predict(validation.features), validation.classes))
        if best is None or right > best.validation:
            best = replace(found, validation=right)
    assert best is not None
    return best


def narrowed(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features (N, D) in no more columns than there are of them.

    N features span at most N directions. A head that is penalised has no weight in any other, and a rotation
    changes no penalty, so in N columns it is the same head.

    Returns:
        The features (N, min(N, D)), and the directions (D, min(N, D)) that their columns stand for.
    """
    if len(x) >= x.shape[1]:
        return x, np.eye(x.shape[1])
    directions, coordinates = np.linalg.qr(x.T)
    return np.ascontiguousarray(coordinates.T), directions


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
    """Means of each class's features; nothing to choose."""
    classes = np.unique(train.classes)
    means = np.stack([train.features[train.classes == c].mean(0) for c in classes])
    return ClassMeans(unit(means), classes)


@dataclass(frozen=True, eq=False)
class Nearest:
    """The class that most of the nearest bank features have, in cosine similarity (`metrics.votes`).

    Attributes:
        bank: what is voted by.
        neighbours: how many vote; all there are, if they are fewer.
    """

    bank: Labelled
    neighbours: int

    @cached_property
    def _distinct(self) -> Distinct:
        return Distinct(unit(self.bank.features))

    def predict(self, features: Vectors) -> Classes:
        """The class of most votes; of equally many that of the nearest."""
        k = min(self.neighbours, len(self.bank.classes))
        return winners(self._distinct.similarity(unit(features)), self.bank.classes, k)
