import math

import numpy as np
import pytest
from scipy import stats

from semcom.files.errors import SemcomError
from semcom.metrics.intervals import over_seeds, paired_interval, t_interval


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("count", [2, 3, 10])
def test_equals_scipys(count, level):
    values = np.random.default_rng(count).normal(3, 2, count)
    mean, half = t_interval(values, level=level)
    low, high = stats.t.interval(level, count - 1, loc=values.mean(), scale=stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high))


def test_paired_equals_scipys_and_does_not_see_what_seeds_share():
    rng = np.random.default_rng(0)
    a, b, shared = rng.normal(1, 1, 5), rng.normal(0, 1, 5), rng.normal(0, 100, 5)
    mean, half = paired_interval(a + shared, b + shared)
    assert (mean - half, mean + half) == pytest.approx(tuple(stats.ttest_rel(a, b).confidence_interval(0.95)))


def test_covers_as_often_as_it_says():
    """Three seeds, 4,000 repetitions: 95 % within z = 4 standard errors."""
    samples = np.random.default_rng(1).normal(0.7, 0.1, (4000, 3))
    covered = np.mean([abs(i.mean - 0.7) <= i.half_width for i in map(t_interval, samples)])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 4000)


def test_one_seed_has_no_interval():
    mean, half = t_interval([0.5])
    assert mean == 0.5
    assert math.isnan(half)


def test_errors():
    with pytest.raises(SemcomError, match="at least one value"):
        t_interval([])
    with pytest.raises(SemcomError, match="same seeds"):
        paired_interval([1.0, 2.0], [1.0])


def test_over_seeds_equals_scipys_for_many_at_once():
    values = np.random.default_rng(2).normal(0.5, 1, (3, 4, 5))
    found, theirs = over_seeds(values), stats.ttest_1samp(values, 0, axis=-1)
    np.testing.assert_allclose(found.p_value(), theirs.pvalue)
    np.testing.assert_allclose(found.mean + found.half_width(), theirs.confidence_interval(0.95).high)
    np.testing.assert_allclose(found.mean - found.half_width(0.9), theirs.confidence_interval(0.9).low)


def test_equal_differences_are_no_certainty():
    """0.3 - 0.2 and 0.4 - 0.3 differ by rounding only."""
    found = over_seeds(np.array([[0.3 - 0.2, 0.4 - 0.3], [0.0, 0.0]]))
    assert np.isnan(found.half_width()).all()
    assert (found.p_value() == 1).all()


def test_an_interval_over_one_seed_is_refused():
    for few in (np.zeros((7, 1)), np.zeros((7, 0)), np.array(0.5)):
        with pytest.raises(SemcomError, match="at least 2, better 5 or more; add seeds"):
            over_seeds(few)
    with pytest.raises(SemcomError, match="finite"):
        over_seeds(np.array([0.1, np.nan]))
