"""Round trips through the real MLflow on SQLite; servers that are dead or dumb."""

import http.server
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from semcom.cli.track import app
from semcom.files.errors import SemcomError
from semcom.tracking import database
from semcom.tracking.journal import Journal
from semcom.tracking.sync import HASTY, PATIENT, Patience, sync

SNR_DB = range(-5, 21)


def sweep(results: Path, seed: int, shift: float = 0.0, budgets=(1, 5)) -> None:
    tags = {"study": "s", "stage": "evaluate", "method": "mmssl", "link": "awgn", "seed": str(seed)}
    params = {"link": {"channel_uses": 32}, "long": "x" * 7000, **{f"p{i}": i for i in range(150)}}
    with Journal.open(results / f"s/journal/evaluate/seed{seed}.jsonl", tags, params) as journal:
        for budget in budgets:
            for snr_db in SNR_DB:
                values = {"test/accuracy": snr_db / 20 + shift, "never": float("nan")}
                journal.metrics(values, step=snr_db, run={"budget_epochs": budget})


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """MLflow's tables, made once for all tests of this process (4 s)."""
    folder = tmp_path_factory.mktemp("mlflow ä")
    assert database.init(f"sqlite:///{folder}/mlflow.db")
    return folder / "mlflow.db"


@pytest.fixture
def uri(tmp_path, empty_database, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return "sqlite:///mlflow.db"


def runs(uri: str):
    from mlflow import MlflowClient

    # MLflow keeps one store a URI for the life of the process: a relative one would be another test's.
    client = MlflowClient(tracking_uri=uri.replace("///", f"///{Path.cwd()}/"))
    experiment = client.get_experiment_by_name("s")
    return client, client.search_runs([experiment.experiment_id])


def deliver(uri: str, patience: Patience = PATIENT) -> str:
    return sync("s", results=Path("results"), uri=uri, patience=patience)


def test_round_trip_and_again_and_re_run(uri):
    sweep(Path("results"), 0)
    sweep(Path("results"), 1)
    assert deliver(uri).endswith("4 new runs, 0 updated, 0 already there")
    client, found = runs(uri)
    assert sorted(r.info.run_name for r in found) == [
        f"evaluate mmssl awgn b{b} s{s}" for b in (1, 5) for s in (0, 1)
    ]
    run = next(r for r in found if r.data.tags["seed"] == "1" and r.data.tags["budget_epochs"] == "5")
    history = client.get_metric_history(run.info.run_id, "test/accuracy")
    assert {m.step: m.value for m in history} == {snr: snr / 20 for snr in SNR_DB}
    assert run.info.status == "FINISHED"
    assert len(run.data.params) == 152

    assert deliver(uri).endswith("0 new runs, 0 updated, 4 already there")
    assert {r.info.run_id for r in runs(uri)[1]} == {r.info.run_id for r in found}

    sweep(Path("results"), 1, shift=0.1, budgets=(1,))  # a re-run with one budget less
    assert deliver(uri).endswith("0 new runs, 1 updated, 2 already there")
    client, now = runs(uri)
    assert len(now) == 3
    run = next(r for r in now if r.data.tags["seed"] == "1")
    assert run.data.metrics["test/accuracy"] == pytest.approx(1.1)


def test_two_deliveries_at_once_make_no_run_twice(uri):
    sweep(Path("results"), 0)
    command = "import sys; from semcom.cli.track import app; app(['sync', 's', '--uri', sys.argv[1]])"
    both = [subprocess.Popen([sys.executable, "-c", command, uri]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(runs(uri)[1]) == 2


def test_the_database_is_made_once_by_many(tmp_path):
    command = "import sys; from semcom.tracking.database import init; init(sys.argv[1])"
    uri = f"sqlite:///{tmp_path}/ü x/mlflow.db"
    many = [subprocess.Popen([sys.executable, "-c", command, uri]) for _ in range(3)]
    assert [process.wait() for process in many] == [0, 0, 0]
    assert [path.name for path in (tmp_path / "ü x").iterdir()] == ["mlflow.db"]
    assert not database.init(uri)


def closed_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_dead_server_is_one_message_and_later_all_is_delivered(uri):
    sweep(Path("results"), 0)
    dead = closed_port()
    begin = time.monotonic()
    done = CliRunner().invoke(app, ["sync", "s", "--uri", dead, "--best-effort"])
    assert time.monotonic() - begin < 15
    assert done.exit_code == 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"`semcom track sync s --uri {dead}` delivers later" in done.stderr
    with pytest.raises(SemcomError, match="not delivered to http"):
        deliver(dead)
    assert deliver(uri).endswith("2 new runs, 0 updated, 0 already there")


def test_a_server_that_accepts_and_never_answers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweep(Path("results"), 0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begin = time.monotonic()
        with pytest.raises(SemcomError, match=r"no answer (within|for) \d s"):
            deliver(f"http://127.0.0.1:{listener.getsockname()[1]}", HASTY)
    assert time.monotonic() - begin < 15


class HealthOnly(http.server.BaseHTTPRequestHandler):
    """Says that it is well, then nothing; a byte now and then keeps the client's time-out from ending."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        if self.path != "/health":
            for _ in range(100):
                self.wfile.write(b" ")
                time.sleep(1)

    def log_message(self, *args) -> None:
        pass


def test_a_server_that_falls_silent_after_its_health_check(tmp_path, monkeypatch):
    assert HASTY.first_s + HASTY.lock_s < 15
    monkeypatch.chdir(tmp_path)
    sweep(Path("results"), 0)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HealthOnly)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    begin = time.monotonic()
    with pytest.raises(SemcomError, match=r"no answer for \d s"):
        deliver(f"http://127.0.0.1:{server.server_address[1]}", replace(HASTY, first_s=5))
    assert time.monotonic() - begin < 15
    server.shutdown()


def test_best_effort_does_not_wait_for_another_delivery(uri):
    import fcntl

    sweep(Path("results"), 0)
    with open("results/s/journal/.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = CliRunner().invoke(app, ["sync", "s", "--uri", uri, "--best-effort"])
    assert done.exit_code == 0
    assert "another delivery of it is under way" in done.stderr


def test_where_to(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert database.choose(None) == "sqlite:///mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://a")
    assert database.choose(None) == "http://a"
    assert database.choose("http://b") == "http://b"


def test_a_study_that_never_ran(tmp_path):
    with pytest.raises(SemcomError, match="no journals in .*; name a study that has run"):
        sync("typo", results=tmp_path, uri=None)
