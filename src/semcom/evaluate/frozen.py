"""Frozen encoders on parts of images: a trained local encoder, or the mentor as it embedded them before.

images ─► local encoder ─► features (the backbone's), space (the base's, of one that learnt under one)
embeddings ─► features; of images that are stored perhaps as a shared base codes them
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from semcom.files.errors import SemcomError
from semcom.frames.folds import validation_fold
from semcom.frames.images import DrawnParts
from semcom.frames.parts import Part, check_classes
from semcom.metrics.heads import Labelled, Vectors, unit
from semcom.models.local import LocalEncoder
from semcom.quantise.embeddings import Embeddings
from semcom.quantise.party import FEATURES, Seen, directions, through
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory

Look = Callable[[str], Seen]
"""What is seen of the part of a name."""


class Split(NamedTuple):
    """One space of a target's images.

    Attributes:
        train: what heads are fitted on, four fifths of the target's training part.
        validation: what they are chosen on, the fifth.
        test: what they are measured on.
    """

    train: Labelled
    validation: Labelled
    test: Labelled


def split(part: Part, seen: Vectors, test: Part, asked: Vectors, *, seed: int) -> Split:
    """Cut a target's training images in two, by whole groups.

    Args:
        part: the target's training part.
        seen: (n, D) of its images.
        test: its test part.
        asked: (N, D) of its images.
        seed: of the cut.

    Raises:
        SemcomError: a part is public, so that no label of it can be read, or has too few groups; or the two
            differ in classes.
    """
    check_classes(part, test)
    labels, groups = part.labels, part.group
    assert groups is not None  # only public parts have none
    train, validation = validation_fold(labels, groups, np.ones(len(part), bool), seed=seed)
    return Split(
        Labelled(seen[train], labels[train]),
        Labelled(seen[validation], labels[validation]),
        Labelled(asked, test.labels),
    )


def by_encoder(network: LocalEncoder, drawn: DrawnParts, file: Path) -> Look:
    """Parts through a local encoder, read from `file`; an error as of `through`."""
    return lambda name: through(network, drawn, name, file=file)


def by_mentor(files: list[Path], drawn: DrawnParts) -> Look:
    """Parts as the mentor embedded them.

    Args:
        files: of each data set, in the order of `drawn`.
        drawn: the parts.

    Raises:
        SemcomError: a file is missing, damaged, or of other images than the prepared ones.
    """
    if len(files) != len(drawn.images):
        raise SemcomError(
            f"{len(files)} files of embeddings for {', '.join(drawn.images)}: give one for each, in order"
        )
    every = dict(zip(drawn.images, map(Embeddings.open, files), strict=True))
    for name, found in every.items():
        found.verify()
        if found.data != drawn.images[name].content:
            raise SemcomError(
                f"{found.path} holds embeddings of other images than the prepared ones; run its job again"
            )

    def look(name: str) -> Seen:
        part = drawn.parts[name]
        return {FEATURES: directions(unit(every[part.data].take(part.index).vectors()))}

    return look


def network_of(file: Path) -> Mapping[str, float]:
    """What a file of embeddings says of the mentor's network; one from before it was noted says nothing."""
    return Embeddings.open(file).network


def check_mentors(base: Path, files: list[Path]) -> None:
    """Refuse embeddings of another mentor than the one that built a shared base.

    Raises:
        SemcomError: naming both; or a file is missing or damaged.
    """
    about = SharedBase.load(base).about
    for file in files:
        about.check_mentor(Embeddings.open(file).mentor)


def coded(file: Path, vectors: Vectors) -> tuple[Vectors, int]:
    """Vectors (n, D) as the codebooks of a shared base keep them, and the bytes of their codes.

    Raises:
        SemcomError: the base is damaged, or of another dimension.
    """
    base = SharedBase.load(file)
    base.index.reset()
    base.ids = np.empty(0, np.int64)
    base.add(InMemory(vectors, np.arange(len(vectors)), base.about.mentor))
    return base.decode(), base.sizes()["codes"]
