"""What a guide is given of each image of a training: its target, its negatives, its neighbours.

base, or raw embeddings ─► vectors ─► own entry of each image ─► mined negatives (once, before training)
└► entries nearest to an embedding (in each step)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.frames.images import DeviceImages
from semcom.frames.parts import Part
from semcom.losses.mining import mine, nearest, take
from semcom.params.protocols import Guide
from semcom.quantise.about import named
from semcom.quantise.embeddings import Embeddings
from semcom.quantise.shared import SharedBase

SPARE = 64
"""Entries found for mining beyond those wanted, as copies of the own one are dropped."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors of the mentor's space.

    Attributes:
        all: (M, D): of a base as decoded, of unit length; or raw embeddings of the part's images.
        own: (n,) position of each image's own vector, -1 for none.
    """

    all: Tensor
    own: Tensor


def of_base(
    file: Path, images: DeviceImages, part: Part, *, mentor: Mapping[str, Any] | None = None
) -> Vectors:
    """The vectors of a base, and which of them are the part's images.

    Args:
        file: the base.
        images: the part's data set.
        part: the images to find.
        mentor: whose space the base must be of; None: any.

    Raises:
        SemcomError: the base is damaged, or of another mentor.
    """
    base = SharedBase.load(file)
    _check_mentor(file, base.about.mentor, mentor or {})
    own = base.positions(images.prepared.index[part.index])
    public = part.role == "public"
    return Vectors(
        torch.from_numpy(base.decode()), torch.from_numpy(own if public else np.full(len(own), -1))
    )


def raw(file: Path, images: DeviceImages, part: Part, *, mentor: Mapping[str, Any] | None = None) -> Vectors:
    """The mentor's embeddings of the part's images, of their own length; arguments as of `of_base`.

    Raises:
        SemcomError: the embeddings are damaged, of other images, or of another mentor.
    """
    every = Embeddings.open(file)
    every.verify()
    _check_mentor(file, every.mentor, mentor or {})
    if every.data != images.content:
        raise SemcomError(
            f"{file} holds embeddings of other images than the prepared ones; run its job again"
        )
    found = torch.from_numpy(every.take(part.index).vectors())
    return Vectors(found, torch.arange(len(found)))


def _check_mentor(file: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse a file that says it is of another mentor; of its weights a study knows but the name."""
    if found and any(found.get(key) != value for key, value in wanted.items() if key != "weights"):
        raise SemcomError(
            f"{file} is of the mentor {named(found)}, wanted is {named(wanted)}: their spaces have nothing "
            "in common; run the job that makes it again"
        )


class Guidance:
    """Gives a guide what it needs.

    Args:
        guide: says what it needs.
        vectors: of the base or of the mentor, for the images trained on.
        share: (n,) which of the part's images those are.
        device: where the training is.

    Raises:
        SemcomError: the guide draws images to entries of their own, and one has none; or it needs what
            there is not, or more negatives than there are entries beside an image's own.
    """

    def __init__(self, guide: Guide, vectors: Vectors, share: Tensor, device: torch.device) -> None:
        unknown = set(guide.needs) - {"target", "negatives", "neighbours"}
        if unknown:
            raise SemcomError(
                f"the guide {type(guide).__name__} needs {', '.join(sorted(unknown))}; there are target, "
                "negatives and neighbours"
            )
        self.needs = guide.needs
        own = vectors.own[share]
        if self.needs.keys() & {"target", "negatives"} and (own < 0).any():
            raise SemcomError(
                f"the guide {type(guide).__name__} draws each image to its own entry, and "
                f"{int((own < 0).sum())} have none in the base; train on the part that the base holds"
            )
        wanted, most = self.needs.get("negatives", 0), len(vectors.all) - 1
        if wanted > most:
            raise SemcomError(
                f"the guide {type(guide).__name__} wants {wanted} hard negatives an image, of {most + 1} "
                f"entries, one of them its own; lower hard_negatives to at most {most}"
            )
        self.all, self.own = vectors.all.to(device), own.to(device)
        self.hard = self._mined(self.needs["negatives"]) if "negatives" in self.needs else None

    @property
    def dim(self) -> int:
        """D of the space."""
        return self.all.shape[1]

    def known(self, batch: Tensor, embeddings: Sequence[Tensor]) -> list[dict[str, Tensor]]:
        """What the guide is given of the images `batch` (B,), for the embeddings (B, D) of each view."""
        given: dict[str, Tensor] = {}
        if "target" in self.needs:
            given["target"] = self.all[self.own[batch]]
        if self.hard is not None:
            given["negatives"] = take(self.all, self.hard[batch])
        if "neighbours" not in self.needs:
            return [given] * len(embeddings)
        found = [nearest(self.all, z.detach(), self.needs["neighbours"]) for z in embeddings]
        return [{**given, "neighbours": take(self.all, near)} for near in found]

    def _mined(self, count: int) -> Tensor:
        target = self.all[self.own]
        found = nearest(self.all, target, count + SPARE)
        return mine(self.all, found, target=target, own=self.own, count=count)
