"""Two processes have the gradients, statistics and logs of one, in float64 to rounding."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from semcom.losses import LOSSES
from semcom.training import weights


def script(name: str, *arguments: object) -> None:
    """Run a script of this folder; further processes run the same command line."""
    command = [sys.executable, str(Path(__file__).with_name(name)), *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict]:
    folder = tmp_path_factory.mktemp("gradients")
    for devices in (1, 2):
        script("two_gradients.py", devices, folder / f"{devices}.pt")
    return weights.load(folder / "1.pt"), weights.load(folder / "2.pt")


@pytest.mark.parametrize("loss", LOSSES)
def test_two_processes_have_the_gradients_of_one(found: tuple[dict, dict], loss: str) -> None:
    one, two = (of_losses[loss] for of_losses in found)
    assert one.keys() == two.keys()
    assert sum(name.endswith("grad") for name in one) >= 8
    for name, expected in one.items():
        # Gradients are of size 0.1 to 1, sums of some hundred terms: 1e-13 is a few hundred roundings.
        torch.testing.assert_close(two[name], expected, rtol=1e-12, atol=1e-13, msg=name)


@pytest.mark.parametrize("how", [[], ["official"]], ids=["own projectors", "one projector"])
def test_two_processes_end_with_the_weights_of_one_after_ten_steps(
    prepared_file: Path, tmp_path: Path, how: list[str]
) -> None:
    for devices in (1, 2):
        script("double_pretrain.py", devices, prepared_file, tmp_path / str(devices), *how)
    one, two = (weights.load(tmp_path / f"{devices}/encoders.pt") for devices in (1, 2))
    assert one.keys() == two.keys()
    assert sum("running_var" in name for name in one) == 40, "20 BatchNorm layers an encoder"
    for name, expected in one.items():
        if expected.is_floating_point():
            assert expected.dtype == torch.float64
        # Ten steps of SGD multiply a rounding of 1e-16 by some thousands.
        torch.testing.assert_close(two[name], expected, rtol=1e-9, atol=1e-11, msg=name)
    lines = [(tmp_path / f"{devices}/journal.jsonl").read_text().count("\n") for devices in (1, 2)]
    assert lines == [4, 4], "start, two epochs, end: one process writes"
