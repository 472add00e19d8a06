"""A local encoder's last map of a size, in place of a VQ-VAE's encoder."""

import pytest
import torch
from torch import nn

from semcom.files.errors import SemcomError
from semcom.frames.images import scaled
from semcom.models import BACKBONES
from semcom.models.encoder import Encoders
from semcom.models.mapencoder import MapEncoder
from semcom.models.vqvae import VQVAE
from semcom.params.component import build
from semcom.params.sections import Encoder
from semcom.training.randomness import seeded

SIZE = (48, 32)
RESNET = Encoder(backbone={"use": "resnet18", "width_mult": 0.125})
CONVOLUTIONAL = ("efficientnet_lite0", "mobilenet_v2", "mobilenet_v3_small", "resnet18")


def images(count: int = 4) -> torch.Tensor:
    return torch.rand(count, 3, SIZE[1], SIZE[0], generator=torch.Generator().manual_seed(0))


def encoder(network: Encoder = RESNET, maps: tuple[int, int] = (12, 8), **options: bool) -> MapEncoder:
    with seeded(0, "test"):
        return MapEncoder(SIZE, network, maps, 5, **({"frozen": True} | options))


@pytest.mark.parametrize("name", BACKBONES)
def test_features_are_the_mean_of_the_last_map(name):
    backbone = build(BACKBONES, {"use": name}, 3, SIZE).eval()
    *before, last = backbone.maps(images())
    torch.testing.assert_close(last.mean((2, 3)), backbone(images()))
    assert last.shape[1] == backbone.dim
    sides = [tuple(maps.shape[-2:]) for maps in (*before, last)]
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_the_last_of_several_maps_of_a_size_is_taken(name):
    network = encoder(Encoder(backbone={"use": name})).eval()
    views = scaled(images())["rgb"]
    *_, last = (m for m in network.encoders.backbones["rgb"].maps(views) if m.shape[-1] == 12)
    assert last.shape[-2:] == (8, 12)
    torch.testing.assert_close(network(images()), network.project(last))


def test_a_vit_has_one_map_in_the_order_of_its_patches():
    encoders = Encoders(("rgb",), SIZE, Encoder(backbone={"use": "vit", "patch": 8})).eval()
    maps = encoders.map_at(images(), 0)
    assert encoders.map_sizes(images()) == [(6, 4)]
    tokens = encoders.backbones["rgb"].tokens(images())
    torch.testing.assert_close(maps[:, :, 1, 2], tokens[:, 6 + 2])


def test_layers_behind_the_map_do_not_run():
    network = encoder()
    ran: list[str] = []
    backbone = network.encoders.backbones["rgb"]
    for name in ("layer2", "layer3", "layer4"):
        backbone.get_submodule(name).register_forward_hook(lambda *_, name=name: ran.append(name))
    assert network(images()).shape == (4, 5, 8, 12)
    assert ran == ["layer2"]


def test_a_frozen_backbone_stays_bit_by_bit_as_it_was_and_another_trains():
    for frozen in (True, False):
        network = encoder(frozen=frozen).train()
        before = {key: value.clone() for key, value in network.state_dict().items()}
        optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
        network(images()).square().sum().backward()
        optimiser.step()
        changed = {key for key, value in network.state_dict().items() if not torch.equal(value, before[key])}
        assert {"project.weight", "project.bias"} <= changed
        inside = {key for key in changed if key.startswith("encoders")}
        assert inside == set() if frozen else {"layer1", "layer2"} <= {key.split(".")[3] for key in inside}
        assert not any("layer3" in key for key in changed)


def test_a_vqvae_quantises_that_map():
    with seeded(0, "test"):
        network = VQVAE(3, SIZE, codes=8, dim=5, width=8, hidden=4, encoder=encoder())
    network.start(images(), seed=0)
    network.eval()
    torch.testing.assert_close(network.latent(images()), network.encoder(images()).flatten(2).mT)
    sent = network.encode(images())
    assert sent.shape == (4, 96)
    assert network.decode(sent).shape == images().shape


def test_a_map_that_nobody_makes_is_refused():
    with pytest.raises(
        SemcomError,
        match=r"ResNet18 makes no map of 24×15 of images of 48×32 pixels, only of 24×16, 12×8, 6×4, 3×2;",
    ):
        encoder(maps=(24, 15))
    encoders = Encoders(("rgb",), SIZE, RESNET)
    encoders.backbones["rgb"] = nn.Identity()
    with pytest.raises(SemcomError, match="the backbone Identity does not show its maps; give it a method `"):
        encoders.map_sizes(images())
