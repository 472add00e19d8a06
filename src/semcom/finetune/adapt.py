"""Re-training in a changing world that fine-tuning has no form for: the server alone, and all states at once.

head:        devices ─► symbols ─► state's channel ─► server     trained: the server; nothing comes down
all_states:  devices ─► symbols ─► channel of each frame's own state ─► server     trained: all
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semcom.channel import CHANNELS
from semcom.channel.downlink import noisy_downlink
from semcom.channel.snr import db_from_n0, n0_from_db
from semcom.finetune.accounting import communication
from semcom.finetune.train import Setting, training_snr_db
from semcom.frames import VIEWS
from semcom.models.system import Channel, System
from semcom.params.component import build
from semcom.params.sections import Component, Link
from semcom.training import forms
from semcom.training.batchnorm import recompute
from semcom.training.loop import Epoch, Plan, fit, minibatches
from semcom.training.state import State


@dataclass(frozen=True)
class Training:
    """One training of a job.

    Attributes:
        budget: length in epochs of the fully labelled set.
        optimiser: component and its learning rate.
        held: state folder.
        name: of the checkpoint, no other training's.
        purpose: of every random number drawn.
        after: called after every epoch.
    """

    budget: int
    optimiser: Component
    held: State
    name: str
    purpose: str
    after: Callable[[int, Epoch], Epoch]

    def plan(self, given: Setting) -> Plan:
        """Its schedule in a setting."""
        warmup = given.entry.finetune.warmup
        return Plan(self.budget, given.rounds, warmup, given.seed, self.purpose, self.name)


def train_server(given: Setting, system: System, training: Training) -> None:
    """Train the server of `system` in place; its devices stay as they are, bit by bit.

    They are in evaluation mode: BatchNorm has the statistics that it was left with.
    """
    frames, link = given.frames, given.entry.link
    views = build(VIEWS, given.entry.finetune.views)
    indices = torch.from_numpy(given.labelled).to(frames.rgb.device)
    system.eval()

    def loss(batch: Tensor, draws: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        seen = frames.normalise(*forms.views(views, *frames.take(batch), draws))
        n0 = n0_from_db(training_snr_db(link, len(batch), draws))
        with torch.no_grad():
            symbols = system.encode(seen, db_from_n0(n0).flatten() if system.needs_snr else None)
            received = forms.received(system.channel, symbols, n0, draws)
        return forms.scalar("task", given.task, given.task.loss(system.decide(received), batch)), {}

    fit(
        system.server,
        forms.optimiser(training.optimiser, system.server),
        batches=lambda draws: minibatches(
            indices, steps=given.rounds, batch_size=given.entry.finetune.batch_size, draws=draws
        ),
        loss=loss,
        plan=training.plan(given),
        held=training.held,
        after=training.after,
    )


def train_on_all(given: Setting, system: System, links: Sequence[Link], training: Training) -> None:
    """Train `system` in place over all of `links`, one of them a frame.

    Args:
        given: data and model; its own link's downlink counts.
        system: as fine-tuning finds it.
        links: the states; they differ in channel and Es/N0 alone.
        training: length, optimiser, draws.
    """
    frames, device = given.frames, given.frames.rgb.device
    views = build(VIEWS, given.entry.finetune.views)
    channels: list[Channel] = [build(CHANNELS, link.channel) for link in links]
    indices = torch.from_numpy(given.labelled).to(device)
    back = given.entry.link.downlink_snr_db

    def loss(batch: Tensor, draws: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        index, state = batch.unbind(1)
        seen = frames.normalise(*forms.views(views, *frames.take(index), draws))
        n0 = n0_from_db(_snr_db(links, state, draws))
        symbols = system.encode(seen, db_from_n0(n0).flatten() if system.needs_snr else None)
        if back is not None:
            symbols = noisy_downlink(symbols, n0_from_db(torch.tensor(back, device=device)), draws)
        received = _sent(channels, state, symbols, n0, draws)
        return forms.scalar("task", given.task, given.task.loss(system.decide(received), index)), {}

    fit(
        system,
        forms.optimiser(training.optimiser, system),
        batches=lambda draws: mixed_batches(
            indices,
            states=len(links),
            steps=given.rounds,
            batch_size=given.entry.finetune.batch_size,
            draws=draws,
        ),
        loss=loss,
        plan=training.plan(given),
        held=training.held,
        after=training.after,
    )
    recompute(system.encoders, frames.plain(given.train))


def mixed_batches(
    frames: Tensor, *, states: int, steps: int, batch_size: int, draws: torch.Generator
) -> Iterator[Tensor]:
    """`steps` batches (batch_size, 2): a frame, and the state that it meets, of those of one epoch.

    Every state comes equally often in an epoch, the first ones once more where that does not divide: what
    goes over the link is then no matter of chance.
    """
    index = torch.cat(list(minibatches(frames, steps=steps, batch_size=batch_size, draws=draws)))
    order = torch.randperm(len(index), generator=draws, device=draws.device)
    state = torch.arange(len(index), device=index.device).remainder(states)[order]
    yield from torch.stack([index, state], 1).split(batch_size)


def _snr_db(links: Sequence[Link], state: Tensor, draws: torch.Generator) -> Tensor:
    """Es/N0 in dB (B, 1, 1) of the state (B,) of each frame."""
    snr_db = torch.empty(len(state), 1, 1, device=state.device)
    for number, link in enumerate(links):
        (rows,) = (state == number).nonzero(as_tuple=True)
        snr_db[rows] = training_snr_db(link, len(rows), draws)
    return snr_db


def _sent(
    channels: Sequence[Channel], state: Tensor, symbols: Tensor, n0: Tensor, draws: torch.Generator
) -> Tensor:
    """What arrives (B, devices, k) of symbols, each frame over the channel of its state (B,)."""
    received = torch.zeros_like(symbols)
    for number, channel in enumerate(channels):
        (rows,) = (state == number).nonzero(as_tuple=True)
        if len(rows):
            arrived = forms.received(channel, symbols[rows], n0[rows], draws)
            received = received.index_copy(0, rows, arrived)
    return received


def uses(given: Setting, links: Sequence[Link], *, budget: int, downlink: bool = True) -> dict[str, int]:
    """Complex channel uses of one training, up and down, pilots among them.

    Args:
        given: rounds, batch size and devices.
        links: the state that it was trained at, or all of them, as `mixed_batches` deals them out.
        budget: length in epochs.
        downlink: whether gradients come down; where devices are frozen, none do.
    """
    entry = given.entry
    frames, shown = given.rounds * entry.finetune.batch_size, len(links)
    up, down = 0, 0
    for number, link in enumerate(links):
        count = communication(
            rounds=budget * (frames // shown + (number < frames % shown)),
            batch_size=1,
            devices=len(entry.modalities),
            channel_uses=link.channel_uses,
            pilots=getattr(build(CHANNELS, link.channel), "pilots", 0),
        )
        up, down = up + count["uplink_uses"], down + count["downlink_uses"]
    return {"uplink_uses": up, "downlink_uses": down if downlink else 0}
