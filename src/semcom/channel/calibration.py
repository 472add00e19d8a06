"""The SNR that a link really delivers, measured from what was sent and what was received."""

import math

import torch
from torch import Tensor


def delivered_snr_db(sent: Tensor, received: Tensor, *, dim: int | tuple[int, ...] = -1) -> Tensor:
    """Measured signal power over measured noise power.

    Args:
        sent: (..., k) complex symbols, broadcastable against `received`.
        received: complex, the same symbols with noise added.
        dim: dimensions to average both powers over: -1 measures each sample and draw on its own, (0, -1)
            of (draws, N, k) each sample over its draws, all of them the whole link.

    Returns:
        10 log10(mean |sent|^2 / mean |received - sent|^2) in dB, without the dimensions `dim`.
    """
    noise = torch.view_as_real(received - sent).square().sum(-1).mean(dim)
    signal = torch.view_as_real(sent.resolve_conj()).square().sum(-1).expand(received.shape).mean(dim)
    return 10 * torch.log10(signal / noise)


def sampling_bound_db(uses: int, *, z: float) -> float:
    """How far a correct link's measured SNR may lie from the one asked, for the finite number of noise draws.

    |w|^2 is exponential, so the measured noise power of `uses` channel uses has the relative standard
    error 1/sqrt(uses).

    Args:
        uses: complex channel uses that were averaged over.
        z: number of standard errors allowed.

    Returns:
        The bound in dB, infinite where z standard errors reach no noise at all.
    """
    share = z / math.sqrt(uses)
    return -10 * math.log10(1 - share) if share < 1 else math.inf
