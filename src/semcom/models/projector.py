"""The projector of self-supervised pre-training."""

from collections.abc import Sequence

from torch import nn


def projector(features: int, widths: Sequence[int]) -> nn.Sequential:
    """Linear layers without bias, BatchNorm and ReLU between them (Zbontar et al. 2021, section 2.2).

    Args:
        features: width of the backbone's features.
        widths: widths of the layers; the last is the embedding's dimension.
    """
    layers: list[nn.Module] = []
    for width in widths[:-1]:
        layers += [nn.Linear(features, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True)]
        features = width
    return nn.Sequential(*layers, nn.Linear(features, widths[-1], bias=False))
