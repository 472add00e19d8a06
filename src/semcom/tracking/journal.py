"""The journal of one job: one JSON line an event, appended as the job goes. Standard library only.

    {"event": "start", "time": 1.7e9, "host": "node1", "pid": 4711, "tags": {"stage": "finetune", ...},
     "params": {"link.channel_uses": 32}}
    {"event": "metrics", "time": 1.7e9, "run": {"budget_epochs": 5}, "step": 3, "values": {"train/loss": 0.7}}
    {"event": "end", "time": 1.7e9, "status": "FINISHED"}

A job that covers several runs (a fine-tuning covers all budgets) names each event's run by the few tags
that its runs do not share. A killed job leaves no end, and perhaps a torn last line; `semcom.tracking.runs`
reads both. Results never depend on a journal.
"""

import contextlib
import fcntl
import json
import math
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, SupportsFloat

from semcom.files.errors import SemcomError, Stopped


class Journal:
    """Appends events to an open file. Made by `Journal.open`."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    @classmethod
    @contextmanager
    def open(
        cls, path: Path, tags: Mapping[str, str], params: Mapping[str, object], fresh: bool = True
    ) -> Iterator["Journal"]:
        """Write the start, hand out the journal, write the end: FINISHED, FAILED where an exception passes.

        A job that SIGTERM or Ctrl-C stopped is KILLED, as one that leaves no end.

        Args:
            path: The journal's file; its folder is made if missing.
            tags: What names the job: of study, system, stage, method, link, labels, seed those that it has.
            params: What the job was asked to do; nested mappings are flattened with dots.
            fresh: Start anew; False keeps what an earlier, killed attempt of the same job wrote (a resume).

        Raises:
            SemcomError: The file cannot be written.
        """
        journal = cls(_open(Path(path), fresh=fresh))
        with journal.file:
            here = {"host": socket.gethostname(), "pid": os.getpid()}
            named = {k: str(v) for k, v in tags.items()}
            journal._write("start", **here, tags=named, params=flatten(params))
            try:
                yield journal
            except BaseException as fault:
                killed = isinstance(fault, Stopped | KeyboardInterrupt)
                with contextlib.suppress(SemcomError):  # the fault that passes is the one to tell
                    journal._write("end", status="KILLED" if killed else "FAILED")
                raise
            journal._write("end", status="FINISHED")

    def metrics(
        self, values: Mapping[str, SupportsFloat], *, step: int, run: Mapping[str, object] | None = None
    ) -> None:
        """Append metrics at one step.

        Args:
            values: Numbers by name, such as `train/loss`; NaN and infinities are kept.
            step: An integer: epoch, or Es/N0 in dB for a sweep; of repeated ones (a resume) the last counts.
            run: Tags of the run within this job, such as `{"budget_epochs": 5}`.
        """
        extra = {} if run is None else {"run": {k: str(v) for k, v in run.items()}}
        self._write("metrics", **extra, step=int(step), values={k: _number(v) for k, v in values.items()})

    def _write(self, event: str, **fields: object) -> None:
        line = json.dumps({"event": event, "time": round(time.time(), 3), **fields}, allow_nan=False)
        try:
            self.file.write(line.encode() + b"\n")
        except OSError as error:
            raise SemcomError(
                f"cannot write the journal {self.file.name}: {error.strerror}; free some space, then run "
                "the same command again: it goes on at the last checkpoint"
            ) from error


def flatten(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Nested mappings as one flat mapping with dotted keys; lists become JSON text.

    >>> flatten({"link": {"channel": {"use": "awgn"}, "channel_uses": 32}, "budgets": [1, 2]})
    {'link.channel.use': 'awgn', 'link.channel_uses': 32, 'budgets': '[1, 2]'}
    """
    flat: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        elif value is None or isinstance(value, bool | int | str):
            flat[f"{prefix}{key}"] = value
        elif isinstance(value, float):
            flat[f"{prefix}{key}"] = _number(value)
        else:
            flat[f"{prefix}{key}"] = json.dumps(value, default=str)
    return flat


def _open(path: Path, *, fresh: bool) -> IO[bytes]:
    """Open for appending, without a killed attempt's torn last line; a lock says that the job lives."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w+b" if fresh else "a+b", buffering=0)
        if not fresh:
            file.truncate(path.read_bytes().rfind(b"\n") + 1)
    except OSError as error:
        message = f"cannot write the journal {path}: {error.strerror}; make its folder writable"
        raise SemcomError(message) from error
    with contextlib.suppress(
        OSError
    ):  # a file system without locks: a living job then looks like a killed one
        fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _number(value: SupportsFloat) -> float | str:
    """A float as strict JSON takes it: NaN and infinities as text, which `float` reads back."""
    number = float(value)
    return number if math.isfinite(number) else repr(number)
