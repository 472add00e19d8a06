"""What a party's frozen encoder sees of its images, and its private base: the same in probes and as a file.

images ─► encoder ─► features (the backbone's), space (the base's, of one that learnt under one)
                          space, else features ─► private base ◄─ queries: votes of the k nearest
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.frames.images import DrawnParts
from semcom.metrics.classification import accuracy
from semcom.metrics.heads import Classes, Labelled, Vectors
from semcom.metrics.votes import winners
from semcom.models.local import LocalEncoder, embed
from semcom.quantise.private import Owner, PrivateBase, search_both
from semcom.quantise.shared import SharedBase

FEATURES, SPACE = "features", "space"
Seen = Mapping[str, Vectors]
"""Unit vectors (n, D) of a part's images: `features`, perhaps `space`."""


class Retrieved(NamedTuple):
    """What retrieval gives.

    Attributes:
        values: by head (`private`, `both`) and metric.
        right: (N,) whether the vote of the private base is each test image's class.
    """

    values: Mapping[str, Mapping[str, float]]
    right: NDArray[np.bool_]


def through(network: LocalEncoder, drawn: DrawnParts, name: str, *, file: Path) -> Seen:
    """The part of a name through a local encoder.

    Args:
        network: the encoder.
        drawn: the parts.
        name: of a part.
        file: that the encoder was read from, for errors.

    Raises:
        SemcomError: what the encoder says of the images is not finite.
    """
    images, part = drawn.of(name)
    features, space = embed(network, images.plain(part.index))
    if not (features.isfinite().all() and space.isfinite().all()):
        raise SemcomError(
            f"{file}: the encoder's features of {name} are not finite; remove it and run its job again"
        )
    found = {FEATURES: directions(features.cpu().numpy())}
    return found | ({SPACE: directions(space.cpu().numpy())} if network.dim else {})


def directions(vectors: Vectors) -> Vectors:
    """Vectors (n, D) of which zeros, that point nowhere, point alike along the diagonal.

    A collapsed encoder gives them; bases have no place for a vector without a direction.
    """
    nowhere = ~vectors.any(axis=1, keepdims=True)
    return np.where(nowhere, np.float32(vectors.shape[1] ** -0.5), vectors)


def space_of(seen: Seen) -> str:
    """Where a private base is: in the space of the base that its encoder learnt under, else in features."""
    return SPACE if SPACE in seen else FEATURES


def base_of(
    bank: Labelled, ids: NDArray[np.int64], *, form: str, seed: int, owner: Owner | None = None
) -> PrivateBase:
    """The private base of all training images of a target, with codebooks of its own.

    Args:
        bank: vectors (n, D) and classes (n,).
        ids: (n,) numbers of the images in their data set.
        form: of its codes.
        seed: of the training of codebooks.
        owner: whose it is.

    Raises:
        SemcomError: the form does not fit.
    """
    labels = np.asarray(bank.classes, np.int64)
    try:
        return PrivateBase.build(
            _single(bank.features), ids, labels, form=form, seed=seed, owner=owner or Owner()
        )
    except SemcomError as error:
        raise SemcomError(f"the private base: {error}") from error


def retrieved(base: PrivateBase, queries: Labelled, neighbours: int, shared: SharedBase | None) -> Retrieved:
    """What a private base is right about.

    Args:
        base: of a target's training images.
        queries: its test images.
        neighbours: k, at most.
        shared: the base under which the encoder learnt, to be searched together with it; None: is not.
    """
    k, classes = min(neighbours, len(base)), np.asarray(queries.classes, np.int64)
    wanted = _single(queries.features)
    found = base.classify(wanted, k)
    values: dict[str, Mapping[str, float]] = {
        "private": {
            "accuracy": float(accuracy(found, classes)),
            "precision": base.precision(wanted, classes, k),
            "bytes": base.bytes,
        }
    }
    if shared is not None:
        values["both"] = both(shared, base, wanted, classes, k)
    return Retrieved(values, found == classes)


def both(
    shared: SharedBase, private: PrivateBase, queries: Vectors, classes: Classes, k: int
) -> dict[str, float]:
    """A shared and a private base searched together; no label of the shared one is read.

    Args:
        shared: of public images.
        private: of a party's own.
        queries: (Q, D) in their space.
        classes: (Q,) of the queries.
        k: how many are found.

    Returns:
        `accuracy` of the vote of the private ones among the k nearest, wrong where there are none, and
        `private_share` of the k.
    """
    found = search_both(shared, private, queries, k)
    near = np.where(found.private, found.similarity, -np.inf)
    voted = winners(near, private.labels[np.where(found.private, found.position, 0)], near.shape[1])
    right = (voted == classes) & found.private.any(axis=1)
    return {"accuracy": float(right.mean()), "private_share": float(found.private.mean())}


def _single(vectors: Vectors) -> NDArray[np.float32]:
    return np.ascontiguousarray(vectors, np.float32)
