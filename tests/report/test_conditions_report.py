"""Conditions in the report: paired differences, the page's section, the figure, damaged files."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from synthetic_study import Study, make_study

from semcom import report
from semcom.files.errors import SemcomError
from semcom.params.reportentry import Measure
from semcom.report import conditions, conditions_figure, results, tables

DROP = {"dark": 0.04, "depth_lost": 0.1}
FILE = "conditions/mmssl/awgn_k32/all/seed1.csv"


def disturbed(root: Path, **options: object) -> Study:
    """The synthetic study under conditions that cost each run a little more or less; of rgb_only, one."""
    study = make_study(root, methods=("mmssl", "supervised", "rgb_only"), **options)
    every = tuple(DROP)
    concerned = {"mmssl": every, "supervised": every, "rgb_only": every[:1]}
    draw = np.random.default_rng(1)
    for path in sorted((study.folder / "evaluate").glob("*/*/*/seed*/sweep.csv")):
        method, link, labels, seed, _ = path.relative_to(study.folder / "evaluate").parts
        rows = pd.read_csv(path)
        rows = rows[~rows.metric.str.startswith("delivered")]
        parts = [rows.assign(condition=name) for name in concerned[method]]
        for part, name in zip(parts, concerned[method], strict=True):
            part.loc[part.metric == "accuracy", "value"] -= DROP[name] + draw.normal(0, 0.01)
        out = study.folder / "conditions" / method / link / labels / f"{seed}.csv"
        out.parent.mkdir(parents=True, exist_ok=True)
        pd.concat(parts).to_csv(out, index=False)
    words = {
        "conditions": {"dark": "sensors, dark 0.7", "depth_lost": "depth lost"},
        "conditions_of": concerned,
    }
    return Study(study.folder, study.frames, study.entry.model_copy(update=words))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return disturbed(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def made(study: Study) -> Path:
    folder = study.folder / "report" / "out"
    report.run(study.folder, study.entry, study.frames, folder)
    return folder


def accuracies(
    study: Study, file: str, *, snr_db: int, budget: int, condition: str | None = None
) -> np.ndarray:
    """One a seed, straight from the files, draws averaged."""
    found = []
    for seed in study.entry.seeds:
        rows = pd.read_csv(study.folder / file.format(seed=seed))
        rows = rows[(rows.snr_db == snr_db) & (rows.budget_epochs == budget) & (rows.metric == "accuracy")]
        found.append((rows if condition is None else rows[rows.condition == condition]).value.mean())
    return np.array(found)


def test_the_difference_to_the_whole_system_is_paired_by_seed(study, made):
    rows = pd.read_csv(made / "conditions.csv", comment="#")
    row = rows.set_index(["condition", "method", "budget_epochs", "snr_db", "metric"]).loc[
        ("depth_lost", "mmssl", 4, 5, "accuracy")
    ]
    at = {"snr_db": 5, "budget": 4}
    own = accuracies(study, "conditions/mmssl/awgn_k32/all/seed{seed}.csv", condition="depth_lost", **at)
    whole = accuracies(study, "evaluate/mmssl/awgn_k32/all/seed{seed}/sweep.csv", **at)
    interval = stats.ttest_rel(own, whole).confidence_interval(0.95)
    assert row["mean"] == pytest.approx(own.mean())
    assert row.difference == pytest.approx((own - whole).mean())
    assert row.difference - row.difference_half_width == pytest.approx(interval.low)
    assert row.difference_half_width < row.half_width, "pairing takes away what seeds have in common"
    assert row.seeds == 3
    # 2 methods with 2 conditions and one with 1; 3 budgets, 7 SNRs, 4 metrics
    assert len(rows) == 5 * 3 * 7 * 4


def test_the_page_has_a_row_a_method_and_a_dash_where_a_modality_is_missing(study, made):
    page = (made / "report.md").read_text()
    section = re.search(r"## Under other conditions\n.*?(?=\n## )", page, re.DOTALL)[0]
    assert "`dark`: sensors, dark 0.7; `depth_lost`: depth lost" in section
    lines = {line.split(" | ")[0].strip("| "): line for line in section.splitlines() if line.startswith("| ")}
    assert list(lines)[0] == "method"
    assert lines["rgb_only"].endswith("| – |")
    rows = pd.read_csv(made / "conditions.csv", comment="#")
    rows = rows.set_index(["condition", "method", "budget_epochs", "snr_db", "metric"])
    cell = rows.loc[("depth_lost", "mmssl", 10, 10, "accuracy")]
    shown = f"{100 * cell['mean']:.1f} ± {100 * cell.half_width:.1f} "
    shown += f"({100 * cell.difference:+.1f} ± {100 * cell.difference_half_width:.1f})"
    assert shown in lines["mmssl"]
    whole = pd.read_csv(made / "summary.csv", comment="#").set_index(["method", "budget_epochs"])
    assert f"| mmssl | {100 * whole.loc[('mmssl', 10), 'mean']:.1f} ± " in lines["mmssl"]
    for link in re.findall(r"\]\(([^)]+)\)", section):
        assert (made / link).is_file()


def test_the_figure_has_a_panel_for_the_whole_and_for_each_condition(study):
    found = results.read(study.folder, study.entry, study.frames)
    read = conditions.read(study.folder, study.entry, found.sweep)
    table = conditions.summary(read, found.sweep, study.entry)
    whole = tables.accuracy_snr(found, study.entry)
    sheet = conditions_figure.draw(table, whole, study.entry, chance={"awgn_k32": 0.3}, foot="")
    assert [axes.get_title(loc="left") for axes in sheet.axes] == ["whole", "dark", "depth_lost"]
    named = [{line.get_label() for line in axes.lines} & set(study.entry.methods) for axes in sheet.axes]
    every = set(study.entry.methods)
    assert named == [every, every, every - {"rgb_only"}]
    curve = next(line for line in sheet.axes[2].lines if line.get_label() == "mmssl")
    rows = table[(table.condition == "depth_lost") & (table.method == "mmssl") & (table.budget_epochs == 10)]
    assert curve.get_ydata() == pytest.approx(100 * rows[rows.metric == "accuracy"]["mean"].to_numpy())


def test_each_of_several_links_begins_a_row_and_no_title_runs_into_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(conditions_figure, "COLUMNS", 2)
    study = disturbed(tmp_path, links=("awgn_k32", "awgn_k8"), seeds=(0,), budgets=(1,))
    found = results.read(study.folder, study.entry, study.frames)
    read = conditions.read(study.folder, study.entry, found.sweep)
    table = conditions.summary(read, found.sweep, study.entry)
    whole = tables.accuracy_snr(found, study.entry)
    sheet = conditions_figure.draw(table, whole, study.entry, chance={}, foot="")
    panels = [axes for axes in sheet.axes if axes.get_visible()]
    titles = [axes.get_title(loc="left") for axes in panels]
    wholes = ["awgn_k32, labels all\nwhole", "awgn_k8, labels all\nwhole"]
    assert titles == [title for first in wholes for title in (first, "dark", "depth_lost")]
    left = [axes.get_position().x0 for axes in panels]
    assert left == [left[0], left[1], left[0]] * 2
    sheet.draw_without_rendering()
    for axes in panels:
        # A panel and the gap beside it are all the room that its title has.
        assert axes._left_title.get_window_extent().x1 <= axes.get_window_extent().x1 + 0.16 * sheet.dpi


def test_several_links_and_one_seed(tmp_path):
    study = disturbed(
        tmp_path, links=("awgn_k32", "awgn_k8"), labels=("all", "tenth"), seeds=(0,), budgets=(1,)
    )
    report.run(study.folder, study.entry, study.frames, tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out/conditions.csv", comment="#")
    assert len(rows) == 4 * 5 * 7 * 4
    assert rows.difference_half_width.isna().all()
    assert rows.difference.notna().all()


def test_a_link_with_another_task_has_its_own_measure(tmp_path):
    study = disturbed(tmp_path, links=("awgn_k32", "objects_k32"), seeds=(0, 1), budgets=(1,))
    for path in study.folder.rglob("*.csv"):
        if "objects_k32" in path.parts and {"evaluate", "conditions"} & set(path.parts):
            rows = pd.read_csv(path)
            rows.assign(metric=rows.metric.replace({"accuracy": "map"})).to_csv(path, index=False)
    measures = {
        "awgn_k32": Measure(metric="accuracy", title="accuracy"),
        "objects_k32": Measure(metric="map", title="mean average precision"),
    }
    entry = study.entry.model_copy(update={"measures": measures})
    found = results.read(study.folder, study.entry, study.frames)
    table = conditions.summary(conditions.read(study.folder, entry, found.sweep), found.sweep, entry)
    kept = table[table.metric == "map"]
    assert set(kept.link) == {"objects_k32"}
    assert kept.difference.notna().all()
    sheet = conditions_figure.draw(table, tables.accuracy_snr(found, entry), entry, chance={}, foot="")
    assert [axes.get_title(loc="left") for axes in sheet.axes][3:] == [
        "objects_k32 (map), labels all\nwhole", *DROP,
    ]  # fmt: skip
    (curve,) = [line for line in sheet.axes[5].lines if line.get_label() == "mmssl"]
    rows = kept[(kept.condition == "depth_lost") & (kept.method == "mmssl")]
    assert curve.get_ydata() == pytest.approx(100 * rows["mean"].to_numpy())


def test_without_conditions_there_is_no_section_and_no_figure(tmp_path):
    study = make_study(tmp_path, seeds=(0,))
    report.run(study.folder, study.entry, study.frames, tmp_path / "out")
    assert "other conditions" not in (tmp_path / "out/report.md").read_text()
    assert pd.read_csv(tmp_path / "out/conditions.csv", comment="#").empty
    assert not list((tmp_path / "out").glob("conditions_snr*"))


def without(column, value):
    def damage(path):
        rows = pd.read_csv(path)
        rows[rows[column] != value].to_csv(path, index=False)

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_text("x\n1\n"), "lacks the columns"),
        (without("condition", "dark"), r"has the conditions \['depth_lost'\], not \['dark', 'depth_lost'\]"),
        (without("snr_db", 20), "and the sweep have different Es/N0"),
        (without("draw", 1), "and the sweep have different Es/N0 or numbers of draws"),
        (without("budget_epochs", 10), "lacks the budgets of 10 epochs"),
        (lambda path: path.write_text(path.read_text() + path.read_text().splitlines()[-1]), "twice"),
        (lambda path: path.write_text(path.read_text().replace("mmssl,aw", "clip,aw")), "has method clip"),
    ],
)  # fmt: skip
def test_a_missing_or_damaged_file_is_named(tmp_path, damage, message):
    study = disturbed(tmp_path, seeds=(0, 1))
    sweep = results.read(study.folder, study.entry, study.frames).sweep
    damage(study.folder / FILE)
    with pytest.raises(SemcomError, match=f"{FILE} .*{message}.*remove it and run snakemake again"):
        conditions.read(study.folder, study.entry, sweep)
    (study.folder / FILE).unlink()
    with pytest.raises(SemcomError, match=f"{FILE} is missing; run snakemake"):
        conditions.read(study.folder, study.entry, sweep)
