"""What the doctor found: one line each, with what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "BLOCK"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        level: `warn` costs time or comfort, `BLOCK` keeps the study from running.
        subject: what was looked at, a word or two.
        text: what was seen.
        remedy: what to do; every finding that is not ok has one.
    """

    level: Level
    subject: str
    text: str
    remedy: str = ""

    def __post_init__(self) -> None:
        assert self.level == "ok" or self.remedy, self.subject

    def __str__(self) -> str:
        line = f"{self.level:<5}  {self.subject:<15}  {self.text}"
        return f"{line}\n{'':24}→ {self.remedy}" if self.remedy else line


def summary(found: Sequence[Finding]) -> str:
    """The last line: how many of each, and what that means."""
    warnings, blocks = (sum(f.level == level for f in found) for level in ("warn", "BLOCK"))
    if blocks:
        return f"{blocks} of {len(found)} findings keep a study from running here, {warnings} are warnings"
    return f"a study can run here: {len(found)} findings, {warnings} of them warnings"
