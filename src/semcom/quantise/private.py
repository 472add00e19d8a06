"""The private knowledge base of a party: its images' vectors, coded by codebooks of its own, with labels.

    features, ids, labels ─► form ─► codes + codebooks + ids + labels      (never leaves the party)
    query ─► k nearest ─► vote, or the items themselves

A form is what a shared base has (`shared`), and both are searched together: they are of one space.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics import votes
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory, Positions, Vectors

Labels = NDArray[np.int64]
QUERIES = 1024
"""Looked up at a time, which bounds memory."""


@dataclass(frozen=True, eq=False)
class PrivateBase:
    """Coded vectors and their labels.

    Attributes:
        base: codes, codebooks and ids.
        labels: (N,) class of each vector.
    """

    base: SharedBase
    labels: Labels

    @classmethod
    def build(
        cls, vectors: Vectors, ids: Positions, labels: Labels, *, form: str, seed: int = 0
    ) -> "PrivateBase":
        """Train a form on `vectors` and code them.

        Args:
            vectors: (N, dim), of any length but 0.
            ids: (N,) what each is called; no two alike.
            labels: (N,) class of each.
            form: a faiss factory string, or `ClustersK`; codebooks get smaller where vectors are too few.
            seed: of the training.

        Raises:
            SemcomError: the form does not fit, lengths differ, or a vector has no direction.
        """
        if not len(vectors) == len(ids) == len(labels):
            raise SemcomError(
                f"{len(vectors)} vectors, {len(ids)} ids and {len(labels)} labels: give one of each an image"
            )
        return cls(SharedBase.build(InMemory(vectors, ids), form=form, seed=seed), np.asarray(labels))

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Positions]:
        """Similarities and positions (Q, k) of each query's k nearest, nearest first; fewer: position -1."""
        return self.base.search(queries, min(k, len(self.labels)))

    def classify(self, queries: Vectors, k: int) -> Labels:
        """Class (Q,) by vote of the k nearest (`metrics.votes`), of equally many that of the nearest."""
        k = min(k, len(self.labels))
        found = [votes.winners(near, self.labels[at], k) for near, at in self._near(queries, k)]
        return np.concatenate([np.empty(0, np.int64), *found])

    def precision(self, queries: Vectors, classes: Labels, k: int) -> float:
        """Share of the k nearest that are of the query's class (Q,), mean over queries, in 0..1."""
        k, right, done = min(k, len(self.labels)), 0.0, 0
        for near, at in self._near(queries, k):
            right += votes.right_share(near, self.labels[at], classes[done : done + len(at)], k).sum()
            done += len(at)
        return float(right / len(queries))

    def _near(self, queries: Vectors, k: int) -> Iterator[tuple[Vectors, Positions]]:
        """Of some queries at a time, the k nearest and all that are as near as the k-th."""
        for start in range(0, len(queries), QUERIES):
            some, wanted = queries[start : start + QUERIES], k
            near, at = self.search(some, wanted)
            while (
                wanted < len(self.labels)
                and (np.isfinite(near[:, -1]) & (near[:, -1] == near[:, k - 1])).any()
            ):
                wanted *= 4
                near, at = self.search(some, wanted)
            yield near, at

    @property
    def bytes(self) -> int:
        """Of codes, codebooks, ids and labels, each label in as few whole bytes as the largest needs."""
        label = np.min_scalar_type(int(self.labels.max())).itemsize
        return sum(self.base.sizes().values()) + label * len(self.labels)


class Found(NamedTuple):
    """What a search of both bases gave for each of Q queries, nearest first.

    Attributes:
        similarity: (Q, k).
        private: (Q, k) whether it is of the private base.
        position: (Q, k) in the base that it is of; -1 where fewer than k were found.
    """

    similarity: Vectors
    private: NDArray[np.bool_]
    position: Positions


def search_both(shared: SharedBase, private: PrivateBase, queries: Vectors, k: int) -> Found:
    """The k nearest vectors of each query in both bases together; of equal ones the shared base's first.

    Raises:
        SemcomError: the bases are of different dimensions.
    """
    private.base.about.check_dim(shared.about.dim)
    near = [base.search(queries, min(k, len(base))) for base in (shared, private.base)]
    similarity = np.concatenate([found[0] for found in near], axis=1)
    position = np.concatenate([found[1] for found in near], axis=1)
    own = np.zeros(position.shape, bool)
    own[:, near[0][0].shape[1] :] = True
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return Found(*(np.take_along_axis(values, order, 1) for values in (similarity, own, position)))
