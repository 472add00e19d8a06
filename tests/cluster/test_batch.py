"""The batch script's text: what it asks for, and that bash can read it."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from semcom.cli import cluster as cli
from semcom.cluster import batch
from semcom.files.errors import SemcomError

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


TIMES = ("30", "12:00", "120:00", "12:00:00", "2-0", "2-12", "2-12:30", "10-12:30:00")
NO_TIMES = ("", "12h", "1.5", "1-", "12:", "12:00:00:00", "1-2-3", "-5", "1 day", "12:00:00\n#SBATCH --x")


@pytest.mark.parametrize("time", TIMES)
def test_slurms_times_are_taken_and_the_log_has_a_folder(tmp_path, time):
    (tmp_path / "Snakefile").touch()
    ask = replace(ASK, time=time)
    batch.check(tmp_path, ask)
    (log,) = [found for found in directives(batch.script(ask, [])) if found.startswith("output=")]
    assert (tmp_path / log.removeprefix("output=")).parent.is_dir()
    assert "%j" in log


@pytest.mark.parametrize("time", NO_TIMES)
def test_other_times_are_refused_with_their_forms(tmp_path, time):
    (tmp_path / "Snakefile").touch()
    with pytest.raises(SemcomError, match="MINUTES, MM:SS, HH:MM:SS, D-HH, D-HH:MM, D-HH:MM:SS"):
        batch.check(tmp_path, replace(ASK, time=time))


def test_the_verb_prints_nothing_that_is_not_checked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for options, word in (({}, "no Snakefile"), ({"time": "12h"}, "12h"), ({"gpu_option": "x"}, "x")):
        with pytest.raises(SemcomError, match=word):
            cli.script(**options)
    assert not capsys.readouterr().out
    (tmp_path / "Snakefile").touch()
    cli.script()
    assert "#SBATCH --time=12:00:00\n" in capsys.readouterr().out


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


CHILD = """#!{python}
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit({stopped}))
print("up", *sys.argv[1:], flush=True)
time.sleep({seconds})
sys.exit({code})
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the script with a stand-in for `semcom cluster resume`, send it a signal: exit code and output."""
    for name in ("scontrol", "sleep"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} $*\n")
        (tmp_path / name).chmod(0o755)

    def run(sent=None, *, stopped=75, code=0, seconds=0.0, restarts=0):
        child = tmp_path / "child"
        child.write_text(CHILD.format(python=sys.executable, stopped=stopped, code=code, seconds=seconds))
        child.chmod(0o755)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", str(child))
            text = batch.script(ASK, ["--configfile", "x"])
        (tmp_path / "whole.sh").write_text(text)
        slurm = {"SLURM_JOB_ID": "7", "SLURM_SUBMIT_DIR": str(tmp_path), "SLURM_RESTART_COUNT": str(restarts)}
        process = subprocess.Popen(
            ["bash", tmp_path / "whole.sh"],
            env={**os.environ, **slurm, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        said = process.stdout.readline() + process.stdout.readline()
        if sent:
            process.send_signal(sent)
        said += process.communicate(timeout=30)[0]
        return process.returncode, said

    return run


def test_ahead_of_the_walltime_it_goes_back_into_the_queue(run):
    code, said = run(signal.SIGUSR1, seconds=20)
    assert code == 75
    assert "up -m semcom cluster resume --configfile x --cores 8" in said
    assert "scontrol requeue 7" in said


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ({"sent": signal.SIGTERM, "seconds": 20}, 75),  # scancel: it stops, and that is it
        ({"sent": signal.SIGUSR1, "seconds": 20, "stopped": 0}, 0),  # done just in time
        ({"sent": signal.SIGUSR1, "seconds": 20, "stopped": 1}, 1),  # a job failed as well
        ({"sent": signal.SIGUSR1, "seconds": 20, "restarts": batch.TIMES}, 1),
        ({"code": 1}, 1),
        ({}, 0),
    ],
)
def test_at_any_other_end_it_does_not(run, case, code):
    ended, said = run(**case)
    assert ended == code
    assert "scontrol" not in said
