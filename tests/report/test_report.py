import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats
from synthetic_study import Study, make_study

from semcom import report
from semcom.files.errors import SemcomError
from semcom.report import results

FILES = {
    "accuracy_snr.pdf", "accuracy_snr.png", "accuracy_snr.csv",
    "accuracy_uses.pdf", "accuracy_uses.png", "accuracy_uses.csv",
    "summary.csv", "retrieval.csv", "pretraining.csv", "calibration.csv", "optimisers.csv",
    "provenance.json", "report.md",
}  # fmt: skip


def run(study: Study, name: str = "out"):
    folder = study.folder / "report ü" / name
    report.run(study.folder, study.entry, study.frames, folder)
    return folder


def table(path) -> pd.DataFrame:
    return pd.read_csv(path, comment="#")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return make_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def made(study):
    return run(study)


def accuracies(study: Study, method: str, *, snr_db: int, budget: int) -> np.ndarray:
    """One accuracy a seed, straight from the jobs' files, draws averaged."""
    values = []
    for seed in study.entry.seeds:
        rows = pd.read_csv(study.folder / f"evaluate/{method}/awgn_k32/all/seed{seed}/sweep.csv")
        rows = rows[(rows.snr_db == snr_db) & (rows.budget_epochs == budget) & (rows.metric == "accuracy")]
        assert len(rows) == 2
        values.append(rows.value.mean())
    return np.array(values)


def test_every_file_is_there(made):
    assert {path.name for path in made.iterdir()} == FILES


def test_intervals_are_over_seeds_after_averaging_draws(study, made):
    values = accuracies(study, "mmssl", snr_db=-3, budget=4)
    low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    rows = table(made / "accuracy_snr.csv")
    rows = rows[(rows.method == "mmssl") & (rows.snr_db == -3) & (rows.budget_epochs == 4)]
    row = rows[rows.metric == "accuracy"].iloc[0]
    assert row["mean"] == pytest.approx(values.mean())
    assert (row["mean"] - row.half_width, row["mean"] + row.half_width) == pytest.approx((low, high))
    assert row.seeds == 3
    assert set(rows.metric) == {"accuracy", "balanced_accuracy"}


def test_differences_are_paired_by_seed(study, made):
    own = accuracies(study, "mmssl", snr_db=10, budget=10)
    other = accuracies(study, "supervised", snr_db=10, budget=10)
    interval = stats.ttest_rel(own, other).confidence_interval(0.95)
    rows = table(made / "summary.csv").set_index(["method", "budget_epochs"])
    row = rows.loc[("mmssl", 10)]
    assert row.rival == "supervised"
    assert row.difference == pytest.approx((own - other).mean())
    assert row.difference - row.difference_half_width == pytest.approx(interval.low)
    assert np.isnan(rows.loc[("supervised", 10)].difference)


def test_training_uses_count_both_directions(made):
    rows = table(made / "accuracy_uses.csv").set_index(["method", "metric", "budget_epochs"])
    row = rows.loc[("mmssl", "accuracy", 10)]
    assert (row.rounds, row.snr_db) == (190, 10)
    assert row.training_uses == 2 * 190 * 32 * 2 * 32  # directions, rounds, batch, devices, uses a frame
    assert row.uplink_bits == 64 * row.uplink_uses
    assert row.pretrain_uses == 0


def test_origin_stands_on_everything(study, made):
    words = ["rooms 0123456789abcdef", "params/demo.yaml, digest ", "seeds: 0 1 2", "commit: "]
    for path in made.glob("*.csv"):
        head = "".join(line for line in path.read_text().splitlines(keepends=True) if line.startswith("#"))
        assert all(word in head for word in words), path
    for path in made.glob("*.png"):
        with Image.open(path) as image:
            assert all(word in image.info["Description"] for word in words)
    for path in made.glob("*.pdf"):
        assert all(word.encode() in path.read_bytes() for word in words)
    provenance = json.loads((made / "provenance.json").read_text())
    assert provenance["entry"]["params"] == study.entry.params
    assert provenance["machine"]["torch"]
    assert all(word.partition(":")[0] in (made / "report.md").read_text() for word in words)


def test_the_same_results_give_the_same_bytes(study, made):
    again = run(study, "again")
    for path in made.iterdir():
        if path.name != "provenance.json":
            assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_the_page_shows_all_tables_and_links_what_is_there(made):
    text = (made / "report.md").read_text()
    row = table(made / "summary.csv").set_index(["method", "budget_epochs"]).loc[("mmssl", 10)]
    assert f"{100 * row['mean']:.1f} ± {100 * row.half_width:.1f}" in text
    assert f"{100 * row.difference:+.1f} ± {100 * row.difference_half_width:.1f}" in text
    assert "most frequent class scores 30.0 %" in text
    assert "| random |" in text
    assert "Do not trust" not in text
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 8
    assert all((made / link).is_file() for link in links)


def test_retrieval_has_the_random_row_and_pretraining_its_last_epoch(made):
    rows = table(made / "retrieval.csv")
    assert sorted(set(rows.method)) == ["intra_only", "mmssl", "random"]
    assert set(rows.modality) == {"rgb", "depth", "both"}
    rows = table(made / "pretraining.csv")
    assert set(rows.epoch) == {3}
    assert rows[rows.metric == "loss"]["mean"].tolist() == [1.0, 1.0]


def change(path, edit) -> None:
    rows = pd.read_csv(path)
    edit(rows)
    rows.to_csv(path, index=False)


def test_a_wrong_snr_is_said_loudly(study, tmp_path):
    shutil.copytree(study.folder, tmp_path / "demo")

    def shift(rows):
        rows.loc[rows.metric == "delivered_snr_db", "value"] += 0.3

    change(tmp_path / "demo/evaluate/mmssl/awgn_k32/all/seed1/sweep.csv", shift)
    made = run(Study(tmp_path / "demo", study.frames, study.entry))
    warning = "Do not trust the SNR axis.** Link awgn_k32 delivers an Es/N0 up to 0.30 dB away"
    assert warning in (made / "report.md").read_text()
    rows = table(made / "calibration.csv").set_index(["method", "budget_epochs"])
    assert not rows.within.loc["mmssl"].any()
    assert rows.within.loc["supervised"].all()
    assert rows.error_one_draw_db.loc[("supervised", 4)] == pytest.approx(0.005)


@pytest.mark.parametrize(
    "file",
    [
        "evaluate/mmssl/awgn_k32/all/seed1/sweep.csv",
        "finetune/supervised/awgn_k32/all/seed2/communication.csv",
        "knowledge/random/seed0/retrieval.csv",
        "pretrain/intra_only/seed0/history.csv",
        "tune/mmssl/all/choice.json",
    ],
)
def test_a_missing_or_damaged_file_is_named(study, tmp_path, file):
    shutil.copytree(study.folder, tmp_path / "demo")
    here = Study(tmp_path / "demo", study.frames, study.entry)
    (tmp_path / "demo" / file).write_text("x\n1\n")
    with pytest.raises(SemcomError, match=f"{file} .*remove it and run snakemake again"):
        run(here)
    (tmp_path / "demo" / file).unlink()
    with pytest.raises(SemcomError, match=f"{file} is missing; run snakemake"):
        run(here)


def test_a_budget_that_no_job_trained(study):
    entry = study.entry.model_copy(update={"budgets": (1, 4, 10, 20)})
    with pytest.raises(SemcomError, match=r"sweep\.csv lacks the budgets of 20 epochs"):
        run(Study(study.folder, study.frames, entry))


def test_fewer_budgets_than_the_jobs_trained(study, made):
    entry = study.entry.model_copy(update={"budgets": (4,)})
    some = table(run(Study(study.folder, study.frames, entry), "some") / "summary.csv")
    whole = table(made / "summary.csv")
    pd.testing.assert_frame_equal(some, whole[whole.budget_epochs == 4].reset_index(drop=True))


def test_one_seed_and_nothing_pretrained(tmp_path):
    study = make_study(tmp_path, methods=("supervised", "rgb_only"), seeds=(7,), snr_db=(0, 8, 12, 20))
    made = run(study)
    assert {path.name for path in made.iterdir()} == FILES
    assert table(made / "retrieval.csv").empty
    assert table(made / "pretraining.csv").empty
    rows = table(made / "summary.csv")
    assert set(rows.snr_db) == {8}  # trained at 10 dB; of two equally near the lower
    assert rows.half_width.isna().all()
    assert "one seed gives no interval" in (made / "report.md").read_text()
    uses = table(made / "accuracy_uses.csv").set_index(["method", "metric", "budget_epochs"]).training_uses
    assert 2 * uses["rgb_only", "accuracy", 4] == uses["supervised", "accuracy", 4]


def test_several_links_and_label_fractions(tmp_path):
    study = make_study(
        tmp_path, methods=("supervised", "mmssl"), links=("awgn_k32", "awgn_k8"), labels=("all", "tenth"),
        budgets=(1, 4), snr_db=(0, 10), seeds=(0, 1),
    )  # fmt: skip
    text = (run(study) / "report.md").read_text()
    assert text.count("minus supervised") == 4


SWEEP = "evaluate/mmssl/awgn_k32/all/seed1/sweep.csv"
HISTORY = "pretrain/mmssl/seed0/history.csv"
COSTS = "finetune/mmssl/awgn_k32/all/seed0/communication.csv"
CHOICE = "tune/mmssl/all/choice.json"


def cut(characters=0, lines=0):
    """Take away the end of a file."""

    def damage(path):
        text = "".join(path.read_text().splitlines(keepends=True)[: -lines or None])
        path.write_text(text[: -characters or None])

    return damage


def put(column, value, **where):
    """Write `value` into the rows that have what `where` says, or into the third line."""

    def damage(path):
        rows = pd.read_csv(path, dtype=str)
        here = rows.index == 1
        if where:
            here = np.logical_and.reduce([rows[name] == wanted for name, wanted in where.items()])
        rows.loc[here, column] = value
        rows.to_csv(path, index=False)

    return damage


def write(content):
    return lambda path: path.write_bytes(content)


def repeat(path):
    path.write_text(path.read_text() + path.read_text().splitlines()[-1])


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        (SWEEP, cut(characters=9), "for value in line|lacks 1 of"),
        (SWEEP, cut(characters=30), "for .* in line|lacks 1 of"),
        (SWEEP, cut(lines=7), "lacks 7 of 168 rows, the first of budget_epochs 10, snr_db"),
        (SWEEP, repeat, "says budget_epochs 10, snr_db 20, draw 1, metric delivered_snr_db_worst twice"),
        (SWEEP, put("value", "much"), "has 'much' for value in line 3"),
        (SWEEP, put("value", "nan"), "has 'nan' for value in line 3"),
        (SWEEP, put("value", ""), "for value in line 3"),
        (SWEEP, put("value", "1.5", metric="accuracy"), "has an accuracy of 1.5"),
        (SWEEP, put("draw", "0.5"), "has '0.5' for draw in line 3"),
        (SWEEP, put("seed", "2", seed="1"), "has seed 2 where its place says 1"),
        (SWEEP, put("method", "supervised"), "has method supervised where its place says mmssl"),
        (SWEEP, put("snr_db", "6", snr_db="5"), "sweep different Es/N0"),
        (SWEEP, write(b"\xff\xfe\x00" * 50), "is not a table"),
        (CHOICE, write(b"[1]"), "names no optimiser"),
        (CHOICE, write(b'{"optimisers": 3}'), "names no optimiser"),
        (HISTORY, put("epoch", "x"), "has 'x' for epoch in line 3"),
        (COSTS, put("rounds", ""), "for rounds in line 3"),
    ],
)
def test_what_is_wrong_with_a_damaged_table_is_said(study, tmp_path, file, damage, message):
    shutil.copytree(study.folder, tmp_path / "demo", ignore=shutil.ignore_patterns("report*"))
    damage(tmp_path / "demo" / file)
    with pytest.raises(SemcomError, match=f"{file} .*({message}).*remove it and run snakemake again"):
        results.read(tmp_path / "demo", study.entry, study.frames)


def test_a_term_that_was_not_measured_is_no_damage(study, tmp_path):
    shutil.copytree(study.folder, tmp_path / "demo", ignore=shutil.ignore_patterns("report*"))
    put("value", "nan")(tmp_path / "demo" / HISTORY)
    assert results.read(tmp_path / "demo", study.entry, study.frames).pretraining.value.isna().sum() == 1
