"""The one training loop: every stage that trains, trains here."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from semcom.files.errors import SemcomError
from semcom.progress import log
from semcom.training.optimisers import schedule
from semcom.training.randomness import generator, seeded
from semcom.training.state import State

CHECKPOINT_S = 30.0
"""Seconds between checkpoints; they are written at the end of an epoch."""

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


def fit(
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    *,
    batches: Callable[[torch.Generator], Iterator[Tensor]],
    loss: Callable[[Tensor, torch.Generator], tuple[Tensor, Mapping[str, Tensor]]],
    plan: Plan,
    held: State,
    after: Callable[[int, Epoch], Epoch],
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

    Returns:
        What was logged, one mapping an epoch.

    Raises:
        SemcomError: the loss is not finite; the last checkpoint is kept.
    """
    rates = [group["lr"] for group in optimiser.param_groups]
    start, history = _resume(module, optimiser, held, plan.name)
    device = next(module.parameters()).device
    saved = time.monotonic()
    for epoch in range(start, plan.epochs):
        module.train()
        draws = generator(plan.seed, plan.purpose, "epoch", epoch, device=device)
        sums: dict[str, Tensor] = {}
        with seeded(plan.seed, plan.purpose, "layers", epoch):
            for step, batch in enumerate(batches(draws), start=epoch * plan.steps):
                factor = schedule(step, steps=plan.epochs * plan.steps, warmup=plan.warmup)
                for group, rate in zip(optimiser.param_groups, rates, strict=True):
                    group["lr"] = rate * factor
                optimiser.zero_grad()
                value, terms = loss(batch, draws)
                value.backward()
                optimiser.step()
                for key, term in {"loss": value.detach(), **terms}.items():
                    sums[key] = sums.get(key, 0) + term
        means = {key: float(total) / plan.steps for key, total in sums.items()}
        _check(means["loss"], epoch, rates)
        history.append(means | after(epoch, means))
        if time.monotonic() - saved > CHECKPOINT_S and epoch + 1 < plan.epochs:
            content = {"module": module.state_dict(), "optimiser": optimiser.state_dict(), "history": history}
            held.save(plan.name, content)
            saved = time.monotonic()
    return history


def _resume(
    module: nn.Module, optimiser: torch.optim.Optimizer, held: State, name: str
) -> tuple[int, list[Epoch]]:
    checkpoint = held.load(name)
    if checkpoint is None:
        return 0, []
    module.load_state_dict(checkpoint["module"])
    optimiser.load_state_dict(checkpoint["optimiser"])
    log.info("goes on after epoch %d, where its last checkpoint is", len(checkpoint["history"]))
    return len(checkpoint["history"]), checkpoint["history"]


def _check(loss: float, epoch: int, rates: list[float]) -> None:
    if not math.isfinite(loss):
        raise SemcomError(
            f"the loss is {loss} in epoch {epoch + 1} at a learning rate of {max(rates):g}; lower the "
            "optimiser's lr or raise warmup in the params file (the last checkpoint is kept)"
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
