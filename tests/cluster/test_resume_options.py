"""`semcom cluster resume` without a cluster: what it says of options, before it does anything."""

import os
from pathlib import Path

import pytest

from checkout import Site, checkout


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = checkout(tmp_path_factory.mktemp("resume") / "köln x")
    text = (site.root / "params/quickstart.yaml").read_text()
    (site.root / "params/bad.yaml").write_text(f"{text}\nnonsense: 3\n")
    return site


@pytest.fixture(autouse=True)
def empty_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SLURM's clients may be here without a cluster."""
    (tmp_path / "squeue").write_text("#!/bin/sh\n")
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


CASES = {
    "a key": (("--configfile", "params/bad.yaml"), "nonsense: no such key"),
    "a target": (("results/nowhere.txt",), "No rule to produce results/nowhere.txt"),
    "an option": (("--no-such-option",), "unrecognized arguments: --no-such-option"),
    "a profile": (("--profile", "profiles/none"), "profile directory given (profiles/none)"),
    "a target after --configfile": (
        ("--configfile", "params/quickstart.yaml", "results/nowhere.txt"),
        "'results/nowhere.txt' too: name targets before it",
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_snakemakes_reason_is_shown(fresh, case, dry):
    options, reason = CASES[case]
    said = fresh.run("semcom", "cluster", "resume", *dry, "--cores", "1", *options, code=1)
    assert "snakemake does not take this, so nothing was done:" in said
    assert reason in said
    for noise in ("Using ", "Traceback", "Building DAG", "usage:", "would run"):
        assert noise not in said
    assert len(said.splitlines()) < 10


def test_a_dry_run_says_what_would_be_run(fresh):
    said = fresh.run("semcom", "cluster", "resume", "--dry-run", "--cores", "1")
    assert "the folder is not locked" in said
    assert "would run: snakemake --cores 1" in said
