"""The quickstart for two methods and one seed, from its data to its report, on a real cluster.

Its tracking server is dead for the whole run. Every file is the one of a run on this machine.
"""

import re
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from checkout import ROOT, Site, copy_workflow
from submitted import Submitted, contents, profile

SMALL = {"epochs": 2, "validate_every": 1}
LOCAL = {"all", "fetch"}


def quickstart(folder: Path, *, uri: str = "") -> Site:
    """A checkout of the bundled study of the first system, reduced; tracked at `uri` if there is one."""
    copy_workflow(folder)
    shutil.copytree(ROOT / "bundled", folder / "bundled")
    (folder / ".dvc").mkdir()
    for file in ("data.dvc", ".dvc/config"):
        shutil.copy(ROOT / file, folder / file)
    (folder / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    study = yaml.safe_load((ROOT / "params/quickstart.yaml").read_text())
    del study["crlsc"]  # the first system's rules are enough jobs for one test
    study |= {"seeds": [0], "budgets": [1, 2], "tracking": {"enabled": bool(uri), "uri": uri or None}}
    study["methods"] = {name: study["methods"][name] for name in ("mmssl", "supervised")}
    study["methods"]["mmssl"]["pretrain"] |= SMALL
    # One digital link whose table is measured here, an upload, a condition, a look into pre-training and a
    # changing channel: so that every rule has a job.
    study["digital"]["pq_k32"] |= {"schemes": ["qpsk_uncoded"], "budgets": [2]}
    study["digital"]["pq_k32"]["upload"] = {"codec": "webp", "quality": [30]}
    study["evaluate"] |= {"draws": 2, "conditions": {"depth_lost": {"lost": ["depth"]}}}
    study["learnt"] = {}
    fading = {"channel": {"use": "rayleigh"}, "snr_db": 5}
    study["changing"] = {"world": {"link": "awgn_k32", "states": [fading], "budgets": [1]}}
    (folder / "params/quickstart.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    return Site(folder)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The study, run on this machine."""
    site = quickstart(tmp_path_factory.mktemp("here") / "köln x")
    site.snakemake("--cores", "2")
    return site


@pytest.fixture(scope="module")
def finished(cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submitted]:
    """The study, run on the cluster."""
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{dead.getsockname()[1]}"
        site = quickstart(tmp_path_factory.mktemp("there") / "köln x", uri=uri)
        profile(site)
        with Submitted(site, cluster) as run:
            run.end(timeout=2400)
            yield run


@pytest.mark.slurm
def test_files_are_those_of_a_local_run(finished, here, record):
    ours, theirs = (
        {name: data for name, data in contents(site.root / "results").items() if compared(name)}
        for site in (finished.site, here)
    )
    assert ours.keys() == theirs.keys()
    assert not [name for name in ours if ours[name] != theirs[name]]
    jobs = finished.jobs()
    kinds = sorted({name.rpartition(".")[2] for name in ours})
    record(
        "none: end to end", f"{len(jobs)} jobs", None, f"{len(ours)} files ({', '.join(kinds)}): identical"
    )


def compared(name: str) -> bool:
    """Left out is what tells of machine and time: locks, journals, the report's provenance."""
    return not re.search(r"\.lock$|/journal/|provenance\.json$", name)


@pytest.mark.slurm
def test_local_rules_stay_here_and_all_others_go_there(finished):
    jobs = finished.jobs()
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert {job.name.partition("_")[0] for job in jobs} == {"semcom"}
    rules = re.findall(r"^rule (\w+):", "".join(map(Path.read_text, rule_files())), re.MULTILINE)
    # `rule_NAME` and its wildcards, where it has any
    of = {rule: [job for job in jobs if f"{job.comment}_".startswith(f"rule_{rule}_")] for rule in rules}
    assert {rule for rule, found in of.items() if found} == set(rules) - LOCAL
    assert sum(map(len, of.values())) == len(jobs)


def rule_files() -> list[Path]:
    # Those of the second system are read for a study that has its section, and this one has not.
    every = sorted((ROOT / "workflow/rules").glob("*.smk"))
    return [file for file in every if not file.name.startswith("crlsc")]


@pytest.mark.slurm
def test_nothing_is_lost_while_the_tracking_server_is_dead(finished, here, record):
    assert "study quickstart is not delivered" in finished.output
    assert "error" not in re.sub(r"error[ _]table", "", finished.output.lower())
    there_runs, here_runs = delivered(finished.site), delivered(here)
    assert there_runs == here_runs
    runs = {run for run, *_ in there_runs}
    happened = f"delivered afterwards: {len(runs)} runs, {len(there_runs)} values"
    record("tracking server dead", happened, None, "MLflow's values: those of a local run")


def delivered(site: Site) -> set[tuple[object, ...]]:
    """What MLflow has after `semcom track sync`: run, metric, step, value; no measures of time."""
    site.run("semcom", "track", "sync", "quickstart", "--uri", "sqlite:///mlflow.db")
    with sqlite3.connect(site.root / "mlflow.db") as database:
        rows = database.execute(
            "select runs.name, key, step, value from metrics join runs using (run_uuid) "
            "where key not like 'system/%' and key not like '%second%'"
        ).fetchall()
    assert rows
    return set(rows)
