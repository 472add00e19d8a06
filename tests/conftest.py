"""A small prepared data set and a small model, for tests that train."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from semcom.frames.device import DeviceFrames
from semcom.params.sections import Compute, Encoder, Finetune, Link, Pretrain
from semcom.prepare.description import Description
from semcom.prepare.source import Row
from semcom.prepare.write import write

SIZE = (32, 24)
CLASSES = ("red_near", "blue_near", "red_far")


@dataclass
class Drawn:
    """Frames drawn at random: the class shows in mean colour and in mean distance, the rest is noise."""

    rows: tuple[Row, ...]
    where: Path = Path("drawn")
    paths: dict[str, Path] = field(default_factory=dict)
    size: tuple[int, int] = SIZE
    description: Description = Description(
        format="nyuv2_pack", title="drawn", licence="", citation="", depth="metres", classes=CLASSES
    )

    def pixels(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        draws = np.random.default_rng(position)
        red, near = self.rows[position].scene10.split("_")
        width, height = self.size
        rgb = draws.integers(0, 160, (height, width, 3), dtype=np.uint8)
        rgb[..., 0 if red == "red" else 2] += 60
        depth = draws.uniform(0.5, 2.5, (height, width)) + (0 if near == "near" else 1.5)
        return rgb, np.round(depth, 3).astype(np.float32)

    def close(self) -> None: ...


@dataclass
class DrawnWithObjects(Drawn):
    """The same frames, which show `red` or not and `near` or not; `rare` and `wall` tell nothing."""

    object_names: tuple[str, ...] = ("rare", "red", "wall", "near")

    def objects(self, position: int) -> np.ndarray:
        red, near = self.rows[position].scene10.split("_")
        return np.array([position == 3, red == "red", position != 120, near == "near"])


def draw(path: Path, *, frames: int, size: tuple[int, int] = SIZE, kind: type[Drawn] = Drawn) -> Path:
    """A prepared file: frames in groups of 5, 3 classes, two thirds for training."""
    rows = tuple(
        Row(
            index=i + 1,
            split="train" if i < frames * 2 // 3 else "test",
            scene27="x",
            scene10=CLASSES[(i // 5) % 3],
            group=f"g{i // 5}",
        )
        for i in range(frames)
    )
    write(path, kind(rows, size=size), name="drawn", size=size, version="0" * 32)
    return path


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 frames of 32×24."""
    return draw(tmp_path_factory.mktemp("prepared") / "drawn.h5", frames=150)


@pytest.fixture
def large_frames(tmp_path: Path) -> Path:
    """45 frames of 224×224."""
    return draw(tmp_path / "large.h5", frames=45, size=(224, 224))


@pytest.fixture(scope="session")
def objects_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared file with objects, of which two are neither rare nor everywhere."""
    path = tmp_path_factory.mktemp("prepared") / "objects.h5"
    return draw(path, frames=150, kind=DrawnWithObjects)


@pytest.fixture
def frames(prepared_file: Path) -> DeviceFrames:
    return DeviceFrames.open(prepared_file, torch.device("cpu"))


@pytest.fixture
def encoder() -> Encoder:
    return Encoder(backbone={"use": "resnet18", "width_mult": 0.125})


@pytest.fixture
def pretraining() -> Pretrain:
    return Pretrain(
        loss={"use": "mmssl", "lambd": 0.01},
        projector=(32, 32),
        epochs=4,
        batch_size=16,
        optimiser={"use": "adamw", "lr": 2e-3, "weight_decay": 1e-4},
        views={"use": "rgbd"},
    )


@pytest.fixture
def finetuning() -> Finetune:
    return Finetune(head={"use": "mlp", "hidden": 16}, batch_size=16, views={"use": "rgbd", "strength": 0.5})


@pytest.fixture
def link() -> Link:
    return Link(channel={"use": "awgn"}, channel_uses=8)


@pytest.fixture
def place() -> dict[str, object]:
    """What every entry carries."""
    return {"study": "test", "data": "0" * 32, "code": "1" * 16, "compute": Compute()}
