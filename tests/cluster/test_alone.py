"""One Snakemake a checkout: the lock, what is seen of other processes, and what SIGTERM does to a child."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from semcom.cluster import alone, child, processes
from semcom.files.errors import SemcomError

HOLD = """
import sys, time
from pathlib import Path
from semcom.cluster import alone
alone.hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""
VERB = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
print("up", flush=True)
time.sleep(600)
"""


def hear():
    """The tests may be run with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def started():
    """Start processes; all are gone after the test."""
    all_ = []

    def start(*command, **options):
        all_.append(subprocess.Popen(command, text=True, stdout=subprocess.PIPE, **options))
        return all_[-1]

    yield start
    for process in all_:
        process.kill()
        process.wait()


def test_a_second_main_process_is_told_who_holds_the_folder(tmp_path, started):
    other = started(sys.executable, "-c", HOLD, str(tmp_path))
    assert other.stdout.readline() == "held\n"
    with pytest.raises(SemcomError, match=rf"host {os.uname().nodename}, pid {other.pid}\)"):
        alone.begin(tmp_path, slurm=False)


@pytest.mark.parametrize(("script", "word"), [("exec {} & wait", "kill"), ("exec {}", "kill -INT")])
def test_the_signal_that_is_named_is_one_that_is_heard(tmp_path, started, script, word):
    """What a script starts with `&` has SIGINT ignored, and Python leaves it so."""
    command = f"{sys.executable} -c '{HOLD}' {tmp_path}"
    other = started("sh", "-c", script.format(command), process_group=0, preexec_fn=hear)
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(SemcomError) as said:
            alone.hold(tmp_path)
        (named, pid) = re.search(r"stop it with (kill(?: -INT)?) (\d+)", str(said.value)).groups()
        assert named == word
        os.kill(int(pid), signal.SIGINT)
        time.sleep(0.5)
        alive = Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() != b""
        assert alive == (word == "kill")
    finally:
        os.killpg(other.pid, signal.SIGKILL)


def test_a_batch_job_is_stopped_by_its_number(tmp_path, started):
    slurm = {"SLURM_JOB_ID": "17", "SLURM_JOB_NAME": "semcom-whole"}
    other = started(sys.executable, "-c", HOLD, str(tmp_path), env={**os.environ, **slurm})
    assert other.stdout.readline() == "held\n"
    with pytest.raises(SemcomError, match=r"batch job 17\): wait for it, or cancel it with scancel 17;"):
        alone.hold(tmp_path)


def test_one_on_another_host_is_stopped_there(tmp_path, started):
    other = started(sys.executable, "-c", HOLD, str(tmp_path))
    assert other.stdout.readline() == "held\n"
    (tmp_path / alone.LOCK).write_text("host elsewhere, pid 7\n")
    with pytest.raises(SemcomError, match="stop it there with Ctrl-C"):
        alone.hold(tmp_path)


def test_the_lock_of_a_killed_process_is_free(tmp_path, started):
    other = started(sys.executable, "-c", HOLD, str(tmp_path))
    assert other.stdout.readline() == "held\n"
    other.kill()
    other.wait()
    handle = alone.hold(tmp_path)
    assert (tmp_path / alone.LOCK).read_text().strip() == alone.text()
    os.close(handle)


def test_snakemake_may_begin_where_its_parent_holds_the_folder(tmp_path, monkeypatch):
    handle = alone.hold(tmp_path)
    with pytest.raises(SemcomError, match="still works in this folder"):
        alone.begin(tmp_path, slurm=False)
    monkeypatch.setenv(alone.KEY, alone.text())
    alone.begin(tmp_path, slurm=False)
    os.close(handle)


@pytest.mark.parametrize(
    ("command", "main", "stage"),
    [
        ("python -m snakemake --profile profiles/slurm", True, ""),
        ("/x/.venv/bin/python /x/.venv/bin/snakemake --cores 2", True, ""),
        ("python -m snakemake -n", False, ""),
        ("python -m snakemake --snakefile Snakefile --mode remote", False, ""),
        ("python -m semcom pretrain {} --frames f", False, "pretrain"),
        ("/x/bin/python /x/bin/semcom evaluate sweep {}", False, "evaluate"),
        ("python -m semcom track follow tiny", False, ""),
        ("python -m semcom cluster resume", False, ""),
        ("vim snakemake.txt", False, ""),
    ],
)
def test_what_a_process_is(command, main, stage):
    process = processes.Process(1, tuple(command.split()), "")
    assert (process.main, process.stage) == (main, stage)


def test_processes_of_a_folder(tmp_path, started):
    folder = tmp_path / "köln x"
    folder.mkdir()
    inside = started("sleep", "600", cwd=folder, env={**os.environ, "SLURM_JOB_ID": "17"})
    outside = started("sleep", "600", cwd=tmp_path)
    time.sleep(0.2)
    assert processes.of_checkout(folder) == [processes.Process(inside.pid, ("sleep", "600"), "17")]
    assert {inside.pid, outside.pid} <= set(processes.descendants(os.getpid()))


def test_sigterm_ends_the_work_under_shells_but_not_the_shells(tmp_path, started):
    # As Snakemake starts a verb: under a shell that only waits, and passes its exit code on.
    (tmp_path / "verb.py").write_text(VERB)
    shell = started("bash", "-c", f"{sys.executable} {tmp_path}/verb.py; echo code $?")
    assert shell.stdout.readline() == "up\n"
    found = processes.descendants(os.getpid())
    assert shell.pid not in found
    for pid in found:
        os.kill(pid, signal.SIGTERM)
    assert shell.stdout.readline() == "code 75\n"


def test_under_resume_it_is_snakemake_that_is_named(tmp_path, started):
    """`resume` leaves Ctrl-C to the Snakemake that it started."""
    other = started(sys.executable, "-c", HOLD, str(tmp_path))
    assert other.stdout.readline() == "held\n"
    (tmp_path / "snakemake").write_text("print('up', flush=True)\nimport time\ntime.sleep(600)\n")
    main = started(sys.executable, "snakemake", "--cores", "1", cwd=tmp_path, preexec_fn=hear)
    assert main.stdout.readline() == "up\n"
    with pytest.raises(SemcomError, match=f"stop it with kill -INT {main.pid},"):
        alone.hold(tmp_path)


def test_a_fault_of_snakemake_is_its_last_line_not_its_manual(tmp_path):
    assert child.fault(tmp_path, ["--version"]) == ""
    said = child.fault(tmp_path, ["--no-such-option"])
    assert said.endswith("unrecognized arguments: --no-such-option")
    assert "\n" not in said


def test_targets_after_configfile_are_found():
    options = [
        "a.pt",
        "--configfile",
        "x.yaml",
        "b.pt",
        "--profile",
        "p",
        "c.pt",
        "--configfile=y.yaml",
        "d.pt",
    ]
    assert child.mistaken(options) == ["b.pt"]
