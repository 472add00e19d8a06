import numpy as np
import pytest
from scipy.special import ndtr

from semcom.channel.digital.adaptive import choose
from semcom.channel.digital.table import Curve
from semcom.files.errors import SemcomError
from semcom.params.scheme import parse


def curve(
    name: str, middle_db: float, *, uses: int = 32, payload: int | None = None, channel: str = "awgn"
) -> Curve:
    snr = middle_db + np.arange(-2.5, 3.0, 0.5)
    blocks = np.full(len(snr), 10_000.0)
    errors = np.round(blocks * ndtr(-(snr - middle_db)))
    return Curve(parse(name, channel_uses=32, payload_bits=payload), channel, snr, blocks, errors)


LIST = [curve("64qam_ldpc_3/4", 13.0), curve("qpsk_ldpc_1/2", 1.0), curve("16qam_ldpc_1/2", 6.0)]


def test_goodput_is_best_at_each_snr_and_rises() -> None:
    snr = np.arange(-1.0, 15.5, 0.25)
    choices = [choose(LIST, float(value), outside="bound") for value in snr]
    for choice, value in zip(choices, snr, strict=True):
        each = [c.scheme.efficiency * (1 - float(c.bler(value, outside="bound"))) for c in LIST]
        assert choice.goodput == pytest.approx(max(each))
    # A scheme's bound past its last row is above its measured rate by the limits of that row.
    goodput = np.array([choice.goodput for choice in choices])
    assert (np.diff(goodput) > -0.003 * goodput[1:]).all()
    assert [c.curve.scheme.modulation for c in (choices[8], choices[40], choices[-1])] == [
        "qpsk",
        "16qam",
        "64qam",
    ]


def test_schemes_of_one_payload_are_chosen_by_their_losses() -> None:
    curves = [curve("qpsk_ldpc", 1.0, payload=48), curve("16qam_ldpc", 3.0, payload=48)]
    assert choose(curves, 2.0, objective="bler").curve is curves[0]
    with pytest.raises(SemcomError, match="32, 64, 144 payload bits cannot be compared"):
        choose(LIST, 2.0, objective="bler")


def test_reliable_takes_the_most_payload_that_loses_one_in_a_hundred_else_the_fewest_losses() -> None:
    # Of each curve 1 % is lost 2.33 dB above its middle; at 3.25 dB the first loses 1.2 %.
    for snr_db, name in ((3.25, "qpsk"), (3.5, "qpsk"), (8.0, "qpsk"), (8.5, "16qam"), (14.9, "16qam")):
        assert choose(LIST, snr_db, objective="reliable", outside="bound").curve.scheme.modulation == name
    assert choose(LIST, 15.5, objective="reliable").curve.scheme.modulation == "64qam"
    # Goodput takes a longer payload much earlier.
    assert choose(LIST, 6.0, objective="goodput").curve.scheme.modulation == "16qam"
    # Of one payload, the one that loses less.
    for alike in ([curve("qpsk_polar_1/2", 0.9), LIST[1]], [LIST[1], curve("qpsk_polar_1/2", 0.9)]):
        assert choose(alike, 3.375, objective="reliable").curve.scheme.code == "polar"
    # Where none is reliable: fewest losses, though the payload is the smaller, or the larger.
    late = [curve("qpsk_ldpc_1/2", 5.0), curve("16qam_ldpc_1/2", 4.0)]
    assert choose(late, 4.5, objective="reliable").curve.scheme.modulation == "16qam"
    assert choose([late[0], LIST[2]], 5.5, objective="reliable").curve.scheme.modulation == "qpsk"


@pytest.mark.parametrize(("errors", "modulation"), [(100, "16qam"), (101, "qpsk")])
def test_reliable_begins_at_one_percent(errors: int, modulation: str) -> None:
    def flat(name: str, lost: int) -> Curve:
        return Curve(parse(name, channel_uses=32), "awgn", np.array([0.0]), np.array([1e4]), np.array([lost]))

    # 1 % at most by the table as it is measured, and by its upper limit beyond its last row.
    curves = [flat("qpsk_ldpc_1/2", 1), flat("16qam_ldpc_1/2", errors)]
    assert choose(curves, 0.0, objective="reliable").curve.scheme.modulation == modulation
    assert choose(curves, 9.0, objective="reliable", outside="bound").curve.scheme.modulation == "qpsk"


def test_off_the_chosen_table_is_an_error_or_a_bound() -> None:
    with pytest.raises(SemcomError, match="30 dB is off the error table of 64qam_ldpc_3/4"):
        choose(LIST, 30.0)
    high = choose(LIST, 30.0, outside="bound")
    assert high.bound
    assert 0 < high.bler < 0.01
    low = choose(LIST, -20.0, outside="bound")
    assert (low.bler, low.goodput, low.curve.scheme.name) == (1.0, 0.0, "qpsk_ldpc_1/2")
    assert not choose(LIST, 6.0).bound


def test_lists_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(SemcomError, match="at least one scheme"):
        choose([], 0.0)
    with pytest.raises(SemcomError, match="awgn and rayleigh cannot be compared"):
        choose([*LIST, curve("qpsk_ldpc_1/2", 1.0, channel="rayleigh")], 0.0)
