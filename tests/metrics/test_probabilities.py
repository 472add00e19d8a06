import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

from semcom.files.errors import SemcomError
from semcom.metrics.calibration import ece, nll


@pytest.fixture
def labels():
    return np.random.default_rng(0).integers(0, 5, 300)


@pytest.fixture
def scores(labels):
    """(SNRs 2, draws 3, frames, classes) of an overconfident classifier, in single precision."""
    draws = np.random.default_rng(1)
    return (4 * draws.normal(size=(2, 3, 300, 5)) + 3 * np.eye(5)[labels]).astype(np.float32)


def softmax(scores):
    return torch.from_numpy(scores).double().softmax(-1)


def test_nll_equals_scikit_learns(scores, labels):
    found = nll(scores, labels)
    assert found.shape == (2, 3)
    for point in np.ndindex(2, 3):
        assert found[point] == pytest.approx(
            log_loss(labels, softmax(scores[point]).numpy(), labels=range(5))
        )


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_ece_equals_torchmetrics(scores, labels, bins):
    found = ece(scores, labels, bins=bins)
    for point in np.ndindex(2, 3):
        theirs = multiclass_calibration_error(
            softmax(scores[point]), torch.from_numpy(labels), num_classes=5, n_bins=bins, norm="l1"
        )
        assert found[point] == pytest.approx(float(theirs), abs=1e-6)


def test_known_values():
    """Four frames at a confidence of 0.8, three of them right; what says nothing costs ln C."""
    scores = np.log(np.tile([0.8, 0.1, 0.1], (4, 1)))
    labels = np.array([0, 0, 0, 1])
    assert ece(scores, labels) == pytest.approx(0.05)
    assert nll(scores, labels) == pytest.approx(-(3 * np.log(0.8) + np.log(0.1)) / 4)
    assert nll(np.zeros((4, 3)), labels) == pytest.approx(np.log(3))


def test_an_upper_edge_belongs_to_its_bin():
    """Confidences 0.75 and 0.7 share the bin (0.5, 0.75]: one right, one wrong, so |0.5 - 0.725|."""
    scores = np.log([[0.75, 0.25], [0.7, 0.3]])
    assert ece(scores, np.array([0, 1]), bins=4) == pytest.approx(0.225)


def test_certainty_is_finite_and_a_shift_of_scores_does_not_matter(scores, labels):
    sure = 1e4 * np.eye(5)[labels]
    assert nll(sure, labels) == 0
    assert ece(sure, labels) == 0
    np.testing.assert_allclose(nll(scores + np.float32(100), labels), nll(scores, labels), rtol=1e-4)


def test_a_calibrated_classifier_has_only_the_error_of_counting():
    """50,000 frames whose labels are drawn from the probabilities: below 15 bins' expected deviations."""
    draws = np.random.default_rng(2)
    scores = draws.normal(size=(50_000, 4))
    labels = (scores + draws.gumbel(size=scores.shape)).argmax(1)
    assert ece(scores, labels) < 4 * np.sqrt(15 * 0.25 / 50_000)


def test_errors(scores, labels):
    for function in (nll, ece):
        with pytest.raises(SemcomError, match="frame and class"):
            function(scores[:, :, 1:], labels)
        with pytest.raises(SemcomError, match="0 to 3: give every class"):
            function(scores[..., :4], labels)
        with pytest.raises(SemcomError, match="finite"):
            function(np.full_like(scores, np.nan), labels)
    with pytest.raises(SemcomError, match="0 bins"):
        ece(scores, labels, bins=0)
