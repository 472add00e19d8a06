"""Sums over a cross-correlation matrix, without the matrix where it is larger than the batch.

With a, b (N, D) standardised over the batch, C = a^T b / N is the (D, D) cross-correlation. Every
loss of this kind needs its diagonal, which is a column mean, and the sum of all its squares:

    sum_ij C_ij^2 = ||a^T b||_F^2 / N^2 = <a a^T, b b^T> / N^2

The right-hand side needs the (N, N) Gram matrices only: N^2 D operations for each *embedding*
instead of N D^2 for each *pair*. It is taken when N < D/2, the middle one otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from semcom.files.errors import SemcomError

EPS = 1e-5
"""Added to each column's variance, as in BatchNorm; a constant column becomes zero, not NaN."""


class Terms(NamedTuple):
    """One pair of embeddings on one block of D columns.

    Attributes:
        on: sum over i of (target - C_ii)^2.
        off: sum over i != j of C_ij^2.
        correlation: mean over i of C_ii, detached.
    """

    on: Tensor
    off: Tensor
    correlation: Tensor


@dataclass(frozen=True)
class Standardised:
    """A standardised embedding and the Gram matrices of its column blocks, made once and used in every pair.

    Attributes:
        columns: (N, D), each column of mean 0 and variance 1 over the batch.
        edges: column numbers where blocks begin, then D: (0, D) or (0, 1536, 2048).
        grams: one (N, N) matrix a block; empty where the direct form is the cheaper one.
    """

    columns: Tensor
    edges: tuple[int, ...]
    grams: tuple[Tensor, ...]


class _Gram(torch.autograd.Function):
    """z z^T, whose gradient is one matrix product; autograd's own takes two and adds them."""

    @staticmethod
    def forward(ctx: Any, columns: Tensor) -> Tensor:
        ctx.save_for_backward(columns)
        return columns @ columns.T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        columns: Tensor = ctx.saved_tensors[0]
        return (gradients[0] + gradients[0].T) @ columns


def standardise(embedding: Tensor, *, cuts: Sequence[int] = ()) -> Standardised:
    """Give each column mean 0 and (biased) variance 1 over the batch: BatchNorm without affine parameters.

    Args:
        embedding: (N, D) real, N >= 2. Half precision is widened to fp32.
        cuts: column numbers where a new block begins, rising, each in 1..D-1.

    Raises:
        SemcomError: the embedding is not a matrix of at least two rows and one column.
    """
    if embedding.ndim != 2 or embedding.shape[0] < 2 or embedding.shape[1] < 1:
        raise SemcomError(
            f"an embedding has shape {tuple(embedding.shape)}; a correlation over the batch needs (N, D) "
            "with N >= 2 and D >= 1: raise batch_size, or drop an incomplete last batch"
        )
    size, width = embedding.shape
    wide = embedding.float() if embedding.dtype in (torch.float16, torch.bfloat16) else embedding
    columns = functional.batch_norm(wide, None, None, training=True, eps=EPS)
    edges = (0, *cuts, width)
    blocks = [columns[:, start:stop] for start, stop in pairwise(edges)] if size < width / 2 else []
    return Standardised(columns, edges, tuple(_Gram.apply(block) for block in blocks))


def correlate(a: Standardised, b: Standardised, *, block: int | None = None, target: float = 1.0) -> Terms:
    """Diagonal and off-diagonal sums of C = a^T b / N on one block of columns, or on all of them.

    Args:
        a: one embedding, (N, D).
        b: the other one, (N, D), with the same blocks.
        block: number of the block; None means all columns (not only those within blocks).
        target: what the diagonal should be: 1 to correlate the pair, 0 to decorrelate it.

    Raises:
        SemcomError: the two differ in shape or in their blocks.
    """
    if a.columns.shape != b.columns.shape or a.edges != b.edges:
        raise SemcomError(
            f"embeddings of shapes {tuple(a.columns.shape)} and {tuple(b.columns.shape)}, blocks {a.edges} "
            f"and {b.edges}, cannot be correlated: both need the same batch, projector width and cuts"
        )
    size = a.columns.shape[0]
    start, stop = (0, a.edges[-1]) if block is None else (a.edges[block], a.edges[block + 1])
    first, second = a.columns[:, start:stop], b.columns[:, start:stop]
    diagonal = (first * second).mean(0)
    if a.grams:
        # The difference below does not cancel: C has rank < N < D/2, so its squares sum to over twice the
        # diagonal's where that is even.
        whole = (_gram(a, block) * _gram(b, block)).sum() / size**2
    else:
        whole = (first.T @ second / size).square().sum()
    on = (target - diagonal).square().sum()
    return Terms(on, whole - diagonal.square().sum(), diagonal.detach().mean())


def _gram(embedding: Standardised, block: int | None) -> Tensor:
    """The (N, N) Gram matrix of one block, or of all columns: the sum over blocks."""
    return torch.stack(embedding.grams).sum(0) if block is None else embedding.grams[block]
