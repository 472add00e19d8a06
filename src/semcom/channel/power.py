"""The transmit power constraint."""

import torch
from torch import Tensor


def normalise(symbols: Tensor) -> Tensor:
    """Scale each sample to an average power of 1 per complex channel use.

    Per sample, never per batch: a common scale gives each sample another SNR than the one asked for.

    Args:
        symbols: (..., k) complex, k channel uses of one device and sample in the last dimension.

    Returns:
        Same shape; sum |x|^2 / k = 1 for each sample, whatever its amplitude. A zero sample stays zero.
    """
    # The result does not depend on a sample's amplitude, so neither value nor gradient changes by bringing
    # the peak to 1 first, as a constant; squares of very small or large amplitudes then stay within fp32.
    peak = torch.view_as_real(symbols).detach().abs().amax((-2, -1)).unsqueeze(-1)
    zero = peak == 0
    scaled = symbols / torch.where(zero, 1.0, peak)
    power = torch.view_as_real(scaled).square().sum(-1).mean(-1, keepdim=True)
    return scaled * torch.where(zero, 1.0, power).rsqrt()
