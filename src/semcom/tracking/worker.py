"""The process that delivers, seen from outside: started once, asked for rounds, ended when it falls silent.

The limits are on silence, never on the whole: a slow but healthy delivery of hundreds of runs ends, while
a server that is dead, or accepts and never answers, costs at most `Patience.first_s`.
"""

import contextlib
import fcntl
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from semcom.files.errors import SemcomError
from semcom.tracking import database


@dataclass(frozen=True)
class Patience:
    """How long silence may last, in seconds."""

    lock_s: float
    """For another delivery of the same study to end."""
    probe_s: float
    """From the start until the server says anything at all."""
    first_s: float
    """From the start until MLflow, imported by then (1 to 5 s), has its first answer."""
    silence_s: float
    """Between two answers."""
    request_s: int
    """For one request: a server that is overrun fails that, and the next delivery goes on from there."""


@contextmanager
def alone(lock: IO[bytes], wait_s: float) -> Iterator[bool]:
    """Hold the study's lock; the worker shares it, should this process be killed while it delivers.

    Yields:
        Whether this process was the last one that held it.

    Raises:
        SemcomError: another delivery held it for too long.
    """
    me = f"{os.uname().nodename} {os.getpid()}".encode()
    end = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > end:
                raise SemcomError("another delivery of it is under way") from None
            time.sleep(0.1)
    try:
        path = Path(lock.name)
        last = path.read_bytes() == me
        if not last:
            path.write_bytes(me)
        yield last
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)


class Worker:
    """A process of `semcom.tracking.mlflow_sync` for one study; ends with `close` or with this process."""

    def __init__(self, folder: Path, study: str, target: str, *, request_s: int, lock: IO[bytes]) -> None:
        command = [sys.executable, "-m", "semcom.tracking.mlflow_sync", str(folder), study, target]
        timeout = {"MLFLOW_HTTP_REQUEST_TIMEOUT": str(request_s)}
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        self.process = subprocess.Popen(
            command,
            env=os.environ | database.ENVIRONMENT | timeout,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            pass_fds=[lock.fileno()],
        )

    def round(self, limits: Patience, *, anew: bool = True) -> str:
        """Deliver what is not there yet; `anew`: others may have delivered since the last round.

        Returns:
            What was done, for people.

        Raises:
            SemcomError: nothing or not everything was delivered. The worker may have ended: close it.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(b"anew\n" if anew else b"on\n")
            self.process.stdin.flush()
            last = _last_line(self.process.stdout.fileno(), limits)
        except BrokenPipeError:
            last = ""
        kind, _, text = last.partition(" ")
        if kind == "done":
            return text
        raise SemcomError(text if kind == "error" else f"the delivery ended early ({self._last_words()})")

    def close(self) -> None:
        """End the process at once, whatever it waits for."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.errors):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _last_words(self) -> str:
        self.errors.seek(0)
        words = self.errors.read().decode(errors="replace").strip().splitlines()
        return words[-1] if words else "no message"


def _last_line(handle: int, limits: Patience) -> str:
    """Read lines until the one that ends the round, or to the end; the last of them.

    Raises:
        SemcomError: None came for too long.
    """
    text, begin = b"", time.monotonic()
    last = begin
    end = begin + limits.probe_s
    while select.select([handle], [], [], max(0.0, end - time.monotonic()))[0]:
        piece = os.read(handle, 65536)
        text += piece
        lines = text.decode(errors="replace").splitlines(keepends=True) or [""]
        if not piece or (lines[-1].startswith(("done ", "error ")) and lines[-1].endswith("\n")):
            return lines[-1].strip()
        last = time.monotonic()
        end = begin + limits.first_s if len(lines) == 1 else last + limits.silence_s
    raise SemcomError(f"no answer for {time.monotonic() - last:.0f} s")
