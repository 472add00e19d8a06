"""Average precision against scikit-learn, ties and all; credits against sample weights and a jackknife."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from semcom.files.errors import SemcomError
from semcom.metrics.average_precision import average_precision, frame_credit, macro_f1, mean_over_present
from semcom.metrics.scenes import crossed

FRAMES, CLASSES = 90, 5


@pytest.fixture
def given() -> tuple[np.ndarray, np.ndarray]:
    """Scores (2, 3, N, C) that say something, with many ties in the later half, and presence (N, C)."""
    draws = np.random.default_rng(0)
    present = draws.random((FRAMES, CLASSES)) < np.array([0.1, 0.3, 0.5, 0.8, 0.05])
    scores = present + draws.normal(0, 1, (2, 3, FRAMES, CLASSES))
    scores[1] = scores[1].round(0)
    return scores, present


def whole(scores: np.ndarray, present: np.ndarray, weights: np.ndarray | None = None) -> float:
    columns = [c for c in range(present.shape[1]) if present[:, c].any()]
    return float(
        np.mean(
            [average_precision_score(present[:, c], scores[:, c], sample_weight=weights) for c in columns]
        )
    )


def test_it_is_scikit_learns(given) -> None:
    scores, present = given
    ours = average_precision(scores, present)
    assert ours.shape == (2, 3, CLASSES)
    for i in np.ndindex(2, 3, CLASSES):
        expected = average_precision_score(present[:, i[2]], scores[i[0], i[1], :, i[2]])
        assert ours[i] == pytest.approx(expected, abs=1e-12)


def test_only_the_order_of_scores_counts(given) -> None:
    scores, present = given
    np.testing.assert_array_equal(
        average_precision(np.exp(3 * scores), present), average_precision(scores, present)
    )


def test_the_extremes() -> None:
    present = np.array([[True], [True], [False], [False]])
    assert average_precision(np.array([[4.0], [3], [2], [1]]), present) == pytest.approx([1.0])
    assert average_precision(np.array([[1.0], [2], [3], [4]]), present) == pytest.approx(
        [(1 / 3 + 2 / 4) / 2]
    )
    assert average_precision(np.zeros((4, 1)), present) == pytest.approx([0.5]), "one threshold: the share"


def test_classes_that_no_frame_has_are_left_out(given) -> None:
    scores, present = given
    fewer = present & (np.arange(CLASSES) != 2)
    values = average_precision(scores, fewer)
    assert np.isnan(values[..., 2]).all()
    rest = [0, 1, 3, 4]
    expected = average_precision(scores[..., rest], present[:, rest]).mean(-1)
    np.testing.assert_allclose(mean_over_present(values, fewer), expected)
    np.testing.assert_allclose(frame_credit(scores, fewer).mean(-1), expected)
    with pytest.raises(SemcomError, match="none of 90 frames has any of the 5 classes"):
        mean_over_present(values, np.zeros_like(present))


def test_the_mean_of_credits_is_the_mean_average_precision(given) -> None:
    scores, present = given
    credit = frame_credit(scores, present)
    assert credit.shape == (2, 3, FRAMES)
    np.testing.assert_allclose(credit.mean(-1), average_precision(scores, present).mean(-1), atol=1e-12)


def test_a_credit_is_the_derivative_by_the_frames_weight(given) -> None:
    """scikit-learn's average precision with sample weights, by central differences."""
    scores, present = given
    for i in np.ndindex(2, 3):
        credit, at = frame_credit(scores[i], present), whole(scores[i], present)
        for frame in range(0, FRAMES, 7):
            step = 1e-5 * (np.arange(FRAMES) == frame)
            slope = (whole(scores[i], present, 1 + step) - whole(scores[i], present, 1 - step)) / 2e-5
            assert credit[frame] == pytest.approx(at + FRAMES * slope, abs=1e-6)


def test_its_spread_over_scenes_is_that_of_leaving_scenes_out() -> None:
    """Standard error over scenes by credits, and by the jackknife that leaves out each scene in turn."""
    draws = np.random.default_rng(1)
    scene = np.repeat(np.arange(120), draws.integers(1, 9, 120))
    shared = draws.normal(0, 1, (120, CLASSES))[scene]
    present = shared + draws.normal(0, 1, (len(scene), CLASSES)) > np.array([0.0, 0.5, 1.0, 1.5, -1.0])
    scores = present + 0.5 * shared + draws.normal(0, 1, (len(scene), CLASSES))
    left = np.array([whole(scores[scene != c], present[scene != c]) for c in range(120)])
    jackknife = np.sqrt(119 / 120 * np.square(left - left.mean()).sum())
    credit = frame_credit(scores, present)
    rest = credit - credit.mean()
    totals = np.bincount(scene, rest)
    ours = np.sqrt(np.square(totals).sum() * 120 / 119) / len(scene)
    # They differ in terms of the order of one scene: the jackknife is the larger one (Efron 1982, chapter 6).
    assert 0.93 * jackknife < ours < jackknife
    # Two seeds of one and the same difference: what is left is the variance between scenes.
    table = crossed(np.stack([rest, rest]), scene)
    assert np.sqrt(table.scene_variance) == pytest.approx(ours, rel=1e-9)


def test_f1_is_scikit_learns(given) -> None:
    scores, present = given
    found = scores > 0.5
    for i in np.ndindex(2, 3):
        expected = f1_score(present, found[i], average="macro", zero_division=0)
        assert macro_f1(found, present)[i] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((4, 3)), r"\(4, 3\) for presence of shape \(4, 2\)"),
        (np.full((4, 2), np.nan), "must be finite"),
    ],
)
def test_what_does_not_fit_is_named(scores, message) -> None:
    with pytest.raises(SemcomError, match=message):
        average_precision(scores, np.ones((4, 2), bool))
