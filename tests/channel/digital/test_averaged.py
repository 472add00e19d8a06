import numpy as np
import pytest

from semcom.channel.digital.averaged import over_rayleigh
from semcom.channel.digital.bounds import outage, uncoded_bler
from semcom.channel.digital.table import Curve
from semcom.files.errors import SemcomError
from semcom.params.scheme import parse

UNCODED = parse("16qam_uncoded", channel_uses=16)


def exact(channel: str = "awgn") -> Curve:
    snr = np.arange(4.0, 24.0, 0.25)
    rates = uncoded_bler(snr, scheme=UNCODED)
    return Curve(UNCODED, channel, snr, np.full(len(snr), 1e9), rates * 1e9)


def test_the_mean_of_the_uncoded_curve_is_its_closed_form_over_fading() -> None:
    snr = np.array([5.0, 15.0, 30.0])
    mean = over_rayleigh(exact(), snr)
    expected = uncoded_bler(snr, scheme=UNCODED, channel="rayleigh")
    np.testing.assert_allclose(mean.bler, expected, rtol=2e-4)
    assert ((mean.low <= expected) & (expected <= mean.high)).all()


def test_a_step_at_capacity_is_an_outage() -> None:
    scheme = parse("qpsk_ldpc_1/2", channel_uses=32)  # 1 bit a channel use: capacity at 0 dB
    step = Curve(scheme, "awgn", np.array([-1e-4, 1e-4]), np.full(2, 1e9), np.array([1e9, 0.0]))
    np.testing.assert_allclose(
        over_rayleigh(step, [0.0, 10.0, 20.0]).bler, outage([0.0, 10.0, 20.0], rate=1.0), rtol=0.01
    )


def test_only_awgn_can_be_averaged() -> None:
    with pytest.raises(SemcomError, match="not one of rayleigh"):
        over_rayleigh(exact("rayleigh"), 10.0)
