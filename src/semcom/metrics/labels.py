"""How many labels frozen features need: L(A*), the counterpart of C(A*) for labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from semcom.frames.folds import Indices, labelled
from semcom.metrics.classification import accuracy
from semcom.metrics.cost import Reached, uses_to_reach
from semcom.metrics.heads import Labelled, linear
from semcom.metrics.intervals import Values


def labels_to_reach(labels: Values, accuracies: Values, target: float) -> Reached:
    """Labels at which accuracy reaches `target`: L(A*), read as C(A*) is (`metrics.cost`).

    More labels are taken not to hurt: the curve is the closest one that never falls, read linearly in the
    logarithm of the number of labels, and censored at its ends.

    Args:
        labels: (F,) rising numbers of labels.
        accuracies: (F,) in any unit.
        target: in that unit.

    Returns:
        `uses` is the number of labels.

    Raises:
        SemcomError: lengths differ, or numbers are not positive and rising.
    """
    return uses_to_reach(labels, accuracies, target)


def by_fraction(
    train: Labelled, validation: Labelled, test: Labelled, *, fractions: Sequence[float], seed: int
) -> list[dict[str, Any]]:
    """Accuracy of a linear head at each share of the training labels.

    The shares are drawn class by class, the same for every encoder of a seed. Validation labels choose the
    penalty at each share, and are counted beside: of few training labels they are the most of all.

    Args:
        train: features to draw labels for.
        validation: to choose on.
        test: to measure on.
        fractions: rising, each in (0, 1].
        seed: of the draw.

    Returns:
        A row a fraction: `fraction`, `labels`, `validation_labels`, `penalty`, `validation_accuracy` (at that
        penalty, so a little high), `accuracy`, and `right` (N,), whether the class of each test image is.
    """
    everything: Indices = np.arange(len(train.classes))
    rows = []
    for fraction in fractions:
        drawn = labelled(everything, np.asarray(train.classes, np.int64), fraction=fraction, seed=seed)
        head = linear(Labelled(train.features[drawn], train.classes[drawn]), validation)
        found = head.predict(test.features)
        rows.append(
            {
                "fraction": fraction,
                "labels": len(drawn),
                "validation_labels": len(validation.classes),
                "penalty": head.penalty,
                "validation_accuracy": head.validation,
                "accuracy": float(accuracy(found, test.classes)),
                "right": found == test.classes,
            }
        )
    return rows
