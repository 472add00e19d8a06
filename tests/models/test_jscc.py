import pytest
import torch
from torch import nn

from semcom.channel import awgn, fading, power, snr, symbols
from semcom.channel.ratio import cbr
from semcom.files.errors import SemcomError
from semcom.models.jscc import Decoder, DeepJSCC, Encoder, filters

LAYERS = [
    (3, 16),
    (16, 32),
    (32, 32),
    (32, 32),
    (32, None),
    (None, 32),
    (32, 32),
    (32, 32),
    (32, 16),
    (16, 3),
]
"""Filters before and after each 5×5 layer as the paper's figure has them, None for c."""


def parameters(maps: int) -> int:
    """Weights and biases of the convolutions, and a slope for each PReLU: all layers' but the sigmoid's."""
    layers = [(before or maps, after or maps) for before, after in LAYERS]
    return sum(25 * before * after + after for before, after in layers) + len(layers) - 1


@pytest.mark.parametrize(("uses", "ratio", "count"), [(256, 1 / 12, 143_444), (512, 1 / 6, 156_252)])
def test_parameters_and_channel_uses_are_the_papers(uses, ratio, count):
    network = DeepJSCC(3, (32, 32), uses)
    maps = 2 * uses // 64  # c of papers.md 3.5
    assert sum(p.numel() for p in network.parameters()) == parameters(maps) == count
    assert cbr(network.channel_uses, channels=3, size=(32, 32)) == pytest.approx(ratio)
    assert filters((32, 32), uses) == maps


@pytest.mark.parametrize(
    ("channels", "size", "uses"), [(3, (32, 32), 512), (1, (28, 28), 98), (3, (96, 72), 864), (3, (4, 4), 1)]
)
def test_any_size_that_can_be_halved_twice(channels, size, uses):
    torch.manual_seed(0)
    network = DeepJSCC(channels, size, uses)
    images = torch.rand(3, channels, size[1], size[0]) * torch.tensor([1.0, 0.01, 0.5]).view(3, 1, 1, 1)
    sent = network.encoder(images)
    assert sent.shape == (3, uses)
    torch.testing.assert_close(sent.abs().square().mean(1), torch.ones(3))
    back = network(images, awgn.AWGN(), 0.1, torch.Generator().manual_seed(0))
    assert back.shape == images.shape
    assert 0 <= back.min() <= back.max() <= 1


def test_layers_by_hand():
    """The same weights in functional calls, layer by layer as the table says."""
    torch.manual_seed(1)
    network = DeepJSCC(3, (16, 12), 24)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.2, 0.3)
    weights = list(network.parameters())
    images = torch.rand(2, 3, 12, 16)
    x = images
    for number, stride in enumerate((2, 2, 1, 1, 1)):
        weight, bias, slope = weights[3 * number : 3 * number + 3]
        x = nn.functional.conv2d(nn.functional.pad(x, (2, 2, 2, 2)), weight, bias, stride)
        x = torch.where(x > 0, x, slope * x)
    sent = power.normalise(symbols.to_complex(x.flatten(1)))
    assert x.shape == (2, 4, 3, 4)
    torch.testing.assert_close(network.encoder(images), sent)

    weights, x = weights[15:], symbols.to_real(sent).view(2, 4, 3, 4)
    for number, stride in enumerate((1, 1, 1, 2, 2)):
        weight, bias = weights[3 * number : 3 * number + 2]
        wide = nn.functional.conv_transpose2d(x, weight, bias, stride)
        rows, columns = stride * x.shape[2], stride * x.shape[3]
        x = nn.functional.pad(wide, (0, 1, 0, 1), value=0)[:, :, 2 : 2 + rows, 2 : 2 + columns]
        x = x.sigmoid() if number == 4 else torch.where(x > 0, x, weights[3 * number + 2] * x)
    torch.testing.assert_close(network.decoder(sent), x)


@pytest.mark.parametrize(
    "channel",
    [awgn.AWGN(), fading.Rayleigh(csi="receiver"), fading.Rayleigh(csi="none")],
    ids=["awgn", "csi", "no_csi"],
)
def test_gradients_pass_the_channel(channel):
    torch.manual_seed(0)
    network = DeepJSCC(3, (8, 8), 8)
    images = torch.rand(4, 3, 8, 8)
    back = network(images, channel, snr.n0_from_db(10.0), torch.Generator().manual_seed(0))
    (back - images).square().mean().backward()
    convolutions = [p for p in network.parameters() if p.ndim == 4]
    assert len(convolutions) == 10
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in convolutions)


def test_an_image_is_encoded_once_for_several_draws():
    torch.manual_seed(0)
    network = DeepJSCC(1, (8, 8), 4)
    sent = network.encoder(torch.rand(3, 1, 8, 8))
    n0 = snr.n0_from_db(torch.tensor([0.0, 20.0])).view(2, 1, 1, 1)
    received = awgn.awgn(sent.expand(2, 5, 3, 4), n0, torch.Generator().manual_seed(1))
    images = network.decoder(received)
    assert images.shape == (2, 5, 3, 1, 8, 8)
    torch.testing.assert_close(images[1, 4], network.decoder(received[1, 4]))


def test_what_is_learnt_at_a_good_snr_holds_there_and_fades_slowly():
    """Smooth images: training gains much over the mean image; the error falls with the SNR, and no cliff."""
    torch.manual_seed(0)
    draws = torch.Generator().manual_seed(0)
    colours = torch.rand(32, 3, 2, 2, generator=draws)
    images = nn.functional.interpolate(colours, (8, 8), mode="bilinear", align_corners=True)
    network = DeepJSCC(3, (8, 8), 16)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(120):
        optimiser.zero_grad()
        (network(images, awgn.AWGN(), 0.1, draws) - images).square().mean().backward()
        optimiser.step()
    with torch.no_grad():
        errors = [
            (network(images, awgn.AWGN(), snr.n0_from_db(db), draws) - images).square().mean().item()
            for db in (0.0, 5.0, 10.0, 20.0)
        ]
    spread = (images - images.mean((0, 2, 3), keepdim=True)).square().mean().item()
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.6 * spread
    assert errors[0] < spread


def test_what_does_not_fit_is_named():
    with pytest.raises(SemcomError, match="500 channel uses .* multiples of 32, such as 480 or 512"):
        Encoder(3, (32, 32), 500)
    with pytest.raises(SemcomError, match="multiples of 49, such as 98 or 147"):
        Decoder(1, (28, 28), 100)  # 7×7 places: an odd number pairs up with itself only
    with pytest.raises(SemcomError, match="multiples of 32, such as 32 or 64"):
        filters((32, 32), 0)
    with pytest.raises(SemcomError, match=r"30×32 pixels cannot be halved twice; take .* multiples of 4"):
        DeepJSCC(3, (30, 32), 64)
    with pytest.raises(SemcomError, match=r"images of \(3, 32, 64\) .* made for \(3, 32, 32\)"):
        Encoder(3, (32, 32), 512)(torch.zeros(1, 3, 32, 64))
