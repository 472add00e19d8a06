"""Progress and log texts: plain lines with the job's name, to standard error and to the job's log."""

import logging
import sys
import time
from pathlib import Path

from semcom.files.errors import SemcomError

log = logging.getLogger("semcom")


def start(job: str, path: Path | None, *, least: int = logging.INFO) -> None:
    """Send messages from level `least` on to standard error and, if given, to the log file `path`."""
    log.setLevel(least)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handlers.append(logging.FileHandler(path, mode="w"))
        except OSError as error:
            raise SemcomError(f"cannot write the log {path}: {error.strerror}; make it writable") from error
    logging.raiseExceptions = False  # a full disk must not bury the job's own message
    for handler in handlers:
        handler.setFormatter(logging.Formatter(f"[{job}] %(message)s"))
    log.handlers = handlers


def clock(seconds: float) -> str:
    """Whole seconds as `1:02:03` or `2:03`."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"


class Progress:
    """Says how far a job is and how long the rest will take, at most once every `every` seconds."""

    def __init__(self, total: float, *, done: float = 0, every: float = 10.0) -> None:
        self.total, self.first, self.every = total, done, every
        self.begin = self.last = time.monotonic()

    def step(self, done: float, text: str) -> None:
        """`done` of `total` units are done; `text` says what was seen."""
        now = time.monotonic()
        if now - self.last < self.every and done < self.total:
            return
        self.last = now
        spent = now - self.begin
        left = spent * (self.total - done) / max(done - self.first, 1e-9)
        log.info("%s  (%d %%, %s left)", text, round(100 * done / self.total), clock(left))
