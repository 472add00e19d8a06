"""`semcom plan` on the real DAG, with stages that write their files and compute nothing (`stub.py`)."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from checkout import Site, checkout
from semcom.plan.dag import Plan
from semcom.plan.text import page

STUB = Path(__file__).parents[1] / "stub.py"
ALL = 20


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Site:
    """A checkout in which nothing has run."""
    site = checkout(tmp_path_factory.mktemp("plan") / "köln x")
    shutil.copy(STUB, site.root / "src/semcom/__main__.py")
    return site


@pytest.fixture(scope="module")
def done(fresh) -> Site:
    """The same, with all jobs done; tests put back what they change."""
    assert "never ran" in plan(fresh)
    fresh.snakemake("--cores", "2")
    return fresh


@pytest.fixture
def own(done, tmp_path) -> Site:
    """A copy of it, for a test that breaks it."""
    return Site(Path(shutil.copytree(done.root, tmp_path / "köln x")))


def plan(site: Site, *options: str) -> str:
    """What it prints."""
    command = [sys.executable, "-m", "semcom", "plan", *options]
    result = subprocess.run(command, cwd=site.root, env=site.environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def due(text: str) -> dict[str, int]:
    """Jobs that would run, by rule."""
    counts = re.findall(r"^(\w+) +(\d+) of (\d+) cached$", text, re.MULTILINE)
    return {rule: int(of) - int(cached) for rule, cached, of in counts if of != cached}


def would_run(site: Site) -> dict[str, int]:
    """The same, as `snakemake -n` has it."""
    rules = [job.split()[0] for job in site.planned()]
    return {rule: rules.count(rule) for rule in rules}


def files(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for folder in ("results", ".snakemake", "logs")
        for path in (root / folder).rglob("*")
        if path.is_file()
    }


def below(text: str, rule: str) -> list[str]:
    """The lines below a rule's."""
    return re.search(rf"^{rule} .*\n((?:  .*\n)*)", text, re.MULTILINE)[1].splitlines()


def test_a_fresh_clone_and_a_finished_study(fresh, done):
    before = files(done.root)
    text = plan(done)
    assert f"Nothing to do: all {ALL} jobs are cached." in text
    assert due(text) == {}
    assert files(done.root) == before
    with done.with_params(lambda config: config.update(study="other")):  # another study's results are there
        text = plan(done)
    assert f"{ALL - 2} of {ALL} jobs would run." in text
    assert below(text, "evaluate") == ["  all: never ran"]
    assert due(text).keys() == {
        "pretrain",
        "knowledge",
        "tune",
        "finetune",
        "evaluate",
        "calibration",
        "report",
    }


def test_changed_params_say_which_key_from_what_to_what(done):
    def change(config):
        config["methods"]["supervised"]["finetune"]["batch_size"] = 8
        config["tune"]["optimisers"][1]["lr"] = 0.1
        config["evaluate"]["snr_db"].append(20)

    with done.with_params(change):
        text = plan(done)
        again = {"tune": 2, "finetune": 4, "evaluate": 4, "report": 1}
        assert due(text) == would_run(done) == again
    assert below(text, "tune") == [
        "  mmssl awgn_k8 all: tune.optimisers[1].lr 0.03 → 0.1",
        "  supervised awgn_k8 all:",
        "    finetune.batch_size 16 → 8",
        "    tune.optimisers[1].lr 0.03 → 0.1",
    ]
    assert below(text, "finetune") == [
        "  mmssl awgn_k8 all seed0, seed1: follows from tune mmssl awgn_k8 all",
        "  supervised awgn_k8 all seed0, seed1:",
        "    finetune.batch_size 16 → 8",
        "    follows from tune supervised awgn_k8 all",
    ]
    assert "    evaluate.snr_db [0, 10] → [0, 10, 20]" in below(text, "evaluate")
    assert re.search(r"11 of 20 jobs would run\.\nAbout \d+:\d\d one after the other", text)


def test_changed_code_and_a_new_seed(done):
    with done.edited("src/semcom/losses/mmssl.py", "import torch", "import torch\n\nX = 1"):
        text = plan(done, "--config", "seeds=[0,1,2]")
    assert below(text, "pretrain") == [
        "  mmssl seed0, seed1: the code that it runs changed",
        "  mmssl seed2: never ran",
    ]
    assert below(text, "knowledge")[0] == "  mmssl seed0, seed1: follows from pretrain mmssl"


def test_another_version_of_the_data_and_files_that_are_gone(own):
    shutil.rmtree(own.root / "results/tiny/knowledge/random/seed0")
    text = plan(own)
    assert "Nothing to do" in text
    assert "Files of 1 cached jobs are gone, and nothing that is still to be made needs them." in text
    shutil.rmtree(own.root / "results/tiny/report")
    assert below(plan(own), "knowledge") == [
        "  random seed0: files are gone: results/tiny/knowledge/random/seed0/base.npz and 1 more",
    ]
    old = (own.root / "data/tiny.dvc").read_text()
    own.new_data(1)
    md5s = [re.search(r"md5: (\w{8})", text)[1] for text in (old, (own.root / "data/tiny.dvc").read_text())]
    text = plan(own)
    assert below(text, "fetch") == [f"  data version changed: {md5s[0]} → {md5s[1]}"]
    assert below(text, "pretrain") == [
        "  all:",
        f"    data version changed: {md5s[0]} → {md5s[1]}",
        "    follows from prepare",
    ]
    assert f"{ALL - 1} of {ALL} jobs would run." in text  # not the link's calibration


def test_results_without_snakemakes_record(own):
    shutil.rmtree(own.root / ".snakemake")
    text = plan(own)
    assert f"Of {ALL} cached jobs Snakemake has no record" in text
    assert due(text) == would_run(own) == {}


def wait(what, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_failed_running_and_killed(own):
    told = {"tune supervised awgn_k8 all": "fail", "finetune mmssl awgn_k8 all 1": "hang"}
    (own.root / "stub.json").write_text(json.dumps(told))
    for stage in ("tune", "report"):
        shutil.rmtree(own.root / "results/tiny" / stage)
    workflow = own.start("snakemake", "--cores", "2")
    journal = own.root / "results/tiny/journal/finetune/mmssl/awgn_k8/all/seed1.jsonl"
    failed = own.root / "results/tiny/journal/tune/supervised/awgn_k8/all.jsonl"
    begun = time.time()

    def here() -> bool:
        new = journal.stat().st_mtime > begun and journal.read_text().count("metrics") == 2
        return new and '"FAILED"' in failed.read_text()

    wait(here)
    time.sleep(2)  # Snakemake notes the failure
    before = files(own.root / "results")
    text = plan(own)
    pid = json.loads(journal.read_text().splitlines()[0])["pid"]
    (running,) = [line for line in below(text, "finetune") if "seed1: running" in line]
    assert re.search(
        rf"mmssl awgn_k8 all seed1: running now: host \S+, pid {pid}, since .*, at epoch 2", running
    )
    (line,) = below(text, "tune")
    says = r"supervised awgn_k8 all: failed at [\d:]+; logs/tiny/tune/supervised/awgn_k8/all.log says why"
    assert re.search(says, line)
    assert f"A workflow is running here (host {os.uname().nodename}, pid {workflow.pid})." in text
    assert files(own.root / "results") == before

    workflow.kill()
    os.kill(pid, signal.SIGKILL)  # it outlived its workflow, and holds its output open
    workflow.communicate()
    text = plan(own)
    (line,) = [line for line in below(text, "finetune") if "mmssl" in line]
    assert re.search(r"mmssl awgn_k8 all seed1: killed after [\d:]+; begins anew", line)
    assert "Snakemake's lock is there" in text


@pytest.mark.parametrize(
    ("tool", "way"), [("sbatch", "semcom cluster resume OPTIONS"), ("ls", "snakemake --unlock first")]
)
def test_a_lock_that_was_left_is_handled_as_the_place_wants_it(tmp_path, monkeypatch, tool, way):
    """On a cluster, jobs of the killed run may be alive: a bare --unlock is not the way."""
    (tmp_path / tool).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert f"or was killed (then {way})." in page(Plan((), None, locked=True))


def test_a_checkout_that_cannot_be_written(done):
    root = str(done.root)
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && cd "$1" && exec "$2" -m semcom plan'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", root, sys.executable]
    try:
        result = subprocess.run(command, env=done.environment, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if re.search(r"unshare|mount", result.stderr):
        pytest.skip("no mounts allowed here")
    assert result.returncode == 0, result.stderr
    assert "Nothing to do" in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--config", "seed=[1]"), "did you mean 'seeds'?"),
        (("--bogus", "1"), "unrecognized arguments: --bogus"),
        (("--configfile", "nowhere.yaml"), "nowhere.yaml"),
        (("--profile", "nowhere"), "nowhere"),
        (("nowhere.txt",), "nowhere.txt"),
    ],
    ids=["key", "option", "params", "profile", "target"],
)
def test_faults_are_one_message(fresh, options, said):
    output = fresh.run("semcom", "plan", *options, code=1)
    assert said in output
    assert "Traceback" not in output
    assert "site-packages" not in output
