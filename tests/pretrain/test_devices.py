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

from semcom.params.entries import Encoder, Pretrain, PretrainEntry, to_json
from semcom.training import weights

EPOCHS = 12


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
        return {name: (self.folder / name).read_bytes() for name in ("encoders.pt", "history.csv")}


def gone(pids: list[int], *, within: float = 20) -> bool:
    end = time.monotonic() + within
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, prepared_file: Path):  # noqa: ANN201
    def make(name: str) -> Job:
        entry = PretrainEntry(
            study="test",
            data="0" * 32,
            code="1" * 16,
            compute={},
            method="m",
            seed=0,
            modalities=("rgb", "depth"),
            encoder=Encoder(backbone={"use": "resnet18", "width_mult": 0.125}),
            pretrain=Pretrain(
                loss={"use": "mmssl", "lambd": 0.01},
                projector=(32, 32),
                epochs=EPOCHS,
                batch_size=16,
                optimiser={"use": "sgd", "lr": 0.02},
                views={"use": "rgbd"},
                validate_every=5,
            ),
        )
        return Job(tmp_path_factory.mktemp(name), prepared_file, entry)

    return make


@pytest.fixture(scope="module")
def whole(job):  # noqa: ANN001, ANN201
    """A job on two devices that nothing disturbed."""
    done = job("whole")
    done.output = done.run(devices=2, script=False)
    return done


def test_two_devices_give_the_results_of_one_to_rounding(job, whole) -> None:
    alone = job("alone")
    alone.run(devices=1)
    one, two = (pd.read_csv(j.folder / "history.csv") for j in (alone, whole))
    first = [table[(table.metric == "loss") & (table.epoch == 1)].value.item() for table in (one, two)]
    assert first[0] == pytest.approx(first[1], rel=1e-4)
    last = [table[table.metric == "loss"].value.iloc[-3:].mean() for table in (one, two)]
    assert last[0] == pytest.approx(last[1], rel=0.02)
    a, b = (weights.load(j.folder / "encoders.pt") for j in (alone, whole))
    for name in a:
        assert (
            torch.nn.functional.cosine_similarity(a[name].double().flatten(), b[name].double().flatten(), 0)
            > 0.99
        )
    events = [len((j.folder / "journal.jsonl").read_text().splitlines()) for j in (alone, whole)]
    assert events[0] == events[1] == EPOCHS + 2
    assert "2 processes train together" in (whole.folder / "log").read_text()
    assert whole.output.count("frames to train on") == 1, "one process speaks"


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
