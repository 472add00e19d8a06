"""A task over SNR on the test frames: encode once, then send over the link at every SNR, in many draws.

Devices that see the SNR encode anew at each one.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semcom.channel.calibration import power_rows
from semcom.channel.checks import Claim
from semcom.channel.snr import n0_from_db
from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import Indices
from semcom.models.system import System, encode_frames, system_for, transmit
from semcom.params.component import build
from semcom.params.entries import EvaluateEntry
from semcom.params.protocols import Task
from semcom.params.sections import Evaluate
from semcom.progress import Progress
from semcom.tasks import TASKS
from semcom.tracking.journal import Journal
from semcom.training import weights
from semcom.training.compute import set_up
from semcom.training.randomness import generator

Row = dict[str, object]
Measured = dict[str, NDArray[np.float64]]
"""Values (S, draws) by metric."""
Views = Callable[[], Iterable[Mapping[str, Tensor]]]
"""Batches of the test frames' views, from their beginning at each call."""
Kept = dict[str, NDArray[Any]]
"""What is kept of every test frame, (S, …) by name."""


def run(
    frames_file: Path,
    entry: EvaluateEntry,
    *,
    models: Path,
    sweep: Path,
    predictions: Path,
    journal: Path,
) -> None:
    """Sweep all budgets of one (method, link, labels, seed).

    Args:
        frames_file: prepared frames.
        entry: model, link, SNRs and draws.
        models: weights by budget.
        sweep: output, one row a budget, SNR, draw and metric.
        predictions: output, what was decided on every test frame, for every budget and SNR.
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
    rows: list[Row] = []
    kept: list[Kept] = []
    progress = Progress(len(entry.budgets))
    with Journal.open(
        journal, {**tags, "seed": str(entry.seed), "stage": "evaluate"}, entry.model_dump()
    ) as events:
        for done, budget in enumerate(entry.budgets, start=1):
            system = system_for(entry, frames)
            weights.load_into(system, models, part=str(budget))
            answers, measured = over_snr(entry, system, lambda: frames.plain(test), task, test)
            kept.append(answers)
            place = {**tags, "budget_epochs": budget, "seed": entry.seed, "split": "test"}
            new = rows_of(entry.evaluate, place, measured)
            log_means(entry.evaluate, events, {"budget_epochs": budget}, new)
            rows += new
            progress.step(done, f"budget {budget}: {len(test)} frames at {len(entry.evaluate.snr_db)} SNRs")
    write_rows(sweep, rows)
    every = {name: np.stack([answers[name] for answers in kept]) for name in kept[0]} | task.truth(test)
    if "credit" in every:
        every |= {"measure": np.array(task.measure), "title": np.array(task.title)}
    write_predictions(predictions, frames, test, every, entry.budgets, entry.evaluate)


def over_snr(
    entry: EvaluateEntry,
    system: System,
    views: Views,
    task: Task,
    test: Indices,
    *,
    lost: Collection[str] = (),
) -> tuple[Kept, Measured]:
    """What is kept of the test frames, and what is measured.

    Args:
        entry: Es/N0, draws and the seed of the noise.
        system: a trained one.
        views: of the N test frames; called once, or once an Es/N0 where devices see it.
        task: what the server decides.
        test: which frames these are (N,).
        lost: devices of which the server hears nothing.
    """
    device = next(system.parameters()).device
    snr_db = torch.tensor(entry.evaluate.snr_db, dtype=torch.float32, device=device)
    if not system.needs_snr:
        return _sent(entry, system, encode_frames(system, views()), snr_db, task, test, lost)
    parts = [
        _sent(entry, system, encode_frames(system, views(), one), one.view(1), task, test, lost)
        for one in snr_db
    ]
    kept = {name: np.concatenate([part[name] for part, _ in parts]) for name in parts[0][0]}
    return kept, {name: np.concatenate([part[name] for _, part in parts]) for name in parts[0][1]}


def _sent(
    entry: EvaluateEntry,
    system: System,
    symbols: Tensor,
    snr_db: Tensor,
    task: Task,
    test: Indices,
    lost: Collection[str],
) -> tuple[Kept, Measured]:
    """What is kept and measured of the frames' symbols (N, devices, k) sent at Es/N0 (S,) in dB."""
    # The same draws for every method, budget and SNR: differences between them are not differences of luck.
    noise = generator(entry.seed, "evaluate", entry.link_name, device=symbols.device)
    scores, received = transmit(
        system, symbols, n0_from_db(snr_db), draws=entry.evaluate.draws, generator=noise, lost=lost
    )
    judged, kept = task.judge(scores, test)
    if task.measure not in judged:
        raise SemcomError(
            f"the task {entry.link.task['use']} measures {', '.join(judged)}, but says that it is judged by "
            f"{task.measure}; mend its judge or its measure"
        )
    measured = {**judged, **_power(symbols, received)}
    claim = Claim.of(system.channel)
    if not claim.fades and claim.law != "own":
        # Over fading, what is received holds gains, and what an equaliser made of them.
        measured |= _delivered(symbols, received)
    return kept, measured


def _power(sent: Tensor, received: Tensor) -> Measured:
    """Power per channel use in dB, of the frame and device farthest from 1 (S, draws)."""
    (row,) = power_rows(sent)
    return {"power_db_farthest": np.full(received.shape[:2], row["value"], dtype=np.float64)}


def _delivered(sent: Tensor, received: Tensor) -> Measured:
    """Measured Es/N0 in dB (S, draws) of a channel that adds noise and nothing else.

    Over all frames, and of the frame and device farthest from that. Beside them the standard deviation that
    a right link's measurement has, for its number of noise samples.

    A frame's own noise is too short to measure, so the farthest is found by its signal power, which is
    exact, over the noise power of all frames.
    """
    signal = sent.abs().square().double().mean(-1)
    noise = (received - sent).abs().square().double().mean((-3, -2, -1))
    whole = 10 * torch.log10(signal.mean() / noise)
    deviation = 10 * torch.log10(signal / signal.mean())
    farthest = deviation.flatten()[deviation.abs().argmax()]
    return {
        "delivered_snr_db": whole.cpu().numpy(),
        "delivered_snr_db_worst": (whole + farthest).cpu().numpy(),
        "delivered_snr_db_sd": np.full(whole.shape, 10 / math.log(10) / math.sqrt(sent.numel())),
    }


def rows_of(settings: Evaluate, place: Row, measured: Measured) -> list[Row]:
    """Rows of a sweep: all that was measured (S, draws)."""
    rows = []
    for s, snr in enumerate(settings.snr_db):
        for draw in range(settings.draws):
            values = {name: float(value[s, draw]) for name, value in measured.items()}
            where = {**place, "snr_db": snr, "draw": draw}
            rows += [{**where, "metric": metric, "value": value} for metric, value in values.items()]
    return rows


def log_means(settings: Evaluate, events: Journal, run: Mapping[str, object], rows: list[Row]) -> None:
    """Means over draws, with the SNR in dB as the step, so that the tracking UI overlays the curves.

    Args:
        settings: Es/N0 and draws.
        events: the job's journal.
        run: what tells this run from others of its job.
        rows: of `rows_of`.
    """
    for snr in settings.snr_db:
        at = [row for row in rows if row["snr_db"] == snr]
        means = {
            f"test/{metric}": float(
                np.mean([float(str(row["value"])) for row in at if row["metric"] == metric])
            )
            for metric in dict.fromkeys(row["metric"] for row in at)
        }
        events.metrics(means, step=snr, run=run)


def write_predictions(
    path: Path,
    frames: DeviceFrames,
    test: Indices,
    answers: Mapping[str, NDArray[Any]],
    budgets: Sequence[int],
    settings: Evaluate,
) -> None:
    """Write the answers (budgets, S, …) of the test frames, and what is true, with all that names them."""
    prepared = frames.prepared
    arrays: dict[str, Any] = dict(answers)
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(
            file,
            **arrays,
            index=prepared.index[test],
            group=prepared.group[test],
            budgets=np.array(budgets),
            snr_db=np.array(settings.snr_db),
        )
