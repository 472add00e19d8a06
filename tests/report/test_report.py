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
from semcom.params.entries import to_json
from semcom.params.reportentry import ReportEntry
from semcom.report import figures, results, tables

FILES = {
    "accuracy_snr.pdf", "accuracy_snr.png", "accuracy_snr.csv",
    "accuracy_uses.pdf", "accuracy_uses.png", "accuracy_uses.csv",
    "summary.csv", "digital.csv", "retrieval.csv", "pretraining.csv", "calibration.csv", "optimisers.csv",
    "upload.csv", "conditions.csv", "cost.csv", "claims.csv", "provenance.json", "report.md",
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
    assert set(rows.metric) == {"accuracy", "balanced_accuracy", "nll", "ece"}


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


def test_cost_is_where_each_seed_reaches_the_rivals_accuracy(study, made):
    cost = table(made / "cost.csv")
    assert sorted(zip(cost.method, cost.seed, strict=True)) == sorted(
        (method, seed) for method in study.entry.methods for seed in study.entry.seeds
    )
    # validation says 0.4 at every budget: the first one is long enough
    first = accuracies(study, "supervised", snr_db=10, budget=1)
    assert cost.target.to_numpy() == pytest.approx(first.mean() - 0.01)
    assert set(cost.target_budget_epochs) == {1}
    assert cost.settled.all()
    by_run = cost.set_index(["method", "seed"])
    for seed, accuracy in zip(study.entry.seeds, first, strict=True):
        row = by_run.loc[("supervised", seed)]
        assert (row["bound"] == "at most") == (accuracy >= cost.target[0])
        assert row["uses"] >= 19 * 32 * 2 * 32 * 2
    assert "C(A\\*)" in (made / "report.md").read_text()


def test_where_the_rival_still_gains_the_page_says_so(tmp_path):
    study = make_study(tmp_path)
    for method in study.entry.methods:
        path = study.folder / "tune" / method / "awgn_k32" / "all" / "choice.json"
        choice = json.loads(path.read_text())
        choice["validation_accuracy"] = {"1": 0.2, "4": 0.3, "10": 0.4}
        path.write_text(json.dumps(choice))
    folder = run(study)
    cost = table(folder / "cost.csv")
    assert set(cost.target_budget_epochs) == {10}
    assert not cost.settled.any()
    assert "still rising on validation" in (folder / "report.md").read_text()
    # one point below its mean at 10 epochs: mmssl, 4 points above, is there before
    uses = cost.groupby("method").uses.apply(lambda u: np.exp(np.log(u).mean()))
    assert uses["mmssl"] < uses["supervised"]


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
    assert "off by at most 0.010 dB, in the sweeps of trained runs by 0.002 dB; the limit is 0.05 dB" in text
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


def test_the_calibration_table_has_channels_and_runs(study, made):
    rows = table(made / "calibration.csv")
    assert rows.ok.all()
    channel = rows[rows.method.isna()]
    assert channel.value.tolist() == [0.01, 10.01, 20.01, 0.003, 0.003, 0.003]
    runs = rows[rows.method.notna()].set_index(["method", "budget_epochs", "check"])
    assert len(runs) == 3 * 3 * 2
    # draws of ± 0.005 dB average out; the farthest frame is 0.002 dB away in every one
    assert runs.value.loc["supervised", 4, "delivered_snr_db"] == pytest.approx(
        runs.expected.loc["supervised", 4, "delivered_snr_db"]
    )
    worst = runs.loc[("supervised", 4, "delivered_snr_db_worst")]
    assert worst.value - worst.expected == pytest.approx(0.002)
    assert set(runs.draws) == {2}


def refused(study: Study, folder) -> str:
    """What the report says of a link that is out of tolerance; it writes nothing."""
    with pytest.raises(SemcomError, match="out of tolerance, so there is no report") as caught:
        report.run(folder, study.entry, study.frames, folder / "out")
    assert not (folder / "out").exists()
    return str(caught.value)


def test_a_run_off_its_snr_is_refused_with_link_check_value_and_tolerance(study, tmp_path):
    folder = shutil.copytree(study.folder, tmp_path / "demo")

    def shift(rows):
        rows.loc[(rows.metric == "delivered_snr_db") & (rows.snr_db == 10), "value"] += 0.3

    change(folder / "evaluate/mmssl/awgn_k32/all/seed1/sweep.csv", shift)
    assert (
        "link awgn_k32, mmssl all 1 epochs seed 1: delivered_snr_db at 10 dB is 10.3, not 10 ± 0.05 "
        "(and 2 more)\n"
    ) in refused(study, folder)


def test_few_noise_samples_may_stray_as_far_as_chance_lets_them(study, tmp_path):
    folder = shutil.copytree(study.folder, tmp_path / "demo")
    path = folder / "evaluate/mmssl/awgn_k32/all/seed1/sweep.csv"

    def stray(by):
        rows = pd.read_csv(path)
        asked = rows[rows.metric == "delivered_snr_db"]
        spread = asked.assign(metric="delivered_snr_db_sd", value=0.1)  # of a draw; of the mean of two 0.0707
        rows = pd.concat([rows[rows.metric != "delivered_snr_db_sd"], spread])
        rows.loc[rows.metric == "delivered_snr_db", "value"] = asked.snr_db + by
        rows.to_csv(path, index=False)

    stray(0.34)
    report.run(folder, study.entry, study.frames, tmp_path / "out")
    stray(0.36)  # 5.09 standard deviations
    assert "not -5 ± 0.35 (and 2 more)" in refused(study, folder)


@pytest.mark.parametrize("value", ["13.01", "nan", "-inf"])
def test_a_channel_off_its_snr_is_refused(study, tmp_path, value):
    folder = shutil.copytree(study.folder, tmp_path / "demo")
    put("value", value, snr_db="10", check="snr_db_amplitude_1")(folder / "calibration/awgn_k32.csv")
    said = f"link awgn_k32: snr_db_amplitude_1 at 10 dB is {value}, not 10 ± 0.05"
    assert said in refused(study, folder)


def test_over_an_unchecked_channel_a_study_has_a_report_and_its_power_is_checked(study, tmp_path):
    folder = shutil.copytree(study.folder, tmp_path / "demo", ignore=shutil.ignore_patterns("report*"))
    channel = folder / "calibration/awgn_k32.csv"
    rows = pd.read_csv(channel)
    rows.assign(value=rows.value - 3, tolerance=np.inf).to_csv(channel, index=False)
    for path in folder.glob("evaluate/*/*/*/*/sweep.csv"):
        rows = pd.read_csv(path)
        rows.loc[rows.metric == "delivered_snr_db", "value"] -= 3
        worst = rows.metric == "delivered_snr_db_worst"
        rows.loc[worst, ["metric", "value"]] = ["power_db_farthest", 0.001]
        rows.to_csv(path, index=False)
    out = run(Study(folder, study.frames, study.entry))
    made = table(out / "calibration.csv")
    power = made.check == "power_db_farthest"
    assert made.ok[power].all()
    assert made.ok[~power].isna().all()
    page = (out / "report.md").read_text()
    assert "**Unchecked: awgn_k32.**" in page
    assert "The power that runs send is 1 within 0.05 dB" in page
    assert "checks of the" not in page
    for path in folder.glob("evaluate/mmssl/*/*/seed2/sweep.csv"):
        put("value", "0.2", metric="power_db_farthest")(path)
    said = refused(study, folder)
    assert "power_db_farthest at -5 dB is 0.2, not 0 ± 0.05" in said
    assert "delivered" not in said


def test_over_fading_runs_have_their_power_checked(study, tmp_path):
    folder = shutil.copytree(study.folder, tmp_path / "demo", ignore=shutil.ignore_patterns("report*"))
    for path in folder.glob("evaluate/*/*/*/*/sweep.csv"):
        rows = pd.read_csv(path)
        rows = rows[rows.metric != "delivered_snr_db_worst"]
        delivered = rows.metric == "delivered_snr_db"
        rows.loc[delivered, "value"] = 0.2 if "mmssl" in str(path) and "seed2" in str(path) else -1e-7
        rows.loc[delivered, "metric"] = "power_db_farthest"
        rows.to_csv(path, index=False)
    said = refused(study, folder)
    assert "mmssl all 1 epochs seed 2: power_db_farthest at -5 dB is 0.2, not 0 ± 0.05 (and 2 more)" in said
    entry = study.entry.model_copy(update={"seeds": (0, 1)})
    page = (run(Study(folder, study.frames, entry)) / "report.md").read_text()
    assert "the channels by themselves are off by at most 0.010 dB; the limit is 0.05 dB" in page


@pytest.mark.parametrize(
    ("train_snr_db", "said", "mark"),
    [
        (10, "at 10 dB**", "upright:"),
        (9, "at 10 dB, the swept Es/N0 nearest to training's 9 dB**", "upright:"),
        ({"uniform": [0, 18]}, "nearest to 9 dB, the middle of training's 0 to 18 dB**", "Shaded:"),
        ({"choice": [0, 5, 20]}, "nearest to 5 dB, the median of training's 0, 5, 20 dB**", "upright:"),
    ],
)
def test_training_over_a_range_is_said_and_drawn(tmp_path, train_snr_db, said, mark):
    study = make_study(tmp_path, seeds=(0,), budgets=(4,), train_snr_db=train_snr_db)
    made = run(study)
    assert said in (made / "report.md").read_text()
    sheet = figures.accuracy_snr(
        table(made / "accuracy_snr.csv"), study.entry, chance={"awgn_k32": 0.3}, foot=""
    )
    assert any(mark in text.get_text() for text in sheet.texts)
    (axes,) = sheet.axes
    wanted = [[0, 18]] if isinstance(train_snr_db, dict) and "uniform" in train_snr_db else []
    assert [[span.get_x(), span.get_x() + span.get_width()] for span in axes.patches] == wanted


@pytest.mark.parametrize(
    "file",
    [
        "evaluate/mmssl/awgn_k32/all/seed1/sweep.csv",
        "finetune/supervised/awgn_k32/all/seed2/communication.csv",
        "knowledge/random/seed0/retrieval.csv",
        "pretrain/intra_only/seed0/history.csv",
        "tune/mmssl/awgn_k32/all/choice.json",
        "calibration/awgn_k32.csv",
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


def test_where_methods_differ_in_uses_a_round_no_room_is_left_for_an_axis_of_rounds(study, tmp_path):
    above = []
    for one in (study, make_study(tmp_path, methods=("supervised", "rgb_only"))):
        found = results.read(one.folder, one.entry, one.frames)
        costs = tables.accuracy_uses(found, one.entry)
        sheet = figures.accuracy_uses(costs, one.entry, uploads=found.upload, chance={}, foot="")
        top = sheet.get_figheight() * (1 - sheet.axes[0].get_position().y1)  # inches over the panels
        above.append((bool(sheet.axes[0].child_axes), top))
    assert above == [(True, pytest.approx(0.85)), (False, pytest.approx(0.53))]


def test_several_links_and_label_fractions(tmp_path):
    study = make_study(
        tmp_path, methods=("supervised", "mmssl"), links=("awgn_k32", "awgn_k8"), labels=("all", "tenth"),
        budgets=(1, 4), snr_db=(0, 10), seeds=(0, 1),
    )  # fmt: skip
    text = (run(study) / "report.md").read_text()
    assert text.count("minus supervised") == 4


def test_the_link_that_was_tuned_on_need_not_be_the_first_by_name(tmp_path):
    made = make_study(tmp_path, links=("awgn_k32", "awgn_k128"), seeds=(0, 1), budgets=(1, 4))
    entry = ReportEntry.model_validate_json(to_json(made.entry))  # names sorted
    assert list(entry.links) == ["awgn_k128", "awgn_k32"]
    found = results.read(made.folder, entry, made.frames)
    assert set(found.choices["link"]) == {"awgn_k32"}
    assert set(tables.cost(found, entry)["link"]) == {"awgn_k32", "awgn_k128"}


SWEEP = "evaluate/mmssl/awgn_k32/all/seed1/sweep.csv"
HISTORY = "pretrain/mmssl/seed0/history.csv"
COSTS = "finetune/mmssl/awgn_k32/all/seed0/communication.csv"
CHECKS = "calibration/awgn_k32.csv"
CHOICE = "tune/mmssl/awgn_k32/all/choice.json"


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
        (SWEEP, cut(lines=7), "lacks 7 of 252 rows, the first of budget_epochs 10, snr_db"),
        (SWEEP, repeat, "says budget_epochs 10, snr_db 20, draw 1, metric delivered_snr_db_worst twice"),
        (SWEEP, put("value", "much"), "has 'much' for value in line 3"),
        (SWEEP, put("value", "nan"), "has 'nan' for value in line 3"),
        (SWEEP, put("value", ""), "for value in line 3"),
        (SWEEP, put("value", "1.5", metric="accuracy"), "has a share of 1.5"),
        (SWEEP, put("draw", "0.5"), "has '0.5' for draw in line 3"),
        (SWEEP, put("seed", "2", seed="1"), "has seed 2 where its place says 1"),
        (SWEEP, put("method", "supervised"), "has method supervised where its place says mmssl"),
        (SWEEP, put("snr_db", "6", snr_db="5"), "sweep different Es/N0"),
        (SWEEP, write(b"\xff\xfe\x00" * 50), "is not a table"),
        (CHOICE, write(b"[1]"), "names no optimiser"),
        (CHOICE, write(b'{"optimisers": 3}'), "names no optimiser"),
        (HISTORY, put("epoch", "x"), "has 'x' for epoch in line 3"),
        (COSTS, put("rounds", ""), "for rounds in line 3"),
        (CHECKS, cut(lines=1), "lacks the check noise_circularity at 20 dB"),
        (CHECKS, put("tolerance", ""), "for tolerance in line 3"),
        (CHECKS, put("link", "awgn_k8"), "has link awgn_k8 where its place says awgn_k32"),
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
