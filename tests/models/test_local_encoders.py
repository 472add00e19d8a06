"""The three local encoders beside the mentor: unlike in kind, smaller, and cheaper at the sizes used."""

import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v3_small

from semcom.models import BACKBONES
from semcom.models.cost import multiply_adds
from semcom.models.efficientnet import EfficientNetLite0
from semcom.models.mobilenet_v3 import MobileNetV3Small
from semcom.params.component import build
from semcom.training.randomness import seeded

MENTOR_SIZE = (96, 96)
LOCAL = {
    "mobilenet_v3_small": {"use": "mobilenet_v3_small"},
    "resnet18_half": {"use": "resnet18", "width_mult": 0.5},
    "vit": {"use": "vit"},
}
# Parameters, and multiply-adds of a frame of each size, in thousands.
TABLE = {
    "mobilenet_v3_small": (927, {(32, 32): 4_903, (28, 28): 4_560}),
    "resnet18_half": (2_795, {(32, 32): 34_824, (28, 28): 30_594}),
    "vit": (454, {(32, 32): 33_325, (28, 28): 24_668}),
}


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def cost(net: nn.Module, size: tuple[int, int]) -> int:
    return multiply_adds(net, torch.zeros(1, 3, size[1], size[0]))


def test_the_mentor_costs_what_the_local_ones_are_measured_against() -> None:
    mentor = EfficientNetLite0(3, MENTOR_SIZE)
    assert (parameters(mentor), cost(mentor, MENTOR_SIZE)) == (3_371_008, 70_513_632)


@pytest.mark.parametrize("name", LOCAL)
def test_each_is_smaller_than_the_mentor_and_takes_at_most_half_its_multiply_adds(name) -> None:
    mentor = EfficientNetLite0(3, MENTOR_SIZE)
    thousands, at = TABLE[name]
    for size, expected in at.items():
        net = build(BACKBONES, LOCAL[name], 3, size)
        assert round(parameters(net) / 1000) == thousands
        assert round(cost(net, size) / 1000) == expected
        assert parameters(net) < parameters(mentor)
        assert cost(net, size) <= cost(mentor, MENTOR_SIZE) / 2


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize(("channels", "size"), [(3, (32, 32)), (3, (28, 28)), (1, (64, 48)), (3, (16, 16))])
def test_each_takes_images_of_any_size_used_and_learns_on_them(name, channels, size) -> None:
    """Finite features that tell images apart, and a gradient for every weight."""
    with seeded(0, "test"):
        net = build(BACKBONES, LOCAL[name], channels, size)
        x = torch.randn(8, channels, size[1], size[0])
    features = net(x)
    assert features.shape == (8, net.dim)
    assert features.std(0).mean() > 1e-3
    features.square().sum().backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key


@pytest.mark.parametrize("size", [(224, 224), (64, 48), (32, 32), (28, 28), (16, 16)])
def test_the_last_map_of_mobilenet_v3_is_at_least_two_by_two(size: tuple[int, int]) -> None:
    net = MobileNetV3Small(3, size, width_mult=0.5).eval()
    shapes = []
    net.features[-1].register_forward_hook(lambda _m, _i, out: shapes.append(out.shape[-2:]))
    net(torch.randn(1, 3, size[1], size[0]))
    assert min(shapes[0]) >= 2


def test_mobilenet_v3_at_64_is_torchvisions_without_classifier() -> None:
    ours, theirs = MobileNetV3Small(3, (64, 64)), mobilenet_v3_small(weights=None)
    theirs.classifier = nn.Identity()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))
    assert ours.dim == 576
