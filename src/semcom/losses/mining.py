"""Hard negatives: of each image, the entries of a knowledge base that are nearest to its own, without it.

    search results ─► without the own entry and its copies ─► the first few ─► vectors

Done once before training, as the base stands still. Where nothing is left, positions are -1 and vectors
zeros, which the losses leave out.
"""

import torch
from torch import Tensor
from torch.nn import functional

from semcom.losses.known import SAME, cosines, wide

BLOCK = 256
"""Rows at a time, which bounds memory."""


def nearest(vectors: Tensor, queries: Tensor, k: int) -> Tensor:
    """Positions (N, min(k, M)) of each query's nearest vectors in cosine similarity, nearest first.

    Args:
        vectors: (M, D), of any length.
        queries: (N, D), of any length.
        k: how many.
    """
    directions = functional.normalize(wide(vectors), dim=1)
    found = []
    for block in queries.split(BLOCK):
        cosine = functional.normalize(wide(block), dim=1) @ directions.T
        found.append(cosine.topk(min(k, len(vectors)), dim=1).indices)
    return torch.cat(found)


def mine(vectors: Tensor, found: Tensor, *, target: Tensor, own: Tensor, count: int, skip: int = 0) -> Tensor:
    """Positions (N, min(count, K)) of hard negatives, hardest first.

    Args:
        vectors: (M, D) of the base, decoded; half precision will do.
        found: (N, K) positions that a search for each target gave, nearest first; -1 where it gave none. Of
            K > count + skip more remain when copies are dropped.
        target: (N, D) that the images are drawn to.
        own: (N,) position of each image's own entry; -1 for none.
        count: H, how many are wanted.
        skip: leave out so many of the nearest, which are most likely of the same kind.

    Returns:
        Positions; -1 where fewer were left.
    """
    chosen, count = [], min(count, found.shape[1])
    for rows in zip(*(t.split(BLOCK) for t in (found, target, own)), strict=True):
        positions, wanted, self_ = rows
        copies = cosines(wide(wanted), wide(take(vectors, positions))) >= SAME
        left = (positions >= 0) & (positions != self_[:, None]) & ~copies
        order = left.logical_not().to(torch.uint8).argsort(dim=1, stable=True)
        kept = positions.masked_fill(~left, -1).gather(1, order)[:, skip : skip + count]
        chosen.append(functional.pad(kept, (0, count - kept.shape[1]), value=-1))
    return torch.cat(chosen)


def take(vectors: Tensor, positions: Tensor) -> Tensor:
    """Vectors (…, D) at `positions` (…), of (M, D); zeros where a position is -1."""
    return vectors[positions.clamp(min=0)].mul_((positions >= 0).unsqueeze(-1))
