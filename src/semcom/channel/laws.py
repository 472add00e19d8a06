"""Closed forms of flat block fading. K is the linear Rician factor: 0 is Rayleigh, infinity no fading."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chndtr, ncfdtr, polygamma

Array = NDArray[np.float64]


def amount_of_fading(k_factor: float) -> float:
    """Var |h|^2 / (E |h|^2)^2."""
    return 0.0 if math.isinf(k_factor) else (1 + 2 * k_factor) / (1 + k_factor) ** 2


def outage(rate: float, *, n0: float, k_factor: float) -> float:
    """Probability that a block's capacity log2(1 + |h|^2/n0) is below `rate` bits per channel use.

    For Rayleigh 1 - exp(-(2^rate - 1) n0), for Rician a noncentral chi-squared distribution's.
    """
    power = (2**rate - 1) * n0
    if math.isinf(k_factor):
        return float(power > 1)
    return float(chndtr(2 * (k_factor + 1) * power, 2, 2 * k_factor))


@dataclass(frozen=True)
class MeasuredSnr:
    """The law of a block's SNR as least squares measures it, finite number of channel uses included.

    Received is a x + r with an unknown gain a and circular noise of unknown power. With the least-squares
    gain â and the residual's power N̂ (k - 1 degrees of freedom), |â|^2 sum |x|^2 / N̂ is a scaled noncentral
    F variable of 2 and 2(k - 1) degrees of freedom, whatever the receiver scales a block by.

    Attributes:
        uses: channel uses k a block.
        snr: average Es/N0, linear.
        k_factor: linear.
    """

    uses: int
    snr: float
    k_factor: float

    @property
    def _scattered(self) -> float:
        """Power of the scattered paths' part of â, the estimate's own noise being 1."""
        return 0.0 if math.isinf(self.k_factor) else self.uses * self.snr / (1 + self.k_factor)

    @property
    def _noncentrality(self) -> float:
        line = self.uses * self.snr - self._scattered if self.k_factor else 0.0
        return 2 * line / (1 + self._scattered)

    def below(self, snr: float) -> float:
        """Probability that the block's measured SNR |â|^2 mean |x|^2 / N̂ is below `snr`, linear."""
        x = snr * self.uses / (1 + self._scattered)
        return float(ncfdtr(2, 2 * (self.uses - 1), self._noncentrality, x))

    def spread_db(self) -> float:
        """Standard deviation of the measured SNR in dB: 5.57 for Rayleigh and many channel uses."""
        in_db = 10 / math.log(10)
        if self.k_factor == 0:
            return float(in_db * math.sqrt(polygamma(1, 1) + polygamma(1, self.uses - 1)))
        t = np.linspace(-25, math.log(50 * (1 + self._noncentrality)), 20_001)
        from scipy.stats import ncf  # 0.6 s that only a calibration needs

        density = ncf.pdf(np.exp(t), 2, 2 * (self.uses - 1), self._noncentrality) * np.exp(t)
        density /= density.sum()
        mean = (t * density).sum()
        return float(in_db * math.sqrt(((t - mean) ** 2 * density).sum()))
