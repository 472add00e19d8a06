"""What a server does with quantised features: it decodes them, classifies them and looks them up.

    bits ─► codebooks ─► features ─► head ─► class scores
                            └► private knowledge base ─► vote of the nearest

Every device learns its codebooks on its own training features; the server trains its head, and fills its
base, with what it decodes of the labelled frames. A scheme of the link has a receiver of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from semcom.channel.digital.link import DigitalLink
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import Indices, labelled, validation_fold
from semcom.models.fusion import server as fused
from semcom.params.component import build
from semcom.params.entries import DigitalEntry
from semcom.params.scheme import Scheme
from semcom.quantise.base import KnowledgeBase
from semcom.quantise.product import ProductQuantiser, Vectors
from semcom.training import OPTIMISERS
from semcom.training.loop import Plan, fit, minibatches
from semcom.training.randomness import seeded
from semcom.training.state import State

OPTIMISER = {"use": "adamw", "lr": 1e-3, "weight_decay": 0.05}
"""Of the server's head."""

Features = dict[str, Vectors]
"""(N, dim) by device."""


@dataclass(frozen=True)
class Split:
    """Frames to train on, those of them with a label, and test frames with their classes."""

    train: Indices
    labelled: Indices
    test: Indices
    truth: NDArray[np.int64]

    @classmethod
    def of(cls, entry: DigitalEntry, frames: DeviceFrames) -> "Split":
        """The frames that the fine-tuning over the analog link had, by class, without its validation fold."""
        prepared = frames.prepared
        train, _ = validation_fold(prepared.scene, prepared.group, prepared.train, seed=entry.seed)
        chosen = labelled(train, prepared.scene, fraction=entry.fraction, seed=entry.seed)
        (test,) = np.nonzero(~prepared.train)
        return cls(train, chosen, test, prepared.scene[test])


@dataclass(eq=False)
class Server:
    """Receivers, one a scheme, made when a scheme is first used.

    Attributes:
        features: of the training frames, as the devices have them.
        budget: whose encoders made them.
    """

    entry: DigitalEntry
    link: DigitalLink
    frames: DeviceFrames
    split: Split
    features: Features
    held: State
    budget: int

    @cached_property
    def receivers(self) -> dict[Scheme, "Receiver"]:
        """Those made so far."""
        return {}

    def receiver(self, scheme: Scheme) -> "Receiver":
        """The receiver of a scheme."""
        if scheme not in self.receivers:
            self.receivers[scheme] = Receiver.train(self, scheme)
        return self.receivers[scheme]


@dataclass(frozen=True, eq=False)
class Receiver:
    """What the server does with the bits of one scheme.

    Attributes:
        quantisers: by device.
        mean, spread: of the received training features, all devices side by side.
        head: from them to class scores.
        base: the private knowledge base: received features of labelled frames.
    """

    quantisers: Mapping[str, ProductQuantiser]
    mean: Tensor
    spread: Tensor
    head: nn.Module
    base: KnowledgeBase

    @classmethod
    def train(cls, server: Server, scheme: Scheme) -> "Receiver":
        """Codebooks of all training features; head and base of the labelled ones as they arrive."""
        frames, split = server.frames, server.split
        bits = server.link.payload(scheme)
        quantisers = {
            name: ProductQuantiser.train(part, bits=bits, seed=server.entry.seed)
            for name, part in server.features.items()
        }
        own = np.isin(split.train, split.labelled)
        received = {
            name: quantiser.decode(quantiser.encode(server.features[name][own]))
            for name, quantiser in quantisers.items()
        }
        x = torch.from_numpy(np.concatenate(list(received.values()), axis=1)).to(frames.rgb.device)
        y = frames.scene[torch.from_numpy(split.labelled).to(x.device)]
        mean, spread = x.mean(0), x.std(0).clamp(min=1e-6)
        widths = [part.shape[1] for part in received.values()]
        head = _head(server, scheme, (x - mean) / spread, y, widths)
        base = KnowledgeBase.build(
            unit(received), frames.prepared.index[split.labelled], y.cpu().numpy(), factory="Flat"
        )
        return cls(quantisers, mean, spread, head, base)

    @torch.no_grad()
    def scores(self, received: Features) -> NDArray[np.float32]:
        """Class scores (N, classes) of received features."""
        x = torch.from_numpy(np.concatenate(list(received.values()), axis=1)).to(self.mean.device)
        scores: NDArray[np.float32] = self.head((x - self.mean) / self.spread).float().cpu().numpy()
        return scores


def _head(server: Server, scheme: Scheme, x: Tensor, y: Tensor, widths: list[int]) -> nn.Module:
    """The head, trained on received features (N, dims of all devices) and classes (N,)."""
    entry = server.entry
    purpose = f"digital/{server.budget}/{scheme.stem}"
    with seeded(entry.seed, purpose, "init"):
        classes = len(server.frames.prepared.scene_names)
        head = fused(entry.finetune.fusion, entry.finetune.head, widths, classes).to(x.device)
    size = min(entry.finetune.batch_size, len(y))
    steps = len(y) // size

    def loss(batch: Tensor, draws: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        return F.cross_entropy(head(x[batch]), y[batch]), {}

    fit(
        head,
        build(OPTIMISERS, OPTIMISER)(head),
        batches=lambda draws: minibatches(
            torch.arange(len(y), device=x.device), steps=steps, batch_size=size, draws=draws
        ),
        loss=loss,
        plan=Plan(
            entry.digital.head_epochs,
            steps,
            entry.finetune.warmup,
            entry.seed,
            purpose,
            f"head_{server.budget}_{scheme.stem}",
        ),
        held=server.held,
        after=lambda epoch, means: {},
    )
    return head.eval()


def unit(features: Features) -> Vectors:
    """Devices side by side, each of unit length, and so all together."""
    norms = [np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12) for part in features.values()]
    parts = [part / norm for part, norm in zip(features.values(), norms, strict=True)]
    joined: Vectors = (np.concatenate(parts, axis=1) / len(parts) ** 0.5).astype(np.float32)
    return joined
