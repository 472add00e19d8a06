"""What is known in closed form: uncoded error rates, capacity, outage.

SNR is Es/N0 per complex channel use, in dB. Numbers or arrays in, numbers or arrays out, in float64.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import hyperu, ndtr

from semcom.params.scheme import Scheme, levels

Floats = NDArray[np.float64]


def linear(snr_db: ArrayLike) -> Floats:
    """Es/N0 as a ratio."""
    ratio: Floats = np.power(10.0, np.asarray(snr_db, np.float64) / 10)
    return ratio


def capacity(snr_db: ArrayLike) -> Floats:
    """Capacity of AWGN in bits a complex channel use, log2(1 + SNR)."""
    bits: Floats = np.log1p(linear(snr_db)) / np.log(2)
    return bits


def ergodic_capacity(snr_db: ArrayLike) -> Floats:
    """Mean capacity of Rayleigh fading known to the receiver, in bits a complex channel use.

    A code word reaches it only if it sees many gains: E log2(1 + |h|²·SNR) = e^(1/SNR) E1(1/SNR) log2 e.
    """
    bits: Floats = hyperu(1, 1, 1 / linear(snr_db)) / np.log(2)
    return bits


def outage(snr_db: ArrayLike, *, rate: float) -> Floats:
    """Probability that a Rayleigh gain, one a block, leaves less than `rate` bits a channel use."""
    share: Floats = -np.expm1(-(2.0**rate - 1) / linear(snr_db))
    return share


def outage_capacity(snr_db: ArrayLike, *, outage: float) -> Floats:
    """Rate in bits a channel use that block Rayleigh fading misses with probability `outage`."""
    bits: Floats = np.log1p(-linear(snr_db) * np.log1p(-outage)) / np.log(2)
    return bits


def rayleigh_mean(rate: Callable[[Floats], Floats], snr_db: ArrayLike) -> Floats:
    """Mean over a Rayleigh gain of `rate(snr_db)`, which is given what the block receives.

    With |h|² = e^t the integrand falls off faster than exponentially on both sides, where the trapezoidal
    rule converges exponentially.

    Args:
        rate: a bounded function of the received Es/N0 in dB, such as a block error rate.
        snr_db: mean Es/N0, any shape.
    """
    t = np.linspace(-30.0, 4.5, 6901)
    weight = np.exp(t - np.exp(t)) * (t[1] - t[0])
    received = np.asarray(snr_db, np.float64)[..., None] + 10 * t / np.log(10)
    mean: Floats = (rate(received) * weight).sum(-1) / weight.sum()
    return mean


def uncoded_ber(snr_db: ArrayLike, *, modulation: str, channel: str = "awgn") -> Floats:
    """Bit error rate of Gray-mapped QAM without a code, nearest-level decisions (Cho and Yoon, 2002).

    Args:
        snr_db: Es/N0, over fading its mean.
        modulation: `qpsk`, `16qam` or `64qam`.
        channel: `awgn` or `rayleigh` (gain known to the receiver).
    """
    weights, distances = _terms(modulation)
    power = linear(snr_db)[..., None] * distances**2
    tail = ndtr(-np.sqrt(2 * power)) if channel == "awgn" else (1 - np.sqrt(power / (1 + power))) / 2
    rate: Floats = (weights * tail).sum(-1)
    return rate


def _terms(modulation: str) -> tuple[Floats, Floats]:
    """Weights and distances with which the bit error rate is Σ weight·Q(distance / deviation)."""
    count = len(levels(modulation))
    bits, step = count.bit_length() - 1, min(abs(level) for level in levels(modulation))
    weights: Floats = np.zeros(count)
    for bit in range(bits):
        for i in range(count - (count >> (bit + 1))):
            sign = -1 if (i << bit) // count % 2 else 1
            weights[i] += sign * (2**bit - int((i << bit) / count + 0.5)) * 2 / count / bits
    return weights, step * (2 * np.arange(count, dtype=np.float64) + 1)


def uncoded_bler(snr_db: ArrayLike, *, scheme: Scheme, channel: str = "awgn") -> Floats:
    """Block error rate of an uncoded scheme: its real dimensions err independently of each other.

    Over block Rayleigh fading this is the mean over the gain, by quadrature.
    """
    points = levels(scheme.modulation)
    step = min(abs(level) for level in points)

    def awgn(snr_db: Floats) -> Floats:
        wrong = 2 * (1 - 1 / len(points)) * ndtr(-step * np.sqrt(2 * linear(snr_db)))
        rate: Floats = -np.expm1(2 * scheme.channel_uses * np.log1p(-wrong))
        return rate

    return awgn(np.asarray(snr_db, np.float64)) if channel == "awgn" else rayleigh_mean(awgn, snr_db)
