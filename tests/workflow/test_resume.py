"""Killed or told to stop, a job goes on at its last checkpoint and ends bit-identical to an unhurt one."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
import yaml

from semcom.params.jobs import Jobs
from semcom.params.schema import load

EPOCHS = 25
CHOICE = {"optimisers": {"2": {"use": "adamw", "lr": 1e-3}, str(EPOCHS): {"use": "sgd", "lr": 0.03}}}


def wait_for_checkpoint(site, process) -> int:
    """Wait until the job has left a checkpoint; the process id of the job that holds the state folder."""
    end = time.monotonic() + 300
    states = site.root / "results/.state"
    while not (found := list(states.glob("*/training*.pt"))):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)
    (checkpoint,) = found
    return int(checkpoint.parent.with_suffix(".lock").read_text().split()[-1])


def verb(site, stage: str, folder: Path) -> tuple[str, ...]:
    """The command line of a stage that trains long enough to be killed, its outputs in `folder`."""
    config = yaml.safe_load((site.root / "params/quickstart.yaml").read_text())
    config["methods"]["mmssl"]["pretrain"]["epochs"] = EPOCHS
    config["methods"]["mmssl"]["pretrain"]["snapshots"] = [0, 1]
    config["budgets"] = [2, EPOCHS]
    states = [{"channel": {"use": "rayleigh"}, "snr_db": 5}]
    config["changing"] = {"world": {"link": "awgn_k8", "states": states, "budgets": [2], "start_budget": 2}}
    jobs = Jobs(load(config), "md5")
    given = [f"--frames={site.root}/results/data/tiny_32x24.h5", f"--state={site.root}/results/.state"]
    given.append(f"--journal={folder}.jsonl")
    if stage == "pretrain":
        entry, files = jobs.pretrain("mmssl", 0), ("encoders", "learner", "history")
    else:
        if stage == "changing":
            entry, files = jobs.changing("world", "mmssl", 0), ("output",)
            given.append(f"--models={site.root}/results/tiny/finetune/mmssl/awgn_k8/all/seed0/models.pt")
        else:
            entry, files = jobs.finetune("mmssl", "awgn_k8", "all", 0), ("models", "history", "communication")
        choice = site.root / "choice.json"
        choice.write_text(json.dumps(CHOICE))
        given += [
            f"--choice={choice}",
            f"--encoders={site.root}/results/tiny/pretrain/mmssl/seed0/encoders.pt",
        ]
    words = ("finetune", stage) if stage == "changing" else (stage,)
    return ("semcom", *words, entry, *given, *(f"--{name}={folder / name}" for name in files))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("stage", "sent"),
    [
        ("pretrain", signal.SIGKILL),
        ("finetune", signal.SIGKILL),
        ("finetune", signal.SIGTERM),
        ("changing", signal.SIGTERM),
    ],
)
def test_a_killed_job_ends_as_if_never_killed(copied, stage, sent):
    whole, resumed = copied.root / "whole", copied.root / "resumed"
    copied.run(*verb(copied, stage, whole))
    process = copied.start(*verb(copied, stage, resumed))
    os.kill(wait_for_checkpoint(copied, process), sent)
    output, _ = process.communicate()
    if sent == signal.SIGTERM:
        assert process.returncode == os.EX_TEMPFAIL, output
        assert output.splitlines()[-1].endswith("run the same command again and it goes on there")
        assert "Traceback" not in output
    else:
        assert process.returncode == -signal.SIGKILL
    assert not resumed.exists()
    output = copied.run(*verb(copied, stage, resumed))
    assert "goes on after step" in output
    assert content(resumed) == content(whole)
    assert not list((copied.root / "results/.state").glob("*/"))


def test_a_killed_snakemake_goes_on_and_two_jobs_never_share_a_state(copied):
    target = "results/tiny/pretrain/mmssl/seed1/encoders.pt"
    text = (copied.root / "params/quickstart.yaml").read_text()
    (copied.root / "params/quickstart.yaml").write_text(text.replace("epochs: 2", f"epochs: {EPOCHS}"))
    command = ("snakemake", "--cores", "1", target)
    copied.run(*command)
    whole = content((copied.root / target).parent)
    (copied.root / target).unlink()

    process = copied.start(*command)
    orphan = wait_for_checkpoint(copied, process)
    parent = Path(f"/proc/{orphan}/stat").read_text().rpartition(")")[2].split()[1]
    assert int(parent) == process.pid, "no shell in between that a SIGTERM would end instead of the verb"
    os.kill(orphan, signal.SIGSTOP)  # it would go on by itself; held, so that the test needs no luck
    process.kill()
    process.wait()
    assert "--unlock" in copied.run(*command, code=1)
    copied.run("snakemake", "--unlock")
    output = copied.run(*command, code=1)
    assert f"is held by another process (host {os.uname().nodename}, pid {orphan})" in output
    os.kill(orphan, signal.SIGKILL)
    output = copied.run(*command)
    assert "goes on after step" in output
    assert content((copied.root / target).parent) == whole
