"""What a channel does to blocks of symbols, seen from outside: least squares for each block's gain and noise.

    symbols x ──► channel, a black box ──► y      y = a x + r for each block: gain a, residual r

Whatever scale a receiver gives a block cancels in |a|^2 |x|^2 / |r|^2, so the same measurement serves every
CSI mode and equaliser.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semcom.files.errors import SemcomError

Channel = Callable[[Tensor, Tensor | float, torch.Generator], Tensor]
Array = NDArray[np.float64]
MIN_USES = 16
"""Channel uses a block below which its own noise is too short to measure."""
NOISELESS = 1e-10
"""Noise power over signal power that is rounding."""


@dataclass(frozen=True)
class Blocks:
    """One value a block, for B blocks of k channel uses.

    Attributes:
        power: (B,) mean |x|^2.
        gain: (B,) complex, least squares.
        noise: (B,) power of the residual, k - 1 degrees of freedom.
        snr: (B,) unbiased estimate of |a|^2 power / noise, linear.
        snr_seen: (B,) the same with the estimate's own noise in it, as `laws.MeasuredSnr` describes it.
        half_snr: (B, 2) `snr` from either half of the block alone, at the power of the whole.
        change: (B,) squared change of the gain from half to half over what its noise explains; mean 1.
        slope: (B,) of |r|^2 / noise over |x|^2 / power within the block; mean 0.
        skew: (B,) complex, sum r^2 / sum |r|^2; mean 0 for circular noise.
        uses: k.
    """

    power: Array
    gain: NDArray[np.complex128]
    noise: Array
    snr: Array
    snr_seen: Array
    half_snr: Array
    change: Array
    slope: Array
    skew: NDArray[np.complex128]
    uses: int

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """The blocks that are chosen, (B,) true or false."""
        return type(self)(**{name: getattr(self, name)[chosen] for name in _ARRAYS}, uses=self.uses)

    @classmethod
    def join(cls, parts: list[Self]) -> Self:
        """All blocks of several measurements."""
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
        return cls(**arrays, uses=parts[0].uses)


_ARRAYS = [field.name for field in fields(Blocks) if field.name != "uses"]


def measure(sent: Tensor, received: Tensor) -> Blocks:
    """Measure every block.

    Args:
        sent: (B, k) complex, k >= 16, none of them zero.
        received: (B, k) complex.

    Raises:
        SemcomError: `received` is not complex of the shape of `sent`, not finite or without any noise, or the
            blocks are short.
    """
    _check(sent, received)
    uses = sent.shape[-1]
    x, y = sent, received.to(sent.dtype)
    gain, residual, energy = _fit(x, y)
    noise = _power(residual).sum(-1) / (uses - 1)
    power = energy / uses
    if (noise <= NOISELESS * gain.abs().square() * power).all():
        raise SemcomError("the channel adds no noise: what it returns is a multiple of what it got")
    # A residual's own variance is smaller where its symbol weighs more in the fit.
    relative = _power(residual) / (1 - _power(x) / energy[:, None]) / noise[:, None]
    weight = _power(x) / power[:, None] - 1
    halves = [_fit(a, b) for a, b in zip(x.chunk(2, -1), y.chunk(2, -1), strict=True)]
    found = {
        "power": power,
        "gain": gain,
        "noise": noise,
        "snr": _unbiased(gain, energy, noise, uses),
        "snr_seen": gain.abs().square() * power / noise,
        "half_snr": torch.stack([_half_snr(*half, power) for half in halves], -1),
        "change": _change(halves, uses),
        "slope": ((relative - 1) * weight).sum(-1) / weight.square().sum(-1),
        "skew": residual.square().sum(-1) / _power(residual).sum(-1),
    }
    wide = {n: v.to(torch.complex128 if v.is_complex() else torch.float64) for n, v in found.items()}
    return Blocks(**{name: value.cpu().numpy() for name, value in wide.items()}, uses=uses)


def _check(sent: Tensor, received: Tensor) -> None:
    uses = sent.shape[-1]
    if received.shape != sent.shape or not received.is_complex():
        raise SemcomError(
            f"the channel got complex symbols of shape {tuple(sent.shape)} and returned {received.dtype} of "
            f"shape {tuple(received.shape)}; it must return complex symbols of the same shape"
        )
    if uses < MIN_USES:
        raise SemcomError(
            f"{uses} channel uses are too few to measure a block's noise; give {MIN_USES} or more"
        )
    if not torch.view_as_real(received.resolve_conj()).isfinite().all():
        raise SemcomError("the channel returned NaN or infinity for finite symbols")


Fit = tuple[Tensor, Tensor, Tensor]


def _fit(x: Tensor, y: Tensor) -> Fit:
    """Least-squares gain (B,), residual (B, k) and energy sum |x|^2 (B,)."""
    energy = _power(x).sum(-1)
    gain = (y * x.conj()).sum(-1) / energy
    return gain, y - gain[:, None] * x, energy


def _power(x: Tensor) -> Tensor:
    return x.real.square() + x.imag.square()


def _unbiased(gain: Tensor, energy: Tensor, noise: Tensor, uses: int) -> Tensor:
    """|a|^2 power / noise without the bias of the noise in numerator and denominator."""
    return (gain.abs().square() * energy / noise * (uses - 2) / (uses - 1) - 1) / uses


def _half_snr(gain: Tensor, residual: Tensor, energy: Tensor, power: Tensor) -> Tensor:
    uses = residual.shape[-1]
    own = _unbiased(gain, energy, _power(residual).sum(-1) / (uses - 1), uses)
    return own * power / (energy / uses)


def _change(halves: list[Fit], uses: int) -> Tensor:
    """|a1 - a2|^2 over the variance that the residuals of the halves give it, of mean 1."""
    (a, r, e), (b, s, f) = halves
    noise = (_power(r).sum(-1) + _power(s).sum(-1)) / (uses - 2)
    return (a - b).abs().square() / (noise * (1 / e + 1 / f)) * (uses - 3) / (uses - 2)
