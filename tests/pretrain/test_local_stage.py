"""Training of one local encoder: it learns toward its base, and a kill changes nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from semcom.files.errors import SemcomError
from semcom.frames.images import DrawnParts
from semcom.losses.guidance import Guidance, of_base
from semcom.models import local as models
from semcom.params.crlsc.entries import LocalEntry
from semcom.params.crlsc.section import Network, Train
from semcom.params.parts import PartEntry
from semcom.pretrain import local as stage
from semcom.pretrain import trainee
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory
from semcom.training import loop

DIM = 8
PARTS = (
    ("public", PartEntry(data="drawn", role="public", count=60)),
    ("a", PartEntry(data="drawn", role="private")),
)
INFONCE = {"use": "infonce", "temperature": 0.07, "hard_negatives": 4, "alpha": 0.0}


def entry(place: dict[str, object], **more: Any) -> LocalEntry:
    fields: dict[str, Any] = {
        "seed": 0,
        "parts": PARTS,
        "method": "m",
        "encoder": "res",
        "network": Network(backbone={"use": "resnet18", "width_mult": 0.125}),
        "part": "public",
        "guide": None,
        "base": None,
        "simclr": 0.0,
        "labels": False,
        "after": None,
        "train": Train(
            epochs=3,
            images=60,
            batch_size=16,
            contrast=(16, 8),
            optimiser={"use": "adamw", "lr": 2e-3, "weight_decay": 0.05},
            views={"use": "rgbd", "strength": 0.5},
        ),
    }
    return LocalEntry(**place, **(fields | more))


def call(
    given: LocalEntry, frames: Path, folder: Path, *, base: Path | None = None, after: Path | None = None
) -> pd.DataFrame:
    stage.run(
        given,
        frames=frames,
        base=base,
        embeddings=None,
        after=after,
        encoder=folder / "encoder.pt",
        history=folder / "history.csv",
        cost=folder / "cost.csv",
        journal=folder / "journal.jsonl",
        states=folder.parent / "states",
    )
    return pd.read_csv(folder / "history.csv").pivot(index="epoch", columns="metric", values="value")


@pytest.fixture(scope="session")
def base_file(prepared_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of the public part: one direction a class (told by colour), and some noise."""
    drawn = DrawnParts.open([prepared_file], PARTS, seed=0, device=torch.device("cpu"))
    images, part = drawn.of("public")
    prepared, draws = images.prepared, np.random.default_rng(0)
    vectors = np.eye(DIM)[prepared.scene[part.index]] + 0.1 * draws.normal(size=(len(part), DIM))
    base = SharedBase.build(InMemory(vectors, prepared.index[part.index]), form="Flat")
    path = tmp_path_factory.mktemp("base") / "base.skb"
    base.save(path)
    return path


def test_a_guide_draws_embeddings_to_the_images_own_entries(prepared_file, base_file, place, tmp_path):
    given = entry(place, guide={"use": "cosine"}, base="flat")
    given = given.model_copy(update={"train": given.train.model_copy(update={"epochs": 12})})
    table = call(given, prepared_file, tmp_path / "a", base=base_file)
    # One direction for all images has at best the cosine 1/√3 = 0.58 with three orthogonal classes.
    assert table.cosine[12] > 0.7 > 0.58 > table.cosine[1]
    assert table.multiply_adds[12] == 12 * table.multiply_adds[1] > 0
    assert not table.isna().any(axis=None)
    network = models.read(
        tmp_path / "a/encoder.pt",
        size=(32, 24),
        encoder=given.network.encoder,
        hidden=(),
        device=torch.device("cpu"),
    )
    assert network.dim == DIM
    cost = pd.read_csv(tmp_path / "a/cost.csv")
    assert cost.images_seen.item() == 12 * 48
    assert cost.seconds.item() > 0
    assert cost.peak_bytes.item() > 1e7


def test_what_a_guide_is_given(prepared_file, base_file):
    drawn = DrawnParts.open([prepared_file], PARTS, seed=0, device=torch.device("cpu"))
    images, part = drawn.of("public")
    vectors = of_base(base_file, images, part)
    base = SharedBase.load(base_file)

    class Greedy:
        needs = {"target": 1, "negatives": 5, "neighbours": 3}

    share = torch.tensor([4, 7, 11, 30])
    guidance = Guidance(Greedy(), vectors, share, torch.device("cpu"))  # type: ignore[arg-type]
    batch = torch.tensor([2, 0])
    query = guidance.all[[9, 10]]
    known, other = guidance.known(batch, [3 * query, -query])
    ids = images.prepared.index[part.index[share[batch]]]
    own = base.decode(base.positions(ids))
    np.testing.assert_array_equal(known["target"].numpy(), own)
    similar = known["negatives"].numpy() @ own[:, :, None]
    assert known["negatives"].shape == (2, 5, DIM)
    everything = np.sort(base.decode() @ own.T, axis=0)[::-1]
    np.testing.assert_allclose(similar[..., 0].T, everything[1:6], atol=1e-6)  # the nearest but itself
    torch.testing.assert_close(known["neighbours"][:, 0], query)
    assert other["negatives"] is known["negatives"]  # of the image, not of the view
    assert not torch.equal(other["neighbours"], known["neighbours"])


def test_a_private_image_has_no_entry(prepared_file, base_file, place, tmp_path):
    given = entry(place, guide=INFONCE, base="flat", part="a")
    with pytest.raises(SemcomError, match=r"to its own entry, and \d+ have none in the base"):
        call(given, prepared_file, tmp_path / "a", base=base_file)


class Killed(BaseException):
    """What no code expects."""


@pytest.mark.parametrize(
    "method",
    [
        {"guide": INFONCE, "base": "flat", "simclr": 0.5},
        {"part": "a", "labels": True},
    ],
    ids=["guided", "supervised"],
)
def test_a_killed_job_resumes_and_ends_bit_identical(
    method, prepared_file, base_file, place, tmp_path, monkeypatch
):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    given = entry(place, **method)
    base = base_file if given.base else None
    call(given, prepared_file, tmp_path / "whole" / "x", base=base)
    looks, look = [], stage._look

    def die(trainee: object) -> object:
        looks.append(trainee)
        if len(looks) == 2:
            raise Killed
        return look(trainee)

    with monkeypatch.context() as patch:
        patch.setattr(stage, "_look", die)
        with pytest.raises(Killed):
            call(given, prepared_file, tmp_path / "cut" / "x", base=base)
    looks.clear()
    monkeypatch.setattr(stage, "_look", lambda trainee: looks.append(trainee) or look(trainee))
    call(given, prepared_file, tmp_path / "cut" / "x", base=base)
    assert len(looks) == 2, "the first epoch is not run again"
    for file in ("encoder.pt", "history.csv"):
        assert (tmp_path / "whole/x" / file).read_bytes() == (tmp_path / "cut/x" / file).read_bytes()


def test_a_job_killed_before_its_first_checkpoint_leaves_nothing_to_count(
    prepared_file, base_file, place, tmp_path, monkeypatch
):
    given, looks, look = entry(place, guide={"use": "cosine"}, base="flat"), [], stage._look

    def die(trainee: object) -> object:
        looks.append(trainee)
        if len(looks) == 3:
            raise Killed
        return look(trainee)

    with monkeypatch.context() as patch:
        patch.setattr(stage, "_look", die)
        with pytest.raises(Killed):
            call(given, prepared_file, tmp_path / "x", base=base_file)
    assert not list((tmp_path / "states").rglob("*.pt"))
    call(given, prepared_file, tmp_path / "x", base=base_file)
    lines = (tmp_path / "x/journal.jsonl").read_text().splitlines()
    epochs = [json.loads(line).get("step") for line in lines if "effective_rank_space" in line]
    assert epochs == [1, 2, 3], "the journal begins anew, too"


def test_shares_of_a_part_are_disjoint_and_all_of_it(place):
    shares = [trainee._share(60, entry(place, share=(i, 3))) for i in range(3)]
    assert sorted(torch.cat(shares).tolist()) == list(range(60))


def test_all_methods_see_as_many_images(prepared_file, base_file, place, tmp_path):
    seen = []
    for name, method in (("a", {"simclr": 1.0}), ("b", {"part": "a", "labels": True}), ("c", {})):
        given = entry(place, **method)
        call(given, prepared_file, tmp_path / name)
        seen.append(pd.read_csv(tmp_path / name / "cost.csv").images_seen.item())
    assert seen == [144, 144, 0], "3 epochs of 3 steps of 16; the untrained one sees none"


def test_another_method_goes_on_from_a_trained_encoder(prepared_file, base_file, place, tmp_path):
    warm = entry(place, guide={"use": "cosine"}, base="flat")
    call(warm, prepared_file, tmp_path / "warm", base=base_file)
    on = entry(place, part="a", guide={"use": "prototypes", "neighbours": 3}, base="flat", after="warm")
    train = on.train.model_copy(
        update={"optimiser": {"use": "sgd", "lr": 1e-12, "momentum": 0.0, "weight_decay": 0.0}}
    )
    on = on.model_copy(update={"train": train})
    table = call(on, prepared_file, tmp_path / "on", base=base_file, after=tmp_path / "warm/encoder.pt")
    assert "alignment" in table
    first, last = (
        torch.load(tmp_path / name / "encoder.pt", weights_only=True)["weights"] for name in ("warm", "on")
    )
    for key in first:
        if not key.endswith(("running_mean", "running_var", "num_batches_tracked")):
            torch.testing.assert_close(last[key], first[key], atol=1e-6, rtol=1e-6)
