"""Where runs go, and MLflow's SQLite file, made once.

Eight processes that open a new SQLite file at once break it for good (MLflow migrates its tables without
a lock). So it is made by one process, under a lock, beside its place, and renamed when it is whole.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semcom.files.errors import SemcomError

DEFAULT_URI = "sqlite:///mlflow.db"
"""What a plain `mlflow ui` opens in the repository's root."""

ENVIRONMENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_DISABLE_TELEMETRY": "true"}
"""For processes that import MLflow (its own retries take 247 s)."""


def choose(uri: str | None) -> str:
    """The given URI, else that of MLFLOW_TRACKING_URI, else the SQLite file in the working folder."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def is_server(uri: str) -> bool:
    """Whether MLflow is reached over HTTP."""
    return uri.startswith(("http://", "https://"))


def sqlite_path(uri: str) -> Path | None:
    """The file of an SQLite URI, None for anything else."""
    if not uri.startswith("sqlite:///"):
        return None
    return Path(uri.removeprefix("sqlite:///").partition("?")[0]).absolute()


def init(uri: str) -> bool:
    """Make the SQLite file with MLflow's tables; nothing is done for one that exists or for a server.

    Returns:
        Whether it was made.

    Raises:
        SemcomError: MLflow could not make it.
    """
    path = sqlite_path(uri)
    if path is None or _exists(path):
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.parent):
            if _exists(path):
                return False
            _create(path)
    except OSError as error:
        raise SemcomError(f"cannot make {path}: {error.strerror}; make its folder writable") from error
    return True


def _exists(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder itself: no lock file is left lying about."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _create(path: Path) -> None:
    """Let MLflow make its tables in a temporary file, then rename it: a killed attempt breaks nothing."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", f"sqlite:///{temporary.name}"]
    environment = os.environ | ENVIRONMENT
    done = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SemcomError(f"MLflow could not make {path}: {reason}")
    temporary.replace(path)
