"""Analog networks of any class: what is sent is what the class says, and one of another form is refused."""

import pytest
import torch
from torch import nn

from semcom.channel import power, symbols
from semcom.channel.awgn import AWGN
from semcom.files.errors import SemcomError
from semcom.models import analog
from semcom.models.jscc import DeepJSCC

SIZE, USES = (16, 12), 24
IMAGES = torch.rand(5, 3, 12, 16, generator=torch.Generator().manual_seed(0))


class Mine(nn.Module):
    """Linear maps, there and back."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder or Back(IMAGES.shape[1:])


class There(nn.Module):
    """`kind` says what is wrong with the symbols."""

    def __init__(self, kind: str, uses: int = USES) -> None:
        super().__init__()
        self.kind, self.layer = kind, nn.Linear(3 * 12 * 16, 2 * uses)

    def forward(self, images: torch.Tensor) -> object:
        reals = self.layer(images.flatten(1))
        sent = power.normalise(symbols.to_complex(reals))
        if self.kind == "rounded":
            narrow = reals.bfloat16()
            scale = (narrow.square().mean(1, keepdim=True) * 2).rsqrt()
            return symbols.to_complex((narrow * scale).bfloat16() * 1.004)
        return {
            "right": sent,
            "real": reals,
            "loud": sent * 1.01,
            "quiet": sent * torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0])[:, None],
            "batch": sent * torch.linspace(0.5, 1.5, len(sent))[:, None],
            "nothing": sent * torch.nan,
            "pair": (sent, sent),
        }[self.kind]


class Back(nn.Module):
    def __init__(self, shape: torch.Size | tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.layer = shape, nn.Linear(2 * USES, int(torch.tensor(shape).prod()))

    def forward(self, received: torch.Tensor) -> torch.Tensor:
        return self.layer(symbols.to_real(received)).sigmoid().unflatten(1, self.shape)


@pytest.mark.parametrize("bf16", [False, True])
def test_deepjscc_over_a_channel_is_its_own_forward_pass_bit_by_bit(bf16):
    network = DeepJSCC(3, SIZE, USES)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        analog.check(network, IMAGES, USES)
        one, other = (
            way(IMAGES, AWGN(), 0.1, torch.Generator().manual_seed(3))
            for way in (lambda *given: analog.over(network, *given), network)
        )
    assert one.dtype == torch.float32
    assert torch.equal(one, other)


def test_a_check_changes_nothing():
    network = Mine(nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.5), There("right"))).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    analog.check(network, IMAGES, USES)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(part.training for part in network.modules())


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        (
            There("right", 20),
            r"gives \(5, 20\) torch.complex64 for 5 images; it must give \(5, 24\), complex",
        ),
        (There("real"), r"gives \(5, 48\) torch.float32 for 5 images; it must give \(5, 24\), complex"),
        (
            There("pair"),
            r"gives a tuple for 5 images; it must give \(5, 24\), complex symbols for 24 channel",
        ),
        (There("loud"), r"average power of 1.02 to 1.02; it must be 1 within 0.001 for each"),
        (There("quiet"), r"average power of 0 to 1; it must be 1"),
        (There("batch"), r"average power of 0.25 to 2.25; it must be 1"),
        (
            There("rounded"),
            r"it must be 1 within 0.001 for each, or no Es/N0 is what it says; end with semcom",
        ),
        (There("nothing"), r"average power of nan to nan; it must be 1"),
    ],
)
def test_symbols_that_would_falsify_the_snr_are_refused(encoder, said):
    with pytest.raises(SemcomError, match=rf"^test_analog:Mine: the encoder .*{said}.*see docs/extending"):
        analog.check(Mine(encoder), IMAGES, USES)


def test_images_of_another_shape_are_refused():
    with pytest.raises(
        SemcomError, match=r"the decoder gives \(5, 1, 12, 16\) torch.float32 for 5 images; it"
    ):
        analog.check(Mine(There("right"), Back((1, 12, 16))), IMAGES, USES)


def test_a_class_without_a_part_is_refused():
    network = Mine(There("right"))
    del network.decoder
    with pytest.raises(SemcomError, match=r"^test_analog:Mine has no module decoder, which a network must"):
        analog.check(network, IMAGES, USES)
