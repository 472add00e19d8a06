"""Comparisons and claims of runs that are judged by what each frame adds."""

import numpy as np
import pandas as pd
import pytest
from answered_study import BUDGETS, DRAWS, SNR_DB, change_answers, make_answers, save_answers
from test_claims import ABOVE, LINK, NO_COST

from semcom.files.errors import SemcomError
from semcom.metrics.average_precision import average_precision, frame_credit
from semcom.metrics.scenes import crossed
from semcom.params import tasks
from semcom.params.reportentry import Claim, ReportEntry
from semcom.params.sections import Link as LinkEntry
from semcom.report import compare
from semcom.report.claims import claims, overall

SEEDS = (0, 1, 2, 3, 4)
OBJECTS = {**LINK, "task": {"use": "objects", "least": 0.05}}


def make_detections(results, score) -> tuple[np.ndarray, dict]:
    """Runs of each method in `score`, which detects three classes in 300 frames of 60 scenes by so much."""
    draws = np.random.default_rng(0)
    scene = np.repeat(np.arange(60), 5)
    alike = draws.normal(0, 1, (60, 3))[scene]
    present = alike + draws.normal(0, 0.7, (300, 3)) > np.array([0.3, 0.8, 1.3])
    shape = (len(BUDGETS), len(SNR_DB), DRAWS, 300, 3)
    credits = {method: [] for method in score}
    for seed in SEEDS:
        for method, level in score.items():
            scores = level * present + 0.3 * alike + draws.normal(0, 1, shape) + draws.normal(0, 0.05)
            precision = average_precision(scores, present).mean(-1)
            credit = frame_credit(scores, present).mean(2)
            credits[method].append(credit)
            place = {
                "study": "demo",
                "system": "mmssl",
                "method": method,
                "link": "objects_k32",
                "labels": "all",
            }
            folder = results / "demo/evaluate" / method / "objects_k32/all" / f"seed{seed}"
            folder.mkdir(parents=True)
            pd.DataFrame(
                [
                    place | {"seed": seed, "budget_epochs": b, "split": "test", "snr_db": s, "draw": d}
                    | {"metric": "map", "value": precision[i, j, d]}
                    for i, b in enumerate(BUDGETS) for j, s in enumerate(SNR_DB) for d in range(DRAWS)
                ]
            ).to_csv(folder / "sweep.csv", index=False)  # fmt: skip
            save_answers(
                folder / "predictions.npz", credit=credit.astype(np.float32), truth=present.astype(np.uint8),
                group=scene, index=np.arange(1, 301), budgets=np.array(BUDGETS), snr_db=np.array(SNR_DB),
                measure=np.array("map"), title=np.array("mean average precision"),
            )  # fmt: skip
    return scene, {method: np.stack(values, axis=2) for method, values in credits.items()}


def test_the_interval_is_the_crossed_one_of_credits(tmp_path):
    scene, credits = make_detections(tmp_path, {"mmssl": 1.2, "supervised": 0.9})
    made = compare.compare(tmp_path, "demo", "mmssl", "supervised", snr_db=(10,))
    assert (made.metric, made.title) == ("map", "mean average precision")
    assert made.names == ("mmssl", "supervised")
    gap = credits["mmssl"] - credits["supervised"]
    estimate = crossed(gap, scene).estimate()
    table = made.table.set_index(["budget_epochs", "snr_db"])
    for i, budget in enumerate(BUDGETS):
        for j, snr in enumerate(SNR_DB):
            row = table.loc[(budget, snr)]
            assert row.difference == pytest.approx(gap[i, j].mean(), abs=1e-6)
            assert row.half_width == pytest.approx(estimate.half_width()[i, j], rel=1e-4)
            assert row.value_a == pytest.approx(credits["mmssl"][i, j].mean(), abs=1e-6)
    text, folder = compare.run(tmp_path, "demo", "mmssl", "supervised")
    assert "test: 300 frames in 60 scenes, mean average precision in %" in text
    assert "Mean average precision is no mean over frames: intervals take it as linear" in text
    assert set(pd.read_csv(folder / "difference.csv", comment="#").metric) == {"map"}


def test_what_predictions_and_sweep_say_must_agree(tmp_path):
    make_detections(tmp_path, {"mmssl": 1.2, "supervised": 0.9})
    path = tmp_path / "demo/evaluate/mmssl/objects_k32/all/seed1/predictions.npz"
    with np.load(path) as file:
        credit = file["credit"]
    change_answers(path, credit=credit + np.float32(0.01))
    with pytest.raises(SemcomError, match=r"predictions\.npz and .*sweep\.csv do not say the same map"):
        compare.compare(tmp_path, "demo", "mmssl", "supervised")
    change_answers(path, credit=credit[..., 1:])
    with pytest.raises(SemcomError, match=r"predictions\.npz has arrays that do not go together"):
        compare.compare(tmp_path, "demo", "mmssl", "supervised")
    change_answers(path, credit=None)
    with pytest.raises(SemcomError, match=r"predictions\.npz cannot be read"):
        compare.compare(tmp_path, "demo", "mmssl", "supervised")


def test_runs_of_different_tasks_are_not_compared(tmp_path):
    make_detections(tmp_path, {"mmssl": 1.2})
    make_answers(tmp_path, score={"mmssl": 0.5})
    with pytest.raises(SemcomError, match="compare runs of one task"):
        compare.compare(tmp_path, "demo", "mmssl/objects_k32", "mmssl/awgn_k32")


@pytest.mark.parametrize(
    ("level", "margin", "verdict"), [(2.0, 0.04, "supported"), (0.9, 0.2, "contradicted")]
)
def test_a_claim_on_objects_is_judged(tmp_path, level, margin, verdict):
    make_detections(tmp_path, {"mmssl": level, "supervised": 0.9})
    claim = ABOVE | {"measure": "map", "link": "objects_k32", "margin": margin}
    table = judge(tmp_path, claim)
    assert list(table.budget_epochs) == [1, 4]
    assert overall(table) == verdict
    assert ((table.low < table.effect) & (table.effect < table.high)).all()


def test_a_claim_of_another_measure_is_not_run(tmp_path):
    make_detections(tmp_path, {"mmssl": 2.0, "supervised": 0.9})
    table = judge(tmp_path, ABOVE | {"link": "objects_k32"})
    assert list(table.verdict) == ["not run"]
    assert table.note[0] == "objects_k32 is judged by map, not by accuracy"


def judge(results, claim) -> pd.DataFrame:
    entry = ReportEntry(
        study="demo", report="main", methods=("mmssl", "supervised"), links={"objects_k32": OBJECTS},
        measures={"objects_k32": {"metric": "map", "title": "mean average precision"}}, labels={"all": 1.0},
        budgets=BUDGETS, seeds=SEEDS, data_name="rooms", data="0", code="0",
        claims={"better": Claim(**claim)},
    )  # fmt: skip
    return claims(results / "demo", entry, NO_COST)


def test_a_claim_that_does_not_fit_its_link_is_named_before_anything_runs(tmp_path):
    links = {"objects_k32": LinkEntry(**OBJECTS), "awgn_k32": LinkEntry(**LINK)}
    file = tmp_path / "mine.yaml"
    tasks.check_claims({"fine": Claim(**ABOVE), "elsewhere": Claim(**ABOVE | {"link": "later"})}, links, file)
    with pytest.raises(SemcomError) as said:
        tasks.check_claims({"better": Claim(**ABOVE | {"link": "objects_k32"})}, links, file)
    assert "claims.better.measure: 'accuracy', but the link objects_k32 has the task objects" in str(
        said.value
    )
    assert "judged by map; write that, or cost" in str(said.value)
    with pytest.raises(SemcomError, match="'acuracy', but the link awgn_k32 has the task scene"):
        tasks.check_claims({"typo": Claim(**ABOVE | {"measure": "acuracy"})}, links, file)
