import io

import numpy as np
import pytest
import torch
from torch import nn

from semcom.files.errors import SemcomError
from semcom.models.vqvae import VQVAE, map_size
from semcom.quantise.bits import from_bits, to_bits

SMALL = {"codes": 16, "dim": 4, "width": 16, "hidden": 8, "blocks": 1}


def smooth(count: int, size: tuple[int, int], channels: int = 3, seed: int = 0) -> torch.Tensor:
    colours = torch.rand(count, channels, 2, 2, generator=torch.Generator().manual_seed(seed))
    return nn.functional.interpolate(colours, size[::-1], mode="bilinear", align_corners=True)


def test_parameters_are_those_of_the_usual_network():
    """128 filters, 2 residual blocks of 32, codes of 64 (papers.md 3.4), counted layer by layer."""
    halving = (48 * 64 + 64) + (16 * 64 * 128 + 128)
    residual = 2 * (9 * 128 * 32 + 32 * 128)
    encoder = halving + (9 * 128 * 128 + 128) + residual + (128 * 64 + 64)
    decoder = (9 * 64 * 128 + 128) + residual + (16 * 128 * 64 + 64) + (16 * 64 * 3 + 3)
    network = VQVAE(3, (32, 32))
    assert sum(p.numel() for p in network.encoder.parameters()) == encoder
    assert sum(p.numel() for p in network.parameters()) == encoder + decoder == 662_083
    assert network.quantiser.codebook.shape == (512, 64)
    assert network.places == 64


@pytest.mark.parametrize(
    ("channels", "size", "halvings", "places"),
    [(3, (32, 32), 2, 64), (1, (28, 28), 2, 49), (3, (96, 72), 3, 108), (3, (10, 6), 1, 15)],
)
def test_any_size_that_can_be_halved(channels, size, halvings, places):
    torch.manual_seed(0)
    network = VQVAE(channels, size, halvings=halvings, **SMALL)
    images = smooth(4, size, channels)
    network.start(images, seed=0)
    out = network(images)
    assert network.places == places
    assert out.indices.shape == (4, places)
    assert out.images.shape == images.shape
    network.eval()
    indices = network.encode(images)
    back = network.decode(indices)
    assert torch.equal(back, network(images).images.clamp(0, 1))
    assert torch.equal(network.decode(indices.expand(2, 4, places))[1], back)


def test_indices_lie_as_the_map_does():
    """A change of the last corner changes indices of the last rows and columns only."""
    torch.manual_seed(0)
    network = VQVAE(3, (64, 32), **SMALL).eval()
    images = smooth(40, (64, 32))
    network.start(images, seed=0)
    changed = images.clone()
    changed[:, :, -8:, -8:] = 1 - changed[:, :, -8:, -8:]
    unlike = (network.encode(images) != network.encode(changed)).any(0).view(8, 16)
    rows, columns = torch.nonzero(unlike, as_tuple=True)
    assert len(rows) > 0
    assert rows.min() >= 2  # two 3×3 layers and the strides' reach: at most 4 places around
    assert columns.min() >= 10


def test_training_lowers_the_error_and_uses_the_codes():
    torch.manual_seed(0)
    images = smooth(64, (8, 8))
    network = VQVAE(3, (8, 8), **(SMALL | {"codes": 64}))
    network.start(images, seed=0)
    optimiser, draws = torch.optim.Adam(network.parameters(), lr=3e-3), torch.Generator().manual_seed(0)
    for step in range(300):
        if step == 275:
            network.quantiser.begin_epoch()
        optimiser.zero_grad()
        out = network(images, draws)
        (nn.functional.mse_loss(out.images, images) / images.var() + out.loss).backward()
        optimiser.step()
    network.eval()
    error = (network.decode(network.encode(images)) - images).square().mean()
    assert error < 0.2 * images.var()
    assert network.quantiser.usage().used > 0.8


def test_bits_of_indices_carry_the_image():
    torch.manual_seed(0)
    network = VQVAE(3, (16, 16), **SMALL).eval()
    images = smooth(8, (16, 16))
    network.start(images, seed=0)
    indices = network.encode(images)
    bits = to_bits(indices, width=4)
    assert bits.shape == (8, 4 * network.places)
    assert np.array_equal(from_bits(bits, width=4), indices)


def test_saved_and_loaded_it_sends_the_same():
    torch.manual_seed(0)
    network, other = VQVAE(3, (16, 16), **SMALL), VQVAE(3, (16, 16), **SMALL)
    images = smooth(8, (16, 16))
    network.start(images, seed=0)
    network.train()(images)
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert torch.equal(other.encode(images), network.encode(images))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.eval()(images)
    network.decode(network.encode(images))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_what_does_not_fit_is_named():
    with pytest.raises(SemcomError, match="30×32 pixels cannot be halved 2 times; .* such as 32×32"):
        VQVAE(3, (30, 32))
    assert map_size((30, 32), 1) == (15, 16)
    network = VQVAE(3, (16, 16), **SMALL)
    with pytest.raises(SemcomError, match=r"give 8×4 indices, the network is for 4×4"):
        network.encode(torch.zeros(1, 3, 16, 32))
    with pytest.raises(SemcomError, match="15 vectors|16 vectors cannot start a codebook of 512"):
        VQVAE(3, (16, 16)).start(torch.rand(1, 3, 16, 16), seed=0)
