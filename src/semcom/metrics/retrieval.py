"""How much of what a base gives for a query is of the query's class."""

from semcom.files.errors import SemcomError
from semcom.metrics.heads import Classes, Vectors, unit
from semcom.metrics.votes import Distinct, right_share

BLOCK = 1024
"""Queries at a time, which bounds memory."""


def precision_at(
    bank: Vectors, bank_classes: Classes, queries: Vectors, classes: Classes, *, k: int
) -> float:
    """Precision at k: share of the k nearest that are of the query's class, mean over queries, in 0..1.

    Of entries that are equally near as the k-th, all count in part (`metrics.votes`).

    Args:
        bank: (M, D) features, compared by cosine.
        bank_classes: (M,) their classes.
        queries: (N, D).
        classes: (N,) theirs.
        k: how many are retrieved.

    Raises:
        SemcomError: the bank has fewer than k.
    """
    if not 1 <= k <= len(bank):
        raise SemcomError(f"precision at {k} in a base of {len(bank)} features: give 1 to {len(bank)}")
    right, distinct = 0.0, Distinct(unit(bank))
    for start in range(0, len(queries), BLOCK):
        similarity = distinct.similarity(unit(queries[start : start + BLOCK]))
        right += right_share(similarity, bank_classes, classes[start : start + BLOCK], k).sum()
    return float(right / len(queries))
