"""This checkout's jobs in SLURM's queue, told from everybody else's by user, name and working directory."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from semcom.cluster.clients import call
from semcom.files.errors import SemcomError

PREFIX = "semcom_"
"""Snakemake names its jobs `PREFIX` + run id; the profile's `slurm-jobname-prefix` sets it."""
WHOLE = "semcom-whole"
"""Name of the batch job that runs the whole workflow."""
CUT = "\x1f"
"""Between fields: a comment or a folder may hold any printable character."""
FIELDS = ("%i", "%T", "%j", "%N", "%r", "%k", "%Z")


@dataclass(frozen=True)
class Job:
    """A job that is queued, runs or is just ending."""

    id: str
    state: str
    name: str
    node: str
    reason: str
    comment: str
    folder: str

    @property
    def whole(self) -> bool:
        """Whether it runs the whole workflow by itself."""
        return self.name == WHOLE

    def __str__(self) -> str:
        where = self.node or self.reason
        return (
            f"{self.id} {self.comment if self.name.startswith(PREFIX) else self.name} ({self.state}, {where})"
        )


def parse(text: str) -> list[Job]:
    """The jobs of squeue's answer; lines that are no job are left out."""
    rows = [line.split(CUT) for line in text.splitlines()]
    return [Job(*(field.strip() for field in row)) for row in rows if len(row) == len(FIELDS)]


def ours(jobs: Sequence[Job], root: Path) -> list[Job]:
    """Those that Snakemake or the batch script sent from the folder `root`; not the job that asks."""
    here, me = os.path.realpath(root), os.environ.get("SLURM_JOB_ID")
    return [
        job
        for job in jobs
        if (job.name.startswith(PREFIX) or job.whole)
        and job.id != me
        and os.path.realpath(job.folder) == here
    ]


def of_checkout(root: Path) -> list[Job]:
    """The jobs of this user from this checkout that have not ended.

    Raises:
        SemcomError: SLURM does not say.
    """
    answer = call("squeue", "--noheader", "--array", f"--user={os.getuid()}", f"--format={CUT.join(FIELDS)}")
    if not answer.ok:
        raise SemcomError(
            f"SLURM does not say which jobs of {root} are alive (squeue: {answer.fault}), and starting jobs "
            "beside living ones would give a file two writers; try again when `squeue` answers"
        )
    return ours(parse(answer.out), root)


def count(jobs: Sequence[Job]) -> str:
    """`1 job`, `2 jobs`."""
    return f"{len(jobs)} job{'s' * (len(jobs) != 1)}"


def listing(jobs: Sequence[Job], *, most: int = 10) -> str:
    """One line a job, `most` at most."""
    lines = [f"  {job}" for job in jobs[:most]]
    return "\n".join(lines + ([f"  … and {len(jobs) - most} more"] if len(jobs) > most else []))
