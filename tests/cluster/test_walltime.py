"""Walltime: SIGTERM comes ahead of it, the training writes a checkpoint, the next attempt goes on there."""

import time

import pytest

from submitted import PRETRAINED, TARGET, Submitted, profile, same, trouble, went_on

pytestmark = pytest.mark.slurm
MINUTES, WARNING_S = 2, 30
"""SLURM looks at time limits every 30 s and warns up to 30 s early: here 60 to 90 s after the start."""


def test_walltime(cluster, pretraining, undisturbed, record):
    profile(pretraining, {"pretrain": [MINUTES / 60, 1500]}, warning_s=WARNING_S)
    trouble(pretraining, pause=5)  # for 30 steps
    with Submitted(pretraining, cluster, TARGET) as run:
        first = run.running("pretrain")
        assert cluster.job(first.id)["TimeLimit"] == "00:02:00"
        began = time.monotonic()
        run.wait("the end of the first attempt", lambda: run.state(first) != "RUNNING")
        start = time.monotonic()
        trouble(pretraining)
        second = run.running("pretrain", after=first)
        seconds = time.monotonic() - start
        assert cluster.job(second.id)["TimeLimit"] == "00:04:00"
        run.end()
        states = run.state(first), run.state(second)
    assert start - began < 60 * MINUTES, "the training ended before SLURM had to"
    assert states == ("FAILED", "COMPLETED")
    (log,) = (pretraining.root / "logs/slurm/rule_pretrain").rglob(f"{first.id}.log")
    assert "SIGTERM: stopped after" in log.read_text()
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    happened = f"SIGTERM {start - began:.0f} s after the start of {60 * MINUTES}, went on after "
    record("walltime", happened + went_on(pretraining), seconds, compared)
