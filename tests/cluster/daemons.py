"""Daemons in a private folder, and what is run beside them; they end with the process that started them."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MARK = "SEMCOM_TEST_CLUSTER"
"""Set in the environment of every daemon, client and job."""
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


@dataclass
class Daemons:
    """Running daemons, by name; each works in the sub-folder of its name and logs beside it."""

    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """What the environment of every daemon, client and job holds."""
        return f"{MARK}={self.folder}"

    def begin(self, name: str, *command: str, **environment: str) -> None:
        """Start a daemon; it and the steps of its jobs work in the folder of its name."""
        (self.folder / name).mkdir(exist_ok=True)
        with open(self.folder / f"{name}.log", "ab") as log:
            self.daemons[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder / name,
                env={**os.environ, "PATH": PATH, **environment},
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def crash(self, name: str) -> None:
        """Kill a daemon."""
        daemon = self.daemons.pop(name)
        daemon.kill()
        daemon.wait()

    def run(self, *command: str, timeout: float = 30) -> str:
        """What a client command (squeue, scontrol, sbatch …) prints; it must succeed within `timeout` s."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def succeeds(self, *command: str) -> bool:
        """Whether a command succeeds within 10 s."""
        with suppress(subprocess.TimeoutExpired):
            return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
        return False

    def wait(self, what: str, ready: Callable[[], object], timeout: float = 60) -> float:
        """Wait until `ready()` is true; the seconds that it took.

        Raises:
            TimeoutError: not within `timeout` seconds, or a daemon died.
        """
        start = time.monotonic()
        while not ready():
            dead = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() - start > timeout:
                raise TimeoutError(f"not within {timeout:.0f} s: {what}; dead: {dead}\n{self.logs()}")
            time.sleep(0.1)
        return time.monotonic() - start

    def logs(self, lines: int = 20) -> str:
        """The last lines of every daemon's log."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(
            f"== {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
            for log in logs
        )


def _end_with_parent() -> None:
    """The daemon is killed if the process that started it dies without stopping it (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
