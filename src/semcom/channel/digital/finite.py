"""What a block of finite length can do at best: the normal approximation (Polyanskiy, Poor and Verdú, 2010).

    log2 M ≈ n C - sqrt(n V) Q⁻¹(ε) + ½ log2 n

for n real dimensions (two a complex channel use) of AWGN with C = ½ log2(1 + SNR) and
V = SNR (SNR + 2) / (2 (SNR + 1)²) · log2² e. Its error is a few bits from n = 100 on; below that it is
refused. The inputs are Gaussian-like: a gap to it has the loss of the QAM constellation in it.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from semcom.channel.digital.bounds import Floats, capacity, linear
from semcom.channel.digital.table import Curve
from semcom.files.errors import SemcomError

LEAST_DIMENSIONS = 100
SEARCH_DB = (-30.0, 60.0)


def best_payload(channel_uses: int, snr_db: ArrayLike, *, bler: float) -> Floats:
    """Payload bits that the best code carries at block error rate `bler`.

    Raises:
        SemcomError: fewer than 50 channel uses.
    """
    n = _dimensions(channel_uses)
    bits: Floats = n * capacity(snr_db) / 2 - np.sqrt(n * _dispersion(snr_db)) * ndtri(1 - bler)
    bits += np.log2(n) / 2
    return bits


def best_bler(channel_uses: int, payload_bits: int, snr_db: ArrayLike) -> Floats:
    """Block error rate of the best code.

    Raises:
        SemcomError: fewer than 50 channel uses.
    """
    return estimated_bler(_dimensions(channel_uses), payload_bits, snr_db)


def gap_db(curve: Curve, *, bler: float = 1e-2) -> float:
    """How many dB more than the best code a measured scheme needs for a block error rate on AWGN.

    Raises:
        SemcomError: fewer than 50 channel uses, or a table that does not go through `bler`.
    """
    scheme = curve.scheme
    return curve.snr_db_at(bler) - best_snr_db(scheme.channel_uses, scheme.payload_bits, bler=bler)


def estimated_bler(n: int, payload_bits: int, snr_db: ArrayLike) -> Floats:
    """`best_bler` for n real dimensions, however few: good enough to start a search from."""
    spare = n * capacity(snr_db) / 2 + np.log2(n) / 2 - payload_bits
    rate: Floats = ndtr(-spare / np.sqrt(n * _dispersion(snr_db)))
    return rate


def best_snr_db(channel_uses: int, payload_bits: int, *, bler: float) -> float:
    """Es/N0 in dB from which on the best code has a block error rate of at most `bler`.

    Raises:
        SemcomError: fewer than 50 channel uses.
    """
    return estimated_snr_db(_dimensions(channel_uses), payload_bits, bler=bler)


def estimated_snr_db(n: int, payload_bits: int, *, bler: float) -> float:
    """`best_snr_db` for n real dimensions, however few."""
    return float(brentq(lambda snr: float(estimated_bler(n, payload_bits, snr)) - bler, *SEARCH_DB))


def _dispersion(snr_db: ArrayLike) -> Floats:
    snr = linear(snr_db)
    bits: Floats = snr * (snr + 2) / (2 * (snr + 1) ** 2) * np.log2(np.e) ** 2
    return bits


def _dimensions(channel_uses: int) -> int:
    n = 2 * channel_uses
    if n < LEAST_DIMENSIONS:
        raise SemcomError(
            f"the normal approximation is good from {LEAST_DIMENSIONS} real dimensions on; {channel_uses} "
            "complex "
            f"channel uses are {n}: take at least {LEAST_DIMENSIONS // 2}, or compare with capacity"
        )
    return n
