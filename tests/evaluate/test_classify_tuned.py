"""Encoders that train on over the link: they learn what they could not tell, and nothing at no rate."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from test_classify_links import LINK, PARTS, common, training

import coloured
from coloured import TRUE
from semcom.evaluate import classify as sweep
from semcom.files.errors import SemcomError
from semcom.finetune import classify as stage
from semcom.finetune.vectors import Trained, optimiser_of
from semcom.frames.images import DrawnParts
from semcom.models import local
from semcom.models.classify import Receiver, looked, scaled, standard
from semcom.models.local import LocalEncoder, saved
from semcom.params.crlsc.classifyentries import ClassifyEntry, ClassifyTestEntry
from semcom.training import loop, weights

DIM = 3
BLURRED = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
"""A projection under which red and green are one."""
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, and an encoder that cannot tell red from green."""
    folder = tmp_path_factory.mktemp("tuned")
    coloured.images(folder)
    net = LocalEncoder(coloured.SIZE, coloured.network().encoder, dim=DIM)
    (layer,) = net.projection
    with torch.no_grad():
        layer.weight.copy_(BLURRED)
        layer.bias.zero_()
    weights.save(folder / "blurred.pt", saved(net))
    coloured.encoder(folder / "clear.pt", coloured.network(), dim=DIM)
    return folder


def train(place: Path, given: ClassifyEntry, folder: Path, encoder: str = "blurred") -> Path:
    folder.mkdir(exist_ok=True)
    stage.run(
        given,
        frames=place / "coloured.h5",
        encoder=place / f"{encoder}.pt",
        base=None,
        receiver=folder / "receiver.pt",
        history=folder / "history.csv",
        journal=folder / "journal.jsonl",
        states=folder / "states",
    )
    return folder / "receiver.pt"


def accuracy(place: Path, receiver: Path, way: str, *, tuned: bool) -> float:
    """At 60 dB."""
    fields: dict[str, Any] = {
        "networks": {"a": coloured.network()},
        "tuned": tuned,
        "channel": None if way == "direct" else LINK.channel,
        "scheme": None,
        "scheme_uses": None,
        "exact": False,
        "table": {},
        "snr_db": (60,),
        "draws": 2,
    }
    sweep.run(
        ClassifyTestEntry.model_validate(common(way) | fields),
        frames=place / "coloured.h5",
        encoders=[place / "blurred.pt"],
        receivers=[receiver],
        base=None,
        error_table=None,
        table=receiver.with_name("table.csv"),
        journal=receiver.with_name("test.jsonl"),
    )
    rows = pd.read_csv(receiver.with_name("table.csv"), dtype={"labels": str})
    assert set(zip(rows["target"], rows["labels"], strict=True)) == {("colours", "1")}
    return float(rows.loc[rows["metric"] == "accuracy", "value"].mean())


@pytest.mark.parametrize("way", ["direct", "symbols"])
def test_an_encoder_that_trains_on_learns_what_it_could_not_tell(place, way, tmp_path):
    frozen = accuracy(place, train(place, training(way, "a"), tmp_path / "frozen"), way, tuned=False)
    assert frozen < 0.75, "red and green are one to it"
    receiver = train(place, training(way, "a", encoder_lr_scale=1.0), tmp_path / "tuned")
    assert accuracy(place, receiver, way, tuned=True) == pytest.approx(TRUE)
    assert accuracy(place, receiver, way, tuned=False) < TRUE, (
        "the receiver's encoder is the one that changed"
    )


@pytest.mark.parametrize("way", ["direct", "symbols"])
def test_at_next_to_no_rate_it_is_as_if_frozen(place, way, tmp_path):
    paths = [
        train(place, training(way, "a", encoder_lr_scale=scale, epochs=3), tmp_path / str(scale), "clear")
        for scale in (None, 1e-12)
    ]
    frozen, tuned = (weights.load(path) for path in paths)
    assert frozen["encoder"] is None
    for name, value in frozen["ends"].items():
        torch.testing.assert_close(tuned["ends"][name], value, atol=1e-4, rtol=1e-3)
    started = weights.load(place / "clear.pt")["weights"]
    for name, value in tuned["encoder"].items():
        torch.testing.assert_close(value, started[name], atol=1e-6, rtol=0)


def test_vectors_with_gradients_are_those_without(place):
    images, part = DrawnParts.open([place / "coloured.h5"], PARTS, seed=1, device=CPU).of("own")
    net = local.read(
        place / "clear.pt", size=images.size, encoder=coloured.network().encoder, hidden=(), device=CPU
    )
    mean = np.random.default_rng(0).normal(size=DIM).astype(np.float32) / 4
    ends: Any = None
    wanted = scaled(Receiver(ends, mean).own(looked(net, images, part.index)), CPU)
    trained = Trained(net, images, torch.from_numpy(part.index), centre=mean, views=None)
    places = torch.tensor([5, 0, 80])
    found = trained(places, None)
    assert found.requires_grad
    torch.testing.assert_close(found, wanted[places])
    torch.testing.assert_close(trained(places, torch.Generator()), wanted[places])
    torch.testing.assert_close(standard(3 * wanted, torch.zeros(DIM)), wanted)


def test_views_are_of_training_and_not_of_validation(place):
    images, part = DrawnParts.open([place / "coloured.h5"], PARTS, seed=1, device=CPU).of("own")
    net = local.read(
        place / "clear.pt", size=images.size, encoder=coloured.network().encoder, hidden=(), device=CPU
    )
    index = torch.from_numpy(part.index)
    centre = np.zeros(DIM, np.float32)
    plain, viewed = (
        Trained(net, images, index, centre=centre, views=views) for views in (None, {"use": "rgbd"})
    )
    places, draws = torch.arange(30), torch.Generator().manual_seed(0)
    assert not torch.allclose(viewed(places, draws), plain(places, draws), atol=1e-2)
    torch.testing.assert_close(viewed(places, None), plain(places, None))


def test_the_encoder_has_a_rate_of_its_own():
    ends, encoder = torch.nn.Linear(2, 3), torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.BatchNorm1d(2))
    component = {"use": "adamw", "lr": 0.01, "weight_decay": 0.5}
    made = optimiser_of(component, ends, encoder, encoder_lr_scale=0.1)
    rates = {id(p): group["lr"] for group in made.param_groups for p in group["params"]}
    decay = {id(p): group["weight_decay"] for group in made.param_groups for p in group["params"]}
    assert {rates[id(p)] for p in ends.parameters()} == {0.01}
    assert {rates[id(p)] for p in encoder.parameters()} == {0.001}
    assert len(rates) == 6
    assert {decay[id(p)] for p in encoder.parameters() if p.ndim == 1} == {0.0}
    assert decay[id(encoder[0].weight)] == 0.5
    alone = optimiser_of(component, ends, None, encoder_lr_scale=0.1)
    assert {group["lr"] for group in alone.param_groups} == {0.01}


def test_an_epoch_has_as_many_steps_at_every_share_of_the_labels(place, tmp_path, monkeypatch):
    seen = []
    fit = stage.fit
    monkeypatch.setattr(stage, "fit", lambda *given, plan, **more: seen.append(plan.steps) or fit(
        *given, plan=plan, **more))  # fmt: skip
    for labels, images in ((1.0, 64), (0.2, 64), (0.2, None)):
        train(
            place, training("direct", "a", labels=labels, images=images, epochs=1), tmp_path / f"{len(seen)}"
        )
    # Of 72 images that train a fifth is 15, five a class; batches of 16 shrink to them.
    assert seen == [4, 64 // 15, 1]


def test_a_kill_changes_nothing_of_an_encoder_that_trains_on(place, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    given = training("symbols", "a", encoder_lr_scale=0.5, epochs=2, views={"use": "rgbd"})
    whole = train(place, given, tmp_path / "whole")
    decide, calls = stage.Ends.decide, []

    def killed(self: Any, received: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return decide(self, received)

    monkeypatch.setattr(stage.Ends, "decide", killed)
    with pytest.raises(KeyboardInterrupt):
        train(place, given, tmp_path / "killed")
    monkeypatch.setattr(stage.Ends, "decide", decide)
    assert train(place, given, tmp_path / "killed").read_bytes() == whole.read_bytes()
    history = pd.read_csv(whole.with_name("history.csv"))
    assert set(history.loc[history["metric"] == "validation_accuracy", "epoch"]) == {2}, "once, at the end"


def test_an_encoder_that_trains_on_sends_no_indices(place, tmp_path):
    with pytest.raises(SemcomError, match="has no codebooks"):
        train(place, training("private", "a", encoder_lr_scale=0.1), tmp_path)


def test_a_receiver_of_a_frozen_encoder_has_none_to_give(place, tmp_path):
    receiver = train(place, training("direct", "a", epochs=1), tmp_path)
    with pytest.raises(SemcomError, match="does not hold under 'encoder' the weights"):
        accuracy(place, receiver, "direct", tuned=True)
