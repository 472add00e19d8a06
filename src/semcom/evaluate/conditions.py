"""The sweep again under conditions that training did not know: a device lost, or its sensor degraded.

    test frames, perhaps degraded ─► devices ─► the sweep's noise ─► server, perhaps without a device

Everything but the condition is as in the sweep, draws included: differences to it are the condition's own.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from semcom.evaluate.sweep import Row, log_means, over_snr, rows_of
from semcom.files.tables import write_rows
from semcom.frames import VIEWS
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import Indices
from semcom.models.system import system_for
from semcom.params.component import build
from semcom.params.conditions import Condition, ConditionsEntry
from semcom.params.protocols import Task
from semcom.progress import Progress
from semcom.tasks import TASKS
from semcom.tracking.journal import Journal
from semcom.training import forms, weights
from semcom.training.compute import set_up
from semcom.training.randomness import generator

OF_THE_LINK = ("power_", "delivered_")
"""How metrics begin that say what the link did, which no condition changes: the sweep has them."""


def run(frames_file: Path, entry: ConditionsEntry, *, models: Path, table: Path, journal: Path) -> None:
    """Measure all conditions at all budgets of one (method, link, labels, seed).

    Args:
        frames_file: prepared frames.
        entry: model, link, SNRs, draws and conditions.
        models: weights by budget.
        table: output, one row a condition, budget, SNR, draw and metric, otherwise as the sweep's.
        journal: events for the tracking server.
    """
    device = set_up(entry.compute)
    frames = DeviceFrames.open(frames_file, device)
    (test,) = np.nonzero(~frames.prepared.train)
    task: Task = build(TASKS, entry.link.task, frames)
    tags = {
        "study": entry.study,
        "system": entry.system,
        "method": entry.method,
        "link": entry.link_name,
        "labels": entry.labels,
    }
    started = {**tags, "seed": str(entry.seed), "stage": "conditions"}
    rows: list[Row] = []
    progress = Progress(len(entry.budgets))
    with Journal.open(journal, started, entry.model_dump()) as events:
        for done, budget in enumerate(entry.budgets, start=1):
            system = system_for(entry, frames)
            weights.load_into(system, models, part=str(budget))
            for name, condition in entry.conditions.items():
                views = partial(_views, entry, frames, test, name)
                _, measured = over_snr(entry, system, views, task, test, lost=condition.lost)
                own = {"budget_epochs": budget, "condition": name}
                place = {**tags, **own, "seed": entry.seed, "split": "test"}
                kept = {key: value for key, value in measured.items() if not key.startswith(OF_THE_LINK)}
                new = rows_of(entry.evaluate, place, kept)
                log_means(entry.evaluate, events, own, new)
                rows += new
            progress.step(done, f"budget {budget}: {', '.join(entry.conditions)}")
    write_rows(table, rows)


def _views(
    entry: ConditionsEntry, frames: DeviceFrames, test: Indices, name: str
) -> Iterator[dict[str, Tensor]]:
    """Batches of the test frames under a condition: the same at each call, and for every method and link."""
    condition: Condition = entry.conditions[name]
    if condition.degraded is None:
        yield from frames.plain(test)
        return
    device = frames.rgb.device
    degrade = build(VIEWS, condition.degraded)
    draws = generator(entry.seed, "condition", name, device=device)
    for index in torch.as_tensor(test, device=device).split(256):
        seen = forms.views(degrade, *frames.take(index), draws, key="degraded")
        yield frames.normalise(*seen)
