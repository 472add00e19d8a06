"""Retrieval from a target's training images: a party's private base, or the mentor's vectors, coded or not.

training vectors ─► base ◄─ test vectors: votes of the k nearest, share of them of the query's class, bytes
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semcom.evaluate.frozen import both
from semcom.files.errors import SemcomError
from semcom.frames.folds import Indices
from semcom.metrics.classification import accuracy
from semcom.metrics.heads import Classes, Head, Labelled, Nearest, Vectors
from semcom.metrics.retrieval import precision_at
from semcom.params.crlsc.entries import ProbeEntry
from semcom.params.crlsc.section import Probe
from semcom.quantise.private import PrivateBase
from semcom.quantise.shared import SharedBase

QUERIES = 1024
"""Images that are looked up at a time, which bounds memory."""


class Retrieved(NamedTuple):
    """What retrieval gives.

    Attributes:
        values: by head (`private`, `both`) and metric.
        right: (N,) whether the vote of the private base is each test image's class.
    """

    values: Mapping[str, Mapping[str, float]]
    right: NDArray[np.bool_]


def of_party(
    bank: Labelled, ids: Indices, queries: Labelled, entry: ProbeEntry, shared: SharedBase | None
) -> Retrieved:
    """From a private knowledge base of all training images, with its codebooks, ids and labels.

    Args:
        bank: training images.
        ids: (n,) of those.
        queries: test images.
        entry: form of the base, neighbours, seed.
        shared: the base under which the encoder learnt, to be searched together with it; None: is not.
    """
    k = min(entry.probe.neighbours, len(bank.classes))
    labels, classes = (np.asarray(of.classes, np.int64) for of in (bank, queries))
    try:
        built = PrivateBase.build(
            _single(bank.features), ids, labels, form=entry.probe.private, seed=entry.seed
        )
    except SemcomError as error:
        raise SemcomError(f"crlsc.probe.private: {error}") from error
    wanted = _single(queries.features)
    found = built.classify(wanted, k)
    values: dict[str, Mapping[str, float]] = {
        "private": {
            "accuracy": float(accuracy(found, classes)),
            "precision": built.precision(wanted, classes, k),
            "bytes": built.bytes,
        }
    }
    if shared is not None:
        values["both"] = both(shared, built, wanted, classes, k)
    return Retrieved(values, found == classes)


def of_mentor(bank: Labelled, queries: Labelled, size: int, probe: Probe) -> Retrieved:
    """The same of the mentor's vectors as they are, or as a base codes them; `size` is of vectors alone."""
    k = min(probe.neighbours, len(bank.classes))
    found = in_blocks(Nearest(bank, k), queries.features)
    values = {
        "accuracy": float(accuracy(found, queries.classes)),
        "precision": precision_at(*bank, *queries, k=k),
        "bytes": size,
    }
    return Retrieved({"private": values}, found == queries.classes)


def in_blocks(head: Head, queries: Vectors) -> Classes:
    """Classes of `queries`, some at a time."""
    blocks = range(0, len(queries), QUERIES)
    return np.concatenate([head.predict(queries[start : start + QUERIES]) for start in blocks])


def _single(vectors: Vectors) -> NDArray[np.float32]:
    return np.ascontiguousarray(vectors, np.float32)
