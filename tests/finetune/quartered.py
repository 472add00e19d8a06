"""Images whose quarters have colours of their own, and vectors that say which."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semcom.frames.prepared import Prepared
from semcom.prepare.description import Description
from semcom.prepare.source import Row
from semcom.prepare.write import write

SIZE = (32, 24)
COUNT = 100
"""Training images."""


@dataclass
class Quartered:
    """Colours drawn image by image, and some noise."""

    rows: tuple[Row, ...]
    where: Path = Path("quartered")
    paths: dict[str, Path] = field(default_factory=dict)
    size: tuple[int, int] = SIZE
    description: Description = Description(
        format="nyuv2_pack", title="quartered", licence="", citation="", depth="metres", classes=("x", "y")
    )

    def pixels(self, position: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        draws = np.random.default_rng(position)
        colours = draws.integers(0, 220, (2, 2, 3), dtype=np.uint8)
        noise = draws.integers(0, 30, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        return colours.repeat(12, 0).repeat(16, 1) + noise, np.ones((SIZE[1], SIZE[0]), np.float32)

    def close(self) -> None: ...


def images(path: Path) -> Path:
    """A prepared file; each image is a group of its own."""
    rows = tuple(
        Row(index=i + 1, split="train" if i < COUNT else "test", scene27="x", scene10="x", group=f"g{i}")
        for i in range(COUNT + 2)
    )
    write(path, Quartered(rows), name="quartered", size=SIZE, version="0" * 32)
    return path


def vectors(prepared: Prepared, dim: int) -> NDArray[np.float64]:
    """Of every image: the colours of its quarters, in a space of `dim` ≤ 12 dimensions."""
    rgb = prepared.rgb.astype(np.float32)
    seen = np.concatenate([rgb[:, y : y + 12, x : x + 16].mean((1, 2)) for y in (0, 12) for x in (0, 16)], 1)
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(12, dim)))[0]
    turned: NDArray[np.float64] = (seen - seen.mean(0)) @ axes
    return turned
