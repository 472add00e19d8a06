"""Processes of this host that work for this checkout."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STAGES = ("prepare", "pretrain", "knowledge", "tune", "finetune", "evaluate", "report")
SHELLS = ("bash", "sh", "dash")


@dataclass(frozen=True)
class Process:
    """A process of this user whose working directory is the checkout."""

    pid: int
    command: tuple[str, ...]
    slurm_job: str

    @property
    def main(self) -> bool:
        """Whether it is a Snakemake that starts jobs; those that run one job carry `--mode`."""
        names = [os.path.basename(word) for word in self.command[:4]]
        return "snakemake" in names and not {"--mode", "-n", "--dry-run", "--unlock"} & set(self.command)

    @property
    def stage(self) -> str:
        """The stage whose verb it runs; empty if none."""
        for before, word in zip(self.command, self.command[1:], strict=False):
            if os.path.basename(before) == "semcom" and word in STAGES:
                return word
        return ""


def of_checkout(root: Path) -> list[Process]:
    """This user's processes that work in `root`, but for this one and those that are ending."""
    here = os.path.realpath(root)
    found = []
    for pid in _pids():
        folder = Path("/proc") / str(pid)
        try:
            if pid == os.getpid() or os.readlink(folder / "cwd") != here:
                continue
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # another user's, or gone by now
            continue
        words = tuple(os.fsdecode(word) for word in command.split(b"\0")[:-1])
        of_job = [os.fsdecode(e)[13:] for e in environment if e.startswith(b"SLURM_JOB_ID=")]
        found.append(Process(pid, words, of_job[0] if of_job else ""))
    return found


def deaf(pid: int) -> bool:
    """Whether it ignores Ctrl-C (SIGINT), as what a script starts with `&` does."""
    try:
        status = (Path("/proc") / str(pid) / "status").read_text()
    except OSError:
        return False
    ignored = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigIgn:")]
    return bool(ignored and ignored[0] >> (signal.SIGINT - 1) & 1)


def way_to_stop(pid: int) -> str:
    """The command that stops a Snakemake of this host, and what it does."""
    if deaf(pid):
        return (
            f"stop it with kill {pid} (it runs in the background and does not hear kill -INT): it then "
            "sends no more jobs, and ends when those that run have ended"
        )
    return f"stop it with kill -INT {pid}, which cancels its jobs"


def descendants(pid: int) -> list[int]:
    """The processes that `pid` started, and those that they started, but for shells, which only wait."""
    children: dict[int, list[int]] = {}
    names: dict[int, str] = {}
    for other in _pids():
        try:
            name, _, rest = (
                (Path("/proc") / str(other) / "stat").read_text().partition("(")[2].rpartition(")")
            )
        except OSError:
            continue
        children.setdefault(int(rest.split()[1]), []).append(other)
        names[other] = name
    found, ahead = [], list(children.get(pid, []))
    while ahead:
        found.append(ahead.pop())
        ahead += children.get(found[-1], [])
    return [other for other in found if names[other] not in SHELLS]


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())
