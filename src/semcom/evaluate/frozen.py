"""Frozen encoders on targets: features of parts, split into what heads are fitted, chosen and measured on."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch

from semcom.frames.folds import validation_fold
from semcom.frames.images import DrawnParts
from semcom.metrics.heads import Classes, Labelled, Vectors, centre, centred
from semcom.models.local import LocalEncoder, embed
from semcom.params.crlsc.section import Target

FEATURES, SPACE = "features", "space"
"""What an encoder's backbone says, and where that lies in the base's space."""

Spaces = dict[str, Vectors]
Look = Callable[[str], Spaces]
"""Features (n, D) of a part's images, by its name, in each space."""


class OfTarget(NamedTuple):
    """Labelled features of a target in one space, centred, of unit length."""

    train: Labelled
    validation: Labelled
    test: Labelled


def by_encoder(network: LocalEncoder, drawn: DrawnParts) -> Look:
    """Features of parts by a local encoder; in the base's space too, if it has one."""

    @torch.no_grad()
    def look(name: str) -> Spaces:
        images, part = drawn.of(name)
        features, space = embed(network, images.plain(part.index))
        found: Spaces = {FEATURES: features.cpu().numpy()}
        return found | ({SPACE: space.cpu().numpy()} if network.dim else {})

    return look


def of_target(
    target: Target, drawn: DrawnParts, seen: Mapping[str, Spaces], *, space: str, seed: int
) -> OfTarget:
    """The target's features, centred by the mean of its training images, whose labels that does not take.

    Args:
        target: names of its parts.
        drawn: the parts.
        seen: features of each part.
        space: which of them.
        seed: of the fold that heads are chosen on.
    """
    train, test = drawn.parts[target.train], drawn.parts[target.test]
    features = seen[target.train][space]
    mean = centre(features)
    assert train.group is not None  # of private parts there are groups
    fitted, chosen = validation_fold(train.labels, train.group, np.ones(len(train), bool), seed=seed)

    def labelled(vectors: Vectors, classes: Classes) -> Labelled:
        return Labelled(centred(vectors, mean), classes)

    return OfTarget(
        labelled(features[fitted], train.labels[fitted]),
        labelled(features[chosen], train.labels[chosen]),
        labelled(seen[target.test][space], test.labels),
    )
