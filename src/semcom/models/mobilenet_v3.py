"""MobileNetV3-small of any width, the lightest of the convolutional backbones."""

from collections.abc import Iterator
from math import ceil

from torch import Tensor, nn
from torchvision.models import mobilenet_v3_small

from semcom.models.layout import IMAGENET, Layout
from semcom.params.ranges import Width

STRIDED = (("0",), ("1", "block", "0"), ("2", "block", "1"))
"""The first three convolutions of stride 2, in their order; the other two lie deep inside."""


class MobileNetV3Small(nn.Module):
    """MobileNetV3-small (Howard et al. 2019, table 2) of torchvision, random, without classifier.

        (N, C, H, W) ─► stem ─► 11 inverted residuals ─► 1×1, 576 ─► global average pool ─► (N, dim)

    Its five strides make one value of 32×32 pixels. Where the last map would be under 2×2, strides are left
    out from the first one on: one at 32 pixels, two at 16.

    Args:
        channels: C, 3 for colour, 1 for depth.
        size: width and height of the images in pixels.
        width_mult: factor on the number of filters, at most 8; `dim` is 576 at a width of 1.
    """

    layout = Layout("features.0.0.weight", "classifier.", *IMAGENET)

    def __init__(self, channels: int, size: tuple[int, int], *, width_mult: Width = 1.0) -> None:
        super().__init__()
        network = mobilenet_v3_small(weights=None, width_mult=width_mult)
        self.features = network.features
        first = self.features[0][0]
        self.features[0][0] = nn.Conv2d(channels, first.out_channels, 3, stride=2, padding=1, bias=False)
        nn.init.kaiming_normal_(self.features[0][0].weight, mode="fan_out")
        for left_out, place in enumerate(STRIDED):
            if ceil(min(size) / 2 ** (5 - left_out)) < 2:
                convolution = self.features.get_submodule(".".join((*place, "0")))
                assert isinstance(convolution, nn.Conv2d)
                convolution.stride = (1, 1)
        self.dim: int = self.features[-1].out_channels

    def maps(self, x: Tensor) -> Iterator[Tensor]:
        """The maps (N, filters, h, w) of the layers, as they come, of images (N, C, H, W)."""
        for layer in self.features:
            x = layer(x)
            yield x

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, dim) of images (N, C, H, W)."""
        *_, last = self.maps(x)
        return last.mean(dim=(2, 3))
