"""Votes of the k nearest, where entries that are equally near count alike.

Short codes give many images one vector. Of the entries at the distance of the k-th each counts the same share
of what is left of k: the mean over all orders in which they could stand. So the order of a base, which may be
one of classes, decides nothing.
"""

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError

Classes = NDArray[np.integer]
Similarity = NDArray[np.floating]
Floats = NDArray[np.float64]
SAME = 1e-9
"""Votes that differ by less are equally many: shares are fractions."""


def shares(similarity: Similarity, k: int) -> Floats:
    """How much of k each entry counts.

    Args:
        similarity: (N, M) of each query to each entry, bit for bit equal where entries are.
        k: how many entries count in all.

    Returns:
        (N, M), in 0..1, each row's sum k: 1 for entries nearer than the k-th, 0 for those farther.

    Raises:
        SemcomError: there are fewer than k entries.
    """
    if not 1 <= k <= similarity.shape[1]:
        raise SemcomError(f"the {k} nearest of {similarity.shape[1]} entries: give 1 to all of them")
    last = -np.partition(-similarity, k - 1, axis=1)[:, k - 1 : k]
    nearer, equal = similarity > last, similarity == last
    left = k - nearer.sum(1, keepdims=True)
    return np.asarray(nearer + equal * (left / equal.sum(1, keepdims=True)), np.float64)


def winners(similarity: Similarity, classes: Classes, k: int) -> Classes:
    """The class of most votes; of equally many that of the nearest voter, then the smallest.

    Args:
        similarity: (N, M), as above; -inf for an entry that is none, which has no vote.
        classes: (M,) of the entries, or (N, M) where each query has entries of its own.
        k: how many vote.

    Returns:
        (N,)
    """
    votes = np.where(np.isneginf(similarity), 0.0, shares(similarity, k))
    names, column = np.unique(classes, return_inverse=True)
    column = np.broadcast_to(column.reshape(classes.shape), similarity.shape)
    at = np.nonzero(votes)
    place = at[0], column[at]
    counted = np.zeros((len(similarity), len(names)))
    nearest = np.full(counted.shape, -np.inf)
    np.add.at(counted, place, votes[at])
    np.maximum.at(nearest, place, similarity[at])
    most = counted >= counted.max(1, keepdims=True) - SAME
    return np.asarray(names[np.where(most, nearest, -np.inf).argmax(1)])


def right_share(similarity: Similarity, classes: Classes, wanted: Classes, k: int) -> Floats:
    """Share of each query's k nearest that are of its class `wanted` (N,); others as above.

    Returns:
        (N,), in 0..1.
    """
    votes = np.where(np.isneginf(similarity), 0.0, shares(similarity, k))
    return np.asarray((votes * (classes == wanted[:, None])).sum(1) / k)


class Distinct:
    """A bank whose equal vectors are compared once, so that they are equally near bit for bit.

    Args:
        bank: (M, D) of unit length.
    """

    def __init__(self, bank: NDArray[np.floating]) -> None:
        self.vectors, place = np.unique(bank, axis=0, return_inverse=True)
        self.place = place.reshape(-1)

    def similarity(self, queries: NDArray[np.floating]) -> Similarity:
        """(N, M) cosine of queries (N, D) of unit length with the bank."""
        return np.asarray((queries @ self.vectors.T)[:, self.place])
