"""profiles/slurm says everything about a site, and the workflow nothing."""

import os
import re
import shutil
from pathlib import Path

import pytest
from snakemake.profiles import ProfileConfigFileParser

from checkout import ROOT, Site
from submitted import profile, study

RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
SITE = r"slurm_|partition|account|\bqos\b"


def parsed(name: str, root: Path = ROOT) -> dict[str, object]:
    with open(root / "profiles" / name / "config.yaml") as file:
        return dict(ProfileConfigFileParser().parse(file))


def test_no_rule_names_a_site_or_retries():
    text = "\n".join(path.read_text() for path in (ROOT / "Snakefile", *RULES))
    assert not re.findall(SITE, text)
    assert "retries:" not in text
    assert int(parsed("slurm")["retries"]) > 0


def test_every_rule_that_leaves_the_login_node_has_its_size_in_the_profile():
    rules = set(re.findall(r"^rule (\w+):", "\n".join(path.read_text() for path in RULES), re.MULTILINE))
    sized = {text.partition(":")[0] for text in parsed("slurm")["set-resources"]}
    assert sized == rules - {"fetch"}


def test_the_rules_that_use_a_gpu_are_those_that_the_profile_sends_to_one(fresh):
    profile(fresh, gpu_type="a100")
    sizes = parsed("mysite", fresh.root)["set-resources"]
    rules = re.split(r"^rule ", "\n".join(path.read_text() for path in RULES), flags=re.MULTILINE)[1:]
    with_gpu = {rule.partition(":")[0] for rule in rules if re.search(r"^ +gpu=(?!0,)", rule, re.MULTILINE)}
    assert {text.partition(":")[0] for text in sizes if "gpu_model" in text} == with_gpu


def test_the_two_profiles_that_are_read_together_do_not_disagree():
    assert not parsed("slurm").keys() & parsed("default").keys()


def test_attempts_grow_up_to_the_limits():
    sizes = dict(text.partition(":")[2].split("=", 1) for text in parsed("slurm")["set-resources"][:2])
    grown = [[eval(size, {"attempt": attempt}) for size in sizes.values()] for attempt in (1, 2, 100)]
    assert grown == [[60, 2000], [120, 4000], [24 * 60, 64000]]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return study(tmp_path_factory.mktemp("profile") / "köln x")


def test_a_dry_run_needs_no_slurm(fresh, tmp_path, monkeypatch):
    for tool in ("bash", "which", "env"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(tmp_path))
    output = fresh.snakemake("-n", "--profile", "profiles/slurm")
    assert "localrule" not in output.replace("localrule fetch", "").replace("localrule all", "")
    assert "runtime=720" in output
    assert "retries" not in os.environ  # the profile alone decides


def test_site_values_reach_the_jobs(fresh):
    profile(fresh, account="lab", qos="long", partition="cpu", gpu_partition="gpu", gpu_type="a100")
    made = parsed("mysite", fresh.root)
    assert {"slurm_account=lab", "qos=long", "slurm_partition=cpu"} <= set(made["default-resources"])
    assert {"pretrain:slurm_partition=gpu", "pretrain:gpu_model=a100"} <= set(made["set-resources"])
    assert not [text for text in made["set-resources"] if text.startswith("report:") and "gpu" in text]


def test_no_gpus_at_all(fresh):
    profile(fresh, gpu_count=0, gpu_partition="gpu", gpu_option="gres", gpu_type="a100")
    assert not [text for text in parsed("mysite", fresh.root)["set-resources"] if "gpu" in text]
