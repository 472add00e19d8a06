"""Retrieval from a target's training images by the mentor's vectors, coded or not.

A party's private base is in `quantise.party`.

training vectors ◄─ test vectors: votes of the k nearest, share of them of the query's class, bytes
"""

import numpy as np

from semcom.metrics.classification import accuracy
from semcom.metrics.heads import Classes, Head, Labelled, Nearest, Vectors
from semcom.metrics.retrieval import precision_at
from semcom.params.crlsc.section import Probe
from semcom.quantise.party import Retrieved

QUERIES = 1024
"""Images that are looked up at a time, which bounds memory."""


def of_mentor(bank: Labelled, queries: Labelled, size: int, probe: Probe) -> Retrieved:
    """By the mentor's vectors as they are, or as a base codes them; `size` in bytes is of vectors alone."""
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
