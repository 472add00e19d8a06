"""Images of one colour a class, of which some test images lie; encoders that say nothing but the colour."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from semcom.frames.prepared import Prepared
from semcom.models.local import LocalEncoder, saved
from semcom.params.crlsc.section import Network
from semcom.params.parts import PartEntry
from semcom.prepare.description import Description
from semcom.prepare.source import Row
from semcom.prepare.write import write
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory
from semcom.quantise.store import pixel_digests
from semcom.quantise.store import write as write_embeddings
from semcom.training import weights

SIZE = (4, 3)
CLASSES = ("red", "green", "blue")
TRAIN, TEST, LIES = 90, 50, 10
TRUE = 1 - LIES / TEST
"""Accuracy of every head that goes by colour."""
MENTOR = {"use": "made_up"}
PARTS = (
    ("public", PartEntry(data="coloured", role="public", count=30)),
    ("own", PartEntry(data="coloured", role="private")),
    ("test", PartEntry(data="coloured", role="test")),
)


@dataclass
class Coloured:
    """The last `LIES` test images show the colour of the next class."""

    rows: tuple[Row, ...]
    where: Path = Path("coloured")
    paths: dict[str, Path] = field(default_factory=dict)
    size: tuple[int, int] = SIZE
    description: Description = Description(
        format="nyuv2_pack", title="coloured", licence="", citation="", depth="metres", classes=CLASSES
    )

    def pixels(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        lie = position >= TRAIN + TEST - LIES
        rgb = np.full((SIZE[1], SIZE[0], 3), position % 4, np.uint8)  # a little of the other colours
        rgb[..., (CLASSES.index(self.rows[position].scene10) + lie) % 3] = 255
        return rgb, np.ones((SIZE[1], SIZE[0]), np.float32)

    def close(self) -> None: ...


def images(folder: Path, *, first: int = 1, name: str = "coloured") -> Path:
    """A prepared file of 90 training and 50 test images, each a group of its own."""
    rows = tuple(
        Row(
            index=i + first,
            split="train" if i < TRAIN else "test",
            scene27="x",
            scene10=CLASSES[i % 3],
            group=f"g{i}",
        )
        for i in range(TRAIN + TEST)
    )
    path = folder / "coloured.h5"
    write(path, Coloured(rows), name=name, size=SIZE, version="0" * 32)
    return path


class Mean(nn.Module):
    """The mean colour, its channels rolled."""

    def __init__(self, channels: int, size: tuple[int, int], *, roll: int = 0) -> None:
        super().__init__()
        self.dim, self.roll = channels, roll
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x.mean((2, 3)).roll(self.roll, 1)


class Blind(Mean):
    """Says the same of all."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), self.dim)


def network(roll: int = 0) -> Network:
    return Network(backbone={"use": "coloured:Mean", "roll": roll})


def encoder(path: Path, given: Network, *, dim: int, scale: float = 1.0) -> Path:
    """Weights whose projection, where there is one, is the identity; `scale` is that of the features."""
    net = LocalEncoder(SIZE, given.encoder, dim=dim or None)
    torch.nn.init.constant_(net.encoders.backbones["rgb"].scale, scale)
    if dim:
        (layer,) = net.projection
        torch.nn.init.eye_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    weights.save(path, saved(net))
    return path


def embeddings(frames: Path, path: Path) -> Path:
    """A mentor's, which are mean colours."""
    prepared = Prepared.open(frames)
    vectors = prepared.rgb.mean((1, 2)).astype(np.float16)
    columns = {
        "index": prepared.index,
        "train": prepared.train.astype(np.uint8),
        "pixels": pixel_digests(prepared.rgb),
    }
    data = str(prepared.attributes["sha256"])
    said = {"shipped_bytes": 99}
    write_embeddings(path, [vectors], dim=3, columns=columns, mentor=MENTOR, data=data, network=said)
    return path


def base(path: Path, form: str, vectors: int = 600) -> Path:
    """A base of random vectors of the mentor's space."""
    drawn = np.random.default_rng(0).uniform(0, 1, (vectors, 3)).astype(np.float32)
    SharedBase.build(InMemory(drawn, np.arange(vectors), MENTOR), form=form).save(path)
    return path
