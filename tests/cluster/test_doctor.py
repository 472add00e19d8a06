"""`semcom cluster doctor` on a real SLURM: in health, nodes drained, controller dead, interrupted."""

import re
import signal
import subprocess
import sys
import time

import pytest
import yaml

pytestmark = pytest.mark.slurm
DOCTOR = ("semcom", "cluster", "doctor")


def left(cluster, site):
    """Test jobs that have not ended, and what they left in the checkout."""
    alive = [j for j in cluster.squeue() if j.name.startswith("semcom-doctor") and j.state != "COMPLETED"]
    alive = [job for job in alive if job.state in ("PENDING", "RUNNING", "COMPLETING")]
    return alive + list((site.root / ".snakemake").glob("semcom-doctor*"))


def levels(said):
    """Level by subject."""
    rows = re.findall(r"^(ok|warn|BLOCK) +(\S.*?)  ", said, re.MULTILINE)
    return {subject: level for level, subject in rows}


def test_a_healthy_cluster_and_the_profile_for_it(cluster, pretraining):
    said = pretraining.run(*DOCTOR, "--write", "profiles/doctored")
    found = levels(said)
    assert "BLOCK" not in found.values(), said
    for subject in ("version", "MinJobAge", "shared files", "flock", "clocks", "Python"):
        assert found[subject] == "ok", said
    assert "no database (sacct does not work)" in said
    # The GPUs are /dev/null and /dev/zero: SLURM hands them out, PyTorch cannot see them.
    for style in ("--gpus=1", "--gres=gpu:1"):
        assert re.search(rf"^warn +{style} +gives GPU \d on n\d; PyTorch sees none", said, re.MULTILINE)
    values = yaml.safe_load((pretraining.root / "profiles/doctored/config.yaml").read_text())["__variables__"]
    assert (values["partition"], values["gpu_partition"], values["gpu_option"]) == ("cpu", "gpu", "gpus")
    assert (values["max_hours"], values["max_mem_mb"]) == (1, 8000)
    assert "pretrain mmssl 0" in pretraining.planned("--profile", "profiles/doctored")
    assert not left(cluster, pretraining)
    ended = [job for job in cluster.squeue() if job.name.startswith("semcom-doctor")]
    assert [job.state for job in ended] == ["COMPLETED"] * 3


def test_drained_nodes_block_and_the_reason_is_named(cluster, pretraining):
    for node in cluster.nodes:
        cluster.run("scontrol", "update", f"nodename={node}", "state=drain", "reason=broken | fan")
    try:
        said = pretraining.run(*DOCTOR, "--patience", "5", code=1)
    finally:
        for node in cluster.nodes:
            cluster.run("scontrol", "update", f"nodename={node}", "state=resume")
    assert levels(said)["node"] == "BLOCK"
    assert "2 drained of 2 CPUs" in said
    assert "still waits" in said
    assert "1 of" in said
    assert not left(cluster, pretraining)


def test_ctrl_c_cancels_the_test_jobs(cluster, pretraining):
    process = subprocess.Popen(
        [sys.executable, "-m", *DOCTOR],
        cwd=pretraining.root,
        env=pretraining.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    cluster.wait("a test job", lambda: left(cluster, pretraining)[1:])
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0, output
    cluster.wait("the end of the test jobs", lambda: not left(cluster, pretraining), 30)


def test_a_dead_controller_is_one_message(cluster, pretraining):
    cluster.stop_controller()
    start = time.monotonic()
    try:
        said = pretraining.run(*DOCTOR, code=1)
    finally:
        cluster.start_controller()
    assert time.monotonic() - start < 60
    assert "the SLURM controller does not answer" in said
    assert "DOWN" in said
    assert "Traceback" not in said
