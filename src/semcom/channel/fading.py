"""Flat block fading: y = h x + w, one complex gain h a block, w ~ CN(0, n0).

A block is the last dimension: the k channel uses of one sample and device. E|h|^2 = 1, so that n0 still is
one over the average Es/N0; the Es/N0 of one block is |h|^2 / n0.

    x ──► × h ──► + w ──► y ──► equaliser ──► what the server gets
                                    ▲
    pilots ──► × h ──► + w ──► estimate of h      (csi: none – receiver: h itself – estimated: from pilots)
"""

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from semcom.channel.awgn import awgn, check_block
from semcom.files.errors import SemcomError
from semcom.params.ranges import PositiveInt, SnrDb

Csi = Literal["none", "receiver", "estimated"]
Equaliser = Literal["mmse", "zf"]


class Faded(NamedTuple):
    """What block fading made of symbols.

    Attributes:
        received: (..., k) complex, not equalised.
        gain: (..., 1) complex, the true h of every block.
        estimate: (..., 1) complex, what the receiver takes for h; None if it knows nothing.
    """

    received: Tensor
    gain: Tensor
    estimate: Tensor | None


def gains(
    shape: tuple[int, ...],
    *,
    k_factor: float = 0.0,
    dtype: torch.dtype = torch.complex64,
    device: torch.device | str = "cpu",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw independent gains with E|h|^2 = 1 and uniform phase.

    Args:
        shape: of the result.
        k_factor: power of the line of sight over that of the scattered paths, linear, >= 0; 0 is Rayleigh.
        dtype: of the result, complex.
        device: of the result.
        generator: source of the draws, on `device`.
    """
    scattered = torch.randn(shape, dtype=dtype, device=device, generator=generator)
    if k_factor == 0:
        return scattered
    turn = 2 * torch.pi * torch.rand(shape, dtype=dtype.to_real(), device=device, generator=generator)
    gain: Tensor = torch.polar(torch.ones_like(turn), turn) * (k_factor**0.5 + scattered)
    return gain.div((k_factor + 1) ** 0.5)


def estimate_gain(
    gain: Tensor, n0: Tensor | float, *, pilots: int, generator: torch.Generator | None = None
) -> Tensor:
    """Least squares from pilots: `pilots` known symbols of power 1 go over the channel, and are averaged.

    Args:
        gain: (..., 1) complex.
        n0: noise variance per complex channel use, broadcastable against `gain`.
        pilots: channel uses spent on them, >= 1.
        generator: source of the noise.

    Returns:
        h + e of the shape of `gain`, e ~ CN(0, n0/pilots).
    """
    return awgn(gain.expand(*gain.shape[:-1], pilots), n0, generator).mean(-1, keepdim=True)


def block_fading(
    symbols: Tensor,
    n0: Tensor | float,
    generator: torch.Generator | None = None,
    *,
    k_factor: float = 0.0,
    csi: Csi = "receiver",
    pilots: int = 0,
) -> Faded:
    """Send symbols over block Rayleigh or Rician fading and noise.

    Args:
        symbols: (..., k) complex of power 1; may be expanded over SNRs and draws.
        n0: noise variance per complex channel use, a scalar or one value a block: broadcastable against
            (..., 1).
        generator: source of gains and noise, on the device of `symbols`.
        k_factor: linear, see `gains`.
        csi: what the receiver knows of the gains.
        pilots: channel uses a block that go ahead of the symbols; with `csi="estimated"` only.

    Returns:
        Received symbols, gains and the receiver's estimate of them.

    Raises:
        SemcomError: `n0` changes within a block, or pilots and `csi` do not fit.
    """
    check_pilots(csi, pilots)
    check_block(n0)
    n0 = torch.as_tensor(n0, dtype=symbols.real.dtype, device=symbols.device)
    shape = np.broadcast_shapes((*symbols.shape[:-1], 1), n0.shape)
    gain = gains(shape, k_factor=k_factor, dtype=symbols.dtype, device=symbols.device, generator=generator)
    estimate = None if csi == "none" else gain
    if csi == "estimated":
        estimate = estimate_gain(gain, n0, pilots=pilots, generator=generator)
    return Faded(awgn(gain * symbols, n0, generator), gain, estimate)


def equalise(received: Tensor, estimate: Tensor, n0: Tensor | float, *, method: Equaliser) -> Tensor:
    """Undo the gain, taking the estimate for the true one.

    `mmse` is the linear estimate of unit-power symbols with the least mean square error, h* y / (|h|^2 + n0):
    it shrinks what a deep fade has buried. `zf` is y / h: unbiased, its noise n0/|h|^2 without bound.

    Args:
        received: (..., k) complex.
        estimate: (..., 1) complex.
        n0: noise variance per complex channel use, broadcastable against `estimate`.
        method: `mmse` or `zf`.
    """
    floor = torch.as_tensor(n0, dtype=estimate.real.dtype, device=estimate.device) if method == "mmse" else 0
    power = torch.view_as_real(estimate).square().sum(-1)
    return received * (estimate.conj() / (power + floor))


def check_pilots(csi: Csi, pilots: int) -> None:
    """Refuse pilots that nobody uses, and an estimate from none.

    Raises:
        SemcomError: saying what to change.
    """
    if csi == "estimated" and pilots < 1:
        raise SemcomError("csi: estimated needs pilots ≥ 1, the channel uses a block to estimate from")
    if csi != "estimated" and pilots:
        raise SemcomError(f"pilots: {pilots} go with csi: estimated only, not csi: {csi}; leave them out")


class Rayleigh:
    """The channel `rayleigh` of a params file: block Rayleigh fading, one gain a sample and device.

    Args:
        csi: what the receiver knows: `none` (it gets h x + w as it is), `receiver` (h) or `estimated`
            (least squares from `pilots`).
        pilots: channel uses a block spent on the estimate; they count as channel uses.
        equaliser: `mmse` or `zf`; without CSI nothing is equalised.

    Raises:
        SemcomError: pilots and `csi` do not fit.
    """

    k_factor = 0.0

    def __init__(
        self,
        *,
        csi: Csi = "receiver",
        pilots: PositiveInt | None = None,
        equaliser: Equaliser = "mmse",
    ) -> None:
        self.csi, self.pilots, self.equaliser = csi, pilots or 0, equaliser
        check_pilots(csi, self.pilots)

    def __call__(
        self, symbols: Tensor, n0: Tensor | float, generator: torch.Generator | None = None
    ) -> Tensor:
        """What the server gets of `symbols`: see `block_fading` and `equalise`."""
        faded = block_fading(symbols, n0, generator, k_factor=self.k_factor, csi=self.csi, pilots=self.pilots)
        if faded.estimate is None:
            return faded.received
        return equalise(faded.received, faded.estimate, n0, method=self.equaliser)


class Rician(Rayleigh):
    """The channel `rician` of a params file: as `rayleigh`, with a line of sight of random phase.

    Args:
        k_factor_db: power of the line of sight over that of the scattered paths, in dB.
        csi: see `Rayleigh`.
        pilots: see `Rayleigh`.
        equaliser: see `Rayleigh`.
    """

    def __init__(
        self,
        *,
        k_factor_db: SnrDb = 6.0,
        csi: Csi = "receiver",
        pilots: PositiveInt | None = None,
        equaliser: Equaliser = "mmse",
    ) -> None:
        super().__init__(csi=csi, pilots=pilots, equaliser=equaliser)
        self.k_factor = 10 ** (k_factor_db / 10)
