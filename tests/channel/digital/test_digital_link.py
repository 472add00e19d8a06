import time

import numpy as np
import pytest
import torch

from semcom.channel.digital.bounds import uncoded_bler
from semcom.channel.digital.link import DigitalLink
from semcom.channel.digital.table import Curve
from semcom.files.errors import SemcomError
from semcom.params.scheme import parse


def uncoded(modulation: str = "qpsk", *, uses: int = 16, channel: str = "awgn") -> Curve:
    """Its table, from the closed form."""
    scheme = parse(f"{modulation}_uncoded", channel_uses=uses)
    snr = np.arange(0.0, 16.0, 0.5)
    rates = uncoded_bler(snr, scheme=scheme, channel=channel)
    return Curve(scheme, channel, snr, np.full(len(snr), 1e9), rates * 1e9)


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bits(frames: int, width: int) -> torch.Tensor:
    return torch.randint(0, 2, (frames, width), generator=draws(7))


@pytest.mark.parametrize("channel", ["awgn", "rayleigh"])
@pytest.mark.parametrize("share", [1, 4])
def test_drawn_and_really_sent_losses_agree(channel: str, share: int) -> None:
    link = DigitalLink((uncoded(channel=channel),), frames_per_block=share)
    payload = bits(20_000, 32 // share)
    drawn = link.send(payload, snr_db=7.3, generator=draws())
    sent = link.send(payload, snr_db=7.3, generator=draws(), exact=True)
    rate = float(link.curves[0].bler(7.3))
    deviation = (rate * (1 - rate) / (20_000 / share)) ** 0.5
    for arrived in (drawn, sent):
        assert abs(float(arrived.lost.double().mean()) - rate) < 4.5 * deviation


def test_frames_that_are_not_lost_arrive_as_they_were() -> None:
    link = DigitalLink((uncoded(),), frames_per_block=3)
    payload = bits(1000, 9)  # 3 · 9 of 32 bits; the last block has one frame
    for exact in (False, True):
        arrived = link.send(payload, snr_db=6.0, generator=draws(), exact=exact)
        assert arrived.bits.shape == (1000, 9)
        assert 50 < int(arrived.lost.sum()) < 950
        assert torch.equal(arrived.bits[~arrived.lost], payload[~arrived.lost].float())


def test_frames_of_a_block_are_lost_together() -> None:
    link = DigitalLink((uncoded(),), frames_per_block=4)
    for exact in (False, True):
        lost = link.send(bits(400, 8), snr_db=5.0, generator=draws(), exact=exact).lost.view(100, 4)
        assert torch.equal(lost.all(1), lost.any(1))
    assert str(link) == "qpsk_uncoded at 16 channel uses over awgn, 4 frames a code word"


def test_the_same_generator_gives_the_same_losses() -> None:
    link = DigitalLink((uncoded(),))
    first, second = (link.lost(500, snr_db=5.0, generator=draws(3)) for _ in range(2))
    assert torch.equal(first, second)


def test_the_choice_is_made_before_anything_is_sent() -> None:
    """Whatever the draws, the scheme is the same: it depends on the mean SNR alone."""
    link = DigitalLink((uncoded("qpsk"), uncoded("16qam", uses=8)), objective="bler")
    names = {
        link.send(bits(5, 32), snr_db=9.0, generator=draws(seed)).choice.curve.scheme for seed in range(20)
    }
    assert names == {parse("qpsk_uncoded", channel_uses=16)}


def test_sending_takes_milliseconds() -> None:
    link = DigitalLink((uncoded(),))
    payload = bits(10_000, 32)
    link.send(payload, snr_db=5.0, generator=draws())
    begin = time.process_time()
    link.send(payload, snr_db=5.0, generator=draws())
    assert time.process_time() - begin < 0.1


def test_what_does_not_fit_is_refused() -> None:
    two, payload = DigitalLink((uncoded(),), frames_per_block=2), bits(4, 17)
    with pytest.raises(SemcomError, match="of 17 bits does not fit .* room for 16 bits a frame .2 frames"):
        two.send(payload, snr_db=5.0, generator=draws())
    with pytest.raises(SemcomError, match="-3 dB is off the error table"):
        DigitalLink((uncoded(),)).lost(4, snr_db=-3.0, generator=draws())
    with pytest.raises(SemcomError, match="0 frames a block"):
        DigitalLink((uncoded(),), frames_per_block=0)
    assert DigitalLink((uncoded(),), outside="bound").lost(100, snr_db=-3.0, generator=draws()).all()
