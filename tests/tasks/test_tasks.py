"""Targets, loss and metrics of each task, and object presence from tuning to the sweep."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch.nn import functional as F

from semcom.evaluate import sweep
from semcom.files.errors import SemcomError
from semcom.finetune import stage, tune
from semcom.frames.device import DeviceFrames
from semcom.metrics.average_precision import frame_credit
from semcom.params.component import build
from semcom.params.entries import EvaluateEntry, FinetuneEntry, TuneEntry
from semcom.params.sections import Encoder, Evaluate, Finetune, Link, Tune
from semcom.tasks import TASKS
from semcom.tasks.objects import Objects

TEST = np.arange(100, 150)
OBJECTS = {"use": "objects", "least": 0.05}
ADAMW = {"use": "adamw", "lr": 3e-3, "weight_decay": 0.05}
DIVERGES = {"use": "sgd", "lr": 1e-7, "momentum": 0.0, "weight_decay": 0.0}


@pytest.fixture
def shown(objects_file: Path) -> DeviceFrames:
    return DeviceFrames.open(objects_file, torch.device("cpu"))


def test_the_scene_is_one_class_a_frame(frames: DeviceFrames) -> None:
    task = build(TASKS, {"use": "scene"}, frames)
    assert (task.scores, task.measure) == (3, "accuracy")
    scores = torch.randn(2, 4, len(TEST), 3, generator=torch.Generator().manual_seed(0))
    truth = torch.from_numpy(frames.prepared.scene[TEST])
    assert task.loss(scores[0, 0], torch.from_numpy(TEST)) == F.cross_entropy(scores[0, 0], truth)
    measured, kept = task.judge(scores, TEST)
    right = (scores.argmax(-1) == truth).float().mean(-1).numpy()
    np.testing.assert_allclose(measured["accuracy"], right, atol=1e-6)
    assert task.value(scores, TEST) == pytest.approx(right.mean())
    np.testing.assert_array_equal(kept["predicted"], scores.argmax(-1).numpy())
    np.testing.assert_array_equal(task.truth(TEST)["truth"], truth.numpy())


def test_objects_that_are_rare_or_everywhere_are_not_judged(shown: DeviceFrames) -> None:
    task = Objects(shown)
    assert task.names == ("red", "near")
    assert task.scores == 2
    assert Objects(shown, least=0.0).names == ("rare", "red", "wall", "near")
    with pytest.raises(SemcomError, match=r"none of the 4 objects of .* absent from, 0\.4 of the training"):
        Objects(shown, least=0.4)


def test_without_objects_there_is_no_such_task(frames: DeviceFrames) -> None:
    with pytest.raises(
        SemcomError, match="does not say which objects its frames show.*give the link the task scene"
    ):
        Objects(frames)


def test_31_of_the_real_packs_classes_are_judged(
    real_objects: tuple[tuple[str, ...], np.ndarray, np.ndarray],
) -> None:
    names, present, train = real_objects
    shares = np.array([present[part].mean(0) for part in (train, ~train)])
    kept = ((shares >= 0.05) & (shares <= 0.95)).all(0)
    assert int(kept.sum()) == 31
    assert {n for n, k in zip(names, kept, strict=True) if not k} == {
        "bathtub", "person", "shower_curtain", "toilet", "whiteboard", "wall",
    }  # fmt: skip


@pytest.fixture
def real_objects() -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    import os

    from semcom.prepare.objects import read_counts

    folder = os.environ.get("SEMCOM_TEST_DATA")
    if not folder:
        pytest.skip("SEMCOM_TEST_DATA does not name a folder with real data")
    pack = Path(folder) / "nyuv2_192x144"
    names, present = read_counts(pack / "objects40.csv", range(1, 1450))
    lines = (pack / "meta.csv").read_text().splitlines()[1:]
    return names, present, np.array([line.split(",")[1] == "train" for line in lines])


def test_objects_are_learnt_and_judged_by_themselves(shown: DeviceFrames) -> None:
    task = Objects(shown)
    scores = torch.randn(2, 3, len(TEST), 2, generator=torch.Generator().manual_seed(0))
    present = shown.prepared.objects[TEST][:, [1, 3]]
    truth = torch.from_numpy(present.astype(np.float32))
    expected = F.binary_cross_entropy_with_logits(scores[0, 0], truth)
    assert task.loss(scores[0, 0], torch.from_numpy(TEST)) == expected
    measured, kept = task.judge(scores, TEST)
    for s, d in np.ndindex(2, 3):
        here = scores[s, d].numpy()
        each = [average_precision_score(present[:, c], here[:, c]) for c in range(2)]
        assert measured["map"][s, d] == pytest.approx(np.mean(each))
        assert measured["nll"][s, d] == pytest.approx(
            float(F.binary_cross_entropy_with_logits(scores[s, d], truth)), rel=1e-5
        )
    np.testing.assert_allclose(measured["chance"], present.mean(0).mean())
    assert task.value(scores, TEST) == pytest.approx(measured["map"].mean())
    np.testing.assert_allclose(kept["credit"], frame_credit(scores.numpy(), present).mean(1), atol=1e-5)
    np.testing.assert_allclose(kept["credit"].mean(-1), measured["map"].mean(-1), atol=1e-6)
    np.testing.assert_allclose(kept["ap"].mean(-1), measured["map"].mean(-1), atol=1e-6)
    said = task.truth(TEST)
    assert said["classes"].tolist() == ["red", "near"]
    np.testing.assert_array_equal(said["truth"], present)


def test_classes_that_validation_lacks_are_left_out(shown: DeviceFrames) -> None:
    task = Objects(shown)
    only_red_far = np.flatnonzero(shown.prepared.objects[:, 1] & ~shown.prepared.objects[:, 3])
    scores = torch.randn(len(only_red_far), 2, generator=torch.Generator().manual_seed(0))
    assert task.value(scores, only_red_far) == 1.0, "every frame is red, none is near"


@pytest.fixture
def common(place: dict[str, object], encoder: Encoder, finetuning: Finetune) -> dict[str, object]:
    return {
        **place,
        "method": "m",
        "labels": "all",
        "modalities": ("rgb", "depth"),
        "encoder": encoder,
        "finetune": finetuning,
        "link": Link(channel={"use": "awgn"}, channel_uses=8, task=OBJECTS),
        "link_name": "objects_k8",
        "budgets": (1, 6),
    }


def test_objects_from_tuning_to_the_sweep(
    common: dict[str, object], objects_file: Path, tmp_path: Path
) -> None:
    tune.run(
        objects_file,
        TuneEntry(**common, fraction=1.0, seeds=(0, 1), tune=Tune(optimisers=(DIVERGES, ADAMW), draws=2)),
        encoders=[],
        choice=tmp_path / "choice.json",
        grid=tmp_path / "grid.csv",
        journal=tmp_path / "tune.jsonl",
        states=tmp_path / "states",
    )
    grid = pd.read_csv(tmp_path / "grid.csv")
    assert set(grid.link) == {"objects_k8"}
    choice = json.loads((tmp_path / "choice.json").read_text())
    assert choice["optimisers"]["6"] == ADAMW
    means = grid.groupby(["budget_epochs", "optimiser"]).validation_map.mean().unstack()
    assert choice["validation_map"]["6"] == pytest.approx(means.loc[6].max())
    stage.run(
        objects_file,
        FinetuneEntry(**common, fraction=1.0, seed=0),
        encoders=None,
        choice=tmp_path / "choice.json",
        models=tmp_path / "models.pt",
        history=tmp_path / "history.csv",
        communications=tmp_path / "communication.csv",
        journal=tmp_path / "finetune.jsonl",
        states=tmp_path / "states",
    )
    history = pd.read_csv(tmp_path / "history.csv")
    assert history[history.metric == "validation_map"].groupby("budget_epochs").epoch.max().to_dict() == {
        1: 1,
        6: 6,
    }
    sweep.run(
        objects_file,
        EvaluateEntry(**common, seed=0, evaluate=Evaluate(snr_db=(-10, 20), draws=3)),
        models=tmp_path / "models.pt",
        sweep=tmp_path / "sweep.csv",
        predictions=tmp_path / "predictions.npz",
        journal=tmp_path / "evaluate.jsonl",
    )
    table = pd.read_csv(tmp_path / "sweep.csv").set_index(["metric", "budget_epochs", "snr_db", "draw"]).value
    assert {"map", "macro_f1", "nll", "chance", "power_db_farthest", "delivered_snr_db"} <= set(
        table.index.levels[0]
    )
    means = table.groupby(["metric", "budget_epochs", "snr_db"]).mean()
    assert means["map", 6, 20] > means["map", 6, -10], "noise costs precision"
    assert means["map", 6, 20] > 0.9 > means["chance", 6, 20], "two easy objects are learnt"
    with np.load(tmp_path / "predictions.npz") as archive:
        assert archive["credit"].shape == (2, 2, 50)
        for b, budget in enumerate((1, 6)):
            for s, snr in enumerate((-10, 20)):
                assert archive["credit"][b, s].mean() == pytest.approx(means["map", budget, snr], abs=1e-6)
        assert (str(archive["measure"]), str(archive["title"])) == ("map", "mean average precision")
        assert archive["classes"].tolist() == ["red", "near"]


def test_a_data_set_without_objects_stops_tuning_at_once(
    common: dict[str, object], prepared_file: Path, tmp_path: Path
) -> None:
    entry = TuneEntry(**common, fraction=1.0, seeds=(0,), tune=Tune(optimisers=(ADAMW,)))
    names = {"choice": "c", "grid": "g", "journal": "j", "states": "s"}
    with pytest.raises(SemcomError, match="does not say which objects its frames show"):
        tune.run(prepared_file, entry, encoders=[], **{key: tmp_path / name for key, name in names.items()})
    assert not list(tmp_path.iterdir()), "nothing was begun"
