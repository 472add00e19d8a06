import numpy as np
import pytest
from lightly.utils.benchmarking import knn_predict as lightly_knn
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from torch import from_numpy

from semcom.files.errors import SemcomError
from semcom.metrics.classification import accuracy, balanced_accuracy, knn_accuracy, knn_predict


@pytest.fixture
def labels(rng):
    return rng.choice([0, 1, 2, 5, 9], size=200, p=[0.5, 0.2, 0.2, 0.05, 0.05])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def features(rng):
    """Five overlapping clusters: (bank, bank_labels, queries, labels)."""
    centres = rng.normal(size=(5, 16))
    classes = [rng.integers(0, 5, size) for size in (300, 100)]
    bank, queries = (centres[c] + 1.5 * rng.normal(size=(len(c), 16)) for c in classes)
    return bank, classes[0], queries, classes[1]


def test_accuracies_equal_scikit_learns(rng, labels):
    predicted = np.where(rng.random((3, 4, 200)) < 0.6, labels, rng.integers(0, 10, (3, 4, 200)))
    plain, balanced = accuracy(predicted, labels), balanced_accuracy(predicted, labels)
    assert plain.shape == balanced.shape == (3, 4)
    for point in np.ndindex(3, 4):
        assert plain[point] == pytest.approx(accuracy_score(labels, predicted[point]))
        with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
            theirs = balanced_accuracy_score(labels, predicted[point])
        assert balanced[point] == pytest.approx(theirs)


def test_guessing_the_majority_class_does_not_pay_in_balanced_accuracy(labels):
    majority = np.zeros_like(labels)
    assert accuracy(majority, labels) > 0.4
    assert balanced_accuracy(majority, labels) == pytest.approx(1 / 5)


@pytest.mark.parametrize("neighbours", [1, 5, 20, 300])
def test_plain_votes_equal_scikit_learns(features, neighbours):
    bank, bank_labels, queries, labels = features
    peer = KNeighborsClassifier(neighbours, metric="cosine", algorithm="brute").fit(bank, bank_labels)
    mine = knn_predict(bank, bank_labels, queries, neighbours=neighbours)
    np.testing.assert_array_equal(mine, peer.predict(queries))
    assert knn_accuracy(bank, bank_labels, queries, labels, neighbours=neighbours) == peer.score(
        queries, labels
    )


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_weighted_votes_equal_lightlys(features, temperature):
    bank, bank_labels, queries, _ = features
    unit_bank, unit_queries = (f / np.linalg.norm(f, axis=1, keepdims=True) for f in (bank, queries))
    ranking = lightly_knn(
        from_numpy(unit_queries),
        from_numpy(unit_bank.T),
        from_numpy(bank_labels),
        5,
        knn_k=20,
        knn_t=temperature,
    )
    mine = knn_predict(bank, bank_labels, queries, neighbours=20, temperature=temperature)
    np.testing.assert_array_equal(mine, ranking[:, 0].numpy())


def test_scale_of_a_feature_does_not_matter_and_class_numbers_may_have_gaps(features):
    bank, bank_labels, queries, _ = features
    mine = knn_predict(bank, bank_labels, queries, neighbours=5)
    scaled = knn_predict(
        bank * np.linspace(0.1, 9, len(bank))[:, None], bank_labels * 7, queries * 3, neighbours=5
    )
    np.testing.assert_array_equal(mine * 7, scaled)


def test_a_tiny_temperature_is_the_nearest_neighbour(features):
    bank, bank_labels, queries, _ = features
    sharp = knn_predict(bank, bank_labels, queries, neighbours=20, temperature=1e-6)
    np.testing.assert_array_equal(sharp, knn_predict(bank, bank_labels, queries, neighbours=1))


def test_errors_name_the_limit(features, labels):
    bank, bank_labels, queries, _ = features
    for neighbours in (0, 301):
        with pytest.raises(SemcomError, match="give 1 to 300"):
            knn_predict(bank, bank_labels, queries, neighbours=neighbours)
    with pytest.raises(SemcomError, match=r"\(199,\).*\(200,\)"):
        accuracy(labels[1:], labels)
    with pytest.raises(SemcomError, match="at least one"):
        balanced_accuracy(labels[:0], labels[:0])
