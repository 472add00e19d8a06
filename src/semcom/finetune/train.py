"""One fine-tuning: devices and server trained jointly over the link, at one budget."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from semcom.channel.snr import n0_from_db
from semcom.channel.training_snr import draw_snr_db
from semcom.files.errors import SemcomError
from semcom.frames import VIEWS
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import Indices, labelled, validation_fold
from semcom.models.pretrained import initialise
from semcom.models.system import System, encode_frames, system_for, transmit
from semcom.params.component import build
from semcom.params.entries import FinetuneEntry, TuneEntry
from semcom.params.protocols import Task
from semcom.params.sections import Component, Link
from semcom.tasks import TASKS
from semcom.training import forms, weights
from semcom.training.batchnorm import recompute
from semcom.training.loop import Epoch, Plan, fit, minibatches
from semcom.training.randomness import generator, seeded
from semcom.training.state import State


@dataclass(frozen=True)
class Setting:
    """What all budgets of one (method, link, labels, seed) share.

    Attributes:
        entry: modalities, encoder, fine-tuning, link.
        frames: on the device.
        task: what the server is to decide.
        train, validation: indices of this seed's folds.
        labelled: those of `train` that carry a label.
        seed: of every draw.
        encoders: file of pre-trained weights, or None: the entry's `encoder.weights`, else random.
    """

    entry: FinetuneEntry | TuneEntry
    frames: DeviceFrames
    task: Task
    train: Indices
    validation: Indices
    labelled: Indices
    seed: int
    encoders: Path | None

    @property
    def rounds(self) -> int:
        """Rounds of one epoch of the fully labelled set: the unit of budgets at every label fraction."""
        return len(self.train) // self.entry.finetune.batch_size


def setting(
    entry: FinetuneEntry | TuneEntry, frames: DeviceFrames, *, seed: int, encoders: Path | None
) -> Setting:
    """Draw folds and labels of `seed`.

    Raises:
        SemcomError: the batch is larger than the training set, or the data set lacks what the task needs.
    """
    prepared = frames.prepared
    train, validation = validation_fold(prepared.scene, prepared.group, prepared.train, seed=seed)
    if entry.finetune.batch_size > len(train):
        raise SemcomError(
            f"finetune.batch_size {entry.finetune.batch_size} is more than the {len(train)} training frames; "
            "lower it"
        )
    chosen = labelled(train, prepared.scene, fraction=entry.fraction, seed=seed)
    task: Task = build(TASKS, entry.link.task, frames)
    return Setting(entry, frames, task, train, validation, chosen, seed, encoders)


def new_system(entry: FinetuneEntry | TuneEntry, frames: DeviceFrames, *, seed: int) -> System:
    """Devices and server at the random initialisation of `seed`, the same for every method."""
    with seeded(seed, "finetune", "init"):
        return system_for(entry, frames)


def started(given: Setting) -> System:
    """The system as fine-tuning finds it: pre-trained encoders where there are some, the rest random."""
    system = new_system(given.entry, given.frames, seed=given.seed)
    if given.encoders is not None:
        weights.load_into(system.encoders, given.encoders)
    else:
        initialise(system.encoders, given.entry.encoder, given.frames, planned=given.entry.weights_sha256)
    return system


def train(
    given: Setting,
    *,
    budget: int,
    optimiser: Component,
    held: State,
    name: str,
    after: Callable[[int, Epoch], Epoch],
    system: System | None = None,
    purpose: str | None = None,
) -> tuple[System, list[Epoch]]:
    """Fine-tune from the pre-trained weights for `budget` epochs, with a full schedule of its own.

    Args:
        given: data, model, link.
        budget: length in epochs of the fully labelled set.
        optimiser: component and its learning rate.
        held: state folder.
        name: of the checkpoint, no other training's.
        after: called after every epoch.
        system: what is trained, in place; None: as `started` makes it.
        purpose: of every random number drawn; None: `finetune/BUDGET`.

    Returns:
        The trained system, its BatchNorm statistics measured anew, and what was logged an epoch.
    """
    entry, frames, device = given.entry, given.frames, given.frames.rgb.device
    if system is None:
        system = started(given)
    views = build(VIEWS, entry.finetune.views)
    back = entry.link.downlink_snr_db
    downlink_n0 = None if back is None else n0_from_db(torch.tensor(back, device=device))
    indices = torch.from_numpy(given.labelled).to(device)

    def loss(batch: Tensor, draws: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        seen = frames.normalise(*forms.views(views, *frames.take(batch), draws))
        n0 = n0_from_db(training_snr_db(entry.link, len(batch), draws))
        scores = system(seen, n0, draws, downlink_n0=downlink_n0)
        return forms.scalar("task", given.task, given.task.loss(scores, batch)), {}

    history = fit(
        system,
        forms.optimiser(optimiser, system),
        batches=lambda draws: minibatches(
            indices, steps=given.rounds, batch_size=entry.finetune.batch_size, draws=draws
        ),
        loss=loss,
        plan=Plan(
            budget, given.rounds, entry.finetune.warmup, given.seed, purpose or f"finetune/{budget}", name
        ),
        held=held,
        after=after,
        whence=_whence(entry),
    )
    recompute(system.encoders, frames.plain(given.train))
    return system, history


def _whence(entry: FinetuneEntry | TuneEntry) -> str:
    """What computes the loss of a fine-tuning."""
    own, link = entry.finetune, entry.link
    return forms.whence(
        views=own.views,
        backbone=entry.encoder.backbone,
        sender=own.sender,
        channel=link.channel,
        head=own.head,
        task=link.task,
    )


def training_snr_db(link: Link, count: int, draws: torch.Generator) -> Tensor:
    """Es/N0 in dB of training for `count` samples: (count, 1, 1), or a scalar where it is fixed.

    A fixed one draws nothing.
    """
    if isinstance(link.train_snr_db, float):
        return torch.tensor(link.train_snr_db, device=draws.device)
    drawn = draw_snr_db(link.train_snr_db, count, generator=draws, device=draws.device)
    return drawn.view(-1, 1, 1)


def validate(given: Setting, system: System, *, draws: int) -> float:
    """The task's measure on validation frames at the training SNR, averaged over channel draws.

    Where training's is drawn, each validation frame has one of its own, drawn once: the same for every model.
    """
    frames, device = given.frames, given.frames.rgb.device
    noise = generator(given.seed, "validation", device=device)
    snr_db = training_snr_db(given.entry.link, len(given.validation), noise)
    symbols = encode_frames(system, frames.plain(given.validation), snr_db.squeeze())
    n0 = n0_from_db(snr_db).unsqueeze(0)
    scores, _ = transmit(system, symbols, n0, draws=draws, generator=noise)
    return given.task.value(scores, given.validation)
