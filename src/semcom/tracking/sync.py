"""`semcom track sync`: watches over the process that delivers, so that no server can hold the workflow up.

The limits are on silence, never on the whole: a slow but healthy delivery of hundreds of runs ends, while
a server that is dead, or accepts and never answers, costs at most PROBE_S + SILENCE_S.
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
from pathlib import Path
from typing import IO

from semcom.files.errors import SemcomError
from semcom.tracking import database

PROBE_S = 5.0
"""Until a server first answers at all."""
SILENCE_S = 8.5
"""Between two answers of a server (importing MLflow before the first takes 1 to 5 s)."""
DATABASE_S = 60.0
"""Between two answers of a database file, which may be locked for a while."""


def sync(study: str, *, results: Path, uri: str | None, wait_s: float | None) -> str:
    """Deliver the journals of `study` to MLflow, as often as one likes.

    Args:
        study: The study's name, and its experiment's.
        results: The folder that has the study's folder.
        uri: Where to; see `database.choose`.
        wait_s: How long to wait for another delivery of the same study to end; None: as long as it takes.

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
        with _alone(folder / ".lock", wait_s) as lock:
            done = _watch(folder, study, target, lock)
    except (SemcomError, OSError) as error:
        option = f" --uri {uri}" if uri else ""
        later = f"the results are whole, and `semcom track sync {study}{option}` delivers later"
        raise SemcomError(f"study {study} is not delivered to {target}: {error}; {later}") from error
    return f"study {study} is delivered to {target}: {done}"


@contextmanager
def _alone(path: Path, wait_s: float | None) -> Iterator[IO[bytes]]:
    """Hold the study's lock; the delivering process inherits it, should this one be killed."""
    with path.open("ab") as lock:
        end = None if wait_s is None else time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if end is not None and time.monotonic() > end:
                    raise SemcomError("another delivery of it is under way") from None
                time.sleep(0.1)
        yield lock


def _watch(folder: Path, study: str, uri: str, lock: IO[bytes]) -> str:
    """Run the delivery and end it when it falls silent."""
    command = [sys.executable, "-m", "semcom.tracking.mlflow_sync", str(folder), study, uri]
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command,
            env=os.environ | database.ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            pass_fds=[lock.fileno()],
        )
        try:
            assert child.stdout is not None
            last = _last_line(child.stdout.fileno(), server=database.is_server(uri))
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


def _last_line(handle: int, *, server: bool) -> str:
    """Read lines until the one that ends the delivery, or to the end; the last of them.

    Raises:
        SemcomError: None came for too long.
    """
    text, limit = b"", PROBE_S if server else DATABASE_S
    while select.select([handle], [], [], limit)[0]:
        piece = os.read(handle, 65536)
        text += piece
        lines = text.decode(errors="replace").splitlines(keepends=True) or [""]
        if not piece or (lines[-1].startswith(("done ", "error ")) and lines[-1].endswith("\n")):
            return lines[-1].strip()
        limit = SILENCE_S if server else DATABASE_S
    raise SemcomError(f"no answer for {limit:g} s")
