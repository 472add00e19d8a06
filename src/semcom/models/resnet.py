"""ResNet-18 of any width, with a stem that suits small images.

Parameters have torchvision's names and shapes, so that at full width its weights load. It is not built on
torchvision because importing that takes 1.6 CPU-seconds, and every job of a study would pay them.
"""

from collections.abc import Iterator
from math import ceil
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from semcom.models.layout import IMAGENET, Layout
from semcom.params.ranges import Width


class Block(nn.Module):
    """Two 3×3 convolutions beside a shortcut (He et al. 2016, figure 2).

    Args:
        channels: of the input.
        filters: of the output.
        stride: of the first convolution and of the shortcut.
    """

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels != filters:
            shortcut = nn.Conv2d(channels, filters, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(filters))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, filters, H/stride, W/stride)."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x), inplace=True)


class ResNet18(nn.Module):
    """ResNet-18 (He et al. 2016, table 1), random initialisation, without classifier.

        (N, C, H, W) ─► stem ─► 4 stages of 2 blocks ─► global average pool ─► (N, dim)

    From 128 pixels on the stem is the original one (7×7, stride 2, max pool). Smaller images get 3×3,
    stride 2 and the max pool; where the last map would be under 2×2, first the pool and then the stride
    is left out. With `stem="original"` it is the original one at any size, which published weights need.

    Args:
        channels: C, 3 for colour, 1 for depth.
        size: width and height of the images in pixels.
        width_mult: factor on the number of filters, at most 8; 1 gives 64, 128, 256, 512 and `dim` = 512.
        stem: `by_size`, or the `original` one.
    """

    layout = Layout("conv1.weight", "fc.", *IMAGENET)

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        *,
        width_mult: Width = 1.0,
        stem: Literal["by_size", "original"] = "by_size",
    ) -> None:
        super().__init__()
        filters = [max(1, round(f * width_mult)) for f in (64, 128, 256, 512)]
        side = min(size)
        original = stem == "original" or side >= 128
        kernel, stride = (7, 2) if original else (3, 2 if ceil(side / 16) >= 2 else 1)
        self.conv1 = nn.Conv2d(channels, filters[0], kernel, stride=stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(filters[0])
        self.maxpool = (
            nn.MaxPool2d(3, stride=2, padding=1) if original or ceil(side / 32) >= 2 else nn.Identity()
        )
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(Block(before, after, stride), Block(after, after, 1))
            for before, after, stride in zip([filters[0], *filters], filters, (1, 2, 2, 2), strict=False)
        )
        self.dim = filters[-1]
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def maps(self, x: Tensor) -> Iterator[Tensor]:
        """The maps (N, filters, h, w) of the stages, as they come, of images (N, C, H, W)."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(x)), inplace=True))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            yield x

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, dim) of images (N, C, H, W)."""
        *_, last = self.maps(x)
        return last.mean(dim=(2, 3))
