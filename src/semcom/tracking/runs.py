"""Reads journals back as flat runs, one a (study, system, stage, method, link, labels, budget, seed).

Standard library only. A field that a stage lacks is left out. Of a run of several attempts (killed and
resumed) the last start's tags and params and the last value of each (metric, step) count.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semcom.files.hashes import digest

FIELDS = ("study", "system", "stage", "method", "link", "labels", "budget_epochs", "seed")
"""The tags that name a run, in the order in which it is written down."""

SHORT = {"stage": "", "method": "", "link": "", "labels": "", "budget_epochs": "b", "seed": "s"}

Event = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """One value of one metric."""

    metric: str
    step: int
    value: float
    time: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Run:
    """One run, as it will stand in MLflow."""

    job: str
    """The journal below the study's journal folder, without `.jsonl`."""
    tags: Mapping[str, str]
    own: tuple[str, ...]
    """The tags that tell this run from others of its job."""
    params: Mapping[str, str]
    status: str
    """FINISHED; FAILED (an exception); KILLED (no end, no living job); RUNNING (a living job)."""
    start: float
    end: float
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """`finetune mmssl awgn_k32 all b5 s0`."""
        known = [f"{short}{self.tags[field]}" for field, short in SHORT.items() if field in self.tags]
        return " ".join(known + [f"{tag}={self.tags[tag]}" for tag in self.own if tag not in FIELDS])

    @property
    def key(self) -> str:
        """The same for every attempt at this run, different for any other run."""
        names = [field for field in FIELDS if field in self.tags]
        names += [tag for tag in self.own if tag not in FIELDS]
        return ",".join(f"{name}={self.tags[name]}" for name in names)

    @property
    def sha(self) -> str:
        """Changes with anything that was written about this run, times included."""
        head = [self.tags, self.params, self.status, self.start, self.end]
        return digest(json.dumps(head, sort_keys=True), repr(self.points))


def read_study(folder: Path) -> list[Run]:
    """The runs of every journal below `results/STUDY/journal`, by path."""
    paths = sorted(folder.rglob("*.jsonl"))
    return [run for path in paths for run in read(path, path.relative_to(folder).with_suffix("").as_posix())]


def read(path: Path, job: str) -> list[Run]:
    """The runs of one journal, none if it has no start; `job` names it."""
    living = is_open(path)
    events = list(_events(path))
    starts = [e for e in events if e["event"] == "start"]
    if not starts:
        return []
    last = events[-1]
    status = last["status"] if last["event"] == "end" else ("RUNNING" if living else "KILLED")
    groups: dict[tuple[tuple[str, str], ...], list[Event]] = {}
    for event in events:
        if event["event"] == "metrics":
            groups.setdefault(tuple(event.get("run", {}).items()), []).append(event)
    return [
        Run(
            job=job,
            tags=starts[-1]["tags"] | dict(own),
            own=tuple(tag for tag, _ in own),
            params={k: str(v) for k, v in starts[-1]["params"].items()},
            status=status,
            start=starts[0]["time"] if len(groups) < 2 else group[0]["time"],
            end=last["time"] if len(groups) < 2 else group[-1]["time"],
            points=_points(group),
        )
        # A job that ended before its first metric is still worth a run.
        for own, group in (groups or {(): [last]}).items()
    ]


def is_open(path: Path) -> bool:
    """Whether a living process holds the journal open (see `semcom.tracking.journal`)."""
    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _events(path: Path) -> Iterator[Event]:
    """Every whole line; one torn by a kill or a full disk is passed over."""
    for line in path.read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "event" in event:
            yield event


def _points(events: Sequence[Event]) -> tuple[Point, ...]:
    last: dict[tuple[str, int], Point] = {}
    for event in events:
        for metric, value in event.get("values", {}).items():
            last[metric, event["step"]] = Point(metric, event["step"], float(value), event["time"])
    return tuple(last[at] for at in sorted(last))
