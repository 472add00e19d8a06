"""What no setting of Snakemake's executor for SLURM can mend, mended in the running main process.

Before each look at the queue it asks the controller for MinJobAge, and takes sacct in place of squeue where
it gets no answer. While the controller restarts it gets none; sacct then fails a thousand times (half an
hour), since there is no accounting or it is as dead, and the executor gives up all running jobs: Snakemake
waits for ever. So the last answer is remembered.

Each look that finds no job ended puts 10 s on top of the time to the next one, up to 180 s: so late is an end
or a failure seen. So the time between two looks is the profile's, always.

Both seen with plugin 2.8.0, in check_active_jobs.
"""

import sys
from collections.abc import Callable
from typing import Any

PLUGIN = "snakemake_executor_plugin_slurm"


def mend() -> None:
    """Mend the executor, where it is loaded; a second time changes nothing."""
    plugin: Any = sys.modules.get(PLUGIN)
    if plugin and not isinstance(plugin.get_min_job_age, Remembered):
        plugin.get_min_job_age = Remembered(plugin.get_min_job_age)
        plugin.Executor.next_seconds_between_status_checks = property(_between_looks, lambda *_: None)


def _between_looks(executor: Any) -> int:
    seconds: int = executor.workflow.remote_execution_settings.seconds_between_status_checks
    return seconds


class Remembered:
    """Asks `ask()`, and says what it last said where it says nothing now."""

    def __init__(self, ask: Callable[[], int | None]) -> None:
        self._ask = ask
        self._last: int | None = None

    def __call__(self) -> int | None:
        """Seconds that the controller remembers ended jobs for; None if it never said."""
        self._last = self._ask() or self._last
        return self._last
