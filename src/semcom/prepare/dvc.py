"""Calls of DVC's command line, whose exit code and output are its contract."""

import json
import subprocess
import sys
from pathlib import Path

from semcom.files.errors import SemcomError
from semcom.params.dataversion import BUNDLED


def call(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `dvc` in the repository `root`; the caller looks at the exit code."""
    if not (root / ".dvc" / "config").is_file():
        raise SemcomError(f"{root} has no .dvc/config: run this in the root of a clone of the repository")
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def fault(done: subprocess.CompletedProcess[str]) -> str:
    """What DVC said of its failure, without the progress lines around it."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR")]
    return "; ".join(errors or lines[-3:]) or f"exit code {done.returncode}"


def is_current(root: Path, target: str) -> bool:
    """Whether the bytes in the working tree are those of the registered version; needs no network."""
    done = call(root, "status", "--json", target)
    if done.returncode:
        raise SemcomError(f"`dvc status {target}` failed: {fault(done)}")
    return bool(json.loads(done.stdout or "{}") == {})


def target(root: Path, name: str) -> str:
    """What DVC calls the registered data set `name`: its output in data.dvc, or its own file."""
    own = Path("data", f"{name}.dvc")
    return own.as_posix() if (root / own).is_file() else Path("data", name).as_posix()


def is_bundled(root: Path, name: str) -> bool:
    """Whether `name` comes with the repository, so that its bytes can always be had again."""
    return (root / BUNDLED).is_file() and not (root / "data" / f"{name}.dvc").is_file()
