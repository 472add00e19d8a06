"""The second system's real DAG on a tiny study: what runs, what runs again, what it writes."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from checkout import PARAMS as FIRST
from checkout import Site, checkout
from semcom.metrics import outcomes
from semcom.quantise.private import PrivateBase

PARAMS = """
study: tiny
report: main
seeds: [0]
tracking: {enabled: false}
crlsc:
  size: [32, 24]
  parts:
    public: {data: tiny, role: public, count: 30}
    a: {data: tiny, role: private}
    test: {data: tiny, role: test}
  mentor: {use: efficientnet_lite0, weights: random, size: [32, 32]}
  bases:
    pq: {form: "PCA8,SQ8"}
  encoders:
    small: {backbone: {use: resnet18, width_mult: 0.125}}
    wide: {backbone: {use: resnet18, width_mult: 0.25}}
  train: {epochs: 1, batch_size: 8, contrast: [16, 8]}
  methods:
    guided: {guide: {use: cosine}, base: pq}
    raw: {guide: {use: mse}, encoders: [small]}
    random: {encoders: [small]}
  targets:
    rooms: {train: a, test: test}
  probe: {label_fractions: [0.5, 1.0], neighbours: 3, private: "PCA4,SQ8"}
  consensus: {target: rooms, maps: [20]}
  claims: tiny
"""
CLAIMS = """
claims:
  better: {says: better, measure: accuracy, of: guided, against: raw, direction: above, margin: 0.01}
  small: {says: fewer bytes, measure: bytes, of: pq, against: raw, direction: below, margin: 1}
"""
GUIDED = {f"crlsc_local guided {encoder} 0" for encoder in ("small", "wide")}
PROBED = {job.replace("local", "probe") for job in GUIDED} | {"crlsc_consensus guided 0"}
BASE = {"crlsc_shared pq 0", "crlsc_probe mentor pq 0"} | GUIDED | PROBED
RAW = {"crlsc_local raw small 0", "crlsc_probe raw small 0"}
ALL = BASE | RAW | {"crlsc_local random small 0", "crlsc_probe random small 0", "crlsc_probe mentor raw 0"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A checkout in which the second system has run; `first.log` is what Snakemake said."""
    site = checkout(tmp_path_factory.mktemp("crlsc") / "köln x")
    (site.root / "params/quickstart.yaml").write_text(PARAMS)
    (site.root / "params/claims").mkdir(exist_ok=True)
    (site.root / "params/claims/tiny.yaml").write_text(CLAIMS)
    (site.root / "first.log").write_text(site.snakemake("--cores", "2"))
    return site


def with_params(site: Site, change: Callable[[dict[str, Any]], None]) -> Any:
    config = yaml.safe_load(PARAMS)
    change(config)
    return site.edited("params/quickstart.yaml", PARAMS, yaml.safe_dump(config, sort_keys=False))


def short(jobs: set[str]) -> set[str]:
    """Without the name of the mentor's folder."""
    return {"crlsc_embed" if job.startswith("crlsc_embed") else job for job in jobs}


def test_the_first_run_makes_everything(site):
    said = (site.root / "first.log").read_text()
    count = len(ALL | {"fetch", "prepare", "crlsc_embed", "crlsc_report", "all"})
    assert f"{count} of {count} steps (100%) done" in said
    assert "study tiny, report main, crlsc: data tiny version" in said
    report = site.root / "results/tiny/report/main"
    accuracy = pd.read_csv(report / "crlsc_accuracy.csv", comment="#")
    assert {"linear", "class_mean", "knn", "private", "both", "majority", "none"} == set(accuracy["head"])
    assert {"effective_rank", "multiply_adds", "parameters"} <= set(accuracy["metric"])
    linear = accuracy[(accuracy["head"] == "linear") & (accuracy["fraction"] == 1)]
    of = linear.set_index(["method", "encoder", "space"])["mean"]
    assert ("guided", "wide", "space") in of.index
    assert ("random", "small", "space") not in of.index, "an encoder without a base has no such space"
    training = pd.read_csv(report / "crlsc_training.csv", comment="#").set_index(["method", "encoder"])
    adds = training[training["metric"] == "multiply_adds"]["mean"]
    assert adds["guided", "small"] == adds["raw", "small"] > adds["random", "small"] == 0
    text = (report / "crlsc.md").read_text()
    assert all(f"| {method} |" in text for method in ("guided", "raw", "random", "mentor"))
    assert "## Consensus" in text
    for name in ("accuracy", "bases", "consensus"):
        assert (report / f"crlsc_{name}.png").stat().st_size > 10_000


def test_outcomes_are_those_of_the_tables(site):
    results = site.root / "results/tiny/crlsc"
    for path in results.glob("probe/*/*/seed0.npz"):
        (kept,) = outcomes.read(path).values()
        table = pd.read_csv(path.with_suffix(".csv")).query("metric == 'accuracy'")
        table = table.set_index(["space", "head", "fraction"])["value"]
        assert len(kept.right) == 3
        for name, right in kept.right.items():
            space, head, fraction = name.split("/")
            np.testing.assert_allclose(right.mean(), table[space, head, float(fraction)])
    (kept,) = outcomes.read(results / "consensus/guided/seed0.npz").values()
    pairs = pd.read_csv(results / "consensus/guided/seed0.csv").query("metric == 'accuracy'")
    assert set(pairs["head"]) == {"linear", "class_mean", "knn"}
    assert len(pairs) == len(kept.right)
    for row in pairs.itertuples():
        right = kept.right[outcomes.across(row.space, row.shared_images, row.owner, row.guest, row.head)]
        np.testing.assert_allclose(right.mean(), row.value)


def test_claims_are_judged_and_another_one_runs_the_report_alone(site):
    made = pd.read_csv(site.root / "results/tiny/report/main/crlsc_claims.csv", comment="#")
    assert made.set_index("claim")["verdict"].to_dict() == {"better": "not run", "small": "supported"}
    assert "one seed gives no interval" in made["note"][0]
    with site.edited("params/claims/tiny.yaml", "margin: 0.01", "margin: 0.02"):
        assert site.planned() == {"crlsc_report"}
    with site.edited("params/claims/tiny.yaml", "of: guided", "oof: guided"):
        text = site.snakemake("-n", code=1)
    assert "Traceback" not in text
    assert "claims.better.oof: no such key (its value is 'guided'); did you mean 'of'?" in text
    with with_params(site, lambda c: c["crlsc"].update(claims="tini")):
        assert "did you mean 'tiny'?" in site.snakemake("-n", code=1)


def test_the_shipped_base_has_the_size_that_the_report_says(site):
    made = pd.read_csv(site.root / "results/tiny/report/main/crlsc_bases.csv", comment="#")
    said = made[made["metric"] == "bytes"]["mean"].item()
    assert (site.root / "results/tiny/crlsc/shared/pq/seed0/base.skb").stat().st_size == said
    assert made[made["metric"] == "vectors"]["mean"].item() == 30, "of the public part, and no more"


def test_own_heads_of_the_consensus_are_those_of_the_probe(site):
    pairs = pd.read_csv(site.root / "results/tiny/crlsc/consensus/guided/seed0.csv")
    own = pairs[
        (pairs["owner"] == pairs["guest"]) & (pairs["head"] == "linear") & (pairs["space"] == "space")
    ]
    for row in own.itertuples():
        probe = pd.read_csv(site.root / f"results/tiny/crlsc/probe/guided/{row.owner}/seed0.csv")
        there = probe[(probe["space"] == "space") & (probe["head"] == "linear") & (probe["fraction"] == 1)]
        there = there[there["metric"] == "accuracy"]
        np.testing.assert_allclose(there["value"].item(), row.value)
        assert row.value == row.own_value


def test_a_private_base_is_made_when_asked_for_and_is_what_the_probe_measured(site):
    target = "results/tiny/crlsc/private/guided/wide/rooms/seed0.pkb"
    assert site.planned(target) == {"crlsc_private guided wide rooms 0"}
    site.snakemake("--cores", "1", target)
    own = PrivateBase.load(site.root / target)
    assert (own.base.about.asked, own.owner.encoder["encoder"]) == ("PCA4,SQ8", "wide")
    made = pd.read_csv((site.root / target).with_suffix(".csv")).iloc[0]
    assert (site.root / target).stat().st_size == made["file_bytes"]
    probe = pd.read_csv(site.root / "results/tiny/crlsc/probe/guided/wide/seed0.csv")
    of = probe.set_index(["space", "head", "metric"])["value"]
    for metric in ("accuracy", "precision", "bytes"):
        np.testing.assert_allclose(made[metric], of["space", "private", metric])
    np.testing.assert_allclose(made["both_accuracy"], of["space", "both", "accuracy"])


def test_a_second_run_has_nothing_to_do(site):
    assert "Nothing to be done" in site.snakemake("--cores", "1")


def test_the_plan_in_words_knows_its_jobs(site):
    assert "crlsc_local" in site.run("semcom", "plan")


def test_another_guide_runs_its_method_again(site):
    with with_params(
        site, lambda c: c["crlsc"]["methods"]["guided"].update(guide={"use": "infonce", "hard_negatives": 4})
    ):
        assert site.planned() == GUIDED | PROBED | {"crlsc_report"}


def test_another_form_runs_the_base_and_what_learns_under_it_again(site):
    with with_params(site, lambda c: c["crlsc"]["bases"]["pq"].update(form="PCA4,SQ8")):
        assert site.planned() == BASE | {"crlsc_report"}


def test_another_probe_trains_nothing_again(site):
    with with_params(site, lambda c: c["crlsc"]["probe"].update(label_fractions=[0.2, 1.0])):
        probes = {job for job in ALL if job.startswith("crlsc_probe")}
        assert site.planned() == probes | {"crlsc_report"}


def test_another_mentor_embeds_again(site):
    with with_params(site, lambda c: c["crlsc"]["mentor"].update(size=[48, 48])):
        untouched = {"crlsc_local random small 0", "crlsc_probe random small 0"}
        assert short(site.planned()) == ALL - untouched | {"crlsc_embed", "crlsc_report"}


def test_a_study_of_the_same_images_embeds_nothing(site):
    with with_params(site, lambda c: c.update(study="other")):
        assert site.planned() == ALL | {"crlsc_report"}


def test_both_systems_in_one_file(site):
    config = yaml.safe_load(FIRST) | {"crlsc": yaml.safe_load(PARAMS)["crlsc"]}
    with site.edited("params/quickstart.yaml", PARAMS, yaml.safe_dump(config, sort_keys=False)):
        planned = site.planned()
    assert {"report", "pretrain mmssl 0", "crlsc_local random small 1"} <= planned
    assert not planned & (ALL | {"fetch", "prepare"}), "one prepared file serves both"
    config["crlsc"]["seeds"] = [0]
    with site.edited("params/quickstart.yaml", PARAMS, yaml.safe_dump(config, sort_keys=False)):
        planned = site.planned()
    assert "pretrain mmssl 1" in planned
    # Its only seed has run; the report keeps the section's keys.
    assert {job for job in planned if job.startswith("crlsc")} == {"crlsc_report"}


def test_the_mentor_in_int8_is_embedded_and_probed_beside_the_other(site):
    with with_params(site, lambda c: c["crlsc"].update(mentor_int8=True)):
        planned = site.planned()
    (embed,) = (job for job in planned if job.startswith("crlsc_embed"))
    assert "-int8 " in embed
    assert {"crlsc_probe mentor int8 0", "crlsc_report"} <= planned
    assert not planned & (ALL - {"crlsc_report"}), "nothing else runs again"


def test_a_fault_is_one_message(site):
    with with_params(site, lambda c: c["crlsc"]["methods"]["guided"].update(base="pk")):
        text = site.snakemake("-n", code=1)
    assert "Traceback" not in text
    assert "crlsc.methods.guided.base: 'pk' is none of bases; did you mean 'pq'?; there are pq" in text


def test_every_job_has_a_journal_and_a_log_of_its_own(site):
    text = site.snakemake("-n", "--forceall", "--printshellcmds")
    for option in ("journal", "log"):
        files = re.findall(rf"--{option} (\S+)", text)
        assert len(files) > 10
        assert len(files) == len(set(files))


def test_the_second_system_imports_nothing_heavy(site):
    assert site.heavy("made.report(); [made.probe(*pair, 0) for pair in made.probed]") == []
