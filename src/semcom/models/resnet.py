"""ResNet-18 of any width, with a stem that suits small images."""

from math import ceil
from typing import Any

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet

from semcom.params.ranges import Positive


class ResNet18(ResNet):  # type: ignore[misc]  # torchvision has no types
    """ResNet-18 (He et al. 2016, table 1) on torchvision's blocks, random initialisation, without classifier.

        (N, C, H, W) ─► stem ─► 4 stages of 2 basic blocks ─► global average pool ─► (N, dim)

    From 128 pixels on the stem is the original one (7×7, stride 2, max pool). Smaller images get 3×3,
    stride 2 and the max pool; where the last map would be under 2×2, first the pool and then the stride
    is left out.

    Args:
        channels: C, 3 for colour, 1 for depth.
        size: width and height of the images in pixels.
        width_mult: factor on the number of filters; 1 gives 64, 128, 256, 512 and `dim` = 512.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, width_mult: Positive = 1.0) -> None:
        self.width_mult = width_mult
        super().__init__(BasicBlock, [2, 2, 2, 2])
        width, side = max(1, round(64 * width_mult)), min(size)
        if side >= 128:
            self.conv1 = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
        else:
            stride = 2 if ceil(side / 16) >= 2 else 1
            self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
            if ceil(side / 32) < 2:
                self.maxpool = nn.Identity()
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.bn1 = nn.BatchNorm2d(width)
        self.dim = self.inplanes
        self.fc = nn.Identity()

    def _make_layer(self, block: Any, planes: int, blocks: int, stride: int = 1, dilate: bool = False) -> Any:
        if planes == 64:
            self.inplanes = max(1, round(64 * self.width_mult))
        return super()._make_layer(block, max(1, round(planes * self.width_mult)), blocks, stride, dilate)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, dim) of images (N, C, H, W)."""
        features: Tensor = super().forward(x)
        return features
