"""The batch script's text: what it asks for, and that bash can read it."""

import subprocess
from dataclasses import replace

import pytest

from semcom.cluster import batch

ASK = batch.Allocation(
    account="lab",
    qos="",
    partition="long",
    gpus=2,
    gpu_option="gres",
    gpu_type="a100",
    cpus=8,
    memory_mb=32000,
    time="1-00:00:00",
    warning_s=240,
)


def directives(text):
    return {line.split("--", 1)[1] for line in text.splitlines() if line.startswith("#SBATCH")}


def test_what_was_asked_for_is_in_it_and_nothing_empty():
    found = directives(batch.script(ASK, []))
    assert {"account=lab", "partition=long", "gres=gpu:a100:2", "cpus-per-task=8", "mem=32000"} <= found
    assert {"time=1-00:00:00", "signal=B:USR1@240", "requeue"} <= found
    assert not any(line.endswith("=") or line.startswith("qos") for line in found)


@pytest.mark.parametrize(("option", "line"), [("gpus", "gpus=a100:2"), ("gres", "gres=gpu:a100:2")])
def test_both_styles_of_gpus(option, line):
    assert line in directives(batch.script(replace(ASK, gpu_option=option), []))
    assert not any("gpu" in found for found in directives(batch.script(replace(ASK, gpus=0), [])))


def test_bash_reads_it_and_options_arrive_whole():
    text = batch.script(ASK, ["--configfile", "params/my study.yaml"])
    assert subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True).stderr == ""
    (line,) = [line for line in text.splitlines() if "cluster resume" in line]
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {line.removesuffix('&').split('resume', 1)[1]}"],
        text=True,
        capture_output=True,
    ).stdout.splitlines()
    assert words == [
        *("--configfile", "params/my study.yaml", "--cores", "8", "--resources", "gpu=2", "mem_mb=32000")
    ]
