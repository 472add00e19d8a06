"""A loss that makes trouble when a file of the checkout tells it to; without one it is `mmssl`.

Copied into the package of a test's checkout. The files: `trouble/pause` (seconds a call), `trouble/memory`
(MB held), `trouble/fault` (an error with this text).
"""

import time
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.mmssl import MMSSL

MODALITIES = ("rgb", "depth")
TROUBLE = Path("trouble")


class Tried:
    """Callable, as `mmssl`."""

    def __init__(self) -> None:
        self.loss = MMSSL()
        held = TROUBLE / "memory"
        self.ballast = b"x" * (int(held.read_text()) << 20) if held.exists() else b""

    def __call__(self, views: Mapping[str, tuple[Tensor, Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
        if (TROUBLE / "fault").exists():
            raise SemcomError((TROUBLE / "fault").read_text())
        if (TROUBLE / "pause").exists():
            time.sleep(float((TROUBLE / "pause").read_text()))
        return self.loss(views)
