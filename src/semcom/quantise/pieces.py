"""Rows on disk as they come, batch by batch, so that a killed job goes on after its last whole batch."""

import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Half = NDArray[np.float16]
WORD = np.dtype("<u4")


class Pieces:
    """Batches of float16 rows in one file, their checksums in another; what a kill tore is cut off.

    Args:
        folder: where the two are; made if missing.
        dim: of a row.
        total: rows in the end.
        batch: rows of every batch but the last.
    """

    def __init__(self, folder: Path, *, dim: int, total: int, batch: int) -> None:
        folder.mkdir(exist_ok=True)
        self._rows, self._checks = folder / "rows", folder / "checksums"
        self._width, self._dim, self._total, self._batch = 2 * dim, dim, total, batch
        self._rows.touch()
        self._checks.touch()
        whole = self._whole()
        self.done = min(whole * batch, total)
        os.truncate(self._rows, self.done * self._width)
        os.truncate(self._checks, whole * WORD.itemsize)

    def _whole(self) -> int:
        """Batches whose bytes are all there and unharmed."""
        checks = np.frombuffer(self._checks.read_bytes()[: self._checks.stat().st_size // 4 * 4], WORD)
        with open(self._rows, "rb") as file:
            for number, check in enumerate(checks):
                count = min(self._batch, self._total - number * self._batch)
                data = file.read(count * self._width)
                if len(data) < count * self._width or zlib.crc32(data) != check:
                    return number
        return len(checks)

    def append(self, rows: Half) -> None:
        """Keep the next batch (n, dim)."""
        data = np.ascontiguousarray(rows, "<f2").tobytes()
        with open(self._rows, "ab") as file:
            file.write(data)
        with open(self._checks, "ab") as file:
            file.write(np.array([zlib.crc32(data)], WORD).tobytes())
        self.done += len(rows)

    def array(self) -> Half:
        """All rows (done, dim) that are there, mapped."""
        if not self.done:
            return np.empty((0, self._dim), np.float16)
        return np.memmap(self._rows, dtype="<f2", mode="r", shape=(self.done, self._dim))
