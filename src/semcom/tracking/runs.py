"""Reads journals back as flat runs, one a (study, system, stage, method, link, labels, budget, seed).

Standard library only. A field that a stage lacks is left out. Of a run of several attempts (killed and
resumed) the last start's tags and params and the last value of each (metric, step) count; a resumed step
that gives the same value again keeps its first time, so that what was delivered of it stays right.
"""

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from semcom.files.hashes import digest

FIELDS = ("study", "system", "stage", "method", "link", "labels", "budget_epochs", "seed")
"""The tags that name a run, in the order in which it is written down."""

SHORT = {"stage": "", "method": "", "link": "", "labels": "", "budget_epochs": "b", "seed": "s"}

WITHOUT_LOCKS_S = 600.0
"""Where a file system has no locks, a journal that was written within so many seconds counts as living."""

Event = dict[str, Any]
Own = tuple[tuple[str, str], ...]
Stamp = tuple[int, int, int]


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
    replaced: tuple[Point, ...] = ()
    """Values that a later attempt replaced by others."""

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

    @cached_property
    def head(self) -> str:
        """Stays the same while the run only grows: what was delivered under it is a part of the run."""
        return digest(json.dumps([self.tags, self.params, self.start], sort_keys=True), repr(self.replaced))

    @cached_property
    def sha(self) -> str:
        """Changes with anything that was written about this run, times included."""
        return digest(self.head, json.dumps([self.status, self.end]), repr(self.points))


class Reader:
    """Reads a study's journals again and again, and those that have not changed only once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, tuple[Stamp, list[Run]]] = {}

    def read(self) -> list[Run]:
        """The runs of every journal below `results/STUDY/journal`, by path."""
        known, self._known = self._known, {}
        for path in sorted(self.folder.rglob("*.jsonl")):
            with contextlib.suppress(FileNotFoundError):
                self._known[path] = self._look(path, *known.get(path, (None, [])))
        return [run for _, runs in self._known.values() for run in runs]

    def _look(self, path: Path, before: Stamp | None, runs: list[Run]) -> tuple[Stamp, list[Run]]:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        # A job that was killed writes nothing: look whether one that lived still does.
        lived = any(run.status == "RUNNING" for run in runs)
        if stamp != before or not runs or (lived and not is_open(path)):
            runs = read(path, path.relative_to(self.folder).with_suffix("").as_posix())
        return stamp, runs


def read_study(folder: Path) -> list[Run]:
    """The runs of every journal below `results/STUDY/journal`, by path."""
    return Reader(folder).read()


def read(path: Path, job: str) -> list[Run]:
    """The runs of one journal; none if it has no start, or lives and has measured nothing yet."""
    living = is_open(path)
    events = list(read_events(path))
    starts = [e for e in events if e["event"] == "start"]
    if not starts:
        return []
    last = events[-1]
    status = last["status"] if last["event"] == "end" else ("RUNNING" if living else "KILLED")
    groups, begins = _groups(events)
    if not groups and status != "RUNNING":  # a job that ended before its first metric is still worth a run
        groups, begins = {(): [last]}, {(): starts[0]["time"]}
    runs = []
    for own, group in groups.items():
        points, replaced = _points(group)
        runs.append(
            Run(
                job=job,
                tags=starts[-1]["tags"] | dict(own),
                own=tuple(tag for tag, _ in own),
                params={k: str(v) for k, v in starts[-1]["params"].items()},
                status=status,
                start=begins[own],
                end=group[-1]["time"] if own else last["time"],
                points=points,
                replaced=replaced,
            )
        )
    return runs


def is_open(path: Path) -> bool:
    """Whether a living process holds the journal open (see `semcom.tracking.journal`)."""
    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError:  # no locks here, or not ours to write: its age must do
        return time.time() - path.stat().st_mtime < WITHOUT_LOCKS_S
    return False


def _groups(events: Sequence[Event]) -> tuple[dict[Own, list[Event]], dict[Own, float]]:
    """The metrics of each run of a job, and when it began: when the job wrote what precedes its first."""
    groups: dict[Own, list[Event]] = {}
    begins: dict[Own, float] = {}
    before = events[0]
    for event in events:
        if event["event"] == "metrics":
            own = tuple(event.get("run", {}).items())
            begins.setdefault(own, before["time"])
            groups.setdefault(own, []).append(event)
        before = event
    return groups, begins


def read_events(path: Path) -> Iterator[Event]:
    """Every whole line; one torn by a kill or a full disk, or just being written, is passed over."""
    content = path.read_bytes()
    for line in content[: content.rfind(b"\n") + 1].splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "event" in event:
            yield event


def _points(events: Sequence[Event]) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """The last value of each (metric, step), and the values that it replaced."""
    last: dict[tuple[str, int], Point] = {}
    replaced = []
    for event in events:
        for metric, value in event.get("values", {}).items():
            point = Point(metric, event["step"], float(value), event["time"])
            before = last.get((metric, point.step))
            if before is not None and repr(before.value) == repr(point.value):  # NaN is NaN
                continue
            if before is not None:
                replaced.append(before)
            last[metric, point.step] = point
    return tuple(last[at] for at in sorted(last)), tuple(replaced)
