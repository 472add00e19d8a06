"""Which processes belong to a cluster of slurm.py, and their end."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def found(folder: Path, mark: str) -> set[int]:
    """Processes that work in `folder` or below or whose environment holds `mark`, and all that they started.

    The steps of jobs are known by their folder (they overwrite their environment), the rest by the mark.
    Neither this process nor a zombie is one of them.
    """
    known, children = set(), {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if state == "Z":
                continue
            children.setdefault(int(parent), []).append(int(entry.name))
            place, environment = Path(os.readlink(entry / "cwd")), (entry / "environ").read_bytes()
            if place.is_relative_to(folder) or mark.encode() in environment.split(b"\0"):
                known.add(int(entry.name))
    known.discard(os.getpid())
    new = list(known)
    while new:
        new = [child for process in new for child in children.get(process, []) if child not in known]
        known.update(new)
    return known


def kill(those: set[int]) -> None:
    """End them at once (SIGKILL)."""
    for process in those:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
