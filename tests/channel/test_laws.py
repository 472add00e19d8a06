import math

import numpy as np
import pytest

from semcom.channel.laws import MeasuredSnr, amount_of_fading, outage

MANY = 100_000


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_outage_of_rayleigh_is_the_textbooks(rate):
    assert outage(rate, n0=0.1, k_factor=0.0) == pytest.approx(1 - math.exp(-0.1 * (2**rate - 1)))


def test_outage_without_fading_is_capacity():
    assert outage(3.4, n0=0.1, k_factor=math.inf) == 0.0
    assert outage(3.5, n0=0.1, k_factor=math.inf) == 1.0  # log2(11) is 3.459


@pytest.mark.parametrize("k_factor", [0.0, 2.0, 20.0])
def test_a_long_block_measures_its_own_snr(k_factor):
    law = MeasuredSnr(MANY, 10.0, k_factor)
    for rate in (0.5, 1.0, 2.0):
        assert law.below(2**rate - 1) == pytest.approx(outage(rate, n0=0.1, k_factor=k_factor), rel=1e-3)


def test_rayleigh_spreads_over_5_57_db_and_a_line_of_sight_over_less():
    assert MeasuredSnr(MANY, 10.0, 0.0).spread_db() == pytest.approx(5.5700, abs=1e-3)
    assert MeasuredSnr(MANY, 10.0, 1e-6).spread_db() == pytest.approx(5.5700, abs=1e-3)  # the numeric branch
    assert MeasuredSnr(MANY, 10.0, 4.0).spread_db() < 4


def test_law_of_short_blocks_is_that_of_drawn_ones():
    rng = np.random.default_rng(0)
    uses, snr, k_factor, count = 16, 4.0, 3.0, 200_000
    normal = rng.standard_normal((count, 2)) @ [1, 1j] / math.sqrt(2)
    gain = (math.sqrt(k_factor) + normal) / math.sqrt(1 + k_factor)
    seen = gain + rng.standard_normal((count, 2)) @ [1, 1j] / math.sqrt(2 * uses * snr)
    noise = rng.gamma(uses - 1, 1 / (uses - 1), count) / snr
    drawn = abs(seen) ** 2 / noise
    law = MeasuredSnr(uses, snr, k_factor)
    for limit in (1.0, 4.0):
        expected = law.below(limit)
        assert abs((drawn < limit).mean() - expected) <= 4 * math.sqrt(expected * (1 - expected) / count)
    assert (10 * np.log10(drawn)).std() == pytest.approx(law.spread_db(), rel=0.015)


def test_amount_of_fading():
    assert amount_of_fading(0.0) == 1.0
    assert amount_of_fading(1.0) == pytest.approx(0.75)
    assert amount_of_fading(math.inf) == 0.0
