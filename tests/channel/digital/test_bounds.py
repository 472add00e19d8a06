import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import exp1

from semcom.channel import laws
from semcom.channel.awgn import awgn
from semcom.channel.digital import bounds
from semcom.channel.digital.qam import demap, map_bits
from semcom.channel.fading import gains
from semcom.params.scheme import BITS_PER_SYMBOL, parse

Z = 4.5  # two-sided probability 7e-6 a comparison


@pytest.mark.parametrize("modulation", list(BITS_PER_SYMBOL))
@pytest.mark.parametrize("channel", ["awgn", "rayleigh"])
def test_uncoded_bit_errors_hit_the_closed_form(modulation: str, channel: str) -> None:
    draws = torch.Generator().manual_seed(0)
    for snr_db in (2.0, 9.0):
        # One symbol a row and gain: all bits of different rows are independent.
        bits = torch.randint(0, 2, (200_000, BITS_PER_SYMBOL[modulation]), generator=draws)
        symbols, n0 = map_bits(bits, modulation=modulation), 10 ** (-snr_db / 10)
        gain = gains((len(bits), 1), generator=draws) if channel == "rayleigh" else torch.ones(1, 1) + 0j
        odds = demap(awgn(gain * symbols, n0, draws), n0, modulation=modulation, gain=gain, method="maxlog")
        wrong = ((odds > 0) != bits).float().mean(-1)
        expected = float(bounds.uncoded_ber(snr_db, modulation=modulation, channel=channel))
        assert abs(wrong.mean().item() - expected) < Z * wrong.std().item() / len(bits) ** 0.5


def test_textbook_values() -> None:
    # QPSK at Eb/N0 = 9.6 dB: 1e-5; over Rayleigh fading 1 / (4 Eb/N0) for large Eb/N0.
    assert bounds.uncoded_ber(9.588 + 3.0103, modulation="qpsk") == pytest.approx(1e-5, rel=0.01)
    assert bounds.uncoded_ber(43.0103, modulation="qpsk", channel="rayleigh") == pytest.approx(
        2.5e-5, rel=1e-3
    )  # 16-QAM: 3/4 Q(√(SNR/5)) + 1/2 Q(3√(SNR/5)) - 1/4 Q(5√(SNR/5)).
    q = [
        0.5 * float(torch.erfc(torch.tensor(k * (10 / 5) ** 0.5 / 2**0.5, dtype=torch.float64)))
        for k in (1, 3, 5)
    ]
    assert bounds.uncoded_ber(10.0, modulation="16qam") == pytest.approx(
        0.75 * q[0] + 0.5 * q[1] - 0.25 * q[2]
    )


@pytest.mark.parametrize("modulation", list(BITS_PER_SYMBOL))
def test_fading_is_the_mean_over_the_gain(modulation: str) -> None:
    mean = bounds.rayleigh_mean(lambda snr: bounds.uncoded_ber(snr, modulation=modulation), [0.0, 20.0, 40.0])
    closed = bounds.uncoded_ber([0.0, 20.0, 40.0], modulation=modulation, channel="rayleigh")
    np.testing.assert_allclose(mean, closed, rtol=1e-6)


def test_uncoded_block_errors_over_fading_by_another_quadrature() -> None:
    scheme = parse("16qam_uncoded", channel_uses=16)

    def integrand(gain: float) -> float:
        received = 15 + 10 * np.log10(gain)
        return float(bounds.uncoded_bler(received, scheme=scheme)) * np.exp(-gain)

    expected = quad(integrand, 0, 1)[0] + quad(integrand, 1, 40)[0]
    assert bounds.uncoded_bler(15.0, scheme=scheme, channel="rayleigh") == pytest.approx(expected, rel=1e-6)


def test_capacities() -> None:
    assert bounds.capacity(10 * np.log10(3)) == pytest.approx(2.0)
    snr = np.array([0.1, 1.0, 100.0])
    np.testing.assert_allclose(
        bounds.ergodic_capacity(10 * np.log10(snr)), np.exp(1 / snr) * exp1(1 / snr) / np.log(2), rtol=1e-9
    )
    np.testing.assert_allclose(
        bounds.ergodic_capacity([0.0, 15.0]), bounds.rayleigh_mean(bounds.capacity, [0.0, 15.0]), rtol=1e-6
    )
    assert bounds.ergodic_capacity(-35.0) == pytest.approx(bounds.capacity(-35.0), rel=1e-3)


@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0])
def test_outage_is_the_share_of_gains_below_the_rate(rate: float) -> None:
    power = gains((400_000,), generator=torch.Generator().manual_seed(2)).abs().square()
    share = (torch.log2(1 + 10.0 * power) < rate).double().mean().item()
    expected = float(bounds.outage(10.0, rate=rate))
    assert abs(share - expected) < Z * (expected * (1 - expected) / len(power)) ** 0.5
    assert bounds.outage_capacity(10.0, outage=expected) == pytest.approx(rate)
    assert laws.outage(rate, n0=0.1, k_factor=0.0) == pytest.approx(expected)
