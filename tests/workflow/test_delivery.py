"""Snakemake delivers to MLflow at its end, and a server that cannot take it changes nothing else."""

import socket
import sqlite3

import pytest


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
