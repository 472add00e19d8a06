"""The private knowledge base of a party: its images' vectors, coded by codebooks of its own, with labels.

    features, ids, labels ─► form ─► codes + codebooks + ids + labels      (never leaves the party)
    query ─► k nearest ─► vote, or the items themselves

A form is what a shared base has (`shared`), and both are searched together: they are of one space. On disk it
is the file of a shared base with two more sections, `labels` and `owner`; no image is in it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics import votes
from semcom.quantise import container
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory, Positions, Vectors

Labels = NDArray[np.int64]
Bytes = bytes
"""Where `bytes` is a property."""
QUERIES = 1024
"""Looked up at a time, which bounds memory."""
VERSION = 1
"""Of the two sections."""


@dataclass(frozen=True)
class Owner:
    """What a private base says of whose it is; all of it may be left out.

    Attributes:
        encoder: what made the vectors: method, network, seed, checksum of its file.
        mentor: of the shared base in whose space they are; empty: of none, or nobody said.
        data: the images behind them: data set, part, checksum.
        classes: names, that of label n at n.
    """

    encoder: Mapping[str, Any] = field(default_factory=dict)
    mentor: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PrivateBase:
    """Coded vectors and their labels. Made by `build` or `load`.

    Attributes:
        base: codes, codebooks and ids.
        labels: (N,) class of each vector.
        owner: whose it is.
    """

    base: SharedBase
    labels: Labels
    owner: Owner = Owner()

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def build(
        cls,
        vectors: Vectors,
        ids: Positions,
        labels: Labels,
        *,
        form: str,
        seed: int = 0,
        owner: Owner = Owner(),  # noqa: B008 (frozen)
    ) -> "PrivateBase":
        """Train a form on `vectors` and code them.

        Args:
            vectors: (N, dim), of any length but 0.
            ids: (N,) what each is called; no two alike.
            labels: (N,) class of each.
            form: a faiss factory string, or `ClustersK`; codebooks get smaller where vectors are too few.
            seed: of the training.
            owner: whose it is; told to who opens the file.

        Raises:
            SemcomError: the form does not fit, lengths differ, a vector has no direction, or a label is
                negative.
        """
        if not len(vectors) == len(ids) == len(labels):
            raise SemcomError(
                f"{len(vectors)} vectors, {len(ids)} ids and {len(labels)} labels: give one of each an image"
            )
        if len(labels) and min(labels) < 0:
            raise SemcomError(f"a label is {min(labels)}; classes count from 0, so leave out what has none")
        return cls(SharedBase.build(InMemory(vectors, ids), form=form, seed=seed), np.asarray(labels), owner)

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
        """Of codes, codebooks, ids and labels, each label in as few whole bytes as the largest needs.

        What probes count. The file says besides whose it is: `sizes`.
        """
        return sum(self.base.sizes().values()) + len(self._packed())

    def sizes(self) -> dict[str, int]:
        """Bytes of the file, by part: those of a shared base (`SharedBase.sizes`), `labels` and `owner`."""
        return self._stored().sizes()

    def save(self, path: Path) -> None:
        """Write the base to one file, atomically."""
        self._stored().save(path)

    @classmethod
    def load(cls, path: Path) -> "PrivateBase":
        """The base that `save` wrote.

        Raises:
            SemcomError: the file is missing, truncated or damaged, of another version, or a shared base's.
        """
        content = container.read(path)
        if not {"labels", "owner"} <= content.places.keys():
            raise SemcomError(
                f"{path} is a shared knowledge base: it has no labels; SharedBase.load opens it"
            )
        said = json.loads(content.bytes("owner"))
        if (found := said.pop("version")) != VERSION:
            raise SemcomError(
                f"{path} is a private knowledge base of version {found}, known is {VERSION}; build it anew"
            )
        base, packed = SharedBase.of(content, path), content.bytes("labels")
        labels = np.frombuffer(packed, f"<u{len(packed) // max(len(base), 1) or 1}").astype(np.int64)
        return cls(base, labels, Owner(**{**said, "classes": tuple(said["classes"])}))

    def _packed(self) -> Bytes:
        """The labels, each in as few whole bytes as the largest needs."""
        kind = np.min_scalar_type(int(self.labels.max()))
        return self.labels.astype(kind.newbyteorder("<")).tobytes()

    def _stored(self) -> "_Stored":
        said = {"version": VERSION, **asdict(self.owner)}
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return _Stored(self.base, {"labels": self._packed(), "owner": text.encode()})


class _Stored(SharedBase):
    """A base as a file has it, with more sections."""

    def __init__(self, base: SharedBase, more: dict[str, Bytes]) -> None:
        super().__init__(base.index, base.linear, base.ids, base.about)
        self._more = more

    def sizes(self) -> dict[str, int]:
        return super().sizes() | {name: len(content) for name, content in self._more.items()}

    def _others(self) -> dict[str, Bytes]:
        return super()._others() | self._more


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
        SemcomError: the bases are of different dimensions, or of different mentors where the private one says
            in whose space it is.
    """
    private.base.about.check_dim(shared.about.dim)
    if private.owner.mentor:
        shared.about.check_mentor(private.owner.mentor)
    near = [base.search(queries, min(k, len(base))) for base in (shared, private.base)]
    similarity = np.concatenate([found[0] for found in near], axis=1)
    position = np.concatenate([found[1] for found in near], axis=1)
    own = np.zeros(position.shape, bool)
    own[:, near[0][0].shape[1] :] = True
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return Found(*(np.take_along_axis(values, order, 1) for values in (similarity, own, position)))
