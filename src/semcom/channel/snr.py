"""Decibels to noise variance and back, once, at the edge."""

import torch
from torch import Tensor


def n0_from_db(es_n0_db: Tensor | float) -> Tensor:
    """Noise variance per complex channel use at unit symbol power.

    Args:
        es_n0_db: Es/N0 in dB, any shape.

    Returns:
        n0 = 10^(-es_n0_db/10) of that shape; fp32 unless a float64 tensor is given.
    """
    return torch.pow(10.0, -torch.as_tensor(es_n0_db) / 10)


def db_from_n0(n0: Tensor | float) -> Tensor:
    """Es/N0 in dB of noise variance n0 > 0 per complex channel use at unit symbol power."""
    return -10 * torch.log10(torch.as_tensor(n0))
