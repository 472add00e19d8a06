"""How the server joins the devices: against heads called by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from semcom.channel.symbols import to_real
from semcom.frames.device import DeviceFrames
from semcom.models import HEADS
from semcom.models.fusion import server
from semcom.models.system import System, encode_frames, transmit
from semcom.params.component import build
from semcom.params.sections import Component, Encoder, Link
from semcom.training.randomness import generator, seeded

MLP = {"use": "mlp", "hidden": 16, "dropout": 0.0}


class Own(nn.Module):
    """A head as a user writes one: features and classes by position, leading dimensions as they come."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, features))

    def forward(self, received: torch.Tensor) -> torch.Tensor:
        assert received.shape[-1] == self.weight.shape[1]
        return F.linear(received, self.weight)


def make(
    encoder: Encoder,
    link: Link,
    fusion: str = "average",
    *,
    head: Component = MLP,
    modalities: tuple[str, ...] = ("rgb", "depth"),
) -> System:
    with seeded(0, "system"):
        return System(
            modalities,
            size=(32, 24),
            classes=3,
            encoder=encoder,
            link=link,
            sender={"use": "linear"},
            head=head,
            fusion=fusion,  # type: ignore[arg-type]
        ).eval()


@pytest.fixture
def symbols(encoder: Encoder, link: Link, frames: DeviceFrames) -> torch.Tensor:
    return encode_frames(make(encoder, link), frames.plain(torch.arange(20).numpy()))


def test_concat_is_the_one_head_with_the_weights_that_it_always_had(encoder: Encoder, link: Link) -> None:
    with seeded(1):
        head = build(HEADS, MLP, 2 * 8 * 2, 3)
    with seeded(1):
        same = server("concat", MLP, [16, 16], 3)
    assert type(same) is type(head)
    for (name, a), (other, b) in zip(head.state_dict().items(), same.state_dict().items(), strict=True):
        assert name == other
        assert torch.equal(a, b)
    state = make(encoder, link, "concat").state_dict()
    assert {name for name in state if name.startswith("server")} == {
        f"server.layers.{layer}.{part}" for layer in (0, 3) for part in ("weight", "bias")
    }


@pytest.mark.parametrize("head", [MLP, {"use": "test_fusion:Own"}], ids=["mlp", "a user's own"])
def test_average_is_the_mean_of_a_head_a_device(
    encoder: Encoder, link: Link, symbols: torch.Tensor, head: Component
) -> None:
    system = make(encoder, link, head=head)
    rgb, depth = system.server.heads
    assert not torch.equal(next(rgb.parameters()), next(depth.parameters())), "weights of their own"
    scores, received = transmit(system, symbols, torch.tensor([0.1, 0.01]), draws=3, generator=generator(0))
    reals = to_real(received)
    expected = (rgb(reals[..., 0, :]) + depth(reals[..., 1, :])) / 2
    assert scores.shape == (2, 3, 20, 3)
    torch.testing.assert_close(scores, expected)


def test_of_one_device_average_is_its_head(encoder: Encoder, link: Link, frames: DeviceFrames) -> None:
    both = [make(encoder, link, fusion, modalities=("depth",)) for fusion in ("concat", "average")]
    symbols = encode_frames(both[0], frames.plain(torch.arange(20).numpy()))
    assert torch.equal(*(system.decide(symbols) for system in both))


def test_averaged_heads_never_see_the_other_device(
    encoder: Encoder, link: Link, symbols: torch.Tensor
) -> None:
    system = make(encoder, link)
    leaf = symbols.clone().requires_grad_()
    rgb = system.server.heads[0](to_real(leaf)[:, 0])
    rgb.sum().backward()
    assert leaf.grad[:, 0].abs().min() > 0
    assert not leaf.grad[:, 1].any()
    system.zero_grad()
    F.cross_entropy(system.decide(symbols), torch.zeros(20, dtype=torch.long)).backward()
    assert all(weight.grad.any() for weight in system.server.parameters()), "both learn from the mean"


@pytest.mark.parametrize(("name", "at"), [("rgb", 0), ("depth", 1)])
def test_a_lost_device_is_zeros_to_one_head_and_no_part_of_the_mean(
    encoder: Encoder, link: Link, symbols: torch.Tensor, name: str, at: int
) -> None:
    n0 = torch.tensor([0.1, 1.0])
    joined, averaged = make(encoder, link, "concat"), make(encoder, link)
    for system in (joined, averaged):
        scores, received = transmit(system, symbols, n0, draws=3, generator=generator(0), lost=[name])
        whole, same = transmit(system, symbols, n0, draws=3, generator=generator(0))
        assert torch.equal(received, same), "the other device's draws stay as they are"
        assert not torch.allclose(scores, whole)
        other = symbols.clone()
        other[:, at] = other[:, at].flip(0)
        changed, _ = transmit(system, other, n0, draws=3, generator=generator(0), lost=[name])
        assert torch.equal(scores, changed), "nothing of it arrives"
        reals = to_real(received)
        if system is averaged:
            expected = system.server.heads[1 - at](reals[..., 1 - at, :])
        else:
            parts = [reals[..., 0, :], reals[..., 1, :]]
            parts[at] = torch.zeros_like(parts[at])
            expected = system.server(torch.cat(parts, -1))
        torch.testing.assert_close(scores, expected)


def test_what_is_lost_may_have_been_no_number(encoder: Encoder, link: Link, symbols: torch.Tensor) -> None:
    broken = symbols.clone()
    broken[:, 0] = torch.nan
    for fusion in ("concat", "average"):
        system = make(encoder, link, fusion)
        assert torch.equal(system.decide(broken, lost=["rgb"]), system.decide(symbols, lost=["rgb"])), fusion
