"""Snakemake delivers to MLflow at its end, and a server that cannot take it changes nothing else."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from checkout import Site, checkout
from semcom.tracking.follow import Process

STUB = Path(__file__).parents[1] / "stub.py"


def with_tracking(site, uri: str) -> None:
    path = site.root / "params/quickstart.yaml"
    text = path.read_text()
    assert "tracking: {enabled: false}" in text
    path.write_text(text.replace("tracking: {enabled: false}", f"tracking: {{enabled: true, uri: '{uri}'}}"))


def test_results_are_delivered_to_a_database_made_at_the_start(copied):
    with_tracking(copied, "sqlite:///mlflow.db")
    output = copied.snakemake("--cores", "1", "--forcerun", "report")
    assert "study tiny is delivered to sqlite:///mlflow.db" in output
    with sqlite3.connect(copied.root / "mlflow.db") as database:
        (runs,) = database.execute("select count(*) from runs").fetchone()
        (steps,) = database.execute(
            "select count(distinct step) from metrics where key like 'test%'"
        ).fetchone()
    assert runs > 10
    assert steps == 2


@pytest.mark.parametrize("answers", [True, False], ids=["mute", "dead"])
def test_a_server_that_cannot_take_it_changes_nothing(copied, answers):
    report = copied.root / "results/tiny/report/main/report.md"
    before = report.read_bytes()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if answers:
            server.listen()  # accepts, and never says a word
        with_tracking(copied, f"http://127.0.0.1:{server.getsockname()[1]}")
        output = copied.snakemake("--cores", "1", "--forcerun", "report")
    assert "study tiny is not delivered" in output
    assert report.read_bytes() == before
    assert copied.planned() == set()


@pytest.fixture
def quick(tmp_path) -> Site:
    """A checkout whose stages compute nothing, with tracking."""
    site = checkout(tmp_path / "köln x")
    shutil.copy(STUB, site.root / "src/semcom/__main__.py")
    with_tracking(site, "sqlite:///mlflow.db")
    return site


def statuses(site: Site) -> dict[str, str]:
    """Status of each run by name, which must be there once."""
    database = site.root / "mlflow.db"
    if not database.exists():
        return {}
    with sqlite3.connect(database, timeout=60) as connection:
        query = "select name, status from runs where lifecycle_stage = 'active'"
        rows = connection.execute(query).fetchall()
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def wait(what, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_runs_appear_while_jobs_run_and_a_killed_snakemake_leaves_no_follower(quick):
    (quick.root / "stub.json").write_text(json.dumps({"pretrain mmssl 0": "hang"}))
    workflow = quick.start("snakemake", "--cores", "2")
    wait(lambda: statuses(quick).get("pretrain mmssl s0") == "RUNNING")
    wait(lambda: statuses(quick).get("pretrain mmssl s1") == "FINISHED")
    follower = Process.of(int((quick.root / "results/tiny/journal/.follow").read_text().split()[-1]))
    journal = (quick.root / "results/tiny/journal/pretrain/mmssl/seed0.jsonl").read_text()
    job = Process.of(json.loads(journal.splitlines()[0])["pid"])
    workflow.send_signal(signal.SIGSTOP)  # it must not see its job die
    os.kill(job.pid, signal.SIGKILL)
    wait(lambda: job.ended)
    workflow.kill()
    workflow.communicate()
    wait(lambda: follower.ended)
    assert statuses(quick)["pretrain mmssl s0"] == "KILLED"

    (quick.root / "stub.json").unlink()
    quick.snakemake("--unlock")
    output = quick.snakemake("--cores", "2")
    assert re.search(r"study tiny is delivered to sqlite:///mlflow.db: \d+ new runs", output)
    after = statuses(quick)
    assert set(after.values()) == {"FINISHED"}
    assert len(after) == 16  # all jobs but fetch, prepare and report
    (_, pid) = (quick.root / "results/tiny/journal/.follow").read_text().split()
    wait(lambda: Process.of(int(pid)).ended)  # asked to end, it needs a moment
    with sqlite3.connect(quick.root / "mlflow.db") as connection:
        (points,) = connection.execute(
            "select count(*) from metrics join runs using (run_uuid) where lifecycle_stage = 'active'"
        ).fetchone()
    assert points == 16 * 2
