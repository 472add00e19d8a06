import math
from pathlib import Path

import pandas as pd
import pytest
import torch

from semcom.files.errors import SemcomError
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import validation_fold
from semcom.metrics.representation import effective_rank
from semcom.models.encoder import Encoders, encode_features
from semcom.models.learner import Learner
from semcom.params.entries import PretrainEntry
from semcom.params.sections import Encoder, Pretrain
from semcom.pretrain import stage
from semcom.pretrain.stage import run
from semcom.training import loop, weights
from semcom.training.randomness import seeded


def entry(place: dict[str, object], encoder: Encoder, settings: Pretrain, **more: object) -> PretrainEntry:
    fields = {"method": "m", "seed": 0, "modalities": ("rgb", "depth"), **place, **more}
    return PretrainEntry(encoder=encoder, pretrain=settings, **fields)


def call(given: PretrainEntry, frames: Path, folder: Path) -> pd.DataFrame:
    run(
        frames,
        given,
        encoders=folder / "encoders.pt",
        learner=folder / "learner.pt",
        history=folder / "history.csv",
        journal=folder / "journal.jsonl",
        states=folder.parent / "states",
    )
    return pd.read_csv(folder / "history.csv")


def test_weights_fit_the_encoders_and_every_epoch_is_logged(
    prepared_file: Path, place: dict[str, object], encoder: Encoder, pretraining: Pretrain, tmp_path: Path
) -> None:
    history = call(entry(place, encoder, pretraining), prepared_file, tmp_path / "a")
    Encoders(("rgb", "depth"), (32, 24), encoder).load_state_dict(
        weights.load(tmp_path / "a" / "encoders.pt")
    )
    table = history.pivot(index="epoch", columns="metric", values="value")
    assert list(table.index) == [1, 2, 3, 4]
    assert not table.isna().any(axis=None)
    assert {
        "loss",
        "shared",
        "unique",
        "correlation_shared",
        "effective_rank_rgb",
        "knn_accuracy_both",
    } <= set(table)
    assert table.map(math.isfinite).all(axis=None)
    # Costs so far: embeddings of both views and frames of a batch one way, gradients back, two reals a use.
    steps = 4 * 2 * pretraining.batch_size * pretraining.projector[-1]
    assert table.side_link_uses[4] % steps == 0
    assert table.side_link_uses[4] > 0
    assert table.multiply_adds_rgb[4] == 4 * table.multiply_adds_rgb[1] > 0
    assert not (tmp_path / "states").is_dir() or not [
        p for p in (tmp_path / "states").iterdir() if p.is_dir()
    ]


class Killed(BaseException):
    """What no code expects."""


@pytest.mark.parametrize(
    ("name", "calls", "left"),
    [("_keep", 3, 3), ("_look", 3, 2)],
    ids=["before the snapshot of epoch 2 is written", "in epoch 3"],
)
def test_a_killed_job_resumes_and_ends_bit_identical(
    name: str,
    calls: int,
    left: int,
    prepared_file: Path,
    place: dict[str, object],
    encoder: Encoder,
    pretraining: Pretrain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    given = entry(place, encoder, pretraining.model_copy(update={"snapshots": (0, 2)}))
    call(given, prepared_file, tmp_path / "whole" / "x")

    seen = []

    def die(*given: object) -> object:
        seen.append(given)
        if len(seen) == calls:
            raise Killed
        return real(*given)

    real = getattr(stage, name)
    with monkeypatch.context() as patch:
        patch.setattr(stage, name, die)
        with pytest.raises(Killed):
            call(given, prepared_file, tmp_path / "cut" / "x")
    looks = []
    look = stage._look
    monkeypatch.setattr(stage, "_look", lambda *given: looks.append(given) or look(*given))
    call(given, prepared_file, tmp_path / "cut" / "x")
    assert len(looks) == left, "epochs behind the checkpoint are not run again"
    for file in ("encoders.pt", "learner.pt", "history.csv"):
        whole, cut = ((tmp_path / folder / "x" / file).read_bytes() for folder in ("whole", "cut"))
        assert whole == cut, file


def test_snapshots_are_the_learner_as_it_was(
    prepared_file: Path,
    frames: DeviceFrames,
    place: dict[str, object],
    encoder: Encoder,
    pretraining: Pretrain,
    tmp_path: Path,
) -> None:
    given = entry(place, encoder, pretraining.model_copy(update={"snapshots": (0, 1, 3)}))
    history = call(given, prepared_file, tmp_path / "a")
    kept = weights.load(tmp_path / "a" / "learner.pt")
    assert list(kept) == ["0", "1", "3", "4"]
    with seeded(0, "pretrain", "init"):
        learner = Learner(given, (32, 24))
    untrained = learner.state_dict()
    assert all(torch.equal(untrained[key], value) for key, value in kept["0"].items())
    prepared = frames.prepared
    train, _ = validation_fold(prepared.scene, prepared.group, prepared.train, seed=0)
    for epoch in (1, 3, 4):
        learner.load_state_dict(kept[str(epoch)])
        features = encode_features(learner.encoders, frames.plain(train))["rgb"]
        logged = history[(history.epoch == epoch) & (history.metric == "effective_rank_rgb")].value.item()
        assert effective_rank(features.numpy()) == pytest.approx(logged, rel=1e-6)
    last = weights.load(tmp_path / "a" / "encoders.pt")
    assert {f"encoders.{key}" for key in last} == {key for key in kept["4"] if key.startswith("encoders.")}
    assert all(torch.equal(kept["4"][f"encoders.{key}"], value) for key, value in last.items())
    assert any(key.startswith("projectors.depth") for key in kept["4"])


def test_snapshots_change_nothing_in_the_training(
    prepared_file: Path, place: dict[str, object], encoder: Encoder, pretraining: Pretrain, tmp_path: Path
) -> None:
    for name, snapshots in (("without", ()), ("with", (0, 1, 2))):
        settings = pretraining.model_copy(update={"snapshots": snapshots, "epochs": 2})
        call(entry(place, encoder, settings), prepared_file, tmp_path / name)
    for file in ("encoders.pt", "history.csv"):
        assert (tmp_path / "without" / file).read_bytes() == (tmp_path / "with" / file).read_bytes()
    assert list(weights.load(tmp_path / "without" / "learner.pt")) == ["2"]
    assert list(weights.load(tmp_path / "with" / "learner.pt")) == ["0", "1", "2"]


def test_one_modality_alone(
    prepared_file: Path, place: dict[str, object], encoder: Encoder, pretraining: Pretrain, tmp_path: Path
) -> None:
    settings = pretraining.model_copy(update={"loss": {"use": "intra"}, "epochs": 1})
    history = call(entry(place, encoder, settings, modalities=("depth",)), prepared_file, tmp_path / "a")
    assert "knn_accuracy_depth" in set(history.metric)
    assert "knn_accuracy_both" not in set(history.metric)


def test_seeds_differ_and_repeats_do_not(
    prepared_file: Path, place: dict[str, object], encoder: Encoder, pretraining: Pretrain, tmp_path: Path
) -> None:
    settings = pretraining.model_copy(update={"epochs": 1})
    files = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        call(entry(place, encoder, settings, seed=seed), prepared_file, tmp_path / name)
        files.append((tmp_path / name / "encoders.pt").read_bytes())
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_a_batch_larger_than_the_training_set_is_refused(
    prepared_file: Path, place: dict[str, object], encoder: Encoder, pretraining: Pretrain, tmp_path: Path
) -> None:
    settings = pretraining.model_copy(update={"batch_size": 1000})
    with pytest.raises(SemcomError, match="batch_size 1000 is more than the 80 training frames"):
        call(entry(place, encoder, settings), prepared_file, tmp_path / "a")


def test_pretraining_lowers_its_loss(
    prepared_file: Path, place: dict[str, object], encoder: Encoder, pretraining: Pretrain, tmp_path: Path
) -> None:
    settings = pretraining.model_copy(update={"epochs": 15, "validate_every": 15})
    history = call(entry(place, encoder, settings), prepared_file, tmp_path / "a")
    loss = history[history.metric == "loss"].value.to_numpy()
    assert loss[-3:].mean() < 0.9 * loss[:3].mean()


def test_a_shared_projector_is_one_for_both_modalities(
    place: dict[str, object], encoder: Encoder, pretraining: Pretrain
) -> None:
    learners = []
    for shared in (False, True):
        with seeded(0, "test"):
            settings = pretraining.model_copy(update={"shared_projector": shared})
            learners.append(Learner(entry(place, encoder, settings), (32, 24)))
    own, one = learners
    assert set(own.projectors) == {"rgb", "depth"}
    assert set(one.projectors) == {"shared"}
    views = {"rgb": torch.randn(4, 3, 24, 32), "depth": torch.randn(4, 1, 24, 32)}
    features = one.eval().encoders(views)
    for name, embedding in one(views).items():
        assert torch.equal(embedding, one.projectors["shared"](features[name]))
    sum(e.square().sum() for e in one(views).values()).backward()
    both = one.projectors["shared"][0].weight.grad.clone()
    one.zero_grad()
    one(views)["rgb"].square().sum().backward()
    assert not torch.allclose(both, one.projectors["shared"][0].weight.grad), "depth has a part in it"


@pytest.mark.parametrize(
    "loss",
    [{"use": "shared_only"}, {"use": "clip"}, {"use": "simclr"}, {"use": "mmssl", "decur_official": True}],
)
def test_every_loss_pretrains(
    loss: dict[str, object],
    prepared_file: Path,
    place: dict[str, object],
    encoder: Encoder,
    pretraining: Pretrain,
    tmp_path: Path,
) -> None:
    changed = {"loss": loss, "epochs": 8, "validate_every": 8, "shared_projector": "decur_official" in loss}
    history = call(
        entry(place, encoder, pretraining.model_copy(update=changed)), prepared_file, tmp_path / "a"
    )
    values = history[history.metric == "loss"].value.to_numpy()
    assert values[-2:].mean() < 0.95 * values[0]
