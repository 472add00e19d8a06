"""The follower with the real MLflow: curves that grow, servers that come and go, ends of all kinds."""

import fcntl
import http.server
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from semcom.tracking import database, follow
from semcom.tracking.journal import Journal
from semcom.tracking.sync import sync

JOB = """
import sys, time
from pathlib import Path
from semcom.tracking.journal import Journal
path, first, last, fresh = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "fresh"
tags = {"study": "s", "stage": "finetune", "method": "mmssl", "seed": "0"}
with Journal.open(Path(path), tags, {"lr": 0.1}, fresh=fresh) as journal:
    for step in range(first, last):
        journal.metrics({"loss": 1 / (1 + step), "never": float("nan")}, step=step, run={"budget_epochs": 5})
    print(flush=True)
    if sys.stdin.readline() == "on\\n":
        for step in range(last, last + 5):
            journal.metrics({"loss": 1 / (1 + step)}, step=step, run={"budget_epochs": 5})
"""


@pytest.fixture(scope="session")
def empty_tables(tmp_path_factory) -> Path:
    """MLflow's tables, made once for all tests of this process (4 s)."""
    folder = tmp_path_factory.mktemp("mlflow f")
    database.init(f"sqlite:///{folder}/mlflow.db")
    return folder / "mlflow.db"


@pytest.fixture
def place(tmp_path, empty_tables, monkeypatch) -> Path:
    """A working folder with an empty database."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_tables, tmp_path / "mlflow.db")
    return tmp_path


def job(first: int, last: int, fresh: str = "fresh") -> subprocess.Popen:
    """A living job that has written steps `first` to `last` and waits."""
    command = [sys.executable, "-c", JOB, "results/s/journal/finetune/a.jsonl", str(first), str(last), fresh]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def finish(process: subprocess.Popen) -> None:
    process.communicate("on\n")


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts followers; ends those that are left."""
    started = []

    def begin(*options: str, uri: str = "sqlite:///mlflow.db") -> subprocess.Popen:
        command = [sys.executable, "-m", "semcom", "track", "follow", "s", "--uri", uri, "--every", "0.3"]
        with open("follow.log", "a") as said:
            started.append(subprocess.Popen([*command, *options], stderr=said))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def rows(query: str) -> list[tuple]:
    with sqlite3.connect("mlflow.db", timeout=20) as connection:
        return connection.execute(query).fetchall()


def runs() -> list[tuple[str, str]]:
    return rows("select run_uuid, status from runs where lifecycle_stage = 'active'")


def losses() -> list[tuple[int, float]]:
    return rows("select step, value from metrics where key = 'loss' order by step")


def until(what: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, Path("follow.log").read_text()
        time.sleep(0.1)


def curve(n: int) -> list[tuple[int, float]]:
    return [(step, 1 / (1 + step)) for step in range(n)]


def test_a_run_grows_is_killed_resumes_and_ends_as_one_run(place, start):
    follower = start()
    first = job(0, 3)
    until(lambda: losses() == curve(3))
    ((run, status),) = runs()
    assert status == "RUNNING"
    first.kill()
    first.communicate()
    until(lambda: runs() == [(run, "KILLED")])
    second = job(2, 6, "resumed")  # from a checkpoint: step 2 once more, with the same value
    until(lambda: losses() == curve(6))
    until(lambda: runs() == [(run, "RUNNING")])
    assert "already there" in sync(
        "s", results=Path("results"), uri="sqlite:///mlflow.db"
    )  # by hand, between
    finish(second)
    until(lambda: runs() == [(run, "FINISHED")])
    assert losses() == curve(11)
    assert rows("select count(*) from metrics where key = 'never'") == [(6,)]
    follower.terminate()
    assert follower.wait(10) == 0
    assert sync("s", results=Path("results"), uri="sqlite:///mlflow.db").endswith(
        "0 new runs, 0 updated, 1 already there"
    )
    assert runs() == [(run, "FINISHED")]


def test_a_re_run_replaces_its_run(place, start):
    start()
    finish(job(0, 2))
    until(lambda: [status for _, status in runs()] == ["FINISHED"])
    (old,) = runs()
    finish(job(0, 1))
    until(lambda: [(name != old[0], status) for name, status in runs()] == [(True, "FINISHED")])
    new = runs()[0][0]
    assert rows(f"select count(*) from metrics where key = 'loss' and run_uuid = '{new}'") == [(6,)]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    return not follow.Process.of(pid).ended


def test_it_ends_with_the_workflow_after_a_last_round_and_its_worker_with_it(place, start):
    workflow = subprocess.Popen(["sleep", "600"])
    follower = start("--pid", str(workflow.pid))
    living = job(0, 2)
    until(lambda: losses() == curve(2))
    (worker,) = children(follower.pid)
    finish(living)
    workflow.kill()  # not waited for: a zombie has ended, too
    assert follower.wait(60) == 0
    assert losses() == curve(7)
    assert [status for _, status in runs()] == ["FINISHED"]
    until(lambda: not alive(worker), 10)
    workflow.wait()


def test_killed_itself_it_leaves_no_worker_and_the_next_delivery_adds_to_its_runs(place, start):
    follower = start()
    living = job(0, 3)
    until(lambda: losses() == curve(3))
    ((run, _),) = runs()
    (worker,) = children(follower.pid)
    follower.kill()
    follower.wait()
    until(lambda: not alive(worker), 10)
    finish(living)
    assert sync("s", results=Path("results"), uri="sqlite:///mlflow.db").endswith(
        "0 new runs, 1 updated, 0 already there"
    )
    assert losses() == curve(8)
    assert runs() == [(run, "FINISHED")]


def test_one_at_a_time_and_the_next_waits_for_the_one_that_ends(place, start):
    first = start()
    until(lambda: Path("follow.log").read_text().count("follows study s") == 1)
    refused = start()
    assert refused.wait(60) == 1
    assert "another follower is at work" in Path("follow.log").read_text()
    waiting = start("--pid", str(os.getpid()))
    time.sleep(1)
    follow.stop("s", results=Path("results"))
    assert first.wait(5) == 0
    until(lambda: Path("follow.log").read_text().count("follows study s") == 2)
    assert waiting.poll() is None


def test_stop_does_not_wait_for_a_server(place, start):
    finish(job(0, 2))
    with socket.create_server(("127.0.0.1", 0)) as mute:
        start(uri=f"http://127.0.0.1:{mute.getsockname()[1]}")
        mute.accept()  # the health check waits for an answer now
        begin = time.monotonic()
        follow.stop("s", results=Path("results"))
        assert time.monotonic() - begin < 3
    with open("results/s/journal/.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_stop_without_a_follower(place):
    follow.stop("s", results=Path("results"))
    with Journal.open(Path("results/s/journal/a.jsonl"), {}, {}):
        follow.stop("s", results=Path("results"))


class Proxy(http.server.BaseHTTPRequestHandler):
    """Says that it is well, and fails everything else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 500)
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *args) -> None:
        pass


def server(port: int) -> subprocess.Popen:
    """MLflow's own server on the database that `mlflow ui` opens."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    options = ["--backend-store-uri", "sqlite:///mlflow.db", "--workers", "1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*command, *options], start_new_session=True, **quiet)


def seen(port: int) -> list[tuple[object, ...]]:
    """Status of the runs that the server shows, and their last loss if they have one."""
    body = json.dumps({"experiment_ids": ["1"]}).encode()
    url = f"http://127.0.0.1:{port}/api/2.0/mlflow/runs/search"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        found = json.load(answer).get("runs", [])
    # The server leaves `metrics` out of a run that has none yet.
    return [
        (run["info"]["status"], *(m["value"] for m in run["data"].get("metrics", []) if m["key"] == "loss"))
        for run in found
    ]


def test_a_server_that_dies_fails_and_comes_back_gets_everything(place, start):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    living = job(0, 3)
    follower = start(uri=f"http://127.0.0.1:{port}")
    until(lambda: "not delivered: no answer" in Path("follow.log").read_text())  # it is not there yet
    failing = http.server.ThreadingHTTPServer(("127.0.0.1", port), Proxy)
    Thread(target=failing.serve_forever, daemon=True).start()
    until(lambda: "500" in Path("follow.log").read_text())
    failing.shutdown()
    failing.server_close()
    real = server(port)
    try:
        until(lambda: losses() == curve(3), 180)
        finish(living)
        until(lambda: losses() == curve(8) and [status for _, status in runs()] == ["FINISHED"])
        assert follower.poll() is None
        follower.terminate()
        # Now into the file beneath the server, as with a plain `mlflow ui`: both read and write it at once.
        start()
        living = job(0, 4)
        until(lambda: seen(port) == [("RUNNING", 1 / 4)])
        finish(living)
        until(lambda: seen(port) == [("FINISHED", 1 / 9)])
    finally:
        os.killpg(real.pid, signal.SIGKILL)
        real.wait()
