"""Looks around on a compute node and writes what it saw. Run by its path: semcom may not be there.

`python -P node.py FOLDER NUMBER` looks
    at FOLDER/lock: is it seen as held, as the login node holds it?
    at FOLDER/pong0 …, with which the login node answers FOLDER/ping0 …: how long did it take?
and writes FOLDER/NUMBER.json.
"""

import contextlib
import fcntl
import importlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "snakemake", "snakemake-executor-plugin-slurm", "semcom")
IMPORTS = ("torch", "snakemake", "semcom")
ROUNDS, ANSWER_S = 3, 90.0


def lock_state(path: Path) -> str:
    """`held` if another process has the lock, `free` if it could be taken, else why it does not work."""
    try:
        with open(path, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "held"
    except OSError as error:
        return f"fails: {error.strerror}"
    return "free"


def exchange(folder: Path, number: int) -> dict[str, float] | None:
    """Write a file and wait for its answer; None if it does not come.

    Returns:
        `there_and_back_s`, and `ahead_s`: this clock less the other's, known to half of the first.
    """
    sent = time.time()
    put(folder / f"ping{number}", str(sent))
    answer = folder / f"pong{number}"
    while not answer.exists():
        if time.time() - sent > ANSWER_S:
            return None
        time.sleep(0.01)
    got = time.time()
    return {"there_and_back_s": got - sent, "ahead_s": (sent + got) / 2 - float(answer.read_text())}


def put(path: Path, text: str) -> None:
    """Write a file that appears whole."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def versions() -> dict[str, str]:
    """The installed versions of what matters; `missing` if not installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def imports() -> dict[str, str]:
    """Seconds that each import took, or `fails: …`."""
    found = {}
    for name in IMPORTS:
        start = time.monotonic()
        try:
            importlib.import_module(name)
        except Exception as error:  # whatever it is, the login node wants to know
            found[name] = f"fails: {type(error).__name__}: {error}"
        else:
            found[name] = f"{time.monotonic() - start:.1f}"
    return found


def graphics() -> dict[str, object]:
    """What a job sees of GPUs."""
    names = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "SLURM_JOB_GPUS")
    seen: dict[str, object] = {name: os.environ[name] for name in names if name in os.environ}
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60)
        seen["nvidia-smi"] = listed.stdout.strip().split(" (UUID")[0]
    with contextlib.suppress(Exception):
        import torch

        seen["torch sees"] = torch.cuda.device_count()
        if torch.cuda.is_available():
            seen["name"] = torch.cuda.get_device_name(0)
            seen["sum"] = float(torch.ones(8, device="cuda").sum())
    return seen


def where() -> dict[str, str]:
    """The node's name in SLURM and its host name."""
    host = socket.gethostname()
    return {"host": host, "node": os.environ.get("SLURMD_NODENAME", host)}


def look(folder: Path) -> dict[str, object]:
    """Everything that is looked at on a node."""
    lock = lock_state(folder / "lock")
    rounds = []
    for number in range(ROUNDS):
        rounds.append(exchange(folder, number))
        if rounds[-1] is None:
            break
    return {
        **where(),
        "python": platform.python_version(),
        "executable": sys.executable,
        "cores": len(os.sched_getaffinity(0)),
        "lock": lock,
        "rounds": rounds,
        "versions": versions(),
        "imports": imports(),
        "temporary": [str(temporary := os.environ.get("TMPDIR", "/tmp")), shutil.disk_usage(temporary).free],
        "gpus": graphics(),
    }


def main() -> None:
    """Look around, or only for GPUs where the number is not 0."""
    folder, number = Path(sys.argv[1]), sys.argv[2]
    seen = look(folder) if number == "0" else {**where(), "gpus": graphics()}
    put(folder / f"{number}.json", json.dumps(seen))


if __name__ == "__main__":
    main()
