"""Networks that send images under a guide: it reaches the encoder, it takes, and nothing else changes."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import quartered
import torch
from quartered import SIZE
from typer.testing import CliRunner

from semcom.cli import app
from semcom.files.errors import SemcomError
from semcom.finetune import guided as stage
from semcom.finetune import images as plain
from semcom.frames.images import DrawnParts, scaled
from semcom.models import images as networks
from semcom.models import local
from semcom.models.guidehead import GuideHead, pooled
from semcom.models.jscc import DeepJSCC
from semcom.models.local import LocalEncoder
from semcom.params.crlsc.imageentries import BorrowedEncoder, GuidedImagesEntry, ImagesEntry
from semcom.params.crlsc.images import Codebook, ImageLink
from semcom.params.crlsc.section import Network
from semcom.params.parts import PartEntry
from semcom.params.sections import Compute
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory
from semcom.quantise.store import pixel_digests
from semcom.quantise.store import write as write_embeddings
from semcom.training import loop, weights
from semcom.training.randomness import seeded

DIM = 8
PARTS = (
    ("public", PartEntry(data="quartered", role="public", count=60)),
    ("a", PartEntry(data="quartered", role="private")),
)
LINK = ImageLink(channel={"use": "awgn"}, channel_uses=24, train_snr_db={"uniform": (5.0, 15.0)})
VQ = Codebook(codes=4, dim=4, width=8, hidden=4, blocks=1, halvings=3)
MENTOR = {"use": "made_up", "weights": "here.pt", "size": [32, 32]}
FOUND = MENTOR | {"weights": "0" * 64}
"""As embeddings say it: a checksum in place of the file."""
INFONCE = {"use": "infonce", "temperature": 0.07, "hard_negatives": 4, "alpha": 0.5}
KINDS = ("deepjscc", "vqvae")
FILES = ("network", "history", "journal")
CHANCE = 1 / 60
LOCAL = Network(backbone={"use": "resnet18", "width_mult": 0.125})
"""A local encoder, in place of a VQ-VAE's own."""


def fields(kind: str, **more: Any) -> dict[str, Any]:
    link = kind == "deepjscc"
    known: dict[str, Any] = {
        "study": "test",
        "data": "0" * 32,
        "code": "1" * 16,
        "compute": Compute(),
        "seed": 0,
        "parts": PARTS,
        "method": kind,
        "link_name": "awgn" if link else "any",
        "link": LINK if link else None,
        "vqvae": None if link else VQ,
        "ordered": not link,
        "size": SIZE,
        "part": "public",
        "epochs": 2,
        "images": None,
        "batch_size": 20,
        "optimiser": {"use": "adamw", "lr": 2e-3, "weight_decay": 0.05},
        "warmup": 0.05,
    }
    return known | more


def under(kind: str, **more: Any) -> GuidedImagesEntry:
    guide = {"guide": INFONCE, "base": "flat", "weight": 0.3, "mentor": MENTOR}
    return GuidedImagesEntry(**fields(kind, **(guide | more)))


def places(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in FILES} | {"states": folder.parent / "states"}


def train(given: GuidedImagesEntry, folder: Path, frames: Path, **knowledge: Path | None) -> pd.DataFrame:
    stage.run(given, frames=frames, **({"base": None, "embeddings": None} | knowledge), **places(folder))
    return pd.read_csv(folder / "history").pivot(index="epoch", columns="metric", values="value")


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quartered.images(tmp_path_factory.mktemp("frames") / "quartered.h5")


@pytest.fixture(scope="module")
def opened(frames: Path) -> tuple[Any, Any]:
    return DrawnParts.open([frames], PARTS, seed=0, device=torch.device("cpu")).of("public")


@pytest.fixture(scope="module")
def base(opened: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    images, part = opened
    path = tmp_path_factory.mktemp("base") / "base.skb"
    source = InMemory(
        quartered.vectors(images.prepared, DIM)[part.index], images.prepared.index[part.index], FOUND
    )
    SharedBase.build(source, form="Flat").save(path)
    return path


@pytest.fixture(scope="module")
def embeddings(opened: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    images, _ = opened
    path = tmp_path_factory.mktemp("embeddings") / "embeddings.h5"
    prepared = images.prepared
    columns = {
        "index": prepared.index,
        "train": prepared.train.astype(np.uint8),
        "pixels": pixel_digests(prepared.rgb),
    }
    rows = quartered.vectors(prepared, DIM).astype(np.float16)
    write_embeddings(path, [rows], dim=DIM, columns=columns, mentor=FOUND, data=images.content)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_guide_that_weighs_nothing_leaves_the_network_as_it_is_without(kind, frames, base, tmp_path):
    plain.run(ImagesEntry(**fields(kind)), frames=frames, **places(tmp_path / "plain"))
    table = train(under(kind, weight=1e-30), tmp_path / "guided", frames, base=base)
    assert table["guide"].gt(0.1).all()
    ours, theirs = ((tmp_path / name / "network").read_bytes() for name in ("guided", "plain"))
    assert ours == theirs, "start, batches, channel draws and the order of codes; no head in the file"


@pytest.mark.parametrize("kind", KINDS)
def test_a_guide_takes(kind, frames, base, tmp_path):
    long = {"epochs": 20, "batch_size": 15, "optimiser": {"use": "adamw", "lr": 5e-3, "weight_decay": 0.0}}
    table = train(under(kind, **long), tmp_path / "x", frames, base=base)
    assert table["retrieval_accuracy"][20] > 10 * CHANCE
    assert table["retrieval_accuracy"][20] > 2 * table["retrieval_accuracy"][1]
    assert table["effective_rank_space"].min() > 3
    assert table["infonce"][20] < 0.7 * table["infonce"][1]
    assert {"mse", "loss", "guide", "cosine", "images_seen"} < set(table)
    own = table["mse"] if kind == "deepjscc" else table["loss"] - 0.3 * table["guide"]
    np.testing.assert_allclose(table["loss"], own + 0.3 * table["guide"], rtol=1e-5)
    assert not table.isna().any(axis=None)


@pytest.mark.parametrize("kind", KINDS)
def test_training_in_bf16_under_a_guide_is_nearly_that_in_fp32(kind, frames, base, tmp_path):
    half, whole = (
        train(under(kind, precision=name), tmp_path / name, frames, base=base) for name in ("bf16", "fp32")
    )
    for metric in ("mse", "guide"):
        assert not half[metric].equals(whole[metric])
        # Seen: 10 % off, of the VQ-VAE's guide: a code chosen otherwise moves all its vectors.
        np.testing.assert_allclose(half[metric], whole[metric], rtol=0.15)


def test_what_guides_without_a_base_are_the_mentors_embeddings(frames, base, embeddings, tmp_path):
    given = under("deepjscc", base=None)
    raw = train(given, tmp_path / "raw", frames, embeddings=embeddings)
    coded = train(under("deepjscc"), tmp_path / "coded", frames, base=base)
    # The base is exact, so that lengths and half precision are all that differs.
    np.testing.assert_allclose(raw["infonce"], coded["infonce"], rtol=0.02)
    with pytest.raises(
        SemcomError, match="is guided by the mentor's embeddings: give --embeddings, and no -"
    ):
        train(given, tmp_path / "none", frames, base=base)
    with pytest.raises(SemcomError, match="is guided by the base flat: give --base, and no --embeddings"):
        train(under("deepjscc"), tmp_path / "both", frames, base=base, embeddings=embeddings)


@pytest.mark.parametrize("kind", KINDS)
def test_the_guides_gradient_reaches_the_encoder_and_not_what_comes_behind(kind, opened, base):
    given = under(kind)
    images, part = opened
    network = plain.begin(given, images, torch.from_numpy(part.index))
    made = stage.Under.of(given, network, opened, base=base, embeddings=None)
    batch = torch.arange(20)
    plain.Loss(given, network, images, made.index)(made.index[batch], torch.Generator())
    space = made.embed()
    assert space.shape == (20, DIM)
    space.square().sum().backward()
    for name, weight in network.named_parameters():
        assert (weight.grad is not None) == name.startswith("encoder."), name
        assert weight.grad is None or weight.grad.abs().max() > 0, name
    assert not made.maps, "no graph is kept"


def test_pooling_is_that_of_torch_where_cells_are_equal():
    maps = torch.randn(3, 5, 6, 8)
    wanted = torch.nn.functional.adaptive_avg_pool2d(maps, 2)  # (N, C, 2, 2)
    torch.testing.assert_close(pooled(maps), wanted.permute(0, 2, 3, 1).flatten(1))
    torch.testing.assert_close(pooled(maps[..., :1, :1]), maps[..., 0, 0])
    assert GuideHead((5, 1, 3), 7)(maps[..., :1, :3]).shape == (3, 7)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_changes_nothing_under_a_guide(kind, frames, base, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    whole = train(under(kind), tmp_path / "whole/x", frames, base=base)
    usage, epochs = stage.usage_of, itertools.count(1)

    def killed(network: Any) -> dict[str, float]:
        if next(epochs) == 2:
            raise KeyboardInterrupt
        return usage(network)

    with monkeypatch.context() as patch:
        patch.setattr(stage, "usage_of", killed)
        with pytest.raises(KeyboardInterrupt):
            train(under(kind), tmp_path / "cut/x", frames, base=base)
    again = train(under(kind), tmp_path / "cut/x", frames, base=base)
    pd.testing.assert_frame_equal(again, whole)
    assert (tmp_path / "cut/x/network").read_bytes() == (tmp_path / "whole/x/network").read_bytes()


@pytest.fixture(scope="module")
def lent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained local encoder."""
    path = tmp_path_factory.mktemp("local") / "encoder.pt"
    with seeded(1, "test"):
        weights.save(path, local.saved(LocalEncoder(SIZE, LOCAL.encoder, dim=DIM)))
    return path


def borrowing(scale: float | None) -> dict[str, Any]:
    lent = {"method": "guided", "encoder": "small", "encoder_lr_scale": scale}
    return {"encoder": {"borrowed": lent, "network": LOCAL}}


def assert_settled(trained: dict[str, torch.Tensor], frames: Path, scale: float) -> None:
    """BatchNorm statistics are those of the training images under the last weights."""
    images, part = DrawnParts.open([frames], PARTS, seed=0, device=torch.device("cpu")).of("public")
    encoder = BorrowedEncoder.model_validate(borrowing(scale)["encoder"])
    network = networks.made(SIZE, VQ, None, encoder)
    network.load_state_dict(trained)
    first = network.encoder.encoders.backbones["rgb"].conv1
    seen = first(scaled(images.take(torch.from_numpy(part.index)))["rgb"])
    torch.testing.assert_close(
        trained["encoder.encoders.backbones.rgb.bn1.running_mean"], seen.mean((0, 2, 3)), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("guided", [False, True])
def test_a_vqvae_goes_on_from_a_local_encoder(guided, lent, frames, base, tmp_path):
    start = weights.load(lent)["weights"]
    for scale, first in ((None, True), (0.1, True), (1.0, False)):
        folder = tmp_path / str(scale)
        if guided:
            train(under("vqvae", **borrowing(scale)), folder, frames, base=base, encoder=lent)
        else:
            plain.run(
                ImagesEntry(**fields("vqvae", **borrowing(scale))),
                frames=frames,
                encoder=lent,
                **places(folder),
            )
        trained = weights.load(folder / "network")["network"]
        prefix = "encoder.encoders.backbones.rgb."
        moved = {
            name: float((trained[prefix + name] - start[f"encoders.backbones.rgb.{name}"]).abs().max())
            for name in ("conv1.weight", "bn1.running_mean", "layer4.0.conv1.weight")
        }
        assert moved["layer4.0.conv1.weight"] == 0, "behind the map"
        if scale is None:
            assert set(moved.values()) == {0}
        else:
            assert moved["bn1.running_mean"] > 0
            assert_settled(trained, frames, scale)
            assert (moved["conv1.weight"] < 3e-3) == first, "the rate is the encoder's own"


def test_a_local_encoder_must_be_the_entrys(lent, frames, tmp_path):
    given = ImagesEntry(**fields("vqvae", **borrowing(None)))
    with pytest.raises(SemcomError, match="vqvae goes on from a local encoder; give --encoder"):
        plain.run(given, frames=frames, **places(tmp_path))
    with pytest.raises(SemcomError, match="vqvae has an encoder of its own: leave --encoder out"):
        plain.run(ImagesEntry(**fields("vqvae")), frames=frames, encoder=lent, **places(tmp_path))
    other = borrowing(None)
    other["encoder"]["network"] = Network(backbone={"use": "resnet18", "width_mult": 0.25})
    with pytest.raises(
        SemcomError, match="does not hold the backbone that the params describe; give the file"
    ):
        plain.run(ImagesEntry(**fields("vqvae", **other)), frames=frames, encoder=lent, **places(tmp_path))


def test_private_images_take_a_guide_that_needs_no_entry(frames, base, tmp_path):
    with pytest.raises(SemcomError, match=r"to its own entry, and \d+ have none in the base; train on the"):
        train(under("deepjscc", part="a"), tmp_path / "a", frames, base=base)
    given = under("deepjscc", part="a", guide={"use": "prototypes", "neighbours": 3})
    table = train(given, tmp_path / "b", frames, base=base)
    assert "alignment" in table
    assert "retrieval_accuracy" not in table


class Renamed(DeepJSCC):
    """An analog network of one's own, whose encoder does not say which of its maps are sent."""

    def __init__(
        self, channels: int, size: tuple[int, int], channel_uses: int, *, flat: bool = False
    ) -> None:
        super().__init__(channels, size, channel_uses)
        self.encoder = torch.nn.Sequential(self.encoder)
        if flat:
            self.encoder.layers = torch.nn.Identity()


def test_a_network_of_ones_own_is_guided_by_the_maps_that_it_names(frames, base, tmp_path):
    table = train(under("deepjscc", network={"use": "test_guided_images:Named"}), tmp_path, frames, base=base)
    assert table["guide"].iloc[-1] < table["guide"].iloc[0]
    for options in ({}, {"flat": True}):
        given = under("deepjscc", network={"use": "test_guided_images:Renamed", **options})
        with pytest.raises(
            SemcomError, match=r"^test_guided_images:Renamed cannot be guided: its encoder has"
        ):
            train(given, tmp_path, frames, base=base)


class Named(DeepJSCC):
    """One whose encoder says so, as DeepJSCC's does."""


def test_the_verb_asks_for_what_guides(frames, tmp_path):
    where = places(tmp_path)
    options = [f"--{name}={where[name]}" for name in FILES]
    given = [
        under("deepjscc").model_dump_json(),
        f"--frames={frames}",
        f"--state={where['states']}",
        *options,
    ]
    done = CliRunner().invoke(app, ["finetune", "images", *given])
    assert "deepjscc is guided by the base flat: give --base, and no --embeddings" in str(done.exception)
    given[0] = ImagesEntry(**fields("deepjscc")).model_dump_json()
    done = CliRunner().invoke(app, ["finetune", "images", *given, f"--base={tmp_path / 'any.skb'}"])
    assert "deepjscc has no guide; leave --base and --embeddings out" in str(done.exception)


def test_frames_of_another_data_set_are_refused(frames, tmp_path):
    parts = (("public", PartEntry(data="other", role="public")),)
    with pytest.raises(
        SemcomError, match=r"quartered.h5 is of the data set quartered, wanted is other: give"
    ):
        plain.run(ImagesEntry(**fields("deepjscc", parts=parts)), frames=frames, **places(tmp_path))


def test_a_base_of_another_mentor_is_refused(frames, base, embeddings, tmp_path):
    for name, knowledge in (("flat", {"base": base}), (None, {"embeddings": embeddings})):
        given = under("deepjscc", mentor=MENTOR | {"size": [64, 64]}, base=name)
        with pytest.raises(SemcomError, match=r"is of the mentor made_up \(\w+\), wanted is made_up"):
            train(given, tmp_path / "x", frames, **knowledge)
