import numpy as np
import pytest
from scipy.special import stdtrit

from semcom.metrics.intervals import Estimate, over_seeds
from semcom.metrics.power import MOST, least_decidable, power, seeds_to_decide
from semcom.metrics.scenes import Crossed


def table(mean, *, seed_sd=1.0, scene_error=0.0, seeds=5, scenes=100) -> Crossed:
    """With a standard deviation of one seed's difference, and the error that scenes leave."""
    of_seeds = np.asarray(scenes * seed_sd**2)
    of_both = np.asarray(1e-3)
    of_scenes = of_both + seeds * scenes * scene_error**2
    return Crossed(np.asarray(mean), of_seeds, of_scenes, of_both, seeds, scenes)


@pytest.mark.parametrize(("effect", "pairs"), [(0.5, 34), (0.8, 15), (1.0, 10)])
def test_equals_the_tables_of_the_paired_t_test(effect, pairs):
    """Pairs for a power of 80 % at 5 %, two-sided, at Cohen's d (standard tables)."""
    assert seeds_to_decide(table(effect), beyond_scenes=False) == pairs


def test_power_is_how_often_the_interval_excludes_zero():
    """Six seeds, a difference of 1.2 sd, 20,000 repetitions, z = 4."""
    values = np.random.default_rng(0).normal(1.2, 1, (20_000, 6))
    found = over_seeds(values)
    share = (found.mean - found.half_width() > 0).mean()
    promised = power(Estimate(np.array(1.2), 1 / np.sqrt(6), np.array(5.0)))
    assert share == pytest.approx(promised, abs=4 * np.sqrt(0.25 / 20_000))


def test_no_difference_has_half_the_error_and_a_huge_one_is_certain():
    df, error = np.full(2, 4.0), np.ones(2)
    np.testing.assert_allclose(power(Estimate(np.array([0.0, 1e6]), error, df)), [0.025, 1])


def test_scenes_set_a_floor_below_which_no_number_of_seeds_decides():
    least = least_decidable(table(0.0, scene_error=0.01))
    normal = (stdtrit(99, 0.975) + stdtrit(99, 0.8)) * 0.01
    assert least == pytest.approx(normal, rel=0.01)
    assert power(table(least, scene_error=0.01).estimate(np.inf)) == pytest.approx(0.8)
    assert np.isinf(seeds_to_decide(table(0.99 * least, seed_sd=0.02, scene_error=0.01)))
    assert np.isfinite(seeds_to_decide(table(1.05 * least, seed_sd=0.02, scene_error=0.01)))
    assert np.isfinite(seeds_to_decide(table(0.1 * least, seed_sd=0.02), beyond_scenes=False))


def test_the_number_of_seeds_reaches_the_power_and_one_less_does_not():
    wanted = table([0.02, 0.03, 0.05], seed_sd=0.04, scene_error=0.005)
    counts = seeds_to_decide(wanted, level=0.99)
    assert (np.diff(counts) < 0).all()
    for i, count in enumerate(counts):
        assert (
            power(wanted.estimate(count), level=0.99)[i]
            >= 0.8
            > power(wanted.estimate(count - 1), level=0.99)[i]
        )


def test_what_nobody_would_run_is_infinite():
    assert np.isinf(seeds_to_decide(table(0.01), beyond_scenes=False))
    assert MOST == 1000
