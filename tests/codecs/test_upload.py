import numpy as np
import pytest

from semcom.channel.digital.table import Curve
from semcom.codecs.upload import at_capacity, over_link
from semcom.files.errors import SemcomError
from semcom.params.scheme import parse


def curve(name: str, errors: list[float]) -> Curve:
    scheme = parse(name, channel_uses=32)
    return Curve(scheme, "awgn", np.array([0.0, 10.0]), np.full(2, 1000.0), np.array(errors))


def test_capacity_is_a_bit_a_channel_use_at_0_db() -> None:
    assert at_capacity(1000, snr_db=0.0).uses == pytest.approx(8000)
    assert at_capacity(1000, snr_db=0.0, channel="rayleigh").uses > 8000


def test_blocks_are_sent_again_until_they_arrive() -> None:
    cost = over_link(1001, curves=[curve("qpsk_ldpc_1/2", [500.0, 100.0])], snr_db=0.0)
    assert cost.blocks == 251  # 8008 bits in blocks of 32
    assert cost.uses == pytest.approx(251 * 32 / 0.5)
    trials = (
        np.random.default_rng(0).geometric(0.5, (2000, 251)).sum(1) * 32
    )  # tries until each block is through
    assert abs(trials.mean() - cost.uses) < 4.5 * trials.std() / 2000**0.5


def test_the_best_scheme_is_taken_and_capacity_is_less() -> None:
    curves = [curve("qpsk_ldpc_1/2", [500.0, 1.0]), curve("16qam_ldpc_1/2", [1000.0, 10.0])]
    cost = over_link(10_000, curves=curves, snr_db=10.0)
    assert cost.choice is not None
    assert cost.choice.curve is curves[1]
    assert cost.uses > at_capacity(10_000, snr_db=10.0).uses


def test_a_link_that_nothing_passes_is_refused() -> None:
    with pytest.raises(SemcomError, match="no block of qpsk_ldpc_1/2 at 32 channel uses arrives"):
        over_link(10, curves=[curve("qpsk_ldpc_1/2", [1000.0, 1.0])], snr_db=-30.0, outside="bound")
