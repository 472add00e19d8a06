"""A pre-training on two devices through SLURM: one step of two tasks, which srun starts."""

import shutil
import time
from pathlib import Path

import pytest
import yaml

from checkout import Site
from submitted import PRETRAINED, TARGET, Submitted, profile, same, trouble, went_on

pytestmark = pytest.mark.slurm


def two_devices(site: Site, **changed: object) -> None:
    file = site.root / "params/quickstart.yaml"
    params = yaml.safe_load(file.read_text()) | changed
    params["methods"]["mmssl"]["pretrain"] |= {"devices": 2, "epochs": 4}
    file.write_text(yaml.safe_dump(params, sort_keys=False))
    profile(site, {"pretrain": [0.25, 3000]})


@pytest.fixture
def plain(pretraining: Site, tmp_path: Path) -> Site:
    """A checkout in which the same pre-training has run on this machine, in two processes without SLURM."""
    site = Site(Path(shutil.copytree(pretraining.root, tmp_path / "plain x")))
    trouble(site)
    two_devices(site)
    site.snakemake("--cores", "2", TARGET)
    assert "2 processes train together" in (site.root / "logs/tiny/pretrain/mmssl/seed0.log").read_text()
    return site


def test_srun_starts_two_tasks_that_stop_and_go_on_as_one(cluster, pretraining, plain, record):
    two_devices(pretraining)
    with Submitted(pretraining, cluster, TARGET) as run:
        first = run.running("pretrain")
        run.trained()
        steps = cluster.run(
            "squeue", "--steps", f"--jobs={first.id}", "--noheader", "--Format=StepID,NumTasks"
        )
        assert f"{first.id}.0" in steps
        assert [word.split()[1] for word in steps.splitlines() if f"{first.id}.0" in word] == ["2"]
        cluster.run("scancel", "--signal=TERM", first.id)  # as --signal=TERM@120 does: to the steps
        start = time.monotonic()
        run.wait("the end of the first attempt", lambda: run.state(first) != "RUNNING")
        log = next((pretraining.root / "logs/slurm").glob(f"rule_pretrain/**/{first.id}.log")).read_text()
        assert log.count("SIGTERM: stopped after step") == 1
        second = run.running("pretrain", after=first)
        seconds = time.monotonic() - start
        trouble(pretraining)
        run.end(timeout=900)
        assert "cpu=2," in second.tres
    compared = same(pretraining.root / PRETRAINED, plain.root / PRETRAINED)
    happened = f"SIGTERM to both tasks, sent again, went on after {went_on(pretraining)}"
    record("2 devices by srun", happened, seconds, compared)


def test_two_devices_ask_for_two_gpus_on_one_node(cluster, pretraining):
    two_devices(pretraining, compute={"device": "cuda"})
    with Submitted(pretraining, cluster, TARGET, "--retries", "0") as run:
        job = run.running("pretrain")
        output = run.end(code=1)
    assert job.gpus == "gres:gpu:2"
    assert "node=1" in job.tres
    assert "pretrain.devices is 2, but this process sees 0 GPUs" in output
