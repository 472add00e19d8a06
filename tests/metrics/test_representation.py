import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.metrics.representation import effective_rank


def with_singular_values(values):
    rng = np.random.default_rng(0)
    left, _ = np.linalg.qr(rng.normal(size=(50, len(values))))
    right, _ = np.linalg.qr(rng.normal(size=(20, len(values))))
    return left * values @ right.T


def test_equal_singular_values_count_themselves():
    for rank in (1, 3, 20):
        assert effective_rank(with_singular_values(np.full(rank, 7.0))) == pytest.approx(rank)


def test_golden_value():
    """Shares 1/2, 1/4, 1/4: entropy 1.5 ln 2."""
    assert effective_rank(with_singular_values(np.array([2.0, 1.0, 1.0]))) == pytest.approx(2**1.5)


def test_scale_rotation_and_order_do_not_matter():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(50, 20)) * np.linspace(0.1, 2, 20)
    rotation, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    expected = effective_rank(features)
    assert effective_rank(1e-3 * rng.permutation(features) @ rotation) == pytest.approx(expected)


def test_degenerate_features():
    assert effective_rank(np.zeros((5, 4))) == 0
    assert effective_rank(np.ones((5, 4))) == pytest.approx(1)
    with pytest.raises(SemcomError, match="finite"):
        effective_rank(np.full((5, 4), np.nan))
    with pytest.raises(SemcomError, match=r"\(5,\)"):
        effective_rank(np.ones(5))
