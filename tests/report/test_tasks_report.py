"""A report of links with different tasks: each is judged, drawn and costed by its own measure."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from synthetic_study import Study, make_study

from semcom import report
from semcom.params.reportentry import ReportEntry
from semcom.report import figures, results, tables

MEASURES = {
    "awgn_k32": {"metric": "accuracy", "title": "accuracy"},
    "objects_k32": {"metric": "map", "title": "mean average precision"},
}
NAMES = {"accuracy": "map", "balanced_accuracy": "macro_f1", "ece": "chance"}
"""What the sweeps of the second link call their metrics; `chance` is 0.1 in all."""


def of_tasks(study: Study) -> ReportEntry:
    """Turn the study's second link into one of objects."""
    for path in study.folder.glob("evaluate/*/objects_k32/*/*/sweep.csv"):
        rows = pd.read_csv(path)
        rows.assign(metric=rows.metric.replace(NAMES)).to_csv(path, index=False)
    for path in list(study.folder.glob("tune/*/awgn_k32/*/choice.json")):
        choice = json.loads(path.read_text())
        del choice["validation_accuracy"]
        choice["validation_map"] = {"1": 0.1, "4": 0.2, "10": 0.3}
        other = study.folder / "tune" / path.parts[-4] / "objects_k32" / path.parts[-2] / "choice.json"
        other.parent.mkdir(parents=True)
        other.write_text(json.dumps(choice))
    said = study.entry.model_dump()
    said["links"]["objects_k32"]["task"] = {"use": "objects", "least": 0.05}
    return ReportEntry.model_validate(said | {"measures": MEASURES, "tuned_on": {}})


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    made = make_study(tmp_path_factory.mktemp("tasks"), links=("awgn_k32", "objects_k32"))
    return Study(made.folder, made.frames, of_tasks(made))


@pytest.fixture(scope="module")
def made(study):
    report.run(study.folder, study.entry, study.frames, study.folder / "report/main")
    return study.folder / "report/main"


def table(path) -> pd.DataFrame:
    return pd.read_csv(path, comment="#")


def values(study, method, *, metric, link, budget=10, snr_db=10) -> np.ndarray:
    """One value a seed, draws averaged, straight from the jobs' files."""
    found = []
    for seed in study.entry.seeds:
        rows = pd.read_csv(study.folder / f"evaluate/{method}/{link}/all/seed{seed}/sweep.csv")
        rows = rows[(rows.snr_db == snr_db) & (rows.budget_epochs == budget) & (rows.metric == metric)]
        found.append(rows.value.mean())
    return np.array(found)


def test_every_link_is_judged_by_its_own_measure(study, made):
    rows = table(made / "summary.csv")
    assert dict(zip(rows.link, rows.metric, strict=True)) == {
        name: measure["metric"] for name, measure in MEASURES.items()
    }
    row = rows.set_index(["method", "link", "budget_epochs"]).loc[("mmssl", "objects_k32", 10)]
    own, other = (values(study, m, metric="map", link="objects_k32") for m in ("mmssl", "supervised"))
    assert row["mean"] == pytest.approx(own.mean())
    assert row.difference == pytest.approx((own - other).mean())
    interval = stats.ttest_rel(own, other).confidence_interval(0.95)
    assert row.difference - row.difference_half_width == pytest.approx(interval.low)
    over = table(made / "accuracy_snr.csv")
    assert set(over[over.link == "objects_k32"].metric) == {"map", "macro_f1", "nll"}
    assert set(over[over.link == "awgn_k32"].metric) == {"accuracy", "balanced_accuracy", "nll", "ece"}


def test_the_cost_has_a_target_of_its_own_and_the_validation_of_its_own_task(study, made):
    cost = table(made / "cost.csv").drop_duplicates("link").set_index("link")
    # 0.4 at every budget of the scene: the first is long enough; rising for objects: the longest counts
    expected = values(study, "supervised", metric="accuracy", link="awgn_k32", budget=1).mean() - 0.01
    assert cost.target["awgn_k32"] == pytest.approx(expected)
    expected = values(study, "supervised", metric="map", link="objects_k32", budget=10).mean() - 0.01
    assert cost.target["objects_k32"] == pytest.approx(expected)
    assert cost.settled.to_dict() == {"awgn_k32": True, "objects_k32": False}
    chosen = table(made / "optimisers.csv")
    assert chosen.groupby("link").metric.unique().map(list).to_dict() == {
        "awgn_k32": ["accuracy"], "objects_k32": ["map"],
    }  # fmt: skip
    assert chosen[(chosen.link == "objects_k32") & (chosen.budget_epochs == 4)].validation.unique() == [0.2]


def test_the_figures_say_what_each_panel_shows(study):
    found = results.read(study.folder, study.entry, study.frames)
    assert found.chance == {"awgn_k32": pytest.approx(0.3), "objects_k32": pytest.approx(0.1)}
    drawn = tables.accuracy_snr(found, study.entry)
    sheet = figures.accuracy_snr(drawn, study.entry, chance=found.chance, foot="")
    titles = [axes.get_title(loc="left") for axes in sheet.axes]
    assert titles[:2] == ["awgn_k32 (accuracy), labels all\n1 epoch", "4 epochs"]
    assert titles[3] == "objects_k32 (map), labels all\n1 epoch"
    assert "test accuracy or mean average precision (%)" in {text.get_text() for text in sheet.texts}
    assert any("map: mean average precision." in text.get_text() for text in sheet.texts)
    for axes, level, name in (
        (sheet.axes[0], 30, "most frequent class"),
        (sheet.axes[3], 10, "scores at random"),
    ):
        assert any(np.allclose(line.get_ydata(), level) for line in axes.lines)
        assert not axes.texts, "a name in the panel would lie over curves"
        assert name in axes.get_legend_handles_labels()[1]
    curve = next(line for line in sheet.axes[5].lines if line.get_label() == "mmssl")
    rows = drawn[(drawn.method == "mmssl") & (drawn.link == "objects_k32") & (drawn.budget_epochs == 10)]
    assert curve.get_ydata() == pytest.approx(100 * rows[rows.metric == "map"]["mean"].to_numpy())
    costs = tables.accuracy_uses(found, study.entry)
    uses = figures.accuracy_uses(costs, study.entry, uploads=found.upload, chance=found.chance, foot="")
    assert uses.axes[1].get_title(loc="left") == "objects_k32 (map), labels all, tested at 10 dB"
    for drawn in (sheet, uses):
        named = [text.get_text() for text in drawn.legends[0].get_texts()]
        assert named == [*study.entry.methods, "most frequent class", "scores at random"]


def test_the_page_names_the_measures(made):
    page = (made / "report.md").read_text()
    assert "Always naming the most frequent class scores 30.0 %." in page
    said = "objects_k32 is judged by mean average precision, which scores at random have at 10.0 %."
    assert said in page
    assert "**Test mean average precision in %, objects_k32, labels all, at 10 dB**" in page
    assert "**Test accuracy in %, awgn_k32, labels all, at 10 dB**" in page
    assert "at which test accuracy or mean average precision reaches A\\*" in page


def test_a_study_of_one_measure_says_no_more_than_before(tmp_path):
    study = make_study(tmp_path, links=("awgn_k32", "awgn_k8"), seeds=(0,), budgets=(1,))
    found = results.read(study.folder, study.entry, study.frames)
    drawn = tables.accuracy_snr(found, study.entry)
    sheet = figures.accuracy_snr(drawn, study.entry, chance=found.chance, foot="")
    assert sheet.axes[1].get_title(loc="left") == "awgn_k8, labels all\n1 epoch"
    assert "test accuracy (%)" in {text.get_text() for text in sheet.texts}
    named = [text.get_text() for text in sheet.legends[0].get_texts()]
    assert named.count("most frequent class") == 1
