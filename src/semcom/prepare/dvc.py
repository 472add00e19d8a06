"""Calls of DVC's command line, whose exit code and output are its contract."""

import json
import subprocess
import sys
import time
from pathlib import Path

from semcom.files.errors import SemcomError
from semcom.params.dataversion import BUNDLED
from semcom.progress import log

ATTEMPTS = 5
FIRST_PAUSE_S = 2.0


def check_root(root: Path) -> None:
    """Raise a SemcomError unless `root` is a repository of DVC."""
    if not (root / ".dvc" / "config").is_file():
        raise SemcomError(f"{root} has no .dvc/config: run this in the root of a clone of the repository")


def call(root: Path, *arguments: str, pause_s: float = FIRST_PAUSE_S) -> subprocess.CompletedProcess[str]:
    """Run `dvc` in the repository `root`; the caller looks at the exit code.

    DVC has one lock a repository and does not wait for it: so this does, up to 5 calls with pauses of
    `pause_s` and three times the last one, 80 s in all.
    """
    check_root(root)
    command = [sys.executable, "-m", "dvc", *arguments]
    for attempt in range(1, ATTEMPTS + 1):
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode == 0 or attempt == ATTEMPTS or not is_locked(fault(done)):
            break
        log.info(
            "another DVC process holds the lock; attempt %d of %d in %g s", attempt + 1, ATTEMPTS, pause_s
        )
        time.sleep(pause_s)
        pause_s *= 3
    return done


def fault(done: subprocess.CompletedProcess[str]) -> str:
    """What DVC said of its failure, without the progress lines around it."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR")]
    text = "; ".join(errors or lines[-3:]) or f"exit code {done.returncode}"
    if "not a git repository" in text:
        text += "; in a copy without .git run `dvc config --local core.no_scm true` first"
    return text


def is_locked(fault: str) -> bool:
    """Whether a fault is DVC's lock, which another process holds."""
    return "unable to acquire lock" in fault.lower() or "is busy" in fault.lower()


def is_current(root: Path, *targets: str) -> bool:
    """Whether the bytes in the working tree are those of the registered version; needs no network."""
    done = call(root, "status", "--json", *targets)
    if done.returncode:
        raise SemcomError(f"`dvc status {' '.join(targets)}` failed: {fault(done)}")
    return bool(json.loads(done.stdout or "{}") == {})


def targets(root: Path, name: str) -> list[str]:
    """What DVC calls the data set `name`: its output in data.dvc, its own file, or one for each address."""
    own = Path("data", f"{name}.dvc")
    if (root / own).is_file():
        return [own.as_posix()]
    return imports(root, name) or [Path("data", name).as_posix()]


def imports(root: Path, name: str) -> list[str]:
    """The .dvc files of a data set that was registered by its addresses; none for any other."""
    return [path.relative_to(root).as_posix() for path in sorted((root / "data" / name).glob("*.dvc"))]


def is_bundled(root: Path, name: str) -> bool:
    """Whether `name` comes with the repository, so that its bytes can always be had again."""
    own = (root / "data" / f"{name}.dvc").is_file() or bool(imports(root, name))
    return (root / BUNDLED).is_file() and not own
