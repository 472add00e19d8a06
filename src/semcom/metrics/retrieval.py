"""How much of what a base gives for a query is of the query's class."""

import numpy as np

from semcom.files.errors import SemcomError
from semcom.metrics.heads import Classes, Vectors, unit

BLOCK = 1024
"""Queries at a time, which bounds memory."""


def precision_at(
    bank: Vectors, bank_classes: Classes, queries: Vectors, classes: Classes, *, k: int
) -> float:
    """Precision at k: share of the k nearest that are of the query's class, mean over queries, in 0..1.

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
    right = 0.0
    for start in range(0, len(queries), BLOCK):
        similarity = unit(queries[start : start + BLOCK]) @ unit(bank).T
        nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
        right += float((bank_classes[nearest] == classes[start : start + BLOCK, None]).mean(1).sum())
    return right / len(queries)
