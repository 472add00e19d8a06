"""The one training loop: every stage that trains, trains here."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from semcom.files.errors import SemcomError, Stopped
from semcom.progress import log
from semcom.training.optimisers import schedule
from semcom.training.parallel import ALONE, Team
from semcom.training.randomness import generator, random_state, seeded, set_random_state
from semcom.training.state import State

CHECKPOINT_S = 30.0
"""Seconds between checkpoints; they are written after an optimiser step."""

Epoch = dict[str, float]
"""What was measured in one epoch, by name."""


@dataclass(frozen=True)
class Plan:
    """How long to train, and from which random numbers.

    Attributes:
        epochs: number of epochs.
        steps: optimiser steps an epoch.
        warmup: share of all steps over which the learning rate rises.
        seed, purpose: of every random number drawn in training.
        name: of the checkpoint in the state folder.
    """

    epochs: int
    steps: int
    warmup: float
    seed: int
    purpose: str
    name: str = "training"


class Clock:
    """Seconds of a training, what is measured after its epochs included.

    Of one that goes on, those behind its checkpoint too, and none of what a kill cut off.
    """

    def __init__(self) -> None:
        self.start(0.0)

    def start(self, behind: float) -> None:
        """Count on from `behind` seconds."""
        self._behind, self._begin = behind, time.perf_counter()

    @property
    def seconds(self) -> float:
        """Until now."""
        return self._behind + time.perf_counter() - self._begin


def fit(
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    *,
    batches: Callable[[torch.Generator], Iterator[Tensor]],
    loss: Callable[[Tensor, torch.Generator], tuple[Tensor, Mapping[str, Tensor]]],
    plan: Plan,
    held: State,
    after: Callable[[int, Epoch], Epoch],
    team: Team = ALONE,
    clock: Clock | None = None,
    whence: str = "",
) -> list[Epoch]:
    """Train `module` in place; go on at the last checkpoint if the state folder has one.

    Args:
        module: what is trained, on its device.
        optimiser: of the module's parameters, at its full learning rate.
        batches: the batches of one epoch, at most `plan.steps` of them, drawn with the given generator.
        loss: the loss of a batch, and terms to log.
        plan: length, schedule, seed.
        held: the state folder of this job.
        after: called after every epoch with its number and means; returns what else to log.
        team: the processes that train together; of several, each has the gradients of its part of a batch.
        clock: set to the seconds behind the checkpoint that the training goes on at.
        whence: what computes the loss, for the error of a first one that is not finite (`forms.whence`).

    Returns:
        What was logged, one mapping an epoch.

    Raises:
        SemcomError: the loss is not finite, before the first update or as an epoch's mean (the last
            checkpoint is kept), or a term is called `loss`.
        Stopped: SIGTERM came; a checkpoint of this very step is kept.
    """
    now = _Progress(module, optimiser, plan, held, team, clock or Clock())
    device = next(module.parameters()).device
    now.resume(device)
    for epoch in range(len(now.history), plan.epochs):
        module.train()
        draws = generator(plan.seed, plan.purpose, "epoch", epoch, device=device)
        with seeded(plan.seed, plan.purpose, "layers", epoch):
            for batch in now.left(batches(draws), draws):
                now.set_rates()
                optimiser.zero_grad()
                value, terms = loss(batch, draws)
                if now.untouched:
                    _check_first(value, terms, whence)
                value.backward()
                team.sum_gradients(module)
                optimiser.step()
                now.count({"loss": value.detach(), **terms})
                now.keep(draws)
        now.end_epoch(after)
    return now.history


@dataclass
class _Progress:
    """How far a training is: all that a checkpoint holds, and when it was last written."""

    module: nn.Module
    optimiser: torch.optim.Optimizer
    plan: Plan
    held: State
    team: Team
    clock: Clock
    history: list[Epoch] = field(default_factory=list)
    step: int = 0
    """Steps done of the epoch behind `history`."""
    sums: dict[str, Tensor] = field(default_factory=dict)
    random: dict[str, Tensor] | None = None
    """Of a checkpoint that is still to be taken up."""

    def __post_init__(self) -> None:
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.saved = time.monotonic()

    def resume(self, device: torch.device) -> None:
        """Take up the last checkpoint, if there is one."""
        checkpoint: dict[str, Any] | None = self.held.load(self.plan.name)
        if checkpoint is None:
            return
        self.module.load_state_dict(checkpoint["module"])
        self.optimiser.load_state_dict(checkpoint["optimiser"])
        self.history, self.step = checkpoint["history"], checkpoint["step"]
        self.sums = {key: total.to(device) for key, total in checkpoint["sums"].items()}
        self.random = checkpoint["random"]
        self.clock.start(checkpoint.get("seconds", 0.0))  # one of an earlier version has none
        log.info("goes on after %s, where its last checkpoint is", self)

    @property
    def untouched(self) -> bool:
        """Whether no step is done, of any epoch."""
        return not self.history and not self.step

    def left(self, batches: Iterator[Tensor], draws: torch.Generator) -> Iterator[Tensor]:
        """The batches of this epoch that are not used yet, with the random states as the first needs them."""
        for _ in islice(batches, self.step):
            pass  # only their indices were drawn
        if self.random is not None:
            set_random_state(self.random, draws)
            self.random = None
        yield from batches

    def set_rates(self) -> None:
        """Learning rates of the step that comes."""
        step = len(self.history) * self.plan.steps + self.step
        factor = schedule(step, steps=self.plan.epochs * self.plan.steps, warmup=self.plan.warmup)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def count(self, terms: Mapping[str, Tensor]) -> None:
        """A step is done."""
        self.step += 1
        for key, term in terms.items():
            self.sums[key] = self.sums.get(key, 0) + term

    def keep(self, draws: torch.Generator) -> None:
        """Write a checkpoint if it is time for one, or if SIGTERM came, and then stop."""
        stop = self.team.any(self.held.stop.asked)
        if not stop and time.monotonic() - self.saved <= CHECKPOINT_S:
            return
        if self.team.first:
            content = {
                "module": self.module.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "history": self.history,
                "step": self.step,
                "sums": self.sums,
                "random": random_state(draws),
                "seconds": self.clock.seconds,
            }
            self.held.save(self.plan.name, content)
        self.saved = time.monotonic()
        if stop:
            raise Stopped(f"SIGTERM: stopped after {self}; run the same command again and it goes on there")

    def end_epoch(self, after: Callable[[int, Epoch], Epoch]) -> None:
        """Log the epoch's means and begin the next one."""
        means = {key: float(total) / self.plan.steps for key, total in self.sums.items()}
        epoch = len(self.history)
        _check(means["loss"], epoch, self.rates)
        self.history.append(means | after(epoch, means))
        self.step, self.sums, self.random = 0, {}, None

    def __str__(self) -> str:
        return f"step {self.step}/{self.plan.steps} of epoch {len(self.history) + 1}/{self.plan.epochs}"


def _check_first(loss: Tensor, terms: Mapping[str, Tensor], whence: str) -> None:
    """Look at the loss before the first update, when no learning rate is to blame; a GPU waits this once."""
    if "loss" in terms:
        raise SemcomError("a term to log is called 'loss', the name of the whole; call it something else")
    if not loss.isfinite().all():
        raise SemcomError(
            f"the loss is {float(loss.detach()):g} in the first step, before any update, so the learning "
            "rate is not to blame: a network, the views, the channel or the loss itself gives values that "
            f"are infinite or no numbers{f' ({whence})' if whence else ''}; look there"
        )


def _check(loss: float, epoch: int, rates: list[float]) -> None:
    if not math.isfinite(loss):
        raise SemcomError(
            f"the loss is {loss} in epoch {epoch + 1} at a learning rate of {max(rates):g}; lower the "
            "optimiser's lr or raise warmup in the params file"
        )


def minibatches(frames: Tensor, *, steps: int, batch_size: int, draws: torch.Generator) -> Iterator[Tensor]:
    """`steps` batches of indices: shuffled passes over `frames`, one behind the other.

    Args:
        frames: (n,) indices to draw from.
        steps: number of batches.
        batch_size: indices a batch, always full.
        draws: generator of the shuffling, on the indices' device.
    """
    need = steps * batch_size
    passes = [
        frames[torch.randperm(len(frames), generator=draws, device=draws.device)]
        for _ in range(-(-need // len(frames)))
    ]
    yield from torch.cat(passes)[:need].split(batch_size)
