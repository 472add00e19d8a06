"""Fine-tuning of one (method, link, labels, seed): every budget in turn, each a training of its own."""

import json
from collections.abc import Sequence
from pathlib import Path

from semcom.channel import CHANNELS
from semcom.files.errors import SemcomError
from semcom.files.hashes import digest, sha256
from semcom.files.tables import write_rows
from semcom.finetune.accounting import communication
from semcom.finetune.train import Setting, setting, train, validate
from semcom.frames.device import DeviceFrames
from semcom.params.component import build
from semcom.params.entries import FinetuneEntry, to_json
from semcom.params.sections import Component
from semcom.progress import Progress, log
from semcom.tracking.journal import Journal
from semcom.training import weights
from semcom.training.compute import set_up
from semcom.training.loop import Epoch
from semcom.training.state import State, state

VALIDATION_DRAWS = 5


def run(
    frames_file: Path,
    entry: FinetuneEntry,
    *,
    encoders: Path | None,
    choice: Path,
    models: Path,
    history: Path,
    communications: Path,
    journal: Path,
    states: Path,
) -> None:
    """Fine-tune at all budgets; write the models, what was logged, and what training sent over the link.

    Args:
        frames_file: prepared frames.
        entry: method, link, labels, seed, budgets.
        encoders: pre-trained weights, or None.
        choice: optimisers that tuning chose.
        models: output, the weights of devices and server by budget.
        history: output, one row a budget, epoch and metric.
        communications: output, one row a budget.
        journal: events for the tracking server.
        states: folder of training states.
    """
    device = set_up(entry.compute)
    frames = DeviceFrames.open(frames_file, device)
    optimisers = chosen(choice, entry.budgets)
    tags = {
        "study": entry.study,
        "system": entry.system,
        "method": entry.method,
        "link": entry.link_name,
        "labels": entry.labels,
    }
    inputs = [sha256(path) for path in (encoders, choice) if path is not None]
    started = {**tags, "seed": str(entry.seed), "stage": "finetune"}
    with (
        state(states, digest("finetune", to_json(entry), frames.content, *inputs)) as held,
        Journal.open(journal, started, entry.model_dump(), fresh=not held.resumed) as events,
    ):
        given = setting(entry, frames, seed=entry.seed, encoders=encoders)
        log.info("%d labelled frames, %d rounds an epoch", len(given.labelled), given.rounds)
        progress = Progress(sum(entry.budgets))
        trained = {b: _budget(given, b, optimisers[str(b)], held, events, progress) for b in entry.budgets}
        weights.save(models, {str(budget): system for budget, (system, _) in trained.items()})
        places = {b: {**tags, "budget_epochs": b, "seed": entry.seed} for b in entry.budgets}
        write_rows(history, _history(places, {budget: epochs for budget, (_, epochs) in trained.items()}))
        write_rows(communications, [{**places[b], **_cost(given, b, events)} for b in entry.budgets])


def _history(places: dict[int, dict[str, object]], logged: dict[int, list[Epoch]]) -> list[dict[str, object]]:
    """Rows of what was logged at each budget and epoch; `places` has the columns that name a budget's run."""
    return [
        {**places[budget], "epoch": epoch, "metric": metric, "value": value}
        for budget, epochs in logged.items()
        for epoch, means in enumerate(epochs, start=1)
        for metric, value in means.items()
    ]


def _cost(given: Setting, budget: int, events: Journal) -> dict[str, int]:
    """What one budget's training sends over the link, which goes into the journal too."""
    entry = given.entry
    cost = communication(
        rounds=budget * given.rounds,
        batch_size=entry.finetune.batch_size,
        devices=len(entry.modalities),
        channel_uses=entry.link.channel_uses,
        pilots=getattr(build(CHANNELS, entry.link.channel), "pilots", 0),
        noisy_downlink=entry.link.downlink_snr_db is not None,
    )
    events.metrics({f"communication/{k}": v for k, v in cost.items()}, step=0, run={"budget_epochs": budget})
    return cost


def chosen(choice: Path, budgets: Sequence[int]) -> dict[str, Component]:
    """The optimisers that tuning chose, by budget.

    Raises:
        SemcomError: the file is not what tuning writes, or names none for one of `budgets`.
    """
    try:
        optimisers: dict[str, Component] = json.loads(choice.read_text())["optimisers"]
        missing = [budget for budget in budgets if "lr" not in optimisers.get(str(budget), {})]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SemcomError(
            f"{choice} is not what tuning writes ({type(error).__name__}); remove it and run its job again"
        ) from error
    if missing:
        raise SemcomError(
            f"{choice} names no optimiser for the budgets {missing}; remove it and run its job again"
        )
    return optimisers


def _budget(
    given: Setting, budget: int, optimiser: Component, held: State, events: Journal, progress: Progress
) -> tuple[dict[str, object], list[Epoch]]:
    """Weights and log of one budget, from the state folder if it is already trained."""
    finished = held.load(f"budget{budget}")
    if finished is not None:
        return finished["system"], finished["history"]
    done = sum(b for b in given.entry.budgets if b < budget)

    def after(epoch: int, means: Epoch) -> Epoch:
        events.metrics({"train/loss": means["loss"]}, step=epoch + 1, run={"budget_epochs": budget})
        progress.step(
            done + epoch + 1, f"budget {budget}  epoch {epoch + 1}/{budget}  loss {means['loss']:.3f}"
        )
        return {}

    name = f"training{budget}"
    system, history = train(given, budget=budget, optimiser=optimiser, held=held, name=name, after=after)
    measure, value = given.task.measure, validate(given, system, draws=VALIDATION_DRAWS)
    history[-1][f"validation_{measure}"] = value
    events.metrics({f"validation/{measure}": value}, step=budget, run={"budget_epochs": budget})
    log.info("budget %d: validation %s %.3f", budget, measure, value)
    content: dict[str, object] = dict(system.state_dict())
    held.save(f"budget{budget}", {"system": content, "history": history})
    held.remove(name)
    return content, history
