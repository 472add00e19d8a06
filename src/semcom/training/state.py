"""Training state outside the declared outputs: held by one job, kept when the job is killed.

Snakemake deletes declared outputs before it re-runs a job, so what a resumed job needs lies in a folder of
its own, named by a digest of everything that decides the job's result.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semcom.files.atomic import write_text
from semcom.files.lock import alone
from semcom.files.provenance import cpu
from semcom.progress import log
from semcom.training import weights
from semcom.training.stop import Stop, on_sigterm


@dataclass(frozen=True)
class State:
    """A state folder that this job holds.

    Attributes:
        folder: where the state is.
        stop: whether SIGTERM asked the job to stop; `fit` heeds it after the running step.
    """

    folder: Path
    stop: Stop

    def save(self, name: str, content: Any) -> None:
        """Save tensors and plain values under `name`, atomically."""
        weights.save(self.folder / f"{name}.pt", content)

    def load(self, name: str) -> Any:
        """What was saved under `name`, or None."""
        path = self.folder / f"{name}.pt"
        return weights.load(path) if path.exists() else None

    def remove(self, name: str) -> None:
        """Forget what was saved under `name`."""
        (self.folder / f"{name}.pt").unlink(missing_ok=True)

    @property
    def resumed(self) -> bool:
        """Whether an earlier job left something here."""
        return any(self.folder.glob("*.pt"))


@contextmanager
def state(root: Path, digest: str, *, first: bool = True) -> Iterator[State]:
    """Hold the folder `root/digest`; on success it is removed, on failure it is kept for the next job.

    SIGTERM is taken as a request to stop meanwhile.

    Args:
        root: of all training states.
        digest: of everything that decides the job's result.
        first: False in the other processes of a job whose first one holds the folder: they only read it.

    Raises:
        SemcomError: another job that is alive holds it, or it cannot be written.
    """
    folder = root / digest
    if not first:
        with on_sigterm() as stop:
            yield State(folder, stop)
        return
    way = (
        "it computes the same result; wait for it, or stop it and run the same command again: it goes on at "
        "the last checkpoint"
    )
    with alone(root / f"{digest}.lock", what=f"{folder} is held", way=way), on_sigterm() as stop:
        folder.mkdir(exist_ok=True)
        held = State(folder, stop)
        _machine(held)
        yield held
        shutil.rmtree(folder)


def _machine(held: State) -> None:
    """Remember the CPU type; bits are promised for one type only, so a resume on another says so."""
    path, here = held.folder / "machine.json", cpu()
    if held.resumed and path.exists():
        try:
            before = json.loads(path.read_text())["cpu"]
        except (ValueError, KeyError, TypeError):
            before = "unknown"
        if before != here:
            log.info(
                "resumes on another CPU type (%s, before %s): results may differ in the last bits",
                here,
                before,
            )
    write_text(path, json.dumps({"cpu": here}))
