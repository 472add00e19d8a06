import re

import numpy as np
import pandas as pd
import pytest
from answered_study import change_answers, make_answers
from PIL import Image
from scipy import stats
from typer.testing import CliRunner

from semcom.cli import app
from semcom.files.errors import SemcomError
from semcom.metrics.comparisons import holm
from semcom.report import compare
from semcom.report.compare_choice import Run, pair
from semcom.report.compare_table import trained_at
from semcom.report.compare_text import sentence

FILES = {"difference.csv", "difference.png", "difference.pdf", "compare.md"}
SCORES = {"mmssl": 0.3, "intra_only": 0.27, "supervised": 0.0}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("compared") / "results ü"
    make_answers(root, score=SCORES)
    return root


@pytest.fixture(scope="module")
def made(results):
    """Text, folder and table of mmssl against supervised."""
    text, folder = compare.run(results, "demo", "mmssl", "supervised")
    return text, folder, pd.read_csv(folder / "difference.csv", comment="#")


def seed_accuracies(results, method, *, snr_db, budget):
    """Draws averaged, from the sweeps."""
    found = []
    for seed in range(5):
        rows = pd.read_csv(results / f"demo/evaluate/{method}/awgn_k32/all/seed{seed}/sweep.csv")
        rows = rows[(rows.snr_db == snr_db) & (rows.budget_epochs == budget) & (rows.metric == "accuracy")]
        found.append(rows.value.mean())
    return np.array(found)


def test_differences_and_the_interval_over_seeds_are_those_of_the_sweeps(results, made):
    own = seed_accuracies(results, "mmssl", snr_db=5, budget=4)
    other = seed_accuracies(results, "supervised", snr_db=5, budget=4)
    theirs = stats.ttest_rel(own, other)
    row = made[2].set_index(["budget_epochs", "snr_db"]).loc[(4, 5)]
    assert row.value_a == pytest.approx(own.mean(), abs=1e-6)
    assert row.difference == pytest.approx((own - other).mean(), abs=1e-6)
    assert row.difference - row.seeds_half_width == pytest.approx(theirs.confidence_interval().low, abs=1e-6)
    assert row.seeds_p == pytest.approx(theirs.pvalue, rel=1e-4)
    assert (row.seeds, row.scenes) == (5, 40)


def test_the_family_is_every_budget_at_the_swept_snr_nearest_to_training(made):
    table = made[2]
    family = table[table.in_family]
    assert family[["budget_epochs", "snr_db"]].values.tolist() == [[1, 10], [4, 10]]  # trained at 9 dB
    np.testing.assert_allclose(
        family.p_holm, holm(family[["p", "seeds_p"]].max(axis=1).to_numpy()), rtol=1e-9
    )
    assert table.p_holm[~table.in_family].isna().all()


def test_swapping_a_and_b_turns_the_sign_and_nothing_else(results, made):
    turned = compare.compare(results, "demo", "supervised", "mmssl").table
    np.testing.assert_allclose(turned.difference, -made[2].difference, atol=1e-9)
    np.testing.assert_allclose(
        turned[["half_width", "df", "p"]], made[2][["half_width", "df", "p"]], rtol=1e-6
    )


def test_files_and_their_origin(made):
    _, folder, _ = made
    assert {path.name for path in folder.iterdir()} == FILES
    with Image.open(folder / "difference.png") as image:
        assert (
            "a: mmssl/awgn_k32/all; b: supervised/awgn_k32/all; seeds: 0 1 2 3 4" in image.info["Description"]
        )
    assert b"made of: predictions of digest" in (folder / "difference.pdf").read_bytes()


def test_a_large_difference_is_claimed_and_the_other_way_round_too(results, made):
    assert re.search(r"- 4 epochs, 10 dB: mmssl is ahead of supervised by [\d.]+ points, \+", made[0])
    turned, _ = compare.run(results, "demo", "supervised", "mmssl")
    (own,), (other,) = (re.findall(r"- 4 epochs, 10 dB: (.*)", text) for text in (made[0], turned))
    assert own == other
    assert "undecided" not in made[0].partition("## In figures")[0]


def row_of(made, **values):
    """A row of a comparison with some values of our own."""
    return next(made.table.assign(**values).itertuples())


def test_words_never_say_more_than_both_intervals(results):
    made = compare.compare(results, "demo", "mmssl", "intra_only")
    usual = {"difference": -0.02, "half_width": 0.03, "seeds_half_width": 0.01, "seeds_to_decide": 12.0}
    here = sentence(made, row_of(made, p_holm=0.2, seeds_p_holm=0.01, **usual))
    assert (
        "on these 40 test scenes intra_only is ahead of mmssl by 2.0 points, +1.0 to +3.0 over seeds" in here
    )
    assert "on other scenes is undecided: -1.0 to +5.0" in here
    assert "about 12 seeds would decide it" in here
    open_ = sentence(made, row_of(made, p_holm=0.2, seeds_p_holm=0.06, **usual))
    assert "undecided" in open_
    assert "either may be ahead, or neither" in open_
    assert "is ahead of" not in open_
    floor = usual | {"seeds_to_decide": np.inf, "least_decidable": 0.034}
    assert "no number of seeds would decide it: with 40 test scenes a true difference below 3.4 points" in (
        sentence(made, row_of(made, p_holm=0.2, seeds_p_holm=0.06, **floor))
    )
    assert "not even 1000 seeds" in sentence(
        made, row_of(made, p_holm=0.2, seeds_p_holm=0.06, **floor | {"least_decidable": 0.01})
    )


def test_equal_answers_are_not_called_equal_methods(tmp_path):
    make_answers(tmp_path, score={"mmssl": 0.2, "supervised": 0.2}, seed_sd=0, scene_sd=0)
    text, _ = compare.run(tmp_path, "demo", "mmssl", "supervised")
    assert text.count("undecided. All seeds and scenes give the same difference, 0.0 points") == 2
    assert "no interval" in text


def test_few_seeds_are_said_to_be_few(results):
    text, _ = compare.run(results, "demo", "mmssl", "supervised", seeds=[0, 2, 4])
    assert "3 seeds are few: in simulations" in text
    assert "- seeds: 0 2 4, paired" in text


def test_names_may_leave_out_what_is_clear():
    found = {
        Run(m, link, labels): (0, 1)
        for m, link, labels in (
            ("mmssl", "awgn", "all"), ("mmssl", "awgn", "tenth"), ("mmssl", "digital", "all"),
            ("supervised", "awgn", "all"), ("all", "awgn", "all"),
            ("intra_only", "awgn", "all"), ("intra_only", "awgn", "tenth"),
        )
    }  # fmt: skip
    awgn = Run("mmssl", "awgn", "all")
    both = (awgn, Run("supervised", "awgn", "all"))
    assert pair(found, "mmssl", "supervised") == pair(found, "mmssl", "supervised/awgn") == both
    assert pair(found, "mmssl/awgn/all", "supervised") == (awgn, Run("supervised", "awgn", "all"))
    assert pair(found, "mmssl/awgn/all", "tenth") == (awgn, Run("mmssl", "awgn", "tenth"))
    assert pair(found, "mmssl/awgn/all", "digital") == (awgn, Run("mmssl", "digital", "all"))
    assert pair(found, "all/awgn/all", "supervised")[0] == Run("all", "awgn", "all")
    for a, b, message in (
        ("mmsl", "supervised", "mmsl: no 'mmsl' in this study; did you mean 'mmssl'"),
        ("mmssl/awgm/all", "supervised", "no link 'awgm'; did you mean 'awgn'"),
        ("mmssl", "intra_only", "mmssl may be mmssl/awgn/all or mmssl/awgn/tenth or .*: write one"),
        ("all", "supervised", r"'all' is not clear \(method and labels\)"),
        ("supervised/digital", "mmssl", "no run of supervised, digital"),
        ("supervised", "supervised/awgn", "both are supervised/awgn/all: give two different"),
    ):
        with pytest.raises(SemcomError, match=message):
            pair(found, a, b)


def test_what_is_asked_must_be_there(results):
    for options, message in (
        ({"budgets": [3]}, "no budget of 3 in both runs; there: 1, 4"),
        ({"snr_db": [7]}, "no Es/N0 of 7 in both runs; there: 0, 5, 10"),
        ({"seeds": [1, 9]}, "no seed 9; its seeds: 0, 1, 2, 3, 4"),
        ({"seeds": [1]}, "1 seed: an interval over seeds needs at least 2"),
    ):
        with pytest.raises(SemcomError, match=message):
            compare.compare(results, "demo", "mmssl", "supervised", **options)
    with pytest.raises(SemcomError, match="study 'demi'; did you mean 'demo'"):
        compare.compare(results, "demi", "mmssl", "supervised")


@pytest.fixture
def small(tmp_path):
    """A study to damage: two methods, two seeds."""
    return make_answers(tmp_path, score={"mmssl": 0.3, "supervised": 0.0}, seeds=(0, 1))


def answers(study, method="mmssl", seed=1):
    return study / f"evaluate/{method}/awgn_k32/all/seed{seed}/predictions.npz"


def test_other_seeds_or_frames_do_not_pair(small):
    (small / "evaluate/mmssl/awgn_k32/all/seed1").rename(small / "evaluate/mmssl/awgn_k32/all/seed2")
    with pytest.raises(SemcomError, match=r"the seeds 0, 2, but supervised.* has 0, 1.*--seed 0"):
        compare.compare(small.parent, "demo", "mmssl", "supervised")
    (small / "evaluate/mmssl/awgn_k32/all/seed2").rename(small / "evaluate/mmssl/awgn_k32/all/seed1")
    for seed in (0, 1):
        with np.load(answers(small, seed=seed)) as file:
            index = file["index"][::-1]
        change_answers(answers(small, seed=seed), index=index)
    with pytest.raises(
        SemcomError, match=r"were not tested on the same frames \(the index .*cannot be paired"
    ):
        compare.compare(small.parent, "demo", "mmssl", "supervised")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-300]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a zip file at all"),
        lambda path: path.write_bytes(path.read_bytes()[:2000] + b"\0\1\2" * 30 + path.read_bytes()[2090:]),
        lambda path: change_answers(path, group=None),
        lambda path: change_answers(path, truth=np.array(["a", "b"])),
        lambda path: change_answers(path, truth=np.arange(3)),
        lambda path: change_answers(path, budgets=np.array([1, 4, 9])),
        lambda path: change_answers(path, predicted=np.zeros(7)),
        lambda path: change_answers(path, index=np.full(3, np.nan)),
        lambda path: change_answers(path, truth=np.array([{}], dtype=object)),
    ],
    ids=[
        "cut",
        "empty",
        "text",
        "scrambled",
        "lacking",
        "words",
        "short",
        "budgets",
        "flat",
        "nan",
        "objects",
    ],
)
def test_damaged_predictions_are_named(small, damage):
    damage(answers(small))
    with pytest.raises(SemcomError, match=r"seed1/predictions\.npz .*; remove it and run snakemake again"):
        compare.compare(small.parent, "demo", "mmssl", "supervised")


def test_predictions_of_another_run_are_noticed(small):
    answers(small).write_bytes(answers(small, seed=0).read_bytes())
    with pytest.raises(
        SemcomError, match=r"predictions\.npz and .*sweep\.csv do not say the same .*remove both"
    ):
        compare.compare(small.parent, "demo", "mmssl", "supervised")


def test_a_missing_half_of_a_job_is_named(small):
    answers(small).unlink()
    with pytest.raises(SemcomError, match=r"predictions\.npz is missing; run snakemake"):
        compare.compare(small.parent, "demo", "mmssl", "supervised")


def test_training_over_a_range_counts_at_its_middle(tmp_path):
    path = tmp_path / "report/main/provenance.json"
    path.parent.mkdir(parents=True)
    for said, swept in (("11", 10), ('{"uniform": [0, 8]}', 5), ('{"choice": [0, 1, 20]}', 0), ("7.5", 5)):
        path.write_text(f'{{"entry": {{"links": {{"awgn": {{"train_snr_db": {said}}}}}}}}}')
        assert trained_at(tmp_path, {"awgn"}, [0, 5, 10]) == (swept,)
    assert trained_at(tmp_path, {"awgn", "other"}, [0, 5, 10]) == ()
    path.write_text("{")
    assert trained_at(tmp_path, {"awgn"}, [0, 5, 10]) == ()


def test_the_verb(results, tmp_path):
    words = ["report", "compare", "demo", "mmssl", "supervised", "--results", str(results), "--budget", "4"]
    done = CliRunner().invoke(app, [*words, "--snr", "0", "--snr", "10", "--output", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert "# demo: mmssl minus supervised" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    table = pd.read_csv(tmp_path / "out/difference.csv", comment="#")
    assert table.snr_db[table.in_family].tolist() == [0, 10]
    assert set(table.budget_epochs) == {4}
    whole = CliRunner().invoke(app, [*words, "--snr", "all", "--output", str(tmp_path / "all")])
    assert "These 3 comparisons are one family" in whole.stdout
    wrong = CliRunner().invoke(app, [*words, "--snr", "ten"])
    assert "give whole decibels" in str(wrong.exception)


def test_an_entry_still_goes_to_the_report_of_a_study():
    done = CliRunner().invoke(app, ["report", "{}", "--results", ".", "--frames", __file__, "--output", "y"])
    assert "ENTRY is no ReportEntry" in str(done.exception)
