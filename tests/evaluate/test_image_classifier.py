"""The classifier of images that arrive: it learns, is the same after a kill, and what it says is counted."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from semcom.evaluate import images as sweep
from semcom.evaluate.judge import Judge
from semcom.files.errors import SemcomError
from semcom.finetune import classifier as stage
from semcom.frames.images import DrawnParts
from semcom.models import classifier as classifiers
from semcom.models import images as networks
from semcom.params.crlsc.imageentries import ClassifierEntry, ImagesTestEntry
from semcom.params.crlsc.images import Classifier
from semcom.params.parts import PartEntry
from semcom.params.sections import Compute
from semcom.training import loop

SIZE = (32, 24)
BACKBONE = {"use": "resnet18", "width_mult": 0.125}
PLACE = {
    "study": "test",
    "data": "0" * 32,
    "code": "1" * 16,
    "compute": Compute(),
    "seed": 0,
    "size": SIZE,
}
RED_BLUE = ("red_near", "blue_near")
"""Two of the drawn classes that colour alone tells apart."""


def parts(**more: Any) -> tuple[tuple[str, PartEntry], ...]:
    a = {"data": "drawn", "role": "private", "classes": RED_BLUE} | more
    return (
        ("a", PartEntry.model_validate(a)),
        ("test", PartEntry(data="drawn", role="test", classes=RED_BLUE)),
    )


def training(**more: Any) -> ClassifierEntry:
    chosen = Classifier(
        backbone=BACKBONE,
        epochs=6,
        batch_size=16,
        optimiser={"use": "adamw", "lr": 3e-3, "weight_decay": 0.0},
    )
    return ClassifierEntry(**(PLACE | {"parts": parts(), "part": "a", "classifier": chosen} | more))


def sweeping(**more: Any) -> ImagesTestEntry:
    fields = {
        "parts": parts(),
        "part": "test",
        "method": "jscc",
        "link_name": "awgn",
        "channel": {"use": "awgn"},
        "channel_uses": 24,
        "vqvae": None,
        "scheme": None,
        "exact": False,
        "table": {},
        "snr_db": (0, 10),
        "draws": 2,
        "backbone": BACKBONE,
    }
    return ImagesTestEntry(**(PLACE | fields | more))


def train(given: ClassifierEntry, frames: Path, folder: Path) -> Path:
    stage.run(
        given,
        frames=frames,
        classifier=folder / "classifier.pt",
        history=folder / "history.csv",
        journal=folder / "journal.jsonl",
        states=folder.parent / "states",
    )
    return folder / "classifier.pt"


@pytest.fixture(scope="module")
def trained(prepared_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(training(), prepared_file, tmp_path_factory.mktemp("classifier") / "first")


def judged(frames: Path, file: Path | None, **more: Any) -> Judge:
    given = sweeping(**more)
    images, part = DrawnParts.open([frames], given.parts, seed=0, device=torch.device("cpu")).of("test")
    return Judge.of(given, images, part, classifier=file)


def test_it_tells_colours_apart_and_is_wrong_where_they_are_exchanged(prepared_file, trained):
    judge = judged(prepared_file, trained)
    as_sent = judge(judge.sent)
    np.testing.assert_array_equal(as_sent["accuracy"], as_sent["accuracy_original"])
    assert as_sent["accuracy"].mean() > 0.9
    exchanged = judge(np.ascontiguousarray(judge.sent[..., ::-1]))
    assert exchanged["accuracy"].mean() < 0.1
    assert exchanged["accuracy_original"].mean() == as_sent["accuracy"].mean(), "the ceiling stays"


def test_of_one_image_for_all_it_is_right_as_often_as_that_class_is_there(prepared_file, trained):
    judge = judged(prepared_file, trained)
    assert judge.labels is not None
    same = np.repeat(judge.sent[:1], len(judge.sent), axis=0)
    assert judge.classifier is not None
    told = classifiers.told(judge.classifier, judge.sent[:1])[0]
    assert judge(same)["accuracy"].mean() == pytest.approx((judge.labels == told).mean())


def test_a_sweep_has_accuracy_beside_that_of_originals(prepared_file, trained, tmp_path):
    network = networks.made(SIZE, None, 24)
    networks.save(tmp_path / "network.pt", network, torch.full((3, 24, 32), 0.5))
    sweep.run(
        sweeping(),
        frames=[prepared_file],
        network=tmp_path / "network.pt",
        table=tmp_path / "table.csv",
        sheet=tmp_path / "sheet.png",
        journal=tmp_path / "journal.jsonl",
        classifier=trained,
    )
    rows = pd.read_csv(tmp_path / "table.csv").groupby("metric")["value"]
    assert rows.count()["accuracy"] == rows.count()["psnr_db"] == 2 * 2
    judge = judged(prepared_file, trained)
    assert rows.mean()["accuracy_original"] == pytest.approx(judge(judge.sent)["accuracy"].mean())
    assert rows.mean()["accuracy"] < 0.8, "of an untrained network's images no class can be told"


def test_a_kill_changes_nothing(prepared_file, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    step, seen = stage.Progress.step, []

    def killed(*given: Any) -> None:
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt
        step(*given)

    monkeypatch.setattr(stage.Progress, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        train(training(), prepared_file, tmp_path / "again")
    monkeypatch.setattr(stage.Progress, "step", step)
    path = train(training(), prepared_file, tmp_path / "again")
    assert path.read_bytes() == trained.read_bytes()
    assert len(pd.read_csv(path.with_name("history.csv"))["epoch"].unique()) == 6


def test_augmented_views_are_trained_on_where_they_are_asked_for(prepared_file, trained, tmp_path):
    viewed = training().classifier.model_copy(update={"views": {"use": "rgbd"}})
    path = train(training(classifier=viewed), prepared_file, tmp_path / "viewed")
    assert path.read_bytes() != trained.read_bytes()


def test_a_part_without_labels_is_refused(prepared_file, tmp_path):
    public = PartEntry(data="drawn", role="public")
    with pytest.raises(SemcomError, match="the part a is public: no label of it can be read"):
        train(training(parts=(("a", public),)), prepared_file, tmp_path / "public")
    with pytest.raises(SemcomError, match="the part a has one class; a classifier needs at least two"):
        train(training(parts=parts(classes=["red_far"])), prepared_file, tmp_path / "one")


def test_a_classifier_of_other_classes_or_none_is_refused(prepared_file, trained):
    other = (("test", PartEntry(data="drawn", role="test", classes=("blue_near", "red_near"))),)
    with pytest.raises(
        SemcomError, match="tells red_near, blue_near, but the images to send are of blue_near"
    ):
        judged(prepared_file, trained, parts=other)
    with pytest.raises(SemcomError, match="give --classifier"):
        judged(prepared_file, None)
    with pytest.raises(SemcomError, match="tells no classes of what arrives; leave --classifier out"):
        judged(prepared_file, trained, backbone=None)
    with pytest.raises(SemcomError, match="does not hold under 'weights' the weights of the network"):
        judged(prepared_file, trained, backbone=BACKBONE | {"width_mult": 0.25})
