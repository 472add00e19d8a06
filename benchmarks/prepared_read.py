"""Random RGB-D samples copied out of a prepared file, beside the same numpy indexing of arrays in memory.

    python benchmarks/prepared_read.py [FILE.h5]

Prints samples a second and the ratio file / memory, one by one and in batches of 64; the target is 0.8.
Both sides run in turn on the same random positions, the best of many rounds counts (warm page cache).
Without a file it writes one of 1,449 frames of noise at 64x48.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semcom.frames.prepared import Prepared
from semcom.prepare.description import Description
from semcom.prepare.source import Row
from semcom.prepare.write import write

ROUNDS, SAMPLES, BATCH, TARGET = 60, 1024, 64, 0.8
Pair = tuple[NDArray[np.uint8], NDArray[np.uint16]]


@dataclass
class Noise:
    """A source of random frames."""

    rows: tuple[Row, ...]
    size: tuple[int, int] = (64, 48)
    where: Path = Path("noise")
    paths: dict[str, Path] = field(default_factory=dict)
    description: Description = Description(
        format="nyuv2_pack", title="noise", licence="", citation="", depth="metres"
    )

    def pixels(self, position: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Uniform noise, from the frame's position."""
        draws = np.random.default_rng(position)
        shape = (self.size[1], self.size[0])
        return draws.integers(0, 256, (*shape, 3), np.uint8), draws.uniform(0, 10, shape).astype(np.float32)

    def close(self) -> None:
        """Nothing is open."""


def one_by_one(rgb: NDArray[np.uint8], depth: NDArray[np.uint16], positions: list[int]) -> None:
    """Copy each sample on its own."""
    for i in positions:
        rgb[i].copy()
        depth[i].copy()


def in_batches(rgb: NDArray[np.uint8], depth: NDArray[np.uint16], positions: list[int]) -> None:
    """Copy batches of samples by index arrays."""
    for start in range(0, len(positions), BATCH):
        chosen = np.array(positions[start : start + BATCH])
        rgb[chosen]
        depth[chosen]


def compare(read: Callable[..., None], file: Pair, memory: Pair) -> tuple[float, float]:
    """Best seconds for `SAMPLES` samples from the file and from memory, taken in turn."""
    draws, best = np.random.default_rng(0), [float("inf"), float("inf")]
    for number in range(2 * ROUNDS):
        positions = draws.integers(0, len(file[0]), SAMPLES).tolist()
        order = (0, 1) if number % 2 else (1, 0)
        for side in order:
            begin = time.perf_counter()
            read(*(file, memory)[side], positions)
            best[side] = min(best[side], time.perf_counter() - begin)
    return best[0], best[1]


def main(path: Path) -> None:
    """Measure the prepared file at `path`."""
    prepared = Prepared.open(path)
    file = (prepared.rgb, prepared.depth_mm)
    memory = (np.array(prepared.rgb), np.array(prepared.depth_mm))
    print(f"{path.name}: {len(prepared)} samples of {prepared.rgb.shape[2]}x{prepared.rgb.shape[1]}")
    for read in (one_by_one, in_batches):
        from_file, from_memory = compare(read, file, memory)
        print(
            f"{read.__name__:>10}: file {SAMPLES / from_file:9.0f} samples/s, memory "
            f"{SAMPLES / from_memory:9.0f} samples/s, ratio {from_memory / from_file:.2f} (target {TARGET})"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            rows = tuple(Row(i + 1, ("train", "test")[i % 2], "cafe", "others", "g") for i in range(1449))
            write(Path(folder, "noise.h5"), Noise(rows), name="noise", size=(64, 48), version="none")
            main(Path(folder, "noise.h5"))
