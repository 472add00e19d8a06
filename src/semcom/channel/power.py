"""The transmit power constraint."""

import torch
from torch import Tensor

SAFE = (1e-15, 1e15)
"""Norms whose squares, and whose gradient's squares, stay well within fp32."""


def normalise(symbols: Tensor) -> Tensor:
    """Scale each sample to an average power of 1 per complex channel use.

    Per sample, never per batch: a common scale gives each sample another SNR than the one asked for.

    Args:
        symbols: (..., k) complex, k channel uses of one device and sample in the last dimension.

    Returns:
        Same shape; sum |x|^2 / k = 1 for each sample, whatever its amplitude. A zero sample stays zero.
    """
    uses = symbols.shape[-1]
    reals = torch.view_as_real(symbols.resolve_conj()).flatten(-2)
    norm = torch.linalg.vector_norm(reals, dim=-1, keepdim=True)
    safe = (norm > SAFE[0]) & (norm < SAFE[1])
    scale = uses**0.5 / torch.where(safe, norm, 1.0)
    if not safe.all():  # the squares of very small or large amplitudes leave fp32: those samples' in fp64
        wide = torch.linalg.vector_norm(reals, dim=-1, keepdim=True, dtype=torch.float64)
        scale = torch.where(safe, scale, (uses**0.5 / torch.where(wide == 0, 1.0, wide)).to(scale.dtype))
    return torch.view_as_complex((reals * scale).unflatten(-1, (uses, 2)))
