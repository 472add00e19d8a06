import itertools

import numpy as np
import pytest
from scipy import stats
from simulated_runs import WORLDS, covered

from semcom.files.errors import SemcomError
from semcom.metrics.intervals import over_seeds
from semcom.metrics.scenes import bootstrap_scenes, by_scene, crossed


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def scene(rng):
    return rng.permutation(np.repeat(np.arange(12), rng.integers(1, 9, 12)))


@pytest.fixture
def differences(rng, scene):
    """(2, seeds 4, frames)."""
    effects = rng.normal(0, 0.3, (2, 1, 12))[..., scene] + rng.normal(0, 0.1, (2, 4, 1))
    return effects + rng.choice([-1, 0, 1], size=(2, 4, len(scene)))


def test_mean_squares_are_those_of_a_two_way_table(rng):
    """Scenes of two frames: the textbook's sums of squares, on the means of cells."""
    values = rng.normal(size=(3, 5, 2))
    table = crossed(values.reshape(3, 10), np.repeat(np.arange(5), 2))
    cells = values.mean(-1)
    total = cells.mean()
    rows, columns = cells.mean(1), cells.mean(0)
    of_both = sum(
        (cells[s, c] - rows[s] - columns[c] + total) ** 2 for s, c in itertools.product(range(3), range(5))
    )
    assert table.mean == pytest.approx(total)
    assert table.of_seeds == pytest.approx(5 * sum((rows - total) ** 2) / 2)
    assert table.of_scenes == pytest.approx(3 * sum((columns - total) ** 2) / 4)
    assert table.of_both == pytest.approx(of_both / 8)


def test_variance_and_degrees_of_freedom_by_hand():
    """Cells 8 3 / 4 1 of one frame, mean 4: squares 9 of seeds, 16 of scenes, 1 of both."""
    estimate = crossed(np.array([[8.0, 3.0], [4.0, 1.0]]), np.array([5, 9])).estimate()
    assert estimate.mean == 4
    assert estimate.standard_error**2 == pytest.approx((9 + 16 - 1) / 4)
    assert estimate.df == pytest.approx(24**2 / (9**2 + 16**2 + 1**2))


def test_unequal_scenes_are_linearised_as_a_ratio(rng, scene, differences):
    """One cell's residual is (sum - mean · frames) · C / N, so that frames weigh, not scenes."""
    table = crossed(differences, scene)
    np.testing.assert_allclose(table.mean, differences.mean((1, 2)))
    mean = differences[0].mean()
    own = [(differences[0][:, scene == c].mean(0) - mean).sum() * 12 / len(scene) for c in range(12)]
    assert table.of_scenes[0] == pytest.approx(4 * np.sum(np.square(own)) / 11)


def test_variance_is_that_over_seeds_and_the_scenes_share(scene, differences):
    table, by_seed = crossed(differences, scene), over_seeds(differences.mean(-1))
    estimate = table.estimate()
    np.testing.assert_allclose(table.seed_variance / 4, by_seed.standard_error**2)
    np.testing.assert_allclose(estimate.standard_error**2, by_seed.standard_error**2 + table.scene_variance)


def test_scenes_without_variance_of_their_own_leave_the_t_over_seeds(rng):
    """One scene's loss is another's gain in each seed: mean square 0 between scenes."""
    noise = rng.normal(size=(5, 8))
    noise -= noise.mean(0)
    estimate = crossed(noise + 0.3 * rng.normal(size=(5, 1)), np.arange(8)).estimate()
    assert estimate.df == 4


def test_order_and_names_of_frames_and_scenes_and_a_shift_do_not_matter(rng, scene, differences):
    expected = crossed(differences, scene).estimate()
    order = rng.permutation(len(scene))
    moved = crossed(differences[:, ::-1, order] + 0.5, 1000 - 7 * scene[order]).estimate()
    np.testing.assert_allclose(moved.mean, expected.mean + 0.5)
    np.testing.assert_allclose(moved.standard_error, expected.standard_error)
    np.testing.assert_allclose(moved.df, expected.df)


def test_more_seeds_leave_the_share_of_scenes(scene, differences):
    table = crossed(differences, scene)
    errors = np.array([table.estimate(n).standard_error[0] for n in (2, 4, 100, np.inf)])
    assert (np.diff(errors) < 0).all()
    assert errors[1] == table.estimate().standard_error[0]
    assert errors[-1] == pytest.approx(np.sqrt(table.scene_variance[0]))
    assert table.estimate(np.inf).df[0] == pytest.approx(11)


def test_where_nothing_varies_there_is_no_interval():
    estimate = crossed(np.full((3, 30), 0.1), np.repeat(np.arange(10), 3)).estimate()
    assert estimate.mean == pytest.approx(0.1)
    assert np.isnan(estimate.half_width())
    assert estimate.p_value() == 1


def test_bootstrap_equals_scipys(rng, scene, differences):
    """20,000 resamples each: ends agree within 4 standard errors of a 2.5 % quantile, 0.045 sd."""
    values = differences[0].mean(0)
    sums, sizes = by_scene(values, scene)
    theirs = stats.bootstrap(
        (sums, sizes), lambda a, n, axis: a.sum(axis) / n.sum(axis), paired=True, vectorized=True,
        n_resamples=20_000, method="percentile", rng=rng, batch=1000,
    )  # fmt: skip
    ends = bootstrap_scenes(values, scene, generator=rng, resamples=20_000)
    assert ends == pytest.approx(tuple(theirs.confidence_interval), abs=4 * 0.026 * theirs.standard_error)


def test_errors(rng, scene, differences):
    with pytest.raises(SemcomError, match="1 seed: .* at least 2"):
        crossed(differences[:, :1], scene)
    with pytest.raises(SemcomError, match="of 1 scene: at least 2"):
        crossed(differences, np.zeros_like(scene))
    with pytest.raises(SemcomError, match="the last is the frame"):
        crossed(differences[..., 1:], scene)
    with pytest.raises(SemcomError, match="finite"):
        crossed(np.where(differences > 0, np.nan, differences), scene)


@pytest.mark.parametrize(("seeds", "low"), [(3, 0.90), (5, 0.93), (10, 0.93)])
def test_intervals_hold_a_known_truth(seeds, low):
    """All ten pairs of five correlated methods, 130 scenes of 1 to 29 frames, 400 repetitions.

    The standard error of a coverage of 95 % is 0.52 points: 0.48 (measured) of that of 400 independent
    trials, 1.09, as the pairs share runs. So 93 and 97 % are z = 3.8 away.
    """
    found = covered(WORLDS["typical"], seeds=seeds, scenes=130, repetitions=400, key=seeds)
    assert low <= found["crossed"] <= 0.97
    assert 0.93 <= found["t over seeds"] <= 0.97
    assert 0.92 <= found["bootstrap of scenes"] <= 0.97
    # What the two do not hold: the t over seeds is not for new scenes, the bootstrap not for few seeds.
    assert found["t over seeds, of new scenes"] < (0.95 if seeds < 5 else 0.93)
    assert found.get("bootstrap of seeds", 0) < 0.88


@pytest.mark.parametrize("world", ["seeds large", "seeds nil", "scenes alike"])
def test_crossed_intervals_hold_whichever_variance_is_large(world):
    """Five seeds, 400 repetitions: 93 and 97 % are z = 3.8 away, as above."""
    found = covered(WORLDS[world], seeds=5, scenes=130, repetitions=400, key=1)
    assert 0.93 <= found["crossed"] <= 0.97
