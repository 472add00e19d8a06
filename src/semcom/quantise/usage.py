"""How much of a codebook is in use."""

from typing import NamedTuple

import torch
from torch import Tensor

from semcom.files.errors import SemcomError


class Usage(NamedTuple):
    """Of a codebook over some vectors, such as those of an epoch.

    A batch of fewer vectors than codes cannot use them all: figures of single batches say little.

    Attributes:
        used: share of the codes that were chosen at least once, 0…1.
        perplexity: 2^H of the shares p, H = -Σ p log₂ p bits: as many codes, equally often, carry as much.
    """

    used: float
    perplexity: float

    @property
    def bits(self) -> float:
        """H: what an index carries at most, and takes at least if coded on its own."""
        return float(torch.tensor(self.perplexity, dtype=torch.float64).log2())


def of_counts(counts: Tensor) -> Usage:
    """Usage of how often each code was chosen (K,); without any, nothing is used and perplexity is 1."""
    chosen = counts[counts > 0].double()
    shares = chosen / chosen.sum()
    entropy = -(shares * shares.log2()).sum()
    return Usage(len(chosen) / max(len(counts), 1), float(entropy.exp2()))


def of_indices(index: Tensor, *, codes: int) -> Usage:
    """Usage of indices (…) into a codebook of K = `codes`.

    Raises:
        SemcomError: an index is not of it.
    """
    if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < codes:
        raise SemcomError(f"indices {int(index.min())} to {int(index.max())} are not all of {codes} codes")
    return of_counts(torch.bincount(index.flatten(), minlength=codes))
