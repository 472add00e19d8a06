"""Cross-entropies between the rows of a batch: which of N embeddings belongs to this one?

Rows are compared by their cosine, divided by a temperature t. For a pair of embeddings a, b (N, D) of the
same N frames, row n of a belongs to row n of b; all other rows are the negatives:

    cross_entropy(a, b) = mean over n of  -log  exp(cos(a_n, b_n) / t) / sum_m exp(cos(a_n, b_m) / t)
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from semcom.files.errors import SemcomError


def directions(embeddings: Sequence[Tensor]) -> list[Tensor]:
    """Rows of unit length; a row of zeros stays one.

    Args:
        embeddings: each (N, D) real, of one shape, N >= 2. Half precision is widened to fp32.

    Raises:
        SemcomError: shapes differ, or there is no row to tell another one from.
    """
    shapes = [tuple(embedding.shape) for embedding in embeddings]
    if len(set(shapes)) > 1:
        raise SemcomError(
            f"embeddings of shapes {' and '.join(map(str, shapes))} cannot be compared row by row: all need "
            "the same batch and projector width"
        )
    if len(shapes[0]) != 2 or shapes[0][0] < 2 or shapes[0][1] < 1:
        raise SemcomError(
            f"an embedding has shape {shapes[0]}; telling frames of a batch apart needs (N, D) with N >= 2 "
            "and D >= 1: raise batch_size, or drop an incomplete last batch"
        )
    wide = (e.float() if e.dtype in (torch.float16, torch.bfloat16) else e for e in embeddings)
    return [functional.normalize(e, dim=1) for e in wide]


def cross_modal(a: Tensor, b: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """cross_entropy(a, b) and cross_entropy(b, a) in nats, of rows of unit length.

    Args:
        a: (N, D).
        b: (N, D).
        temperature: t.
    """
    logits = a @ b.T / temperature
    own = torch.arange(len(a), device=a.device)
    return functional.cross_entropy(logits, own), functional.cross_entropy(logits.T, own)


def nt_xent(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross-entropy in nats, over the 2N rows of two views.

    Each row is to find its other view among all rows but itself: 2N - 2 negatives, N - 1 of them from its own
    view (Chen et al. 2020, arXiv 2002.05709, equation 1).

    Args:
        a: (N, D), rows of unit length.
        b: (N, D), those of the other view.
        temperature: t.
    """
    rows = torch.cat([a, b])
    logits = (rows @ rows.T / temperature).fill_diagonal_(float("-inf"))
    other = torch.arange(len(rows), device=a.device).roll(len(a))
    return functional.cross_entropy(logits, other)


def agreement(a: Tensor, b: Tensor) -> Tensor:
    """Mean cosine of what belongs together, -1..1, of rows (N, D) of unit length; detached."""
    return (a * b).sum(1).mean().detach()
