"""A knowledge base: vectors in a faiss index, each with the id of its frame and a label."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class KnowledgeBase:
    """Vectors of unit length, searched by inner product (cosine similarity).

    Attributes:
        index: the faiss index over N vectors.
        ids: (N,) number of each vector's frame in its source.
        labels: (N,) class of each vector.
    """

    index: Any
    ids: Labels
    labels: Labels

    @classmethod
    def build(cls, vectors: Vectors, ids: Labels, labels: Labels, *, factory: str) -> "KnowledgeBase":
        """Index `vectors` (N, dim) of unit length.

        Args:
            vectors: one a frame.
            ids: number of each frame in its source.
            labels: class of each frame.
            factory: a faiss factory string, such as `Flat` (exact) or `PQ32`.

        Raises:
            SemcomError: faiss does not know the string, or there are too few vectors to train it.
        """
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        try:
            index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
            if not index.is_trained:
                index.train(vectors)
            index.add(vectors)
        except RuntimeError as error:
            reason = str(error).rpartition("Error: ")[2].strip() or "faiss refused it"
            raise SemcomError(
                f"knowledge.index {factory!r} does not fit {len(vectors)} vectors of {vectors.shape[1]} "
                f"dimensions ({reason}); use Flat, or a smaller codebook"
            ) from error
        return cls(index, np.asarray(ids, np.int64), np.asarray(labels, np.int64))

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Labels]:
        """Similarities and positions (Q, k) of each query's k nearest vectors, nearest first."""
        similarity, position = self.index.search(np.ascontiguousarray(queries, np.float32), k)
        return similarity, position

    def classify(self, queries: Vectors, k: int) -> Labels:
        """Class (Q,) by vote of the k nearest vectors; of equal votes, the nearest one's class wins."""
        _, position = self.search(queries, min(k, len(self.labels)))
        votes = self.labels[position]
        same = votes[:, :, None] == votes[:, None, :]
        winner = same.sum(axis=2).argmax(axis=1)  # the first, that is the nearest, of those with most votes
        chosen: Labels = votes[np.arange(len(votes)), winner]
        return chosen

    @property
    def bytes(self) -> int:
        """Size of index, ids and labels."""
        return len(faiss.serialize_index(self.index)) + self.ids.nbytes + self.labels.nbytes


def save(path: Path, bases: Mapping[str, KnowledgeBase]) -> None:
    """Write named bases over the same frames into one NumPy archive: serialised indices, ids, labels."""
    first = next(iter(bases.values()))
    indices = {name: faiss.serialize_index(base.index) for name, base in bases.items()}
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, ids=first.ids, labels=first.labels, **indices)


def load(path: Path) -> dict[str, KnowledgeBase]:
    """The bases that `save` wrote, by name.

    Raises:
        SemcomError: the file is missing or damaged.
    """
    try:
        with np.load(path) as archive:
            content = dict(archive)
    except (OSError, ValueError) as error:
        raise SemcomError(f"cannot read the knowledge base {path} ({error}); run its job again") from error
    ids, labels = content.pop("ids"), content.pop("labels")
    return {name: KnowledgeBase(faiss.deserialize_index(data), ids, labels) for name, data in content.items()}
