"""SLURM's own programs. Each call has a time limit: with the controller dead every one of them hangs."""

import shutil
import subprocess
from dataclasses import dataclass

from semcom.files.errors import SemcomError

TIMEOUT_S = 20.0
"""A client gives up on a dead controller after about 9 s by itself; a busy controller may take longer."""


@dataclass(frozen=True)
class Answer:
    """What a program said; `code` is None if it did not end in time."""

    code: int | None
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.code == 0

    @property
    def fault(self) -> str:
        """Why it failed, on one line."""
        if self.code is None:
            return "no answer in time"
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return " | ".join(lines[:3]) or f"exit code {self.code}"


def call(*command: str, text: str | None = None, timeout: float = TIMEOUT_S) -> Answer:
    """Run a program with `text` as its standard input, for at most `timeout` seconds."""
    try:
        done = subprocess.run(
            command, input=text or "", capture_output=True, text=True, errors="replace", timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return Answer(None, "", "")
    except OSError as error:
        return Answer(127, "", f"{command[0]}: {error.strerror}")
    return Answer(done.returncode, done.stdout, done.stderr)


def here() -> bool:
    """Whether this machine has SLURM's client programs."""
    return all(shutil.which(name) for name in ("sbatch", "squeue", "scancel", "scontrol", "sinfo"))


def require() -> None:
    """Check that this is a machine from which jobs are sent.

    Raises:
        SemcomError: SLURM's programs are not on the PATH.
    """
    if not here():
        raise SemcomError(
            "no SLURM here: sbatch, squeue, scancel, scontrol and sinfo are not all on the PATH; log in to "
            "the cluster's login node (some sites want `module load slurm` first). On one machine alone "
            "nothing of this is needed: snakemake --cores 2"
        )
