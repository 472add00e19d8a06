"""`semcom track follow`: delivers while jobs run, from a process of its own beside the workflow's.

It looks at the journals every few seconds and has a `Worker` deliver what is new; when a server is gone or
falls silent the worker is ended, and asked again later. It ends with the workflow's process, however that
ends, and when `stop` asks it to.
"""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from semcom.files.errors import SemcomError
from semcom.tracking import database
from semcom.tracking.worker import Patience, Worker, alone

LIVE = Patience(lock_s=5, probe_s=30, first_s=600, silence_s=120, request_s=10)
"""Nobody waits for the follower, and it gives way to the jobs: it may well be slow."""
EVERY_S, LONGEST_S = 5.0, 60.0
"""Seconds from one round to the next, and at most after rounds that failed or took long."""
RELIEF = 10
"""The pause is at least so many times as long as the round before."""
NICE = 5
LINGER_S = 2.0
"""Before the last round: jobs that were killed with the workflow need a moment to be dead."""


def follow(
    study: str, *, results: Path, uri: str | None, pid: int | None = None, every_s: float = EVERY_S
) -> None:
    """Deliver the journals of `study` again and again while they grow; one follower a study.

    Args:
        study: The study's name, and its experiment's.
        results: The folder that has the study's folder.
        uri: Where to; see `database.choose`.
        pid: End after a last round when this process has ended; None: follow until interrupted.
        every_s: Seconds between two rounds.

    Raises:
        SemcomError: Another follower is at work, and there is no process to wait for it with.
    """
    os.nice(NICE)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    process = Process.of(pid) if pid is not None else None
    folder = results / study / "journal"
    folder.mkdir(parents=True, exist_ok=True)
    with _only(folder / ".follow", process), open(folder / ".lock", "ab") as lock:
        _say(f"follows study {study} to {database.choose(uri)}")
        feed = Feed(folder, study, database.choose(uri), lock)
        pause, said = 0.0, ""
        with contextlib.closing(feed):
            while True:
                over = _wait(pause, process)
                if over:
                    time.sleep(LINGER_S)
                begin = time.monotonic()
                text, good = feed.round()
                longer = RELIEF * (time.monotonic() - begin) if good else 2 * pause
                pause = min(max(every_s, longer), LONGEST_S)
                if text != said:
                    _say(text)
                said = text
                if over:
                    return


def stop(study: str, *, results: Path, wait_s: float = 3.0) -> None:
    """End the study's follower, if one runs on this machine; what it has not delivered is for `sync`."""
    path = results / study / "journal" / ".follow"
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = time.monotonic() + wait_s
        asked = False
        while not _locked(file) and time.monotonic() < end:
            host, _, pid = path.read_text().partition(" ")
            if not asked and host == socket.gethostname() and pid.isdigit():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)
                asked = True
            time.sleep(0.05)


class Feed:
    """The worker of a follower: started when there is something to do, ended when a round fails."""

    def __init__(self, folder: Path, study: str, target: str, lock: IO[bytes]) -> None:
        self.folder, self.study, self.target, self.lock = folder, study, target, lock
        self.worker: Worker | None = None

    def round(self) -> tuple[str, bool]:
        """One round; what it did or why not, and whether it went well."""
        try:
            database.init(self.target)
            with alone(self.lock, LIVE.lock_s) as last:
                if self.worker is None:
                    self.worker = Worker(
                        self.folder, self.study, self.target, request_s=LIVE.request_s, lock=self.lock
                    )
                return self.worker.round(LIVE, anew=not last), True
        except (SemcomError, OSError) as error:
            self.close()
            return f"not delivered: {error}", False

    def close(self) -> None:
        """End the worker."""
        if self.worker is not None:
            self.worker.close()
        self.worker = None


@dataclass(frozen=True)
class Process:
    """A process of this machine; a later one of the same id is another."""

    pid: int
    start: str

    @classmethod
    def of(cls, pid: int) -> "Process":
        """The process that has this id now; one that has ended already counts as ended."""
        return cls(pid, cls._start(pid))

    @property
    def ended(self) -> bool:
        """Whether it has ended, a zombie included."""
        return not self.start or self._start(self.pid) != self.start

    @staticmethod
    def _start(pid: int) -> str:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]


def _wait(seconds: float, process: Process | None) -> bool:
    """Sleep; whether `process` has ended."""
    end = time.monotonic() + seconds
    while not (process and process.ended):
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(left, 0.5))
    return True


@contextmanager
def _only(path: Path, process: Process | None) -> Iterator[None]:
    """Hold the study's place for a follower; with a process to wait for, wait for one that is ending."""
    with path.open("a+b") as file:
        while not _locked(file):
            if process is None:
                raise SemcomError(f"another follower is at work ({path.read_text()}); it delivers")
            if _wait(1.0, process):
                sys.exit(0)
        path.write_text(f"{socket.gethostname()} {os.getpid()}")
        yield


def _locked(file: IO[bytes]) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} tracking: {text}", file=sys.stderr, flush=True)
