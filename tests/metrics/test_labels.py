import numpy as np
import pytest

from semcom.frames.folds import labelled
from semcom.metrics.cost import uses_to_reach
from semcom.metrics.heads import Labelled, linear, unit
from semcom.metrics.labels import by_fraction, labels_to_reach


def drawn(count: int, *, spread: float, seed: int) -> Labelled:
    means = np.random.default_rng(9).normal(size=(5, 20))
    draws = np.random.default_rng(seed)
    classes = draws.integers(5, size=count)
    return Labelled(unit(means[classes] + spread * draws.normal(size=(count, 20))), classes)


def test_labels_are_read_as_channel_uses_are():
    labels, accuracy = np.array([10, 50, 100, 1000]), np.array([0.3, 0.5, 0.45, 0.7])
    assert labels_to_reach(labels, accuracy, 0.5) == uses_to_reach(labels, accuracy, 0.5)
    between = labels_to_reach(np.array([10, 1000]), np.array([0.4, 0.6]), 0.5)
    assert between.uses == pytest.approx(100)
    assert labels_to_reach(labels, accuracy, 0.8) == (1000, "more than")
    assert labels_to_reach(labels, accuracy, 0.2) == (10, "at most")


def test_each_share_is_a_head_of_the_draw_of_that_seed():
    train, validation, test = (drawn(n, spread=1.5, seed=s) for s, n in enumerate((1000, 200, 2000)))
    rows = by_fraction(train, validation, test, fractions=(0.01, 0.1, 1), seed=3)
    for row in rows:
        index = labelled(np.arange(1000), train.classes, fraction=row["fraction"], seed=3)
        head = linear(Labelled(train.features[index], train.classes[index]), validation)
        assert row["labels"] == len(index)
        assert row["validation_labels"] == 200
        assert row["accuracy"] == (head.predict(test.features) == test.classes).mean()
    assert [row["labels"] for row in rows][-1] == 1000
    assert rows[0]["accuracy"] + 0.05 < rows[1]["accuracy"] < rows[2]["accuracy"]


def test_better_features_need_fewer_labels():
    """The same images with less of what does not matter: L(A*) of half the spread is a fraction."""
    target = 0.8
    needs = []
    for spread in (0.9, 1.8):
        train, validation, test = (drawn(n, spread=spread, seed=s) for s, n in enumerate((2000, 500, 2000)))
        rows = by_fraction(train, validation, test, fractions=(0.005, 0.01, 0.05, 0.1, 1), seed=0)
        needs.append(labels_to_reach([r["labels"] for r in rows], [r["accuracy"] for r in rows], target))
    assert needs[0].uses * 3 < needs[1].uses
