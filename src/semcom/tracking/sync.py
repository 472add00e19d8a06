"""`semcom track sync`: watches over the process that delivers, so that no server can hold the workflow up.

The limits are on silence, never on the whole: a slow but healthy delivery of hundreds of runs ends, while
a server that is dead, or accepts and never answers, costs at most `Patience.first_s`.
"""

import fcntl
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
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


HASTY = Patience(lock_s=1, probe_s=5, first_s=13, silence_s=8, request_s=5)
"""At the end of a workflow, which must not take 15 s longer whatever the server does."""
PATIENT = Patience(lock_s=600, probe_s=10, first_s=60, silence_s=60, request_s=30)
"""Asked for by a person, and for any database file, which may be locked for a while."""


def sync(study: str, *, results: Path, uri: str | None, patience: Patience = PATIENT) -> str:
    """Deliver the journals of `study` to MLflow, as often as one likes.

    Args:
        study: The study's name, and its experiment's.
        results: The folder that has the study's folder.
        uri: Where to; see `database.choose`.
        patience: How long to wait for a server; for a database file only its `lock_s` counts.

    Returns:
        What was delivered, in one line.

    Raises:
        SemcomError: Nothing or not everything was delivered, with the reason and the way out.
    """
    folder = results / study / "journal"
    target = database.choose(uri)
    if not folder.is_dir():
        raise SemcomError(f"no journals in {folder}; name a study that has run (a folder of {results})")
    try:
        database.init(target)
        with _alone(folder / ".lock", patience.lock_s) as lock:
            limits = patience if database.is_server(target) else replace(PATIENT, lock_s=0)
            done = _watch([str(folder), study, target], limits, lock)
    except (SemcomError, OSError) as error:
        option = f" --uri {uri}" if uri else ""
        later = f"the results are whole, and `semcom track sync {study}{option}` delivers later"
        raise SemcomError(f"study {study} is not delivered to {target}: {error}; {later}") from error
    return f"study {study} is delivered to {target}: {done}"


@contextmanager
def _alone(path: Path, wait_s: float) -> Iterator[IO[bytes]]:
    """Hold the study's lock; the delivering process inherits it, should this one be killed."""
    with path.open("ab") as lock:
        end = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise SemcomError("another delivery of it is under way") from None
                time.sleep(0.1)
        yield lock


def _watch(arguments: list[str], limits: Patience, lock: IO[bytes]) -> str:
    """Run the delivery and end it when it falls silent."""
    command = [sys.executable, "-m", "semcom.tracking.mlflow_sync", *arguments]
    timeout = {"MLFLOW_HTTP_REQUEST_TIMEOUT": str(limits.request_s)}
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command,
            env=os.environ | database.ENVIRONMENT | timeout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            pass_fds=[lock.fileno()],
        )
        try:
            assert child.stdout is not None
            last = _last_line(child.stdout.fileno(), limits)
        finally:
            child.kill()
            child.wait()
        kind, _, text = last.partition(" ")
        if kind == "done":
            return text
        if kind == "error":
            raise SemcomError(text)
        errors.seek(0)
        words = errors.read().decode(errors="replace").strip().splitlines()
        raise SemcomError(f"the delivery ended early ({words[-1] if words else 'no message'})")


def _last_line(handle: int, limits: Patience) -> str:
    """Read lines until the one that ends the delivery, or to the end; the last of them.

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
