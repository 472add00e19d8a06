from pathlib import Path

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.metrics import outcomes
from semcom.metrics.outcomes import Outcomes, asked


def some(count: int) -> Outcomes:
    draws = np.random.default_rng(count)
    right = {asked("features", "linear", share): draws.random(count) < share for share in (0.1, 1.0)}
    return Outcomes(np.arange(count) + 7, draws.integers(5, size=count), right)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    given = {"near": some(100), "far-off_2": some(33)}
    outcomes.write(tmp_path / "o.npz", given)
    found = outcomes.read(tmp_path / "o.npz")
    assert list(found) == list(given)
    for name, of in given.items():
        np.testing.assert_array_equal(found[name].index, of.index)
        np.testing.assert_array_equal(found[name].group, of.group)
        assert list(found[name].right) == ["features/linear/0.1", "features/linear/1"]
        for question, right in of.right.items():
            np.testing.assert_array_equal(found[name].right[question], right)


def test_an_image_and_question_take_a_bit_or_so(tmp_path: Path) -> None:
    right = {str(i): np.random.default_rng(i).random(10_000) < 0.5 for i in range(8)}
    outcomes.write(tmp_path / "o.npz", {"a": Outcomes(np.arange(10_000), np.arange(10_000), right)})
    whole = (tmp_path / "o.npz").stat().st_size
    outcomes.write(
        tmp_path / "o.npz", {"a": Outcomes(np.arange(10_000), np.arange(10_000), {"0": right["0"]})}
    )
    assert whole - (tmp_path / "o.npz").stat().st_size < 7 * 10_000 / 8 * 1.4


@pytest.mark.parametrize("damage", ["cut", "arrays", "text"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "seed0.npz"
    outcomes.write(path, {"a": some(50)})
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "text":
        path.write_text("no archive")
    else:
        np.savez(path, **{"a.index": np.arange(3), "a.group": np.arange(3), "a.asked": np.array(["x"]),
                          "a.right": np.zeros((1, 4), bool)})  # fmt: skip
    with pytest.raises(SemcomError, match=r"seed0\.npz is damaged .*remove it and run snakemake again"):
        outcomes.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SemcomError, match=r"seed1\.npz is missing; run snakemake"):
        outcomes.read(tmp_path / "seed1.npz")
