"""Own classes that have another form than their family: refused by name where they first give something."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from semcom.channel.awgn import AWGN, awgn
from semcom.files.errors import SemcomError
from semcom.finetune import stage as finetune
from semcom.losses.guided import Guided
from semcom.models.senders import Linear
from semcom.params.entries import FinetuneEntry, PretrainEntry
from semcom.params.sections import Encoder, Finetune, Link, Pretrain
from semcom.pretrain import stage as pretrain
from semcom.training import forms
from semcom.training.optimisers import AdamW

ADAMW = {"use": "adamw", "lr": 2e-3}


class Loss:
    """`kind` says what is wrong."""

    def __init__(self, *, kind: str) -> None:
        self.kind = kind

    def __call__(self, views: dict[str, tuple[Tensor, Tensor]]) -> object:
        apart = sum((a - b).square() for a, b in views.values())
        good = apart.mean()
        return {
            "right": (good, {"apart": good.detach()}),
            "attached": (good, {"apart": good}),
            "tensor": good,
            "vector": (apart.mean(1), {}),
            "constant": (torch.tensor(1.0), {}),
            "number": (1.0, {}),
            "term": (good, {"apart": apart.detach().mean(1)}),
            "float": (good, {"apart": 0.5}),
            "named": (good, {"loss": good.detach()}),
            "nan": (good * torch.nan, {}),
        }[self.kind]


class Backbone(nn.Module):
    def __init__(self, channels: int, size: tuple[int, int], *, kind: str) -> None:
        super().__init__()
        self.kind, self.layer = kind, nn.Conv2d(channels, 8, 3)
        self.dim = 16 if kind == "dim" else 8

    def forward(self, x: Tensor) -> object:
        maps = self.layer(x)
        features = maps.mean(dim=(2, 3))
        if self.kind == "nan":
            return features * torch.nan
        return {"maps": maps, "pair": (features, maps)}.get(self.kind, features)


class Late(nn.Module):
    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        self.layer = nn.Conv2d(channels, 8, 3)
        super().__init__()
        self.dim = 8

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).mean(dim=(2, 3))


class Never(nn.Module):
    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        self.dim = 8

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)).repeat(1, 8)[:, :8]


class Views:
    def __init__(self, *, kind: str) -> None:
        self.kind = kind

    def __call__(self, rgb: Tensor, depth: Tensor, generator: torch.Generator) -> object:
        return {
            "one": rgb,
            "three": (rgb, depth, depth),
            "swapped": (depth, rgb),
            "whole": (rgb.mul(255).to(torch.uint8), depth),
            "nan": (rgb * torch.nan, depth),
        }[self.kind]


class NoOptimiser:
    def __init__(self, *, lr: float) -> None:
        self.make = AdamW(lr=lr)

    def __call__(self, module: nn.Module) -> None:
        self.make(module)


class Sender(Linear):
    """Of `extra` more values than it is to send."""

    def __init__(self, features: int, outputs: int, *, extra: int) -> None:
        super().__init__(features, outputs + extra)


class Head(nn.Module):
    """Of `extra` more scores than there are, for received values of any number."""

    def __init__(self, features: int, classes: int, *, extra: int = 0) -> None:
        super().__init__()
        self.layer = nn.LazyLinear(classes + extra)
        self.layer(torch.zeros(1, features))

    def forward(self, received: Tensor) -> Tensor:
        return self.layer(received)


class AnyHead(nn.Module):
    """Takes whatever comes: with it, more values than the link carries would go through."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(1, classes)

    def forward(self, received: Tensor) -> Tensor:
        return self.layer(received.mean(-1, keepdim=True))


class Channel:
    def __init__(self, *, kind: str) -> None:
        self.kind = kind

    def __call__(self, symbols: Tensor, n0: Tensor, generator: torch.Generator | None = None) -> Tensor:
        y = awgn(symbols, n0, generator)
        return {"real": y.real, "short": y[..., 1:], "flat": y.flatten(1), "nan": y * torch.nan}[self.kind]


def own(name: str, **options: object) -> dict[str, Any]:
    return {"use": f"test_forms:{name}", **options}


@pytest.fixture
def pretrained(
    place: dict[str, object], encoder: Encoder, pretraining: Pretrain, prepared_file: Path, tmp_path: Path
):
    """Pre-train for one epoch with parts of one's own."""

    def run(*, backbone: dict[str, Any] | None = None, **parts: dict[str, Any]) -> None:
        settings = pretraining.model_copy(update={"epochs": 1, **parts})
        entry = PretrainEntry(
            **place,
            method="m",
            seed=0,
            modalities=("rgb", "depth"),
            encoder=Encoder(backbone=backbone) if backbone else encoder,
            pretrain=settings,
        )
        pretrain.run(
            prepared_file,
            entry,
            encoders=tmp_path / "encoders.pt",
            learner=tmp_path / "learner.pt",
            history=tmp_path / "history.csv",
            journal=tmp_path / "journal.jsonl",
            states=tmp_path / "states",
        )

    return run


@pytest.fixture
def finetuned(
    place: dict[str, object],
    encoder: Encoder,
    finetuning: Finetune,
    link: Link,
    prepared_file: Path,
    tmp_path: Path,
):
    """Fine-tune for one epoch with parts of one's own."""

    def run(
        *, channel: dict[str, Any] | None = None, optimiser: dict[str, Any] = ADAMW, **parts: object
    ) -> None:
        entry = FinetuneEntry(
            **place,
            method="m",
            labels="all",
            modalities=("rgb", "depth"),
            encoder=encoder,
            finetune=finetuning.model_copy(update=parts),
            link=Link(channel=channel, channel_uses=8) if channel else link,
            budgets=(1,),
            fraction=1.0,
            link_name="l",
            seed=0,
        )
        (tmp_path / "choice.json").write_text(json.dumps({"optimisers": {"1": optimiser}}))
        finetune.run(
            prepared_file,
            entry,
            encoders=None,
            choice=tmp_path / "choice.json",
            models=tmp_path / "models.pt",
            history=tmp_path / "history.csv",
            communications=tmp_path / "communication.csv",
            journal=tmp_path / "journal.jsonl",
            states=tmp_path / "states",
        )

    return run


def refused(said: str, run: Any, **parts: Any) -> None:
    with pytest.raises(SemcomError, match=said):
        run(**parts)


@pytest.mark.parametrize("kind", ["right", "attached"])
def test_a_loss_of_the_form_is_taken_and_its_terms_are_logged(pretrained, tmp_path, kind):
    pretrained(loss=own("Loss", kind=kind), backbone=own("Backbone", kind="right"))
    assert ",apart," in (tmp_path / "history.csv").read_text()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("tensor", r"gives \(\) torch.float32; it must give two: the scalar to minimise, and a dict"),
        ("vector", r"gives \(16,\) torch.float32; here it must give \(\) of real values, the scalar to min"),
        ("constant", r"gives a scalar without gradients, so nothing would be learnt"),
        ("number", r"gives a float; here it must give \(\) of real values, the scalar to minimise"),
        (
            "term",
            r"gives \(16,\) torch.float32; here it must give \(\) of real .*, a scalar to log as 'apart'",
        ),
        ("float", r"gives a float; here it must give \(\) of real values, a scalar to log as 'apart'"),
        ("named", r"logs a term called 'loss', which is the name of the whole"),
    ],
)
def test_a_loss_of_another_form(pretrained, kind, said):
    refused(rf"^loss\.use test_forms:Loss {said}", pretrained, loss=own("Loss", kind=kind))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("dim", r"\(16, 8\) torch.float32; here it must give \(16, 16\) of real values, as many features as"),
        ("maps", r"\(16, 8, 22, 30\) torch.float32; here it must give \(16, 8\) of real values, as many"),
        ("pair", r"a tuple; here it must give \(16, 8\) of real values, as many features as its dim says"),
    ],
)
def test_a_backbone_of_another_form(pretrained, kind, said):
    given = own("Backbone", kind=kind)
    refused(rf"^backbone\.use test_forms:Backbone gives {said}", pretrained, backbone=given)


@pytest.mark.parametrize("name", ["Late", "Never"])
def test_a_module_that_does_not_begin_as_one(pretrained, name):
    said = (
        rf"^use test_forms:{name} does not begin as a torch\.nn\.Module.*call super\(\)\.__init__\(\) first"
    )
    refused(said, pretrained, backbone=own(name))


def test_what_a_class_raises_itself_is_left_as_it_is(pretrained):
    with pytest.raises(KeyError, match="none of these"):
        pretrained(loss=own("Loss", kind="none of these"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("one", r"gives \(16, 3, 24, 32\) torch.float32; it must give two tensors, colour and depth"),
        ("three", r"gives a tuple of 3; it must give two tensors, colour and depth"),
        ("swapped", r"gives \(16, 1, 24, 32\) torch.float32; here it must give \(16, 3, 24, 32\) of real"),
        ("whole", r"gives \(16, 3, 24, 32\) torch.uint8; here it must give .* of real values, the colours"),
    ],
)
def test_views_of_another_form(pretrained, finetuned, kind, said):
    for run in (pretrained, finetuned):
        refused(rf"^views\.use test_forms:Views {said}", run, views=own("Views", kind=kind))


def test_an_optimiser_that_is_none(pretrained, finetuned):
    for run in (pretrained, finetuned):
        said = r"^optimiser\.use test_forms:NoOptimiser gives None; it must give a torch\.optim\.Optimizer"
        refused(said, run, optimiser=own("NoOptimiser", lr=1e-3))


@pytest.mark.parametrize("head", [{"use": "mlp"}, own("AnyHead")], ids=["mlp", "any"])
@pytest.mark.parametrize(("extra", "gives"), [(4, 20), (-4, 12), (1, 17)])
def test_what_is_sent_is_what_the_link_carries(finetuned, tmp_path, head, extra, gives):
    said = rf"^sender\.use test_forms:Sender gives \(16, {gives}\) .* \(16, 16\) of real .*two a channel use"
    refused(said, finetuned, sender=own("Sender", extra=extra), head=head)
    assert not (tmp_path / "communication.csv").exists()


@pytest.mark.parametrize("fusion", ["concat", "average"])
@pytest.mark.parametrize(("extra", "gives"), [(2, 5), (-1, 2)])
def test_a_head_gives_one_score_a_class(finetuned, extra, gives, fusion):
    said = rf"^head\.use test_forms:Head gives \(16, {gives}\) .*give \(16, 3\) of real values, one score a"
    refused(said, finetuned, head=own("Head", extra=extra), fusion=fusion)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("real", r"gives \(16, 2, 8\) torch.float32; here it must give \(16, 2, 8\) of complex values"),
        ("short", r"gives \(16, 2, 7\) torch.complex64; here it must give \(16, 2, 8\) of complex values"),
        ("flat", r"gives \(16, 16\) torch.complex64; here it must give \(16, 2, 8\) of complex values"),
    ],
)
def test_a_channel_of_another_form(finetuned, kind, said):
    refused(rf"^channel\.use test_forms:Channel {said}", finetuned, channel=own("Channel", kind=kind))


def test_a_channel_may_have_the_shape_of_its_noise():
    symbols, n0 = torch.ones(4, 8, dtype=torch.complex64), torch.full((3, 4, 1), 0.1)
    assert forms.received(AWGN(), symbols, n0, None).shape == (3, 4, 8)
    assert forms.received(AWGN(), symbols, 0.1, None).shape == (4, 8)


FIRST = r"^the loss is nan in the first step, before any update, so the learning rate is not to blame.*"


@pytest.mark.parametrize(
    ("part", "given"),
    [
        ("loss", own("Loss", kind="nan")),
        ("views", own("Views", kind="nan")),
        ("backbone", own("Backbone", kind="nan")),
    ],
    ids=["loss", "views", "backbone"],
)
def test_a_pretraining_that_begins_with_nan_says_where_to_look(pretrained, part, given):
    plain = {"loss": own("Loss", kind="right"), part: given}
    refused(rf"{FIRST}{part}\.use {given['use']}.*look there$", pretrained, **plain)


def test_a_finetuning_that_begins_with_nan_says_where_to_look(finetuned):
    refused(rf"{FIRST}channel\.use test_forms:Channel", finetuned, channel=own("Channel", kind="nan"))


def test_a_guide_has_the_form_of_a_loss():
    class Guide:
        needs = {"target": 1}

        def __call__(self, embedding: Tensor, known: dict[str, Tensor]) -> Tensor:
            return (embedding - known["target"]).square().mean()

    with pytest.raises(
        SemcomError, match=r"^guide\.use test_forms:.*Guide gives \(\) torch.float32; it must"
    ):
        Guided(Guide())([torch.ones(4, 3)], [{"target": torch.ones(4, 3)}])
