"""Additive white Gaussian noise: y = x + w, w ~ CN(0, n0)."""

import math

import numpy as np
import torch
from torch import Tensor

from semcom.files.errors import SemcomError


def awgn(symbols: Tensor, n0: Tensor | float, generator: torch.Generator | None = None) -> Tensor:
    """Add complex Gaussian noise of variance n0, n0/2 per real dimension.

    Args:
        symbols: (..., k) complex; may be expanded (stride 0) over SNRs and draws: each copy gets
            its own noise.
        n0: noise variance per complex channel use, >= 0, broadcastable against `symbols`.
        generator: source of the noise, on the device of `symbols`; None is torch's global one.

    Returns:
        Received symbols, of the shape to which `symbols` and `n0` broadcast together.
    """
    deviation = torch.as_tensor(n0, dtype=symbols.real.dtype, device=symbols.device).div(2).sqrt()
    shape = np.broadcast_shapes(symbols.shape, deviation.shape)  # torch's own imports sympy, 0.5 s
    noise = torch.empty((*shape, 2), dtype=deviation.dtype, device=symbols.device)
    if deviation.ndim == 0 and noise.device.type == "cpu":
        noise.normal_(0, float(deviation), generator=generator)  # saves a pass; elsewhere float() would wait
    else:
        noise.normal_(generator=generator).mul_(deviation.unsqueeze(-1))
    # Real arithmetic, in place: one buffer, and no product of complex numbers.
    return torch.view_as_complex(noise.add_(torch.view_as_real(symbols)))


class AWGN:
    """The channel `awgn` of a params file; it has no options."""

    pilots = 0
    k_factor = math.inf
    csi = "none"

    def __call__(
        self, symbols: Tensor, n0: Tensor | float, generator: torch.Generator | None = None
    ) -> Tensor:
        """See `awgn`; `n0` is a scalar or one value a block.

        Raises:
            SemcomError: `n0` changes within a block.
        """
        check_block(n0)
        return awgn(symbols, n0, generator)


def check_block(n0: Tensor | float) -> None:
    """Refuse a noise variance whose last dimension is not 1: (N,) is no value a block of (N, k) symbols.

    Raises:
        SemcomError: it is not.
    """
    if isinstance(n0, Tensor) and n0.ndim and n0.shape[-1] != 1:
        raise SemcomError(
            f"n0 of shape {tuple(n0.shape)} changes within a block; its last dimension must be 1"
        )
