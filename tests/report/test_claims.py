import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from answered_study import make_answers

from semcom.files.errors import SemcomError
from semcom.metrics.comparisons import holm
from semcom.params import claims as files
from semcom.params.crlsc import claims as crlsc
from semcom.params.reportentry import Claim, ReportEntry
from semcom.params.sections import Link
from semcom.report import text_claims
from semcom.report.claims import claims, overall

LINK = {"channel": {"use": "awgn"}, "channel_uses": 32, "train_snr_db": 10}
ABOVE = {
    "says": "better", "measure": "accuracy", "of": "mmssl", "against": "supervised", "link": "awgn_k32",
    "budgets": (1, 4), "direction": "above", "margin": 0.03,
}  # fmt: skip
HALF = {**ABOVE, "says": "half", "measure": "cost", "budgets": None, "direction": "below", "margin": 0.5}
NO_COST = pd.DataFrame(columns=["method", "link", "labels", "seed", "uses", "bound", "settled"])


def judge(tmp_path, score, cost=NO_COST, seeds=(0, 1, 2, 3, 4), **entries):
    folder = make_answers(tmp_path, score=score, seeds=seeds, scene_sd=0.02)
    shutil.rmtree(folder / "report")  # claims are part of the first one
    return claims(folder, report_entry(entries, tuple(score), seeds), cost)


def report_entry(entries, methods=("mmssl", "supervised"), seeds=(0, 1, 2, 3, 4)) -> ReportEntry:
    return ReportEntry(
        study="demo", report="main", methods=methods, links={"awgn_k32": LINK}, labels={"all": 1.0},
        budgets=(1, 4), seeds=seeds, data_name="rooms", data="0", code="0",
        claims={name: Claim(**entry) for name, entry in entries.items()},
    )  # fmt: skip


def reached(mmssl, supervised, bound=("", "")) -> pd.DataFrame:
    rows = [("mmssl", "awgn_k32", "all", seed, uses, bound[0], True) for seed, uses in enumerate(mmssl)] + [
        ("supervised", "awgn_k32", "all", seed, uses, bound[1], True) for seed, uses in enumerate(supervised)
    ]
    return pd.DataFrame(rows, columns=NO_COST.columns)


@pytest.mark.parametrize(
    ("level", "verdict"), [(0.6, "supported"), (0.0, "contradicted"), (-0.5, "contradicted")]
)
def test_a_large_effect_is_supported_and_none_is_contradicted(tmp_path, level, verdict):
    table = judge(tmp_path, {"mmssl": level, "supervised": 0.0}, better={**ABOVE, "margin": 0.08})
    assert list(table.budget_epochs) == [1, 4]
    assert set(table.verdict) == {verdict}
    assert overall(table) == verdict
    assert ((table.low < table.effect) & (table.effect < table.high)).all()


def test_a_small_effect_with_a_wide_interval_is_undecided(tmp_path):
    table = judge(tmp_path, {"mmssl": 0.05, "supervised": 0.0}, seeds=(0, 1), better=ABOVE)
    assert overall(table) == "undecided"


def test_claims_of_a_family_share_their_p_values(tmp_path):
    """Holm over both claims' budgets: the smallest of four p-values counts four times, in place of twice."""
    score = {"mmssl": 0.3, "clip": 0.1, "supervised": 0.0}
    rivals = {"clip": {**ABOVE, "against": "clip"}, "supervised": ABOVE}
    alone = judge(tmp_path / "a", score, **rivals)
    both = judge(tmp_path / "b", score, **{name: {**claim, "family": "f"} for name, claim in rivals.items()})
    single = judge(tmp_path / "c", score, **{"clip": {**rivals["clip"], "family": "f"}})
    assert list(single.p) == list(alone.p[alone.claim == "clip"])
    raw = [
        judge(tmp_path / f"{name}{budget}", score, one={**claim, "budgets": (budget,)}).p[0]
        for name, claim in rivals.items()
        for budget in claim["budgets"]
    ]
    assert list(both.p) == pytest.approx(list(holm(np.array(raw))))
    assert (both.p >= alone.p).all()
    assert (both.p > alone.p).any()
    assert list(both.effect) == list(alone.effect)


def test_not_worse_needs_the_whole_interval_within_the_margin(tmp_path):
    claim = {**ABOVE, "direction": "no_less", "budgets": (4,)}
    score = {"mmssl": 0.0, "supervised": 0.0}
    assert overall(judge(tmp_path / "a", score, same={**claim, "margin": 0.2})) == "supported"
    assert overall(judge(tmp_path / "b", score, same={**claim, "margin": 0.0})) != "supported"
    worse = judge(tmp_path / "c", {"mmssl": -1.0, "supervised": 0.0}, same={**claim, "margin": 0.05})
    assert overall(worse) == "contradicted"


def test_where_nothing_varies_nothing_is_decided(tmp_path):
    """Two runs with the same answers to every frame have no interval, so not one of no width either."""
    folder = make_answers(tmp_path, score={"mmssl": 0.0, "supervised": 0.0}, seeds=(0, 1))
    for own in folder.glob("evaluate/mmssl/**/seed?"):
        other = Path(str(own).replace("/evaluate/mmssl/", "/evaluate/supervised/"))
        shutil.copy(other / "predictions.npz", own)
        pd.read_csv(other / "sweep.csv").assign(method="mmssl").to_csv(own / "sweep.csv", index=False)
    equal = {**ABOVE, "direction": "no_less", "margin": 0.01}
    table = claims(folder, report_entry({"equal": equal, "better": ABOVE}, seeds=(0, 1)), NO_COST)
    assert (table.effect == 0).all()
    assert set(table.verdict) == {"undecided"}
    assert table.note.str.startswith("no interval").all()


@pytest.mark.parametrize(
    ("changes", "margin", "verdict"),
    [
        ({}, "above by 3 points", "supported"),
        ({"direction": "below"}, "below by 3 points", "contradicted"),
        ({"direction": "no_less"}, "not 3 points below", "supported"),
    ],
)
def test_the_page_says_what_was_asked_beside_what_was_found(tmp_path, changes, margin, verdict):
    table = judge(tmp_path, {"mmssl": 2.0, "supervised": 0.0}, better={**ABOVE, **changes})
    (line,) = [line for line in text_claims.claims(table, 5) if line.startswith("| better ")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:4] == [
        "better (`better`)",
        "mmssl/awgn_k32 against supervised/awgn_k32",
        margin,
        f"**{verdict}**" + " at 1, 4 epochs" * (verdict == "contradicted"),
    ]
    assert cells[4].startswith("1 epoch: +")


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        ({"of": "clip"}, "no clip/awgn_k32"),
        ({"link": "rayleigh_k32"}, "no mmssl/rayleigh_k32"),
        ({"labels": "quarter"}, "labels quarter"),
        ({"budgets": (4, 40)}, "no budget of 40 epochs"),
    ],
)
def test_what_the_study_did_not_run_cannot_pass(tmp_path, change, lacking):
    table = judge(tmp_path, {"mmssl": 2.0, "supervised": 0.0}, better={**ABOVE, **change})
    assert list(table.verdict) == ["not run"]
    assert lacking in table.note[0]


def test_where_training_differed_the_claim_must_say_what_is_tested(tmp_path):
    """Else there would be two effects a budget; a family of all swept Es/N0 would be another mistake."""
    folder = make_answers(tmp_path, score={"mmssl": 0.5, "supervised": 0.0}, links=("awgn_k32", "low_k32"))
    shutil.rmtree(folder / "report")
    two = {"awgn_k32": LINK, "low_k32": {**LINK, "train_snr_db": 0}}
    across = {**ABOVE, "against": "supervised/low_k32"}
    entry = report_entry({"open": across, "said": {**across, "snr_db": 5}})
    table = claims(
        folder, entry.model_copy(update={"links": {n: Link(**link) for n, link in two.items()}}), NO_COST
    )
    assert "give the claim one to be tested at: snr_db" in table.note[0]
    assert list(table.verdict) == ["not run", "supported", "supported"]


def test_one_seed_decides_nothing(tmp_path):
    table = judge(tmp_path, {"mmssl": 2.0, "supervised": 0.0}, seeds=(0,), better=ABOVE)
    assert list(table.verdict) == ["not run"]


def test_a_cost_is_judged_by_the_ratio_over_seeds(tmp_path):
    score = {"mmssl": 0.0, "supervised": 0.0}
    rival = np.array([100.0, 110, 90, 105, 95])

    def verdict(name, mmssl, bound=("", "")):
        table = judge(tmp_path / name, score, reached(mmssl, rival, bound), half=HALF)
        return table.verdict[0], table.note[0]

    assert verdict("a", 0.4 * rival)[0] != "contradicted"
    noisy = 0.4 * rival * np.array([1.0, 1.1, 0.9, 1.05, 0.95])
    assert verdict("b", noisy)[0] == "supported"
    assert verdict("c", 2 * noisy)[0] == "contradicted"
    # The rival never gets there: the ratio is at most this, of which five seeds give no interval.
    few = "the median is at most this: seeds with bounds, 5 are too few for an interval"
    assert verdict("d", noisy, ("", "more than")) == ("undecided", few)
    # It itself never gets there: the ratio is at least this.
    assert verdict("e", noisy, ("more than", ""))[0] == "undecided"


def test_a_cost_with_bounds_is_judged_by_the_median_of_six_seeds(tmp_path):
    """However far out the seeds with bounds lie, which a t interval of the bounds would not survive."""
    score = {"mmssl": 0.0, "supervised": 0.0}
    rival = np.array([100.0, 110, 90, 105, 95, 100])
    for name, own, bound, verdict in [
        ("below", 0.4 * rival, ("", "more than"), "supported"),
        ("above", 0.6 * rival, ("more than", ""), "contradicted"),
        ("both", 0.4 * rival, ("at most", "at most"), "undecided"),
    ]:
        table = judge(tmp_path / name, score, reached(own, rival, bound), seeds=range(6), half=HALF)
        assert table.verdict[0] == verdict, name
    mixed = reached(0.4 * rival, rival)
    mixed.loc[mixed.index[-2:], ["uses", "bound"]] = [[1000.0, "more than"]] * 2
    table = judge(tmp_path / "mixed", score, mixed, seeds=range(6), half=HALF)
    assert (table.verdict[0], table.effect[0], table.high[0]) == ("supported", *[pytest.approx(0.4)] * 2)
    assert np.isnan(table.low[0])


def test_a_rival_that_was_still_gaining_is_told_beside_bounds(tmp_path):
    cost = reached([40.0, 41], [100.0, 110], ("at most", ""))
    cost["settled"] = False
    table = judge(tmp_path, {"mmssl": 0.0, "supervised": 0.0}, cost, seeds=(0, 1), half=HALF)
    assert "still gaining" in table.note[0]
    assert "2 are too few" in table.note[0]


def test_a_file_of_claims_is_checked(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("claims:\n  a: {says: x, measure: accuracy, of: m, against: s, link: l, direction: up}\n")
    with pytest.raises(SemcomError) as said:
        files.load(path)
    assert "claims.a.direction: 'up' is not one of above, below, no_less" in str(said.value)
    assert "claims.a.margin: missing" in str(said.value)
    path.write_text(path.read_text().replace("direction: up", "direction: above, margin: 0.1"))
    with pytest.raises(SemcomError, match="accuracy is claimed at budgets"):
        files.load(path)
    path.write_text(path.read_text().replace("says: x", "off: x"))
    with pytest.raises(SemcomError, match="claims.a.false: the key false is not a text; write it in quotes"):
        files.load(path)
    with pytest.raises(SemcomError, match="did you mean 'mine'"):
        files.load(tmp_path / "mime.yaml")


def test_the_claims_in_the_repository_are_valid():
    for path in Path(__file__).parents[2].glob("params/claims/*.yaml"):
        assert crlsc.load(path) if path.stem.startswith("crlsc") else files.load(path)
