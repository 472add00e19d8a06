"""Gray-mapped QPSK, 16-QAM and 64-QAM of unit average power, and soft demapping.

A symbol's bits b0 b1 b2 … alternate between the two real dimensions: even ones choose the real part, odd
ones the imaginary part, both by the Gray code of TS 38.211, 5.1. So a symbol is demapped as two PAM symbols.
"""

from typing import Literal

import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.params.scheme import BITS_PER_SYMBOL, levels


def map_bits(bits: Tensor, *, modulation: str) -> Tensor:
    """Bits to symbols.

    Args:
        bits: (..., n·m) of 0 and 1, any type; m bits a symbol.
        modulation: `qpsk`, `16qam` or `64qam`.

    Returns:
        (..., n) complex64 of average power 1 over equally likely bits.

    Raises:
        SemcomError: the number of bits is no multiple of m.
    """
    width = BITS_PER_SYMBOL[modulation]
    if bits.shape[-1] % width:
        raise SemcomError(
            f"{bits.shape[-1]} bits are no whole number of {modulation} symbols of {width} bits; pad them"
        )
    half = width // 2
    weights = torch.tensor([2**i for i in reversed(range(half))], device=bits.device)
    patterns = (bits.long().unflatten(-1, (-1, half, 2)) * weights.view(half, 1)).sum(-2)
    table = torch.tensor(levels(modulation), device=bits.device)
    return torch.view_as_complex(table[patterns])


def demap(
    received: Tensor,
    n0: Tensor | float,
    *,
    modulation: str,
    gain: Tensor | None = None,
    method: Literal["exact", "maxlog"] = "exact",
) -> Tensor:
    """Log-odds of each bit, log P(1|y) - log P(0|y): positive means 1 (the sign that Sionna's decoders take).

    Args:
        received: (..., n) complex, y = gain·x + w with w ~ CN(0, n0). For symbols that are equalised already
            leave out the gain and give the noise that is left, n0 / |gain|².
        n0: noise variance per complex channel use, > 0, broadcastable against `received`: one for all,
            for each block, or for each symbol.
        modulation: `qpsk`, `16qam` or `64qam`.
        gain: complex, broadcastable against `received`; None is 1. A gain of 0 gives log-odds of 0.
        method: `exact` sums over all levels, `maxlog` takes the nearest (equal for QPSK).

    Returns:
        (..., n·m) real.
    """
    noise = torch.as_tensor(n0, dtype=received.real.dtype, device=received.device).unsqueeze(-1).unsqueeze(-1)
    amplitude: Tensor | float = 1.0
    if gain is not None:
        # Turning the phase back leaves the noise as it was; the levels shrink or grow by |gain|.
        size = gain.abs()
        phase = torch.where(size > 0, gain.conj() / size.clamp_min(torch.finfo(size.dtype).tiny), 1.0)
        received, amplitude = received * phase, size.unsqueeze(-1).unsqueeze(-1)
    points = torch.tensor(levels(modulation), dtype=noise.dtype, device=received.device)
    parts = torch.view_as_real(received.resolve_conj()).unsqueeze(-1)
    # (..., n, 2, L): exponent of the likelihood of each level of each real dimension, up to a constant.
    exponents = -(parts - amplitude * points).square() / noise
    half = BITS_PER_SYMBOL[modulation] // 2
    odds = [_odds(exponents, half - 1 - bit, method) for bit in range(half)]
    return torch.stack(odds, -2).flatten(-3)


def _odds(exponents: Tensor, place: int, method: str) -> Tensor:
    """(..., L) exponents to (...) log-odds of the bit of weight 2^place in the level's pattern."""
    ones = (torch.arange(exponents.shape[-1], device=exponents.device) >> place) & 1 == 1
    one, zero = exponents[..., ones], exponents[..., ~ones]
    if method == "maxlog":
        return one.amax(-1) - zero.amax(-1)
    return torch.logsumexp(one, -1) - torch.logsumexp(zero, -1)
