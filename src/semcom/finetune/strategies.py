"""The strategies of a job in a changing world: what is trained when, from which weights, what it reaches."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from semcom.channel import CHANNELS
from semcom.channel.snr import n0_from_db
from semcom.finetune.adapt import Training, train_on_all, train_server, uses
from semcom.finetune.stage import VALIDATION_DRAWS
from semcom.finetune.train import Setting, new_system, started, train, validate
from semcom.models.system import System, encode_frames, system_for, transmit
from semcom.params.component import build
from semcom.params.entries import ChangingEntry
from semcom.params.sections import Component
from semcom.progress import Progress, log
from semcom.tracking.journal import Journal
from semcom.training import weights
from semcom.training.loop import Epoch
from semcom.training.randomness import generator
from semcom.training.state import State

Row = dict[str, object]
Measured = dict[str, float]
"""Test and validation accuracy."""
CHAINED = ("own", "head")
"""Strategies that go on from the weights that they had at the state before."""


def accuracy_on_test(given: Setting, system: System, *, link_name: str, draws: int) -> float:
    """Share of test frames classified right at the Es/N0 of the setting's link, averaged over channel draws.

    The draws are those of the sweep over SNR, so that a link measured here and there has the same accuracy.
    """
    frames = given.frames
    (test,) = np.nonzero(~frames.prepared.train)
    snr_db = torch.tensor(given.entry.link.nominal_snr_db, device=frames.rgb.device)
    symbols = encode_frames(system, frames.plain(test), snr_db)
    noise = generator(given.seed, "evaluate", link_name, device=symbols.device)
    scores, _ = transmit(system, symbols, n0_from_db(snr_db).view(1), draws=draws, generator=noise)
    return float((scores[0].argmax(-1).cpu().numpy() == frames.prepared.scene[test]).mean())


@dataclass
class Job:
    """One (changing, method, seed).

    Attributes:
        entry: what to do.
        settings: data and method at each state, the start first.
        models: file of the link's weights.
        optimisers: by budget.
        held: state folder; a chain's last weights and what it measured, under its strategy and budget.
        events: the journal.
        done: epochs behind.
    """

    entry: ChangingEntry
    settings: tuple[Setting, ...]
    models: Path
    optimisers: dict[str, Component]
    held: State
    events: Journal
    done: int = 0

    def __post_init__(self) -> None:
        each = len(self.strategies) * (len(self.settings) - 1) + 1
        self.progress = Progress(sum(self.entry.budgets) * each)

    @property
    def strategies(self) -> tuple[str, ...]:
        """Those that re-train at each state; `encoders` only where encoders do not start at random."""
        start = self.settings[0]
        trained = start.encoders is not None or self.entry.encoder.weights is not None
        return (*CHAINED, "encoders", "scratch") if trained else (*CHAINED, "scratch")

    def rows(self) -> list[Row]:
        """All rows, trained and measured as far as the state folder does not have them."""
        rows = self._none()
        for strategy in self.strategies:
            for budget in self.entry.budgets:
                rows += self._retrained(strategy, budget)
        for budget in self.entry.budgets:
            rows += self._all_states(budget)
        return rows

    def _none(self) -> list[Row]:
        """The link's weights as they are, at every state."""
        system = self._link()
        nothing = {"uplink_uses": 0, "downlink_uses": 0}
        return [
            row
            for number in range(len(self.settings))
            for row in self._seen("none", number, 0, self._measure(number, system), nothing)
        ]

    def _link(self) -> System:
        """The link as fine-tuning left it."""
        system = system_for(self.entry, self.settings[0].frames)
        weights.load_into(system, self.models, part=str(self.entry.start_budget))
        return system

    def _retrained(self, strategy: str, budget: int) -> list[Row]:
        """A training at each state but the start, one after the other."""
        name = f"{strategy}{budget}"
        kept: dict[str, Any] = self.held.load(name) or {"measured": [], "system": None}
        measured: list[Measured] = kept["measured"]
        rows = []
        for number, given in enumerate(self.settings[1:], start=1):
            if number > len(measured):
                before = self.entry.states.index(self.entry.states[number - 1]) + 1
                if strategy not in CHAINED and before < number:  # the same training: it begins anew
                    measured.append(measured[before - 1])
                else:
                    system = self._train(strategy, number, budget, kept["system"])
                    measured.append(self._measure(number, system))
                    kept["system"] = dict(system.state_dict()) if strategy in CHAINED else None
                self.held.save(name, kept)
                self.held.remove(_checkpoint(strategy, budget, number))
            self.done += budget
            cost = uses(given, [given.entry.link], budget=budget, downlink=strategy != "head")
            rows += self._seen(strategy, number, budget, measured[number - 1], cost)
        return rows

    def _train(self, strategy: str, number: int, budget: int, last: Mapping[str, Any] | None) -> System:
        """Train at a state; `last`: a chain's weights after the state before, None at its first."""
        given = self.settings[number]
        training = self._training(strategy, number, budget)
        if strategy in CHAINED:
            system = self._link()
            if last is not None:
                system.load_state_dict(last)
            system.channel = build(CHANNELS, given.entry.link.channel)
        elif strategy == "encoders":
            system = started(given)
        else:
            system = new_system(given.entry, given.frames, seed=given.seed)
        if strategy == "head":
            train_server(given, system, training)
            return system
        train(
            given,
            budget=budget,
            optimiser=training.optimiser,
            held=self.held,
            name=training.name,
            after=training.after,
            system=system,
            purpose=training.purpose,
        )
        return system

    def _all_states(self, budget: int) -> list[Row]:
        """One training over all states, measured at each; what it sends stands beside the start."""
        name, start = f"all_states{budget}", self.settings[0]
        links = [given.entry.link for given in self.settings]
        measured: list[Measured] | None = self.held.load(name)
        if measured is None:
            system = started(start)
            train_on_all(start, system, links, self._training("all_states", 0, budget))
            measured = [self._measure(number, system) for number in range(len(links))]
            self.held.save(name, measured)
            self.held.remove(_checkpoint("all_states", budget, 0))
        self.done += budget
        cost = uses(start, links, budget=budget)
        costs = [cost, *[dict.fromkeys(cost, 0)] * (len(links) - 1)]
        return [
            row
            for number, at in enumerate(measured)
            for row in self._seen("all_states", number, budget, at, costs[number])
        ]

    def _training(self, strategy: str, number: int, budget: int) -> Training:
        """Length, optimiser and draws; a training from the start draws what fine-tuning over a link does."""
        run = {"changing": self.entry.changing, "strategy": strategy, "budget_epochs": budget}

        def after(epoch: int, means: Epoch) -> Epoch:
            loss = {f"train/loss_state{number}": means["loss"]}
            self.events.metrics(loss, step=epoch + 1, run=run)
            where = f"{strategy}  budget {budget}  {self._name(number)}  epoch {epoch + 1}/{budget}"
            self.progress.step(self.done + epoch + 1, f"{where}  loss {means['loss']:.3f}")
            return {}

        purpose = f"changing/{number}/{budget}" if strategy in CHAINED else f"finetune/{budget}"
        return Training(
            budget=budget,
            optimiser=self.optimisers[str(budget)],
            held=self.held,
            name=_checkpoint(strategy, budget, number),
            purpose=purpose,
            after=after,
        )

    def _measure(self, number: int, system: System) -> Measured:
        """Accuracies of a system at a state; its channel is the state's from now on."""
        given = self.settings[number]
        system.channel = build(CHANNELS, given.entry.link.channel)
        draws, link = self.entry.draws, self.entry.link_name
        return {
            "test_accuracy": accuracy_on_test(given, system, link_name=link, draws=draws),
            "validation_accuracy": validate(given, system, draws=VALIDATION_DRAWS),
        }

    def _seen(
        self, strategy: str, number: int, budget: int, measured: Measured, cost: dict[str, int]
    ) -> list[Row]:
        """The rows of one state, which go into the journal too."""
        run = {"changing": self.entry.changing, "strategy": strategy, "budget_epochs": budget}
        said = {metric.replace("_", "/", 1): value for metric, value in measured.items()}
        self.events.metrics(said | {f"communication/{k}": v for k, v in cost.items()}, step=number, run=run)
        log.info("%s, budget %d, %s: %s", strategy, budget, self._name(number), _words(measured))
        place = {
            "strategy": strategy,
            "state": number,
            "state_name": self._name(number),
            "snr_db": self.settings[number].entry.link.nominal_snr_db,
            "budget_epochs": budget,
        }
        return [place | {"metric": metric, "value": value} | cost for metric, value in measured.items()]

    def _name(self, number: int) -> str:
        """Of a state; the start's is that of the link."""
        return self.entry.states[number - 1].name if number else self.entry.link_name


def _checkpoint(strategy: str, budget: int, number: int) -> str:
    """Each training has a checkpoint of its own: none takes up another one's, whenever killed."""
    return f"training_{strategy}{budget}_{number}"


def _words(measured: Measured) -> str:
    return ", ".join(f"{metric.replace('_', ' ')} {value:.3f}" for metric, value in measured.items())
