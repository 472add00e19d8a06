"""The real DAG with one modality alone, averaged heads and conditions at test time."""

import pandas as pd
import pytest
import yaml

from checkout import PARAMS, Site, checkout

CONDITIONS = {
    "rgb_lost": {"lost": ["rgb"]},
    "depth_lost": {"lost": ["depth"]},
    "no_depth": {"degraded": {"use": "sensors", "holes": 1.0}},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A checkout where the tiny study has run on one seed: averaged heads, and depth alone, pre-trained."""
    made = checkout(tmp_path_factory.mktemp("ablations") / "köln x")
    study = yaml.safe_load(PARAMS) | {"seeds": [0], "budgets": [2]}
    mmssl, supervised = study["methods"]["mmssl"], study["methods"]["supervised"]
    supervised["finetune"]["fusion"] = "average"
    mmssl["pretrain"]["loss"] = {"use": "intra"}
    study["methods"] = {
        "late": supervised,
        "depth_intra": mmssl | {"modalities": ["depth"]},
        "rgb_only": supervised | {"modalities": ["rgb"]},
    }
    study["evaluate"]["conditions"] = CONDITIONS
    (made.root / "params/quickstart.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    made.snakemake("--cores", "2")
    return made


def values(site: Site, method: str, condition: str | None) -> "pd.Series[float]":
    """Accuracies and the like of the sweep, or under a condition."""
    file = (
        "evaluate/{}/awgn_k8/all/seed0/sweep.csv"
        if condition is None
        else "conditions/{}/awgn_k8/all/seed0.csv"
    )
    rows = pd.read_csv(site.root / "results/tiny" / file.format(method))
    rows = rows[rows.metric.isin(["accuracy", "balanced_accuracy", "nll", "ece"])]
    rows = rows if condition is None else rows[rows.condition == condition]
    return rows.set_index(["snr_db", "draw", "metric"]).value.sort_index()


def test_one_modality_goes_through_every_stage(site):
    results = site.root / "results/tiny"
    history = pd.read_csv(results / "pretrain/depth_intra/seed0/history.csv")
    assert {"intra_depth", "correlation_depth", "knn_accuracy_depth"} <= set(history.metric)
    assert not history.metric.str.contains("rgb|both").any()
    retrieval = pd.read_csv(results / "knowledge/depth_intra/seed0/retrieval.csv")
    assert retrieval.modality.tolist() == ["depth"]
    uses = pd.read_csv(results / "report/main/accuracy_uses.csv", comment="#")
    cost = uses[uses.metric == "accuracy"].set_index("method").training_uses
    assert cost["late"] == 2 * cost["depth_intra"] == 2 * cost["rgb_only"]


def test_conditions_concern_those_who_have_the_modality(site):
    found = {
        path.parts[-4]: set(pd.read_csv(path).condition)
        for path in (site.root / "results/tiny/conditions").rglob("*.csv")
    }
    assert found == {"late": set(CONDITIONS), "depth_intra": {"no_depth"}, "rgb_only": {"no_depth"}}
    page = (site.root / "results/tiny/report/main/report.md").read_text()
    assert "`no_depth`: sensors, holes 1.0" in page
    assert (site.root / "results/tiny/report/main/conditions_snr.png").exists()


def test_what_is_lost_was_worth_something_and_what_one_never_had_was_not(site):
    assert values(site, "rgb_only", "no_depth").equals(values(site, "rgb_only", None))
    assert not values(site, "depth_intra", "no_depth").equals(values(site, "depth_intra", None))
    for condition in CONDITIONS:
        assert not values(site, "late", condition).equals(values(site, "late", None))
    # Depth that was never measured is sent all the same: not what a server hears of a device that is lost.
    assert not values(site, "late", "no_depth").equals(values(site, "late", "depth_lost"))


def test_one_more_condition_runs_no_sweep_and_none_leaves_the_rest(site):
    path = site.root / "params/quickstart.yaml"
    text = path.read_text()
    study = yaml.safe_load(text)
    study["evaluate"]["conditions"]["dark"] = {"degraded": {"use": "sensors", "dark": 0.5}}
    new = {f"conditions {method} awgn_k8 all 0" for method in study["methods"]}
    with site.edited("params/quickstart.yaml", text, yaml.safe_dump(study, sort_keys=False)):
        assert site.planned() == new | {"report"}
    del study["evaluate"]["conditions"]
    with site.edited("params/quickstart.yaml", text, yaml.safe_dump(study, sort_keys=False)):
        assert site.planned() == {"report"}
    assert site.planned() == set()
