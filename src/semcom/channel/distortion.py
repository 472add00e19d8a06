"""What can be said of a channel that distorts the signal: erasures, phase noise, clipping, interference.

Such a channel has no Es/N0 that anybody could hold it to. Its class says `law = "unchecked"`; then the
figures that a law of its own is held to are measured and stated, each beside what AWGN would give, and none
is a check.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from semcom.channel.blocks import Channel
from semcom.channel.calibration import calibrate
from semcom.channel.checks import Claim, Row
from semcom.files.errors import SemcomError

LAWS = ("rician", "own", "unchecked")
CSI = ("none", "receiver", "estimated")
STATED = "stated"
"""Stands for `ok` in rows that no tolerance is held to."""


def claim_of(channel: object) -> Claim:
    """What a channel says of itself, in words that calibration knows.

    Raises:
        SemcomError: its `law` or `csi` is none of those there are.
    """
    claim = Claim.of(channel)
    for name, known in (("law", LAWS), ("csi", CSI)):
        if (said := getattr(claim, name)) not in known:
            kind = channel if isinstance(channel, type) else type(channel)
            raise SemcomError(f"{kind.__name__} says {name} = {said!r}, which is none of {', '.join(known)}")
    return claim


def is_unchecked(claim: Claim) -> bool:
    """Whether nothing is held to what it says."""
    return str(claim.law) == "unchecked"


def measured(
    channel: Channel,
    *,
    claim: Claim,
    snr_db: Sequence[float],
    channel_uses: int = 64,
    tolerance_db: float,
    generator: torch.Generator,
) -> list[Row]:
    """Calibrate a channel as it claims to be; of one that is unchecked the figures are stated.

    Args:
        channel: called with symbols (B, k) complex64, n0 and the generator.
        claim: what it is said to be.
        snr_db: Es/N0 in dB at which to measure, at power 1.
        channel_uses: k of a block.
        tolerance_db: on the SNR and the mean gain, where it is checked.
        generator: source of the symbols, handed on to the channel.

    Returns:
        Rows as those of `calibrate`. Stated ones have an infinite tolerance and `STATED` for ok; their value
        is NaN where some blocks got no noise at all.

    Raises:
        SemcomError: as `calibrate`.
    """
    held = replace(claim, law="own") if is_unchecked(claim) else claim
    rows = calibrate(
        channel,
        claim=held,
        snr_db=snr_db,
        channel_uses=channel_uses,
        tolerance_db=tolerance_db,
        generator=generator,
    )
    return [_stated(row) for row in rows] if is_unchecked(claim) else rows


def _stated(row: Row) -> Row:
    if row["ok"] is None:
        return row
    return {**row, "tolerance": math.inf, "z": math.nan, "ok": STATED, "note": "stated, not checked"}
