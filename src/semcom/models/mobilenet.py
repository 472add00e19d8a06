"""MobileNetV2 of any width, for devices that compute little."""

from collections.abc import Iterator
from math import ceil

from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from semcom.models.layout import IMAGENET, Layout
from semcom.params.ranges import Width


class MobileNetV2(nn.Module):
    """MobileNetV2 (Sandler et al. 2018, table 2) of torchvision, random initialisation, without classifier.

        (N, C, H, W) ─► inverted residuals ─► global average pool ─► (N, dim)

    Args:
        channels: C, 3 for colour, 1 for depth.
        size: width and height of the images in pixels; where the last map would be under 2×2,
            the first convolution has stride 1.
        width_mult: factor on the number of filters, at most 8; `dim` stays 1280 up to a width of 1.
    """

    layout = Layout("features.0.0.weight", "classifier.", *IMAGENET)

    def __init__(self, channels: int, size: tuple[int, int], *, width_mult: Width = 1.0) -> None:
        super().__init__()
        network = mobilenet_v2(weights=None, width_mult=width_mult)
        first = network.features[0][0]
        stride = 2 if ceil(min(size) / 32) >= 2 else 1
        network.features[0][0] = nn.Conv2d(
            channels, first.out_channels, 3, stride=stride, padding=1, bias=False
        )
        nn.init.kaiming_normal_(network.features[0][0].weight, mode="fan_out")
        self.features = network.features
        self.dim: int = network.last_channel

    def maps(self, x: Tensor) -> Iterator[Tensor]:
        """The maps (N, filters, h, w) of the layers, as they come, of images (N, C, H, W)."""
        for layer in self.features:
            x = layer(x)
            yield x

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, dim) of images (N, C, H, W)."""
        *_, last = self.maps(x)
        return last.mean(dim=(2, 3))
