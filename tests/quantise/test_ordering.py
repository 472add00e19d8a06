import itertools

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.quantise.bits import from_bits, to_bits
from semcom.quantise.ordering import by_halves, harm, index_bits, ordered


def drawn(codes: int, dim: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A codebook, and how often each code is sent."""
    draws = np.random.default_rng(seed)
    return draws.normal(size=(codes, dim)) * 0.8 ** np.arange(dim), draws.gamma(1.0, size=codes)


def test_harm_of_a_uniform_scale_is_known():
    """0, 1, 2 … in natural order: bit i moves by ±2^i, independently, so D = p Σ 4^i + 0."""
    for bits in (1, 2, 5):
        scale = np.arange(2**bits, dtype=float)[:, None]
        for ber in (0.0, 0.03, 0.5, 1.0):
            # Σ_i Σ_j p_i p_j 2^i 2^j E[s_i s_j] over equally likely indices: only i = j is left.
            assert harm(scale, ber=ber) == pytest.approx(ber * sum(4**i for i in range(bits)), abs=1e-12)


def test_harm_is_what_flipped_bits_do():
    codebook, weights = drawn(32, 3)
    draws = np.random.default_rng(1)
    count, ber = 400_000, 0.07
    sent = draws.choice(32, size=count, p=weights / weights.sum())
    bits = to_bits(sent[:, None], width=5)
    received = from_bits(bits ^ (draws.random(bits.shape) < ber), width=5)[:, 0]
    seen = np.square(codebook[sent] - codebook[received]).sum(1)
    z = (seen.mean() - harm(codebook, ber=ber, weights=weights)) / (seen.std() / count**0.5)
    assert abs(z) < 4.5  # 7e-6 of all seeds


@pytest.mark.parametrize("weighted", [False, True])
def test_no_swap_of_two_codes_helps_any_more(weighted):
    codebook, weights = drawn(16, 3, seed=2)
    weights = weights if weighted else np.ones(16)
    order = ordered(codebook, ber=0.02, weights=weights)
    least = harm(codebook[order], ber=0.02, weights=weights[order])
    for a, b in itertools.combinations(range(16), 2):
        swapped = order.copy()
        swapped[[a, b]] = order[[b, a]]
        assert harm(codebook[swapped], ber=0.02, weights=weights[swapped]) >= least * (1 - 1e-9)


def test_it_is_near_the_best_of_all_orders():
    """8 codes have 40,320 orders; the best is found by trying all that keep the first code's index."""
    for seed in range(3):
        codebook, _ = drawn(8, 2, seed=seed)
        # By symmetry (x XOR i renames indices without a change) code 0 may have index 0.
        best = min(harm(codebook[[0, *rest]], ber=0.05) for rest in itertools.permutations(range(1, 8)))
        order = ordered(codebook, ber=0.05)
        assert best <= harm(codebook[order], ber=0.05) * (1 + 1e-12)
        assert harm(codebook[order], ber=0.05) < 1.1 * best


@pytest.mark.parametrize("ber", [0.001, 0.01, 0.1])
def test_it_does_a_third_less_harm_than_any_random_order(ber):
    codebook, weights = drawn(64, 4, seed=3)
    order = ordered(codebook, ber=0.01, weights=weights)
    draws = np.random.default_rng(4)
    random = [draws.permutation(64) for _ in range(100)]
    least = min(harm(codebook[o], ber=ber, weights=weights[o]) for o in random)
    assert harm(codebook[order], ber=ber, weights=weights[order]) < 2 / 3 * least
    assert sorted(order) == list(range(64))


def test_corners_of_a_box_get_a_bit_a_side():
    """There each bit error is a step along one side: D = p Σ sides², and no order has less."""
    sides = np.array([1.0, 3.0, 10.0, 2.0])
    corners = (np.arange(16)[:, None] >> np.arange(4) & 1) * sides
    shuffled = corners[np.random.default_rng(5).permutation(16)]
    for order in (by_halves(shuffled), ordered(shuffled, ber=0.03)):
        assert harm(shuffled[order], ber=0.03) == pytest.approx(0.03 * np.square(sides).sum())


def test_the_order_depends_on_nothing_but_the_codebook():
    codebook, weights = drawn(32, 3, seed=6)
    first = ordered(codebook, ber=0.01, weights=weights)
    assert np.array_equal(first, ordered(codebook.copy(), ber=0.01, weights=7 * weights))


def test_what_is_asked_wrongly_is_named():
    codebook, weights = drawn(8, 2)
    with pytest.raises(SemcomError, match="1000 codes do not fill indices of whole bits; take 512 or 1024"):
        index_bits(1000)
    with pytest.raises(SemcomError, match="do not fill"):
        ordered(codebook[:1], ber=0.1)
    with pytest.raises(SemcomError, match=r"0 to 1, not 1.5"):
        harm(codebook, ber=1.5)
    with pytest.raises(SemcomError, match="8 numbers ≥ 0"):
        harm(codebook, ber=0.1, weights=weights[:4])
    with pytest.raises(SemcomError, match="finite"):
        ordered(codebook * np.inf, ber=0.1)
