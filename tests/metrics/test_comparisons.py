import numpy as np
import pytest
from scipy.special import ndtr

from semcom.files.errors import SemcomError
from semcom.metrics.comparisons import holm


def step_down(p, alpha):
    """Holm's procedure as he states it: go on while the next smallest is below alpha over those left."""
    rejected = np.zeros(len(p), bool)
    for left, place in zip(range(len(p), 0, -1), np.argsort(p), strict=True):
        if p[place] > alpha / left:
            break
        rejected[place] = True
    return rejected


def test_adjusted_values_reject_what_the_procedure_rejects():
    draws = np.random.default_rng(0)
    for _ in range(200):
        p = draws.random(draws.integers(1, 9)) ** 3
        for alpha in (0.01, 0.05, 0.2):
            np.testing.assert_array_equal(holm(p) <= alpha, step_down(p, alpha))


def test_golden_values():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.7, 0.6])), [1, 1])
    assert holm(np.array([])).size == 0


def test_false_findings_are_as_rare_as_promised():
    """Six correlated comparisons without any difference, 4,000 families: at most 5 % (z = 4)."""
    draws = np.random.default_rng(1)
    z = np.sqrt(0.3) * draws.normal(size=(4000, 1)) + np.sqrt(0.7) * draws.normal(size=(4000, 6))
    p = 2 * ndtr(-np.abs(z))
    false = np.mean([holm(family).min() < 0.05 for family in p])
    assert 0.02 < false < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 4000)
    assert (p.min(1) < 0.05).mean() > 0.15


def test_errors():
    for bad in ([0.5, 1.2], [np.nan], [[0.1]]):
        with pytest.raises(SemcomError, match="no p-values"):
            holm(np.array(bad))
