"""Going on after an interruption, with never two writers of one file.

another main process? ─► options right? ─► jobs of the killed run: cancel or wait ─► unlock ─► snakemake
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from semcom.cluster import alone, child, clients, jobs, processes
from semcom.files.errors import SemcomError
from semcom.progress import log

POLL_S, SAY_S = 1.0, 30.0
SILENCE_S = 600.0
"""So long a controller may be away while orphans are waited for."""


def resume(root: Path, options: Sequence[str], *, adopt: bool, dry_run: bool, patience_s: float) -> int:
    """Go on where a killed Snakemake stopped; Snakemake's exit code.

    Args:
        root: the checkout.
        options: of the snakemake command.
        adopt: wait until the jobs of the killed run have ended by themselves, do not cancel them.
        dry_run: say what would be done, do nothing.
        patience_s: how long cancelled jobs may take to be gone.

    Raises:
        SemcomError: something that writes here is alive and is not ours to end.
    """
    if not (root / "Snakefile").is_file():
        raise SemcomError(f"no Snakefile in {root}: go to the folder of the checkout")
    if not options:
        raise SemcomError("give the options of your snakemake command, such as: --profile profiles/slurm")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(child.STOPPED))
    lock = alone.hold(root)
    _refuse_the_living(root)
    orphans = jobs.of_checkout(root) if clients.here() else []
    _refuse_whole(orphans)
    locked = any((root / ".snakemake/locks").glob("*.lock"))
    _check(root, options)
    if dry_run:
        _say_plan(orphans, adopt=adopt, locked=locked, options=options)
        return 0
    if orphans:
        _settle(root, orphans, adopt=adopt, patience_s=patience_s)
    if locked:
        log.info("unlocking: the run that held the lock is gone")
        if said := child.fault(root, [*options, "--unlock"]):
            raise SemcomError(f"snakemake --unlock failed:\n{said}")
    return child.run(root, options, lock)


def _refuse_the_living(root: Path) -> None:
    here = processes.of_checkout(root)
    if mains := [p for p in here if p.main]:
        raise SemcomError(
            f"Snakemake still works in this folder (pid {mains[0].pid} on this host): wait for it, or "
            f"{processes.way_to_stop(mains[0].pid)}; then run the same command again"
        )
    mine = ("", os.environ.get("SLURM_JOB_ID"))  # those of other jobs are SLURM's to end
    if left := [p for p in here if p.stage and p.slurm_job in mine]:
        pids = " ".join(str(p.pid) for p in left)
        raise SemcomError(
            f"processes of an earlier run still write here ({', '.join(p.stage for p in left)}): wait for "
            f"them, or stop them with kill {pids}, which leaves checkpoints; then run the same command again"
        )


def _refuse_whole(found: Sequence[jobs.Job]) -> None:
    if whole := [job for job in found if job.whole]:
        raise SemcomError(
            f"a batch job runs or will run the whole workflow in this folder:\n{jobs.listing(whole)}\n"
            f"let it, or cancel it with scancel {whole[0].id}, and run the same command again"
        )


def _say_plan(orphans: Sequence[jobs.Job], *, adopt: bool, locked: bool, options: Sequence[str]) -> None:
    if orphans:
        log.info(
            "%s:\n%s",
            f"would {'wait for' if adopt else 'cancel'} {jobs.count(orphans)}",
            jobs.listing(orphans),
        )
    else:
        log.info("no jobs of an earlier run are alive")
    log.info("the folder is %s", "locked by a run that is gone: would unlock it" if locked else "not locked")
    log.info("would run: snakemake %s", " ".join(options))


def _check(root: Path, options: Sequence[str]) -> None:
    """A dry run, so that a typing error ends this before anything is cancelled."""
    if said := child.fault(root, [*options, "--dry-run", "--quiet", "host", "rules", "progress", "reason"]):
        hint = "".join(
            f"\n`--configfile` takes every word after it, {word!r} too: name targets before it"
            for word in child.mistaken(options)
        )
        raise SemcomError(f"snakemake does not take this, so nothing was done:\n{said}{hint}")


def _settle(root: Path, orphans: Sequence[jobs.Job], *, adopt: bool, patience_s: float) -> None:
    """Cancel the orphans, or let them end; return when none is left.

    Raises:
        SemcomError: cancelled jobs are still there after `patience_s`, or SLURM has been silent for long.
    """
    doing = "waiting for" if adopt else "cancelling"
    log.info("%s %s of the killed run:\n%s", doing, jobs.count(orphans), jobs.listing(orphans))
    if not adopt:
        clients.call("scancel", *(job.id for job in orphans))
    start = said = answered = time.monotonic()
    left = list(orphans)
    while left:
        time.sleep(POLL_S)
        now = time.monotonic()
        try:
            left, answered = jobs.of_checkout(root), now
        except SemcomError:
            if now - answered > SILENCE_S:
                raise
        _refuse_whole(left)
        if not adopt and now - start > patience_s:
            raise SemcomError(
                f"after {patience_s:.0f} s these cancelled jobs are not gone (a node may be out of reach):\n"
                f"{jobs.listing(left)}\nrun the same command again when `squeue --me` lists them no more"
            )
        if now - said > SAY_S:
            said = now
            log.info("%s left", jobs.count(left))
    log.info("they are gone (%.0f s)", time.monotonic() - start)
