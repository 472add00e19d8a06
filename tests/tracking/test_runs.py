import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

from semcom.tracking.journal import Journal
from semcom.tracking.runs import is_open, read, read_study

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
        "with Journal.open(Path(sys.argv[1]), {'study': 's'}, {}): print(flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    assert is_open(path)
    assert [r.status for r in read(path, "a")] == ["RUNNING"]
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert [r.status for r in read(path, "a")] == ["KILLED"]


def test_reading_needs_no_mlflow():
    code = "import sys; import semcom.tracking.journal, semcom.tracking.sync; print('mlflow' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
