from pathlib import Path

import numpy as np
import pytest

from semcom.quantise.pieces import Pieces

ROWS = np.random.default_rng(0).normal(size=(23, 6)).astype(np.float16)
"""Four batches of five, and one of three."""


def opened(folder: Path) -> Pieces:
    return Pieces(folder, dim=6, total=23, batch=5)


def fill(folder: Path, *, stop: int = 23) -> None:
    pieces = opened(folder)
    for start in range(pieces.done, stop, 5):
        pieces.append(ROWS[start : start + 5])


def test_all_comes_back(tmp_path: Path) -> None:
    fill(tmp_path / "p")
    pieces = opened(tmp_path / "p")
    assert pieces.done == 23
    assert np.array_equal(pieces.array(), ROWS)
    assert opened(tmp_path / "q").array().shape == (0, 6)


@pytest.mark.parametrize("file", ["rows", "checksums"])
def test_what_is_torn_is_cut_off_wherever_the_kill_fell(file: str, tmp_path: Path) -> None:
    fill(tmp_path / "p")
    path = tmp_path / "p" / file
    whole = path.read_bytes()
    other = tmp_path / "p" / ({"rows", "checksums"} - {file}).pop()
    beside = other.read_bytes()
    row = {"rows": 6 * 2 * 5, "checksums": 4}[file]
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        other.write_bytes(beside)
        pieces = opened(tmp_path / "p")
        assert pieces.done == 5 * (length // row)
        assert np.array_equal(pieces.array(), ROWS[: pieces.done])
        fill(tmp_path / "p")
        assert np.array_equal(opened(tmp_path / "p").array(), ROWS)


def test_what_is_damaged_is_cut_off(tmp_path: Path) -> None:
    """As where the machine lost its power and the disk has zeros."""
    fill(tmp_path / "p")
    path = tmp_path / "p/rows"
    data = bytearray(path.read_bytes())
    data[5 * 12 * 2 + 30] ^= 1  # in the third batch
    path.write_bytes(data)
    assert opened(tmp_path / "p").done == 10
