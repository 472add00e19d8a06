"""Snakemake as a child of ours: asked to stop, it stops in a way that training jobs can go on from."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from semcom.cluster import alone, processes
from semcom.progress import log

STOPPED = os.EX_TEMPFAIL
"""Exit code of a run that was asked to stop (SIGTERM) before it was done, and can go on."""
SNAKEMAKE = (sys.executable, "-m", "snakemake")
LOOK_S = 0.2
COMPLAINT = re.compile(r"\w*(Error|Exception)\b")
MOST = 2000
"""Characters of a complaint."""


def fault(root: Path, options: Sequence[str]) -> str:
    """Run Snakemake for a moment; the end of what it complains of, "" if it does not."""
    done = subprocess.run([*SNAKEMAKE, *options], cwd=root, capture_output=True, text=True)
    return reason(done.stdout, done.stderr) or f"exit code {done.returncode}" if done.returncode else ""


def reason(out: str, err: str) -> str:
    """Why Snakemake ended: in a dry run its errors are on standard output, after a banner."""
    lines = [line for text in (err, out) for line in text.strip().splitlines() if line.strip()]
    if any(line.startswith("usage:") for line in lines):
        return lines[-1]
    begins = [i for i, line in enumerate(lines) if COMPLAINT.match(line)]
    told = lines[begins[0] :] if begins else [line for line in lines if not line.startswith("Using ")]
    return "\n".join(told)[-MOST:]


def mistaken(options: Sequence[str]) -> list[str]:
    """Words after --configfile that are hardly params files: targets that Snakemake takes for some."""
    found, within = [], False
    for word in options:
        if word.startswith("-"):
            within = word in ("--configfile", "--configfiles")
        elif within and not word.endswith((".yaml", ".yml", ".json")):
            found.append(word)
    return found


def run(root: Path, options: Sequence[str], lock: int) -> int:
    """Run Snakemake to its end; its exit code, or STOPPED.

    On Ctrl-C, which a terminal sends to both, it does what it does by itself: cancels its jobs. On SIGTERM
    it starts no more jobs, and those that run on this host are asked to stop as well, so that training
    leaves a checkpoint. Jobs in SLURM go on, and it waits for them.

    Args:
        root: the checkout.
        options: of the snakemake command.
        lock: file descriptor that holds the checkout; Snakemake holds it on.
    """
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    signal.signal(signal.SIGINT, lambda *_: None)  # a handler, unlike SIG_IGN, is not passed on to the child
    log.info("snakemake %s", " ".join(options))
    process = subprocess.Popen(
        [*SNAKEMAKE, *options],
        cwd=root,
        env={**os.environ, alone.KEY: alone.text()},
        pass_fds=[lock] if lock >= 0 else [],
    )
    while process.poll() is None:
        if asked:
            _stop(process.pid)
            log.info("asked to stop: jobs that run here leave their checkpoints")
            process.wait()
            return STOPPED if process.returncode else 0
        time.sleep(LOOK_S)
    return process.returncode


def _stop(snakemake: int) -> None:
    """First Snakemake, so that it starts no job in place of one that ends; then what it has started here."""
    started = processes.descendants(snakemake)
    for pid in [snakemake, *started]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        time.sleep(LOOK_S if pid == snakemake else 0)
