"""What the doctor makes of what it sees: one case for each thing that can be wrong on a cluster."""

import copy
from pathlib import Path

import pytest
import yaml

from semcom.cli import cluster as cli
from semcom.cluster import clients, controller, doctor, findings, judge, node, sitevalues, texts
from semcom.cluster.doctor import of_gpus, profile_settings
from semcom.cluster.probe import Probe
from semcom.files.errors import SemcomError

ROOT = Path(__file__).parents[2]
VERSIONS = {
    "torch": "2.14.1",
    "snakemake": "9.27.1",
    "snakemake-executor-plugin-slurm": "2.8.0",
    "semcom": "0.1.0",
}
HERE = {"host": "login1", "python": "3.11.7", "versions": VERSIONS}
SEEN = {
    "host": "node7",
    "node": "n7",
    "python": "3.11.7",
    "executable": "/home/me/semcom/.venv/bin/python",
    "cores": 1,
    "lock": "held",
    "rounds": [{"there_and_back_s": 0.4, "ahead_s": 0.1}, {"there_and_back_s": 0.02, "ahead_s": -0.01}],
    "versions": VERSIONS,
    "imports": {"torch": "3.1", "snakemake": "0.2", "semcom": "0.1"},
    "temporary": ["/tmp", 80e9],
}
NODES = (texts.Nodes("gpu", 2, "idle", 8, 64000, (("a100", 4),)),)
GPU = texts.Partition("gpu", False, True, 24 * 60, None, NODES)
CPU = texts.Partition("cpu", True, True, 90, None, (texts.Nodes("cpu", 9, "mixed", 32, 128000, ()),))


def levels(found):
    return {finding.subject: finding.level for finding in found if finding.level != "ok"}


def seen(**changed):
    return {**copy.deepcopy(SEEN), **changed}


def test_a_healthy_node_has_no_warnings():
    found = judge.of_node(SEEN, HERE, 60)
    assert levels(found) == {}
    assert "not" not in findings.summary(found)


@pytest.mark.parametrize(
    ("changed", "subject", "level", "words"),
    [
        ({"rounds": [SEEN["rounds"][0], None]}, "shared files", "BLOCK", "not seen"),
        ({"rounds": [{"there_and_back_s": 70, "ahead_s": 0}]}, "shared files", "warn", "latency-wait: 141"),
        ({"lock": "free"}, "flock", "BLOCK", "local_lock=none"),
        ({"lock": "fails: No locks available"}, "flock", "BLOCK", "No locks available"),
        ({"rounds": [{"there_and_back_s": 0.1, "ahead_s": -9.0}]}, "clocks", "warn", "-9.00 s"),
        ({"python": "3.9.2"}, "Python", "BLOCK", "here it is 3.11.7"),
        ({"versions": {**VERSIONS, "torch": "missing"}}, "Python", "BLOCK", "torch 2.14.1"),
        ({"imports": {"torch": "fails: ImportError: libc"}}, "import torch", "BLOCK", "libc"),
        ({"imports": {"torch": "95.0"}}, "import torch", "warn", "faster file system"),
        ({"temporary": ["/tmp", 1e8]}, "temporary", "warn", "TMPDIR"),
    ],
)
def test_each_fault_of_a_node_is_found_with_its_remedy(changed, subject, level, words):
    found = judge.of_node(seen(**changed), HERE, 60)
    (bad,) = [finding for finding in found if finding.level != "ok"]
    assert (bad.subject, bad.level) == (subject, level)
    assert words in str(bad)
    assert "→" in str(bad)


def test_a_clock_is_judged_by_its_best_known_difference():
    # 5 s ahead, but known only to 20 s: nothing is known; the other round says -0.5 s, known to 0.05 s.
    rounds = [{"there_and_back_s": 40, "ahead_s": 5}, {"there_and_back_s": 0.1, "ahead_s": -0.5}]
    (clock,) = [f for f in judge.of_node(seen(rounds=rounds), HERE, 60) if f.subject == "clocks"]
    assert clock.level == "ok"
    assert "-0.50 s" in clock.text


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (Probe((), refused="Invalid account or account/partition combination specified"), "--account NAME"),
        (Probe((), refused="invalid partition specified: x"), "--partition NAME"),
        (Probe((), id="3", state="PENDING", reason="Priority"), "--patience"),
        (Probe((), id="3", state="RUNNING"), "--patience"),
        (Probe((), id="3", state="FAILED", said="no /x/python on n1"), "where the nodes see them"),
        (Probe((), id="3", state="FAILED"), "shared file system"),
    ],
)
def test_a_test_job_that_sees_nothing_blocks_and_says_why(probe, words):
    found = judge.unseen(probe)
    assert found.level == "BLOCK"
    assert words in found.remedy


@pytest.mark.parametrize(
    ("gpus", "level", "words"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0", "torch sees": 1, "name": "H100"}, "ok", "H100"),
        ({"ROCR_VISIBLE_DEVICES": "1", "torch sees": 1, "name": "MI300"}, "ok", "MI300"),
        ({"CUDA_VISIBLE_DEVICES": "0", "torch sees": 0}, "warn", "CUDA build"),
        ({"torch sees": 0}, "warn", "no GPU"),
    ],
)
def test_a_gpu_is_judged_by_what_the_job_sees(gpus, level, words):
    found = judge.of_gpu(Probe(("--gpus=1",), seen={"node": "n1", "gpus": gpus}))
    assert (found.level, found.subject) == (level, "--gpus=1")
    assert words in str(found)


def test_a_style_that_is_refused_and_a_cluster_without_gpus_only_warn():
    assert judge.of_gpu(Probe(("--gres=gpu:1",), refused="Invalid generic resource (gres)")).level == "warn"
    assert [finding.level for finding in of_gpus([])] == ["warn"]


@pytest.mark.parametrize(
    ("age", "accounting", "interval", "level"),
    [
        ("300 sec", "none", 20, "ok"),
        ("300 sec", "none", 120, "BLOCK"),  # the executor wants three intervals, else it falls back to sacct
        ("30 sec", "none", 20, "BLOCK"),
        ("30 sec", "slurmdbd", 20, "warn"),
    ],
)
def test_ended_jobs_must_stay_until_they_are_asked_for(age, accounting, interval, level):
    settings = {"MinJobAge": age, "AccountingStorageType": f"accounting_storage/{accounting}"}
    assert controller.job_age(settings, interval).level == level


def facts(*accounts, enforce="", default=""):
    return controller.Facts({"AccountingStorageEnforce": enforce}, (CPU, GPU), accounts, default)


@pytest.mark.parametrize(
    ("given", "wanted", "account", "bad"),
    [
        (facts(), None, "", {}),
        (facts(), "lab", "lab", {}),
        (facts(enforce="associations,limits"), None, "", {"account": "BLOCK"}),
        (facts(("a", "", ()), ("b", "", ("q",)), default="b"), None, "b", {}),
        (facts(("a", "", ()), ("b", "", ())), None, "a", {}),
        (facts(("a", "", ())), "z", "z", {"account": "BLOCK"}),
    ],
)
def test_the_account(given, wanted, account, bad):
    chosen, found = controller.accounts(given, wanted)
    assert (chosen, levels(found)) == (account, bad)


def test_the_partition_that_suits_is_chosen_and_an_unknown_one_named():
    assert controller.choose(facts(), "", None, gpu=False) is CPU
    assert controller.choose(facts(), "", None, gpu=True) is GPU
    assert controller.choose(facts(), "", "gpu", gpu=False) is GPU
    with pytest.raises(SemcomError, match="no partition 'long': choose one of cpu, gpu"):
        controller.choose(facts(), "", "long", gpu=False)


def test_site_values_are_the_smallest_limits_of_what_is_used():
    works = Probe(("--gres=gpu:1",), seen={"gpus": {"CUDA_VISIBLE_DEVICES": "0"}})
    styles = [("gpus", Probe(("--gpus=1",), refused="no")), ("gres", works)]
    values = sitevalues.values(account="lab", qos="", cpu=CPU, gpu=GPU, styles=styles)
    assert values["gpu_option"] == "gres"
    assert values["gpu_partition"] == "gpu"
    assert (values["max_hours"], values["max_mem_mb"]) == (1, 64000)
    without = sitevalues.values(account="", qos="", cpu=CPU, gpu=None, styles=[])
    assert (without["gpu_count"], without["gpu_partition"], without["max_mem_mb"]) == (0, "", 128000)


def test_a_written_profile_is_the_template_but_for_its_site_values(tmp_path):
    text = (ROOT / sitevalues.TEMPLATE).read_text()
    values = {"account": "lab-1", "partition": "no", "gpu_option": "gres", "gpu_count": 0, "max_hours": 0.5}
    filled = sitevalues.filled(text, values)
    before, after = yaml.safe_load(text), yaml.safe_load(filled)
    assert {name: after["__variables__"][name] for name in values} == values
    before["__variables__"].update(values)
    assert after == before
    assert len(filled.splitlines()) == len(text.splitlines())
    (tmp_path / "profiles/slurm").mkdir(parents=True)
    (tmp_path / sitevalues.TEMPLATE).write_text(text)
    written = sitevalues.write(tmp_path, tmp_path / "profiles/mine", values)
    assert written.read_text() == filled
    with pytest.raises(SemcomError, match="is there already"):
        sitevalues.write(tmp_path, tmp_path / "profiles/mine", values)


def test_the_doctor_sends_no_job_where_the_profile_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "doctor", lambda *_: pytest.fail("it has begun"))
    with pytest.raises(SemcomError, match="cannot read profiles/slurm/config.yaml"):
        cli.doctor(write=Path("profiles/mine"))
    for name in ("slurm", "mine"):
        (tmp_path / "profiles" / name).mkdir(parents=True)
        (tmp_path / "profiles" / name / "config.yaml").touch()
    with pytest.raises(SemcomError, match="profiles/mine/config.yaml is there already"):
        cli.doctor(write=Path("profiles/mine"))


@pytest.mark.parametrize(
    ("count", "partition", "option", "told"),
    [(1, "gpu", "gpus", True), (1, "", "gres", True), (1, "", "gpus", False), (0, "gpu", "gres", False)],
)
def test_what_a_study_on_cpus_must_set_is_said_where_it_matters(count, partition, option, told):
    values = {"gpu_count": count, "gpu_partition": partition, "gpu_option": option}
    said = sitevalues.written(Path("profiles/mine"), values)
    assert said.startswith("written; go on with: snakemake --profile profiles/mine")
    assert ("`gpu_count: 0` in profiles/mine/config.yaml" in said) == told


def test_the_profiles_plain_entries_are_read():
    settings = profile_settings(ROOT / "profiles/slurm")
    assert settings["slurm-jobname-prefix"] == "semcom"
    assert settings["latency-wait"] >= 60
    assert all(settings[name] > 0 for name in controller.INTERVALS)
    assert profile_settings(ROOT / "profiles/none") == {}


def test_a_program_that_hangs_or_is_not_there_is_an_answer():
    assert clients.call("sleep", "5", timeout=0.1).fault == "no answer in time"
    assert "no-such-program" in clients.call("no-such-program").fault
    assert clients.call("sh", "-c", "echo a >&2; echo b >&2; exit 3").fault == "a | b"


def test_no_slurm_is_one_clear_message(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SemcomError, match="no SLURM here"):
        clients.require()


def test_the_node_sees_a_lock_and_an_answer(tmp_path, monkeypatch):
    (tmp_path / "lock").touch()
    assert node.lock_state(tmp_path / "lock") == "free"
    with open(tmp_path / "lock") as file:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
        assert node.lock_state(tmp_path / "lock") == "held"
    assert node.lock_state(tmp_path / "nowhere/lock") == "fails: No such file or directory"
    (tmp_path / "pong0").write_text("1000.0")
    round_ = node.exchange(tmp_path, 0)
    assert round_["ahead_s"] == pytest.approx(float((tmp_path / "ping0").read_text()) - 1000, abs=0.1)
    monkeypatch.setattr(node, "ANSWER_S", 0.05)
    assert node.exchange(tmp_path, 1) is None
