"""A local encoder at the start of its training: the network, its images, what guides it, its loss."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from semcom.files.errors import SemcomError
from semcom.frames import VIEWS
from semcom.frames.images import DeviceImages
from semcom.frames.parts import Part
from semcom.losses import GUIDES
from semcom.losses.guidance import Guidance, of_base, raw
from semcom.losses.guided import Guided
from semcom.models.local import LocalEncoder
from semcom.params.component import build
from semcom.params.crlsc.entries import LocalEntry
from semcom.training.randomness import seeded


@dataclass(frozen=True, eq=False)
class Trainee:
    """One training.

    Attributes:
        entry: what to train and how.
        images: of the prepared file.
        index: (n,) images to train on.
        classes: (n,) theirs, for the supervised rival; None else.
        network: the encoder.
        whole: the network and what trains beside it.
        guidance: what the guide is given; None without one.
        dim: of the base's space; None: there is none.
    """

    entry: LocalEntry
    images: DeviceImages
    index: Tensor
    classes: Tensor | None
    network: LocalEncoder
    whole: nn.ModuleDict
    guidance: Guidance | None

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return (self.entry.train.images or len(self.index)) // self.entry.train.batch_size


def prepare(
    entry: LocalEntry,
    images: DeviceImages,
    part: Part,
    *,
    base: Path | None,
    embeddings: Path | None,
    device: torch.device,
) -> Trainee:
    """The network at its start, and what it trains on."""
    share = _share(len(part), entry)
    guide = build(GUIDES, entry.guide) if entry.guide else None
    guidance = None
    if guide is not None:
        file = base or embeddings
        if file is None:
            raise SemcomError("a guide needs a base or the mentor's embeddings; give --base or --embeddings")
        vectors = of_base(file, images, part) if base else raw(file, images, part)
        guidance = Guidance(guide, vectors, share, device)
    with seeded(entry.seed, "local", "init"):
        network = LocalEncoder(
            images.size,
            entry.network.encoder,
            dim=guidance.dim if guidance else None,
            hidden=entry.train.hidden,
            contrast=entry.train.contrast if entry.simclr else (),
        ).to(device)
        whole = nn.ModuleDict({"encoder": network})
        if entry.labels:
            whole["classifier"] = nn.Linear(network.encoders.dims["rgb"], len(part.class_names)).to(device)
    classes = torch.from_numpy(part.labels)[share].to(device) if entry.labels else None
    index = torch.from_numpy(part.index)[share].to(device)
    trainee = Trainee(entry, images, index, classes, network, whole, guidance)
    if entry.trains and trainee.steps == 0:
        raise SemcomError(
            f"train.batch_size {entry.train.batch_size} is more than an epoch's {entry.train.images} images; "
            "lower it"
        )
    return trainee


def _share(count: int, entry: LocalEntry) -> Tensor:
    """Positions in the part that this encoder trains on: all, or every n-th of a random order."""
    which, shares = entry.share
    order = np.random.default_rng([entry.seed, 3]).permutation(count)
    return torch.from_numpy(np.sort(order[which::shares]))


def objective(
    trainee: Trainee,
) -> Callable[[Tensor, torch.Generator], tuple[Tensor, dict[str, Tensor]]]:
    """The loss of a batch of positions among the images trained on."""
    entry, images, guidance = trainee.entry, trainee.images, trainee.guidance
    views = build(VIEWS, entry.train.views)
    guide = build(GUIDES, entry.guide) if entry.guide else None

    def seen(batch: Tensor, draws: torch.Generator) -> list[dict[str, Tensor]]:
        rgb = images.take(trainee.index[batch])
        return [images.view(rgb, views, draws) for _ in range(2)]

    if trainee.classes is not None:
        return _supervised(trainee, seen)
    minimised = Guided(guide, simclr=entry.simclr, temperature=entry.train.temperature)

    def loss(batch: Tensor, draws: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        found = [trainee.network(view) for view in seen(batch, draws)]
        embeddings = [one.space for one in found]
        known = guidance.known(batch, embeddings) if guidance else []
        contrast = [one.contrast for one in found if one.contrast is not None]
        return minimised(embeddings, known, contrast)

    return loss


def _supervised(
    trainee: Trainee, seen: Callable[[Tensor, torch.Generator], list[dict[str, Tensor]]]
) -> Callable[[Tensor, torch.Generator], tuple[Tensor, dict[str, Tensor]]]:
    """Cross-entropy of a linear classifier's scores, mean of two views."""
    classes, classifier = trainee.classes, trainee.whole["classifier"]
    assert classes is not None

    def loss(batch: Tensor, draws: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        scores = torch.cat([classifier(trainee.network(view).features) for view in seen(batch, draws)])
        wanted = classes[batch].repeat(2)
        right = (scores.detach().argmax(1) == wanted).float().mean()
        return functional.cross_entropy(scores.float(), wanted), {"train_accuracy": right}

    return loss
