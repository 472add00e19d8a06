"""One Snakemake a checkout, also where a cluster has several login nodes.

Snakemake's own lock stays when it is killed, and does not say who holds it. So its main process holds a file
by flock as well, from its first job to its end: the kernel lets go of it whatever ends the process, and a
file system that shares locks shows it on every host.
"""

import errno
import fcntl
import os
import re
import socket
from pathlib import Path

from semcom.cluster import jobs, processes
from semcom.files.errors import SemcomError
from semcom.progress import log

LOCK = Path(".snakemake/semcom.main")
KEY = "SEMCOM_MAIN"
"""Set by a process that holds the lock for the Snakemake which it starts; its value is the lock's text."""
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
WAY_OUT = (
    "`semcom cluster resume OPTIONS`, with the options of your snakemake command, cancels them and goes on"
)


def hold(root: Path) -> int:
    """Hold the checkout; the file descriptor that does it, until the process ends. -1 where flock is unknown.

    Raises:
        SemcomError: another process holds it, or its file cannot be written.
    """
    path = root / LOCK
    try:
        path.parent.mkdir(exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SemcomError(f"cannot write {path}: {error.strerror}; make its folder writable") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(handle, 200, 0).decode(errors="replace").strip()
        os.close(handle)
        if error.errno in NO_LOCKS:
            log.info("this file system has no locks (%s): nothing keeps a second run out", error.strerror)
            return -1
        raise SemcomError(
            f"Snakemake still works in this folder ({holder or 'just starting'}): wait for it, or "
            f"{_way_to_stop(root, holder)}; then run the same command again"
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{text()}\n".encode(), 0)
    return handle


def text() -> str:
    """How this process signs the lock."""
    whole = os.environ.get("SLURM_JOB_NAME") == jobs.WHOLE
    of_job = f", batch job {os.environ.get('SLURM_JOB_ID')}" if whole else ""
    return f"host {socket.gethostname()}, pid {os.getpid()}{of_job}"


def _way_to_stop(root: Path, holder: str) -> str:
    """How to stop the one that signed `holder`; under `resume` that is not Snakemake itself."""
    if of_job := re.search(r"batch job (\d+)", holder):
        return f"cancel it with scancel {of_job[1]}"
    signed = re.fullmatch(rf"host {re.escape(socket.gethostname())}, pid (\d+)", holder)
    if not signed:
        return (
            "stop it there with Ctrl-C, which cancels its jobs (one in the background with kill PID: it then "
            "sends no more jobs, and ends when those that run have ended)"
        )
    mains = [process.pid for process in processes.of_checkout(root) if process.main]
    return processes.way_to_stop(mains[0] if mains else int(signed[1]))


def held_for_us(root: Path) -> bool:
    """Whether the process that started this one holds the lock for it."""
    try:
        signed = (root / LOCK).read_text().strip()
    except OSError:
        return False
    return bool(signed) and signed == os.environ.get(KEY)


def begin(root: Path, *, slurm: bool) -> None:
    """What Snakemake's main process does before its first job.

    Args:
        root: the checkout.
        slurm: jobs go to SLURM, so that jobs of a killed run may still be alive there.

    Raises:
        SemcomError: another main process works here, or jobs of an earlier one are alive.
    """
    if not held_for_us(root):
        hold(root)
    if slurm and (orphans := jobs.of_checkout(root)):
        raise SemcomError(
            f"{jobs.count(orphans)} of an earlier run of this folder still in SLURM's queue, and both "
            f"would write the same files:\n{jobs.listing(orphans)}\n{WAY_OUT}"
        )
