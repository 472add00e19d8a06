"""What no setting of Snakemake's executor for SLURM can mend.

Before each look at the queue it asks the controller for MinJobAge, and takes sacct in place of squeue where
it gets no answer. While the controller restarts it gets none; sacct then fails a thousand times (half an
hour), since there is no accounting or it is as dead, and the executor gives up all running jobs: Snakemake
waits for ever (seen with plugin 2.8.0; its job_status_query.py and check_active_jobs).
"""

import sys
from collections.abc import Callable
from typing import Any

PLUGIN = "snakemake_executor_plugin_slurm"


def remember_min_job_age() -> None:
    """Let the executor, where it is loaded, use the last answer while the controller gives none."""
    plugin: Any = sys.modules.get(PLUGIN)
    if plugin and not isinstance(plugin.get_min_job_age, Remembered):
        plugin.get_min_job_age = Remembered(plugin.get_min_job_age)


class Remembered:
    """Asks `ask()`, and says what it last said where it says nothing now."""

    def __init__(self, ask: Callable[[], int | None]) -> None:
        self._ask = ask
        self._last: int | None = None

    def __call__(self) -> int | None:
        """Seconds that the controller remembers ended jobs for; None if it never said."""
        self._last = self._ask() or self._last
        return self._last
