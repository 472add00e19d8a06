"""The way back in training: gradients that the server sends to the devices, over noise."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from semcom.channel.awgn import awgn
from semcom.channel.power import normalise


class _NoisyGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, symbols: Tensor, n0: Tensor | float, generator: torch.Generator | None) -> Tensor:
        ctx.n0, ctx.generator = n0, generator
        return symbols.view_as(symbols)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        sent = normalise(gradient)
        rms = (gradient * sent.conj()).real.mean(-1, keepdim=True)
        return rms * awgn(sent, ctx.n0, ctx.generator), None, None


def noisy_downlink(symbols: Tensor, n0: Tensor | float, generator: torch.Generator | None = None) -> Tensor:
    """Pass symbols on unchanged; their gradient comes back over an AWGN channel.

    Stands between the devices and the uplink's channel. In the backward pass the gradient of each sample and
    device, k complex values, is scaled to power 1 a channel use, sent over AWGN of variance `n0` and scaled
    back. The scale itself is one exact real number a sample and device; the caller counts it, and the k
    channel uses. A gradient of zero arrives as zero.

    Args:
        symbols: (..., k) complex.
        n0: noise variance per complex channel use of the downlink, broadcastable against `symbols`.
        generator: source of the noise, drawn from in the backward pass.
    """
    arrived: Tensor = _NoisyGradient.apply(symbols, n0, generator)
    return arrived
