"""A mentor that takes its time, so that a test can stop it midway."""

import os
import time
from typing import Literal

from torch import Tensor

from semcom.models.mentor_lite0 import Lite0
from semcom.params.ranges import NonNegativeInt, Pixels


class Slow(Lite0):
    """EfficientNet-Lite0, a batch in half a second or more."""

    def __init__(
        self,
        *,
        weights: str = "imagenet",
        size: tuple[Pixels, Pixels] = (96, 96),
        interpolation: Literal["bicubic", "bilinear"] = "bicubic",
        seed: NonNegativeInt = 0,
    ) -> None:
        super().__init__(weights=weights, size=size, interpolation=interpolation, seed=seed)

    def forward(self, images: Tensor) -> Tensor:
        if "QUICK" not in os.environ:
            time.sleep(0.5)
        return super().forward(images)
