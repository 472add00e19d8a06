"""What a job's journal says of its last attempt, and whether a training state waits for the next one."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semcom.tracking.journal import flatten
from semcom.tracking.runs import Event, is_open, read_events

TRAININGS = ("pretrain", "finetune")
"""Stages whose journals have one step an epoch."""


@dataclass(frozen=True)
class Attempt:
    """The last attempt at a job.

    Attributes:
        status: RUNNING, FINISHED, FAILED or KILLED.
        host, pid: where it runs or ran.
        begin, end: its first and last sign of life, in seconds since 1970.
        params: what it was asked to do.
        events: what it measured.
    """

    status: str
    host: str
    pid: str
    begin: float
    end: float
    params: dict[str, Any]
    events: tuple[Event, ...]

    def asked(self, entry: dict[str, Any]) -> bool:
        """Whether it was asked for what `entry` says; texts are compared, since JSON has fewer types."""
        return {k: str(v) for k, v in flatten(entry).items()} == {k: str(v) for k, v in self.params.items()}

    def reached(self, before: float | None = None) -> str:
        """How far it had come at the time `before`: `budget 5, epoch 3`; empty for a job without epochs."""
        seen = [e for e in self.events if e["event"] == "metrics" and (before is None or e["time"] <= before)]
        if not seen:
            return ""
        budget = seen[-1].get("run", {}).get("budget_epochs")
        return (f"budget {budget}, " if budget else "") + f"epoch {seen[-1]['step']}"


def last(journal: Path | None) -> Attempt | None:
    """The last attempt that wrote this journal."""
    if journal is None or not journal.exists():
        return None
    events = list(read_events(journal))
    starts = [place for place, event in enumerate(events) if event["event"] == "start"]
    if not starts:
        return None
    start, end = events[starts[-1]], events[-1]
    running = end["event"] != "end" and is_open(journal)
    trains = start["tags"].get("stage") in TRAININGS
    return Attempt(
        status=end["status"] if end["event"] == "end" else ("RUNNING" if running else "KILLED"),
        host=str(start.get("host", "")),
        pid=str(start.get("pid", "")),
        begin=start["time"],
        end=end["time"],
        params=start["params"],
        events=tuple(events) if trains else (),
    )


def checkpoint(attempt: Attempt, states: Path) -> str | None:
    """Where the next attempt goes on: `its checkpoint of 20:31:07, after epoch 12`; None if it has none.

    A state folder's lock names the job that held it last by host and process id, as the journal does.
    """
    signed = f"host {attempt.host}, pid {attempt.pid}"
    for lock in states.glob("*.lock"):
        if lock.read_text().strip() != signed or lock.stat().st_mtime > attempt.end + 1:
            continue
        saved = [file.stat().st_mtime for file in lock.with_suffix("").glob("*.pt")]
        if saved:
            reached = attempt.reached(max(saved))
            return f"its checkpoint of {clock(max(saved))}" + (f", after {reached}" if reached else "")
    return None


def clock(seconds: float) -> str:
    """`20:31:07` for a time of today, with the date before it for others."""
    then, now = time.localtime(seconds), time.localtime()
    return time.strftime("%H:%M:%S" if then[:3] == now[:3] else "%Y-%m-%d %H:%M:%S", then)
