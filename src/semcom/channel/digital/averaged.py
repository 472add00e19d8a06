"""Block Rayleigh fading from an AWGN table, by integration over the gain.

A receiver that knows the gain h of a block turns its phase back and is left with AWGN at |h|² times the SNR.
So the block error rate over fading is the mean of the AWGN curve over |h|², and needs no decoding of its own.
What the curve does not say is bounded: below its first row every block is lost, above its last row none to as
many as its upper limit.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from semcom.channel.digital.bounds import Floats, rayleigh_mean
from semcom.channel.digital.table import Curve
from semcom.files.errors import SemcomError


class Faded(NamedTuple):
    """Block error rate over block Rayleigh fading, and its 95 % limits."""

    bler: Floats
    low: Floats
    high: Floats


def over_rayleigh(curve: Curve, snr_db: ArrayLike) -> Faded:
    """Average an AWGN curve over a Rayleigh gain.

    Args:
        curve: measured on AWGN.
        snr_db: mean Es/N0 in dB, any shape.

    Returns:
        The mean, with 0 above the table, and limits: the means of the AWGN points' limits (which therefore
        cover at least as often), with 0 and the table's upper limit above it.

    Raises:
        SemcomError: the curve is not of AWGN.
    """
    if curve.channel != "awgn":
        raise SemcomError(f"only an AWGN table can be averaged over fading, not one of {curve.channel}")

    def rate(received: Floats) -> Floats:
        return np.where(received > curve.snr_db[-1], 0.0, curve.bler(received, outside="bound"))

    def low(received: Floats) -> Floats:
        return curve.interval(received, outside="bound")[0]

    def high(received: Floats) -> Floats:
        return curve.interval(received, outside="bound")[1]

    return Faded(*(rayleigh_mean(each, snr_db) for each in (rate, low, high)))
