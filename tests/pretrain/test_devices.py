"""`semcom pretrain` with `devices: 2` on this machine: the verb starts and ends its processes itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from semcom.params.entries import PretrainEntry, to_json
from semcom.params.sections import Encoder, Pretrain
from semcom.training import weights

EPOCHS = 6


class Job:
    """A pre-training in a folder of its own, and how it ends."""

    def __init__(self, folder: Path, frames: Path, entry: PretrainEntry) -> None:
        self.folder, self.frames, self.entry = folder, frames, entry

    def start(self, *, devices: int, script: bool = True) -> "subprocess.Popen[str]":
        settings = self.entry.pretrain.model_copy(update={"devices": devices})
        entry = to_json(self.entry.model_copy(update={"pretrain": settings}))
        files = {
            "--frames": self.frames,
            "--encoders": self.folder / "encoders.pt",
            "--learner": self.folder / "learner.pt",
            "--history": self.folder / "history.csv",
            "--journal": self.folder / "journal.jsonl",
            "--state": self.folder / "states",
            "--log": self.folder / "log",
        }
        program = [str(Path(__file__).with_name("often.py"))] if script else ["-m", "semcom"]
        options = [str(word) for pair in files.items() for word in pair]
        return subprocess.Popen(
            [sys.executable, *program, "pretrain", entry, *options],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *, devices: int, code: int = 0, script: bool = True) -> str:
        process = self.start(devices=devices, script=script)
        output, _ = process.communicate(timeout=900)
        assert process.returncode == code, output
        return output

    def started(self, *, devices: int) -> tuple["subprocess.Popen[str]", list[int]]:
        """A running job that has left a checkpoint, and the process ids of its children."""
        process = self.start(devices=devices)
        end = time.monotonic() + 600
        while not list(self.folder.glob("states/*/training.pt")):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.02)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return process, [int(child) for child in children]

    @property
    def files(self) -> dict[str, bytes]:
        names = ("encoders.pt", "learner.pt", "history.csv")
        return {name: (self.folder / name).read_bytes() for name in names}


def gone(pids: list[int], *, within: float = 20) -> bool:
    end = time.monotonic() + within
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, prepared_file: Path):  # noqa: ANN201
    def make(name: str, **changed: object) -> Job:
        settings = {
            "loss": {"use": "mmssl", "lambd": 0.01},
            "projector": (32, 32),
            "epochs": EPOCHS,
            "batch_size": 16,
            "optimiser": {"use": "sgd", "lr": 0.02},
            "views": {"use": "rgbd"},
            "validate_every": 5,
            "snapshots": (0, 1, 3),
        }
        entry = PretrainEntry(
            study="test",
            data="0" * 32,
            code="1" * 16,
            compute={},
            method="m",
            seed=0,
            modalities=("rgb", "depth"),
            encoder=Encoder(backbone={"use": "resnet18", "width_mult": 0.125}),
            pretrain=Pretrain(**(settings | changed)),
        )
        return Job(tmp_path_factory.mktemp(name), prepared_file, entry)

    return make


@pytest.fixture(scope="module")
def whole(job):  # noqa: ANN001, ANN201
    """A job on two devices that nothing disturbed."""
    done = job("whole")
    done.output = done.run(devices=2, script=False)
    return done


def test_two_devices_give_the_results_of_one_to_rounding(job) -> None:
    both = [job("rounding", epochs=3, batch_size=80, warmup=0.0) for _ in range(2)]
    for devices, done in enumerate(both, start=1):
        done.run(devices=devices)
    one, two = (pd.read_csv(done.folder / "history.csv") for done in both)
    losses = [table[table.metric == "loss"].value.tolist() for table in (one, two)]
    assert losses[0][0] == pytest.approx(losses[1][0], rel=1e-5), "of the first and only step of an epoch"
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert abs(losses[0][0] - losses[0][1]) > 2e-3, "the steps changed something"
    a, b = (weights.load(done.folder / "encoders.pt") for done in both)
    for name, value in a.items():
        # AdamW moves a weight that has next to no gradient by the sign of its rounding.
        most = max(float(value.abs().max()), 0.03)
        torch.testing.assert_close(b[name], value, rtol=0, atol=0.01 * most)


def test_one_process_of_two_writes_and_speaks(whole) -> None:
    assert "2 processes train together" in (whole.folder / "log").read_text()
    assert whole.output.count("frames to train on") == 1
    assert len((whole.folder / "journal.jsonl").read_text().splitlines()) == EPOCHS + 2
    assert set(weights.load(whole.folder / "learner.pt")) == {"0", "1", "3", str(EPOCHS)}


def test_sigterm_stops_all_and_the_job_goes_on_bit_identical(job, whole) -> None:
    cut = job("cut")
    process, children = cut.started(devices=2)
    assert len(children) == 1
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == os.EX_TEMPFAIL, output
    assert output.count("SIGTERM: stopped after step") == 1
    assert "Traceback" not in output
    assert gone(children)
    assert '"status": "KILLED"' in (cut.folder / "journal.jsonl").read_text().splitlines()[-1]
    assert "goes on after step" in cut.run(devices=2)
    assert cut.files == whole.files


def test_a_killed_process_ends_the_others_and_the_job_goes_on_bit_identical(job, whole) -> None:
    cut = job("cut")
    process, children = cut.started(devices=2)
    os.kill(children[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    assert "another process of this job ended with code -9" in output
    process, children = cut.started(devices=2)
    process.kill()
    process.communicate()
    assert gone(children), "no orphan"
    assert "goes on after step" in cut.run(devices=2)
    assert cut.files == whole.files


def test_a_job_of_two_devices_goes_on_with_one(job) -> None:
    cut = job("cut")
    process, _ = cut.started(devices=2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == os.EX_TEMPFAIL
    assert "goes on after step" in cut.run(devices=1)
    assert len(pd.read_csv(cut.folder / "history.csv").epoch.unique()) == EPOCHS
