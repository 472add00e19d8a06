"""Optimiser and learning rate for each budget, chosen on validation frames only."""

import json
from pathlib import Path

import numpy as np

from semcom.files.atomic import write_text
from semcom.files.hashes import digest, sha256
from semcom.files.tables import write_rows
from semcom.finetune.train import Setting, setting, train, validate
from semcom.frames.device import DeviceFrames
from semcom.params.component import build
from semcom.params.entries import TuneEntry, to_json
from semcom.params.protocols import Task
from semcom.params.sections import Component
from semcom.progress import Progress, log
from semcom.tasks import TASKS
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up
from semcom.training.loop import Epoch
from semcom.training.state import State, state

Cells = dict[str, float]
"""Validation measure of every finished training, by `budget/optimiser/seed` (positions in the entry)."""


def run(
    frames_file: Path,
    entry: TuneEntry,
    *,
    encoders: list[Path],
    choice: Path,
    grid: Path,
    journal: Path,
    states: Path,
) -> None:
    """Train every (budget, optimiser, seed) and write which optimiser each budget takes.

    Args:
        frames_file: prepared frames.
        entry: the grid, budgets, seeds.
        encoders: pre-trained weights, one a seed in the entry's order; empty for random initialisation.
        choice: output, the optimiser of each budget, for fine-tuning to read.
        grid: output, one row a training.
        journal: events for the tracking server.
        states: folder of training states.
    """
    device = set_up(entry.compute)
    frames = DeviceFrames.open(frames_file, device)
    task: Task = build(TASKS, entry.link.task, frames)
    tags = {
        "study": entry.study,
        "system": entry.system,
        "method": entry.method,
        "link": entry.link_name,
        "labels": entry.labels,
    }
    key = digest("tune", to_json(entry), frames.content, *map(sha256, encoders))
    with (
        state(states, key) as held,
        Journal.open(
            journal, {**tags, "stage": "tune"}, entry.model_dump(), fresh=not held.resumed
        ) as events,
    ):
        cells = _fill(entry, frames, task.measure, encoders, held, events)
        rows = [
            {
                **tags,
                "budget_epochs": budget,
                "seed": seed,
                "optimiser": optimiser["use"],
                "learning_rate": optimiser["lr"],
                f"validation_{task.measure}": cells[f"{budget}/{o}/{seed}"],
            }
            for budget in entry.budgets
            for o, optimiser in enumerate(entry.tune.optimisers)
            for seed in entry.seeds
        ]
        write_rows(grid, rows)
        write_text(choice, json.dumps(_choose(entry, task.measure, cells), indent=1, sort_keys=True) + "\n")


def _fill(
    entry: TuneEntry,
    frames: DeviceFrames,
    measure: str,
    encoders: list[Path],
    held: State,
    events: Journal,
) -> Cells:
    """Train what is not yet trained."""
    cells: Cells = held.load("cells") or {}
    files: list[Path | None] = list(encoders) if encoders else [None] * len(entry.seeds)
    total = len(entry.seeds) * len(entry.tune.optimisers) * sum(entry.budgets)
    progress = Progress(total, done=sum(int(cell.split("/")[0]) for cell in cells))
    for seed, file in zip(entry.seeds, files, strict=True):
        given = setting(entry, frames, seed=seed, encoders=file)
        for budget in entry.budgets:
            for o, optimiser in enumerate(entry.tune.optimisers):
                cell = f"{budget}/{o}/{seed}"
                if cell not in cells:
                    done = sum(int(c.split("/")[0]) for c in cells)
                    # Each training has a checkpoint of its own: none takes up another one's, whenever killed.
                    checkpoint = f"training{cell.replace('/', '_')}"
                    cells[cell] = _cell(given, budget, optimiser, held, checkpoint, progress, done)
                    held.save("cells", cells)
                    held.remove(checkpoint)
                    name = f"validation/{measure}_{optimiser['use']}_{optimiser['lr']:g}_seed{seed}"
                    events.metrics({name: cells[cell]}, step=budget)
    return cells


def _cell(
    given: Setting,
    budget: int,
    optimiser: Component,
    held: State,
    name: str,
    progress: Progress,
    done: int,
) -> float:
    def after(epoch: int, means: Epoch) -> Epoch:
        where = f"budget {budget}  {optimiser['use']} {optimiser['lr']:g}  seed {given.seed}"
        progress.step(done + epoch + 1, f"{where}  epoch {epoch + 1}/{budget}  loss {means['loss']:.3f}")
        return {}

    system, _ = train(given, budget=budget, optimiser=optimiser, held=held, name=name, after=after)
    assert isinstance(given.entry, TuneEntry)
    return validate(given, system, draws=given.entry.tune.draws)


def _choose(entry: TuneEntry, measure: str, cells: Cells) -> dict[str, object]:
    """For each budget the optimiser with the best mean over seeds; of equal ones the first in the grid."""
    optimisers: dict[str, Component] = {}
    values: dict[str, float] = {}
    for budget in entry.budgets:
        means = [
            float(np.mean([cells[f"{budget}/{o}/{seed}"] for seed in entry.seeds]))
            for o in range(len(entry.tune.optimisers))
        ]
        best = int(np.argmax(means))
        optimisers[str(budget)], values[str(budget)] = entry.tune.optimisers[best], means[best]
        log.info("budget %d: %s, validation %s %.3f", budget, optimisers[str(budget)], measure, means[best])
    return {"budgets": list(entry.budgets), "optimisers": optimisers, f"validation_{measure}": values}
