"""Prepared files of any number of pictures without depth, the first of which are the same."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from semcom.prepare.description import Description
from semcom.prepare.source import Row
from semcom.prepare.write import write

SIZE = (32, 24)


@dataclass
class Noise:
    """Pictures of noise; picture `position` is that of `position % kinds`."""

    rows: tuple[Row, ...]
    kinds: int
    where: Path = Path("noise")
    paths: dict[str, Path] = field(default_factory=dict)
    size: tuple[int, int] = SIZE
    description: Description = Description(
        format="images", title="noise", licence="", citation="", depth="none", classes=("x", "y")
    )

    def pixels(self, position: int) -> tuple[np.ndarray, None]:
        draws = np.random.default_rng(position % self.kinds)
        return draws.integers(0, 256, (24, 32, 3), dtype=np.uint8), None

    def close(self) -> None: ...


def prepared(path: Path, count: int, *, kinds: int = 10_000) -> Path:
    """`count` pictures, every fifth one for testing."""
    rows = tuple(
        Row(index=i + 1, split="train" if i % 5 else "test", scene27="x", scene10="x", group=f"g{i}")
        for i in range(count)
    )
    write(path, Noise(rows, kinds), name="noise", size=SIZE, version="0" * 32)
    return path
