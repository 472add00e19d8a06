"""A report of a study with digital links, one without, and comparisons of their runs."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from answered_study import make_answers
from matplotlib.figure import Figure
from scipy import stats
from synthetic_study import Study, make_study

from semcom import report
from semcom.files.errors import SemcomError
from semcom.report import compare, figures
from semcom.report.compare_choice import Run, pair
from semcom.report.compare_table import trained_at

ONCE = 600 * 32
"""Channel uses of the features of the training frames."""


def run(study: Study, name: str = "out"):
    folder = study.folder / "report" / name
    report.run(study.folder, study.entry, study.frames, folder)
    return folder


def table(path) -> pd.DataFrame:
    return pd.read_csv(path, comment="#")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return make_study(
        tmp_path_factory.mktemp("study"), digital={"pq_k32": ("awgn_k32", ("mmssl",), (0, 1, 4, 10))}
    )


@pytest.fixture(scope="module")
def made(study):
    return run(study)


def values(study: Study, link: str, metric: str, budget: int) -> np.ndarray:
    """One value a seed at 10 dB, straight from the jobs' files, draws averaged."""
    found = []
    for seed in study.entry.seeds:
        rows = pd.read_csv(study.folder / f"evaluate/mmssl/{link}/all/seed{seed}/sweep.csv")
        rows = rows[(rows.snr_db == 10) & (rows.budget_epochs == budget) & (rows.metric == metric)]
        assert len(rows) == 2
        found.append(rows.value.mean())
    return np.array(found)


@pytest.mark.parametrize("metric", ["accuracy", "retrieval_accuracy", "lost_blocks"])
@pytest.mark.parametrize("budget", [0, 4])
def test_a_digital_link_has_means_and_intervals_over_seeds(study, made, metric, budget):
    rows = table(made / "digital.csv")
    assert set(rows.link) == {"pq_k32"}
    assert set(rows.snr_db) == {10}, "trained at"
    row = rows[(rows.budget_epochs == budget) & (rows.metric == metric)].iloc[0]
    expected = values(study, "pq_k32", metric, budget)
    low, high = stats.t.interval(0.95, 2, expected.mean(), stats.sem(expected) or 1e-300)
    assert (row["mean"], row.seeds) == (pytest.approx(expected.mean()), 3)
    assert row["mean"] - row.half_width == pytest.approx(low)
    assert row["mean"] + row.half_width == pytest.approx(high)


def test_differences_to_the_analog_link_are_paired_by_seed(study, made):
    rows = table(made / "digital.csv")
    for budget in (1, 4, 10):
        own, other = (values(study, link, "accuracy", budget) for link in ("pq_k32", "awgn_k32"))
        interval = stats.ttest_rel(own, other).confidence_interval(0.95)
        row = rows[(rows.metric == "accuracy") & (rows.budget_epochs == budget)].iloc[0]
        assert row.difference == pytest.approx((own - other).mean())
        assert row.difference - row.difference_half_width == pytest.approx(interval.low)
    untrained = (rows.metric != "accuracy") | (rows.budget_epochs == 0)
    assert rows[untrained].difference.isna().all()
    assert rows[~untrained].difference.notna().all()


def test_training_costs_the_fine_tuning_and_the_features_once(made):
    rows = table(made / "accuracy_uses.csv")
    rows = rows[(rows.metric == "accuracy") & (rows.method == "mmssl")].set_index("budget_epochs")
    digital, analog = rows[rows.link == "pq_k32"], rows[rows.link == "awgn_k32"]
    assert digital.training_uses.to_dict() == {0: ONCE} | {
        budget: uses + ONCE for budget, uses in analog.training_uses.items()
    }
    assert digital.uplink_bits[4] == analog.uplink_bits[4] + 600 * 64
    assert digital.rounds.to_dict() == {0: 0} | analog.rounds.to_dict()
    assert analog.training_uses[4] == 2 * 4 * 19 * 32 * 2 * 32, "the analog link's stay as they are"


def test_curves_over_the_snr_have_digital_ones_beside_them(study, made):
    rows = table(made / "accuracy_snr.csv")
    assert set(rows[rows.link == "pq_k32"].budget_epochs) == {0, 1, 4, 10}
    here = rows[(rows.link == "pq_k32") & (rows.budget_epochs == 4) & (rows.metric == "accuracy")]
    sheet = figures.accuracy_snr(rows, study.entry, chance={"awgn_k32": 0.3}, foot="")
    (axes,) = [axes for axes in sheet.axes if axes.get_title(loc="left").startswith("4 epochs")]
    (line,) = [line for line in axes.lines if line.get_label() == "mmssl, pq_k32"]
    np.testing.assert_allclose(line.get_ydata(), 100 * here["mean"])
    assert {"mmssl", "intra_only", "supervised", "mmssl, pq_k32"} <= legend(sheet)


def legend(sheet: Figure) -> set[str]:
    return {text.get_text() for one in sheet.legends for text in one.get_texts()}


def test_costs_are_drawn_with_budget_0(study, tmp_path, monkeypatch):
    saved = {}
    monkeypatch.setattr(figures, "save", lambda figure, path, text: saved.update({path.name: figure}))
    report.run(study.folder, study.entry, study.frames, tmp_path)
    sheet = saved["accuracy_uses"]
    assert "mmssl, pq_k32" in legend(sheet)
    (bars,) = [bars for bars in sheet.axes[0].containers if bars.get_label() == "mmssl, pq_k32"]
    points = bars.lines[0].get_xydata()
    assert points[0] == pytest.approx([ONCE, 100 * values(study, "pq_k32", "accuracy", 0).mean()])
    assert len(points) == 4
    low, high = sheet.axes[0].get_xlim()
    assert low < ONCE < high


def test_the_page_has_a_row_for_each_budget(study, made):
    text = (made / "report.md").read_text()
    _, _, section = text.partition("**pq_k32 beside awgn_k32, labels all**")
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in section.partition("\n## ")[0].splitlines()
        if line.startswith("| mmssl")
    ]
    assert [row[1] for row in cells] == ["0", "1", "4", "10"]
    mean = 100 * values(study, "pq_k32", "accuracy", 0).mean()
    assert cells[0][2].startswith(f"{mean:.1f} ± ")
    difference = 100 * (values(study, "pq_k32", "accuracy", 10) - values(study, "awgn_k32", "accuracy", 10))
    assert cells[3][3].startswith(f"{difference.mean():+.1f} ± ")
    assert not any(digit in cells[0][3] for digit in "0123456789"), "budget 0 has no analog run"
    assert cells[0][6:] == ["64", f"{ONCE:,}"]


def test_a_report_of_fewer_budgets_leaves_out_the_others(study, made):
    entry = study.entry.model_copy(update={"budgets": (4,)})
    some = run(Study(study.folder, study.frames, entry), "some")
    for name in ("digital.csv", "accuracy_uses.csv"):
        whole = table(made / name)
        kept = whole[whole.budget_epochs.isin((0, 4))].reset_index(drop=True)
        pd.testing.assert_frame_equal(table(some / name), kept)


def test_two_digital_links_label_fractions_and_one_seed(tmp_path):
    study = make_study(
        tmp_path, links=("awgn_k32", "awgn_k8"), labels=("all", "tenth"), budgets=(1, 4), seeds=(3,),
        digital={"a": ("awgn_k8", ("mmssl", "supervised"), (1, 4)), "b": ("awgn_k32", ("mmssl",), (0,))},
    )  # fmt: skip
    made = run(study)
    rows = table(made / "digital.csv")
    assert len(rows[rows.metric == "accuracy"]) == 2 * (2 * 2 + 1)
    assert rows.half_width.isna().all()
    accuracy = rows[(rows.metric == "accuracy") & (rows.link == "a")]
    assert accuracy.difference.notna().all()
    text = (made / "report.md").read_text()
    assert text.count("beside awgn_k8, labels") == text.count("beside awgn_k32, labels") == 2


def test_a_study_without_digital_links_says_nothing_of_them(tmp_path):
    made = run(make_study(tmp_path, seeds=(0, 1), budgets=(4,)))
    assert table(made / "digital.csv").empty
    assert "igital link" not in (made / "report.md").read_text()


@pytest.mark.parametrize("file", ["sweep.csv", "communication.csv"])
def test_a_missing_or_damaged_file_of_a_digital_link_is_named(study, tmp_path, file):
    folder = shutil.copytree(study.folder, tmp_path / "demo", ignore=shutil.ignore_patterns("report*"))
    path = folder / "evaluate/mmssl/pq_k32/all/seed1" / file
    rows = pd.read_csv(path)
    rows.assign(link="awgn_k32").to_csv(path, index=False)
    with pytest.raises(SemcomError, match=f"{file} has link awgn_k32 where its place says pq_k32"):
        run(Study(folder, study.frames, study.entry))
    path.unlink()
    with pytest.raises(SemcomError, match=f"seed1/{file} is missing"):
        run(Study(folder, study.frames, study.entry))


@pytest.mark.parametrize("metric", ["lost_blocks", "retrieval_accuracy"])
def test_a_share_beyond_one_is_damage(study, tmp_path, metric):
    folder = shutil.copytree(study.folder, tmp_path / "demo", ignore=shutil.ignore_patterns("report*"))
    path = folder / "evaluate/mmssl/pq_k32/all/seed1/sweep.csv"
    rows = pd.read_csv(path)
    rows.loc[rows.metric == metric, "value"] = 1.5
    rows.to_csv(path, index=False)
    with pytest.raises(SemcomError, match=r"sweep\.csv has a share of 1\.5"):
        run(Study(folder, study.frames, study.entry))


FOUND = {
    Run(method, link, "all"): (0, 1)
    for method, link in (("mmssl", "awgn_k32"), ("mmssl", "pq_k32"), ("supervised", "awgn_k32"))
}


def test_methods_are_compared_on_the_link_that_both_have():
    both = Run("mmssl", "awgn_k32", "all"), Run("supervised", "awgn_k32", "all")
    assert pair(FOUND, "mmssl", "supervised") == both
    assert pair(FOUND, "supervised", "mmssl") == both[::-1]
    assert pair(FOUND, "mmssl/pq_k32", "supervised/awgn_k32")[0] == Run("mmssl", "pq_k32", "all")
    assert pair(FOUND, "pq_k32", "awgn_k32") == (Run("mmssl", "pq_k32", "all"), both[0])
    with pytest.raises(SemcomError, match="no run of supervised, pq_k32"):
        pair(FOUND, "mmssl/pq_k32", "supervised")
    two = FOUND | {Run("supervised", "pq_k32", "all"): (0, 1)}
    with pytest.raises(SemcomError, match="mmssl may be mmssl/awgn_k32/all or mmssl/pq_k32/all: write one"):
        pair(two, "mmssl", "supervised")


@pytest.fixture
def answered(tmp_path):
    """A study of two methods, one of them over a digital link too."""
    study = make_answers(tmp_path, score={"mmssl": 0.3, "supervised": 0.0}, seeds=(0, 1))
    folder = shutil.copytree(study / "evaluate/mmssl/awgn_k32", study / "evaluate/mmssl/pq_k32")
    for path in folder.rglob("sweep.csv"):
        pd.read_csv(path).assign(link="pq_k32").to_csv(path, index=False)
    entry = {
        "links": {"awgn_k32": {"train_snr_db": 4.0}},
        "digital": {"pq_k32": {"link": "awgn_k32"}},
    }
    (study / "report/main/provenance.json").write_text(json.dumps({"entry": entry}))
    return study


def test_runs_are_compared_where_the_analog_link_was_trained(answered):
    text, _ = compare.run(answered.parent, "demo", "mmssl", "supervised")
    assert "mmssl/awgn_k32/all" in text
    made = compare.compare(answered.parent, "demo", "mmssl/pq_k32", "mmssl/awgn_k32").table
    assert set(made.snr_db[made.in_family]) == {5}
    assert (made.difference == 0).all()
    assert trained_at(answered, {"pq_k32", "awgn_k32"}, [0, 5, 10]) == (5,)
    assert trained_at(answered, {"pq_k64"}, [0, 5, 10]) == ()
