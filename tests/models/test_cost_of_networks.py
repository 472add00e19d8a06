import torch
from torch import nn

from semcom.models.cost import multiply_adds
from semcom.models.resnet import ResNet18


def test_convolutions_and_linear_layers_are_counted() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=4),
        nn.Flatten(),
        nn.Linear(8 * 4 * 4, 5),
    )
    net.train()
    count = multiply_adds(net, torch.zeros(2, 3, 8, 8))
    # two frames: 4x4 positions of 8 channels from 27 inputs, of 8 from 2 channels of 9, and 5 from 128
    assert count == 2 * (16 * 8 * 27 + 16 * 8 * 18 + 5 * 128)
    assert net.training
    assert not any(layer._forward_hooks for layer in net)


def test_resnet18_at_224_has_its_1_8_billion() -> None:
    count = multiply_adds(ResNet18(3, (224, 224)), torch.zeros(1, 3, 224, 224))
    assert 1.7e9 < count < 1.9e9
