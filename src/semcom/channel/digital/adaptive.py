"""Adaptive modulation and coding: the best scheme of a list at each SNR, by their error tables.

The choice is made beforehand: it knows the mean SNR and nothing of a block's noise, gain or fate.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from semcom.channel.digital.table import Curve, Outside
from semcom.files.errors import SemcomError

Objective = Literal["goodput", "reliable", "bler"]
"""`goodput`: most payload bits a channel use that arrive, payload (1 - BLER) / channel uses. `reliable`: most
payload of those that lose at most RELIABLE of their blocks, else fewest lost blocks. `bler`: fewest lost
blocks, among schemes of one payload."""
RELIABLE = 0.01


class Choice(NamedTuple):
    """What is sent at one SNR.

    Attributes:
        curve: of the chosen scheme.
        bler: its block error rate.
        goodput: payload bits a channel use that arrive.
        bound: `bler` is an upper bound, as the SNR is off the scheme's table.
    """

    curve: Curve
    bler: float
    goodput: float
    bound: bool


def choose(
    curves: Sequence[Curve], snr_db: float, *, objective: Objective = "goodput", outside: Outside = "error"
) -> Choice:
    """The best scheme at a mean Es/N0; of equals, the one with fewest lost blocks, then fewest payload bits.

    A scheme whose table does not reach the SNR is judged by its bounds (`table.Outside`), which never
    flatter it: all is lost below its table, above it as much as its last row's upper limit says.

    Args:
        curves: tables of the list's schemes, all of one channel.
        snr_db: mean Es/N0 in dB.
        objective: what is best.
        outside: what to do if the SNR is off the *chosen* scheme's table.

    Raises:
        SemcomError: the list is empty, mixes channels, has several payloads with `bler`, or the SNR is off
            the chosen table and `outside` is `error`.
    """
    check(curves, objective=objective)
    choices = []
    for curve in sorted(curves, key=lambda curve: curve.scheme.efficiency):
        bler = float(curve.bler(snr_db, outside="bound"))
        bound = not bool(curve.covers(snr_db))
        choices.append(Choice(curve, bler, curve.scheme.efficiency * (1 - bler), bound))
    best = max(choices, key=lambda choice: (_worth(choice, objective), -choice.bler))
    if best.bound:
        best.curve.bler(snr_db, outside=outside)
    return best


def _worth(choice: Choice, objective: Objective) -> float:
    if objective == "goodput":
        return choice.goodput
    if objective == "reliable" and choice.bler <= RELIABLE:
        return choice.curve.scheme.efficiency
    return -choice.bler


def check(curves: Sequence[Curve], *, objective: Objective) -> None:
    """Refuse a list of which no best can be told.

    Raises:
        SemcomError: naming what does not fit.
    """
    if not curves:
        raise SemcomError("adaptive modulation and coding needs the table of at least one scheme")
    channels = sorted({curve.channel for curve in curves})
    if len(channels) > 1:
        raise SemcomError(f"tables of {' and '.join(channels)} cannot be compared; give those of one channel")
    payloads = sorted({curve.scheme.payload_bits for curve in curves})
    if objective == "bler" and len(payloads) > 1:
        raise SemcomError(
            f"schemes of {', '.join(map(str, payloads))} payload bits cannot be compared by their block "
            "error "
            "rate; take objective: goodput, or schemes of one payload"
        )
