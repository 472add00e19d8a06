"""Training starts from the weights that the params name, unless pre-training has made others."""

from pathlib import Path

import pytest
import torch
from torchvision.models import resnet18

from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.finetune.train import setting, train
from semcom.frames.device import DeviceFrames
from semcom.params.entries import FinetuneEntry, PretrainEntry
from semcom.params.sections import Encoder, Finetune, Link, Pretrain
from semcom.pretrain import stage
from semcom.training import weights
from semcom.training.randomness import seeded
from semcom.training.state import state

STILL = {"use": "sgd", "lr": 1e-20, "momentum": 0.0, "weight_decay": 0.0}
"""Weights stay what they are when training starts."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    with seeded(5, "elsewhere"):
        torch.save(resnet18(weights=None).state_dict(), path)
    return path


@pytest.fixture
def elsewhere(file: Path) -> Encoder:
    return Encoder(backbone={"use": "resnet18", "stem": "original"}, weights=str(file))


@pytest.fixture
def given(
    place: dict[str, object], elsewhere: Encoder, finetuning: Finetune, link: Link, file: Path
) -> FinetuneEntry:
    return FinetuneEntry(
        **place,
        method="pretrained",
        labels="all",
        modalities=("rgb", "depth"),
        encoder=elsewhere,
        finetune=finetuning,
        link=link,
        link_name="awgn",
        budgets=(1,),
        fraction=1.0,
        seed=0,
        weights_sha256=sha256(file),
    )


def assert_from(file: Path, found: dict[str, torch.Tensor]) -> None:
    content = torch.load(file, weights_only=True)
    for name in ("rgb", "depth"):
        assert torch.equal(found[f"backbones.{name}.layer4.1.conv2.weight"], content["layer4.1.conv2.weight"])
    assert torch.equal(found["backbones.rgb.conv1.weight"], content["conv1.weight"])
    torch.testing.assert_close(
        found["backbones.depth.conv1.weight"], content["conv1.weight"].sum(1, keepdim=True)
    )
    assert not torch.equal(found["scaling.rgb.factor"], torch.ones(3, 1, 1))


def trained(given: FinetuneEntry, frames: DeviceFrames, folder: Path, encoders: Path | None) -> dict:
    with state(folder, "x") as held:
        system, _ = train(
            setting(given, frames, seed=0, encoders=encoders),
            budget=1,
            optimiser=STILL,
            held=held,
            name="x",
            after=lambda epoch, means: {},
        )
    return system.encoders.state_dict()


def test_finetuning_without_pretraining_starts_from_the_file(
    given: FinetuneEntry, frames: DeviceFrames, file: Path, tmp_path: Path
) -> None:
    assert_from(file, trained(given, frames, tmp_path, None))


def test_finetuning_after_pretraining_starts_from_what_that_made(
    given: FinetuneEntry, frames: DeviceFrames, tmp_path: Path
) -> None:
    first = trained(given, frames, tmp_path, None)
    moved = {key: value * 2 if value.ndim == 4 else value for key, value in first.items()}
    weights.save(tmp_path / "encoders.pt", moved)
    after = trained(given, frames, tmp_path, tmp_path / "encoders.pt")
    assert all(torch.equal(after[key], value) for key, value in moved.items() if value.ndim == 4)
    assert torch.equal(after["scaling.rgb.offset"], first["scaling.rgb.offset"])


def test_pretraining_starts_from_the_file_and_says_if_it_has_changed(
    place: dict[str, object],
    elsewhere: Encoder,
    pretraining: Pretrain,
    prepared_file: Path,
    file: Path,
    tmp_path: Path,
) -> None:
    settings = pretraining.model_copy(update={"epochs": 1, "optimiser": STILL})
    entry = PretrainEntry(
        **place,
        method="m",
        seed=0,
        modalities=("rgb", "depth"),
        encoder=elsewhere,
        pretrain=settings,
        weights_sha256=sha256(file),
    )

    def run(entry: PretrainEntry) -> None:
        stage.run(
            prepared_file,
            entry,
            encoders=tmp_path / "encoders.pt",
            learner=tmp_path / "learner.pt",
            history=tmp_path / "history.csv",
            journal=tmp_path / "journal.jsonl",
            states=tmp_path / "states",
        )

    run(entry)
    assert_from(file, weights.load(tmp_path / "encoders.pt"))
    with pytest.raises(SemcomError, match="has changed since the run was planned"):
        run(entry.model_copy(update={"weights_sha256": "0" * 64}))
