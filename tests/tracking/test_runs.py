import errno
import fcntl
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from semcom.tracking.journal import Journal
from semcom.tracking.runs import Reader, is_open, read, read_study

TAGS = {
    "study": "s", "system": "mmssl", "stage": "finetune", "method": "mmssl", "link": "awgn_k32",
    "labels": "all", "seed": "0",
}  # fmt: skip


def write(path: Path, budgets=(1, 5)) -> None:
    with Journal.open(path, TAGS, {"link": {"channel_uses": 32}}) as journal:
        for budget in budgets:
            for step in range(budget):
                journal.metrics({"train/loss": 1 / (1 + step)}, step=step, run={"budget_epochs": budget})


def test_one_flat_run_a_budget(tmp_path):
    write(tmp_path / "journal/finetune/a.jsonl")
    one, five = read_study(tmp_path / "journal")
    assert one.name == "finetune mmssl awgn_k32 all b1 s0"
    assert one.key.startswith("study=s,system=mmssl,stage=finetune,")
    assert (one.job, one.status, one.params) == ("finetune/a", "FINISHED", {"link.channel_uses": "32"})
    assert [(p.step, p.value) for p in five.points] == [(i, 1 / (1 + i)) for i in range(5)]
    assert one.sha != five.sha
    assert read_study(tmp_path / "journal")[0].sha == one.sha


def test_a_stage_without_link_leaves_it_out(tmp_path):
    path = tmp_path / "a.jsonl"
    with Journal.open(
        path, {"study": "s", "stage": "pretrain", "method": "mmssl", "seed": "2"}, {}
    ) as journal:
        journal.metrics({"x": math.nan}, step=0)
    (run,) = read(path, "a")
    assert run.name == "pretrain mmssl s2"
    assert run.key == "study=s,stage=pretrain,method=mmssl,seed=2"
    assert math.isnan(run.points[0].value)


def test_of_repeated_steps_the_last_counts(tmp_path):
    path = tmp_path / "a.jsonl"
    write(path, budgets=(3,))
    path.write_bytes(path.read_bytes()[:-20])  # torn by SIGKILL
    assert [r.status for r in read(path, "a")] == ["KILLED"]
    with Journal.open(path, TAGS, {"new": 1}, fresh=False) as journal:
        journal.metrics({"train/loss": 7}, step=2, run={"budget_epochs": 3})
    (run,) = read(path, "a")
    assert [p.value for p in run.points] == [1, 1 / 2, 7]
    assert (run.status, run.params) == ("FINISHED", {"new": "1"})


def test_every_torn_length_reads(tmp_path):
    path = tmp_path / "a.jsonl"
    write(path, budgets=(2,))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        for run in read(path, "a"):
            json.dumps(run.status)
            assert len(run.points) <= 2


def test_a_living_job_is_running_and_a_killed_one_is_not(tmp_path):
    path = tmp_path / "a.jsonl"
    code = (
        "import sys, time; from pathlib import Path; from semcom.tracking.journal import Journal\n"
        "with Journal.open(Path(sys.argv[1]), {'study': 's'}, {}) as journal:\n"
        "    print(flush=True); sys.stdin.readline()\n"
        "    journal.metrics({'a': 1}, step=0); print(flush=True); time.sleep(60)"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], **pipes)
    child.stdout.readline()
    assert is_open(path)
    reader = Reader(tmp_path)
    assert reader.read() == read(path, "a") == []  # it has measured nothing yet
    child.stdin.write(b"\n")
    child.stdin.flush()
    child.stdout.readline()
    assert [r.status for r in reader.read()] == ["RUNNING"]
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert [r.status for r in reader.read()] == ["KILLED"]  # though the file is the same
    assert reader.read() == read(path, "a")


def test_what_grows_keeps_its_head_and_what_starts_anew_does_not(tmp_path):
    path = tmp_path / "a.jsonl"
    seen = []
    with Journal.open(path, TAGS, {}) as journal:
        for budget in (1, 5):  # a second run of the job changes nothing of the first
            for step in range(2):
                journal.metrics({"loss": math.nan if step else 1}, step=step, run={"budget_epochs": budget})
                seen.append(read(path, "a")[0])
    assert {run.head for run in seen} == {seen[0].head}
    assert seen[1].sha == seen[2].sha == seen[3].sha != seen[0].sha
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with Journal.open(path, TAGS, {}, fresh=False) as journal:  # resumes at step 1 of budget 5
        journal.metrics({"loss": math.nan}, step=1, run={"budget_epochs": 5})
    resumed = read(path, "a")
    path.write_bytes(whole)
    once = read(path, "a")
    assert [run.head for run in resumed] == [run.head for run in once]
    assert repr([run.points for run in resumed]) == repr([run.points for run in once])
    path.write_bytes(whole[:-9])
    with Journal.open(path, TAGS, {}, fresh=False) as journal:
        journal.metrics({"loss": 2}, step=1, run={"budget_epochs": 5})
    assert [a.head == b.head for a, b in zip(read(path, "a"), once, strict=True)] == [True, False]
    write(path, budgets=(1, 5))
    assert all(a.head != b.head for a, b in zip(read(path, "a"), once, strict=True))


def test_without_locks_a_journal_lives_while_it_is_young(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    write(path)

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", none)
    assert is_open(path)
    os.utime(path, (0, time.time() - 601))
    assert not is_open(path)
    assert not is_open(tmp_path / "none.jsonl")


def test_reading_needs_no_mlflow():
    code = "import sys; import semcom.tracking.journal, semcom.tracking.sync; print('mlflow' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
