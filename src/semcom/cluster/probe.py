"""Small test jobs: sent, watched, answered, and cancelled whatever happens."""

import fcntl
import json
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semcom.cluster import node
from semcom.cluster.clients import call

NAME = "semcom-doctor"
LIMIT_MIN = 10
"""Run time that a test job asks for; it ends by itself then, even if nobody is left to cancel it."""
LOOK_S, ASK_S = 0.02, 1.0
ALIVE = ("PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "REQUEUED", "")


@dataclass
class Probe:
    """A test job.

    Attributes:
        options: of sbatch.
        id: of the job; "" if sbatch refused it, and `refused` is why.
        state: what SLURM said last, and `reason` beside it.
        seen: what it saw on its node; None if it did not come to that.
        said: the end of its output.
    """

    options: tuple[str, ...]
    id: str = ""
    refused: str = ""
    state: str = ""
    reason: str = ""
    seen: dict[str, Any] | None = None
    said: str = ""
    log: Path = field(default=Path())


def run(root: Path, probes: Sequence[Probe], *, patience_s: float) -> None:
    """Send the probes from the checkout `root` and fill in what they saw; wait at most `patience_s`.

    The first one also looks at the shared file system, and this process answers it.
    """
    with _folder(root) as folder, _cancelled(f"{NAME}-{folder.name[-8:]}") as name, _held(folder / "lock"):
        for number, probe in enumerate(probes):
            _send(probe, number, root, folder, name)
        _watch(probes, folder, patience_s)


@contextmanager
def _folder(root: Path) -> Iterator[Path]:
    """A folder in the checkout, removed at the end."""
    (root / ".snakemake").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="semcom-doctor-", dir=root / ".snakemake"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _cancelled(name: str) -> Iterator[str]:
    """Cancel all jobs of this name at the end, also when the session ends or the user presses Ctrl-C."""
    before = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield name
    finally:
        call("scancel", f"--name={name}")
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _: object) -> None:
    sys.exit(128 + number)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a lock on the login node, for the compute node to run into."""
    with open(path, "a") as file:
        with suppress(OSError):  # no locks at all: the compute node will say so
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _send(probe: Probe, number: int, root: Path, folder: Path, name: str) -> None:
    probe.log = folder / f"{number}.log"
    python, program = shlex.quote(sys.executable), shlex.quote(str(Path(node.__file__).resolve()))
    script = (
        "#!/bin/sh\n"
        f"for file in {python} {program}; do\n"
        '    [ -r "$file" ] || { echo "no $file on $(hostname)"; exit 1; }\n'
        "done\n"
        f"exec {python} -P {program} {shlex.quote(str(folder))} {number}\n"
    )
    answer = call(
        "sbatch",
        "--parsable",
        f"--job-name={name}",
        f"--time={LIMIT_MIN}",
        "--no-requeue",
        f"--chdir={root}",
        f"--output={str(probe.log).replace('%', '%%')}",
        *probe.options,
        text=script,
    )
    if answer.ok:
        probe.id = answer.out.strip().splitlines()[-1].split(";")[0]
    else:
        probe.refused = answer.fault.replace("sbatch: error: ", "")


def _watch(probes: Sequence[Probe], folder: Path, patience_s: float) -> None:
    """Answer the first probe's files until all probes have ended or patience has."""
    sent = {number: probe for number, probe in enumerate(probes) if probe.id}
    end = time.monotonic() + patience_s
    asked = 0.0
    while sent and time.monotonic() < end:
        _answer(folder)
        if time.monotonic() - asked > ASK_S:
            _ask(list(sent.values()))
            asked = time.monotonic()
            for number, probe in list(sent.items()):
                if probe.state not in ALIVE:
                    _collect(probe, number, folder)
                    del sent[number]
        time.sleep(LOOK_S)


def _answer(folder: Path) -> None:
    for number in range(node.ROUNDS):
        if (folder / f"ping{number}").exists() and not (folder / f"pong{number}").exists():
            node.put(folder / f"pong{number}", str(time.time()))


def _ask(probes: Sequence[Probe]) -> None:
    """Ask for the states; a controller that is away for a moment changes none."""
    ids = ",".join(probe.id for probe in probes)
    answer = call("squeue", "--noheader", "--states=all", f"--jobs={ids}", "--format=%i|%T|%r")
    told = {
        line.split("|")[0]: line.split("|")[1:] for line in answer.out.splitlines() if line.count("|") == 2
    }
    if answer.ok or "Invalid job id" in answer.err:
        for probe in probes:
            probe.state, probe.reason = told.get(probe.id, ("GONE", ""))


def _collect(probe: Probe, number: int, folder: Path) -> None:
    """What the probe saw; a file that comes late over the network is waited for."""
    file = folder / f"{number}.json"
    until = time.monotonic() + (60 if probe.state in ("COMPLETED", "COMPLETING") else 5)
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.1)
    if file.exists():
        probe.seen = json.loads(file.read_text(encoding="utf-8"))
    with suppress(OSError):
        probe.said = " | ".join(probe.log.read_text(errors="replace").strip().splitlines()[-3:])
