"""SIGTERM asks a training to stop: it ends its step, writes a checkpoint and leaves with exit code 75."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Whether this process was asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, *_signal: object) -> None:
        """Ask; a second time changes nothing, as schedulers repeat themselves."""
        self.asked = True


@contextmanager
def on_sigterm() -> Iterator[Stop]:
    """Take SIGTERM as a request, to be looked at between steps; what it did before is restored afterwards."""
    stop = Stop()
    before = signal.signal(signal.SIGTERM, stop.ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
