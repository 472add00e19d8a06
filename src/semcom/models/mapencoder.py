"""A local encoder as the encoder of a VQ-VAE: its last map of the size that is sent.

image (3, H, W) ─► backbone, up to its last map of h×w ─► 1×1 convolution ─► map (dim, h, w)
"""

from typing import Self

import torch
from torch import Tensor, nn

from semcom.files.errors import SemcomError
from semcom.frames.images import scaled
from semcom.models.encoder import Encoders
from semcom.params.sections import Encoder


class MapEncoder(nn.Module):
    """A backbone as far as it is needed, at random initialisation (`local.load_backbone` gives weights).

    Args:
        size: width and height of the images in pixels.
        encoder: backbone and precision.
        maps: width and height of the map.
        dim: of a vector of the map.
        frozen: whether only the convolution behind the backbone trains; BatchNorm then keeps its statistics.

    Raises:
        SemcomError: the backbone makes no map of this size.
    """

    def __init__(
        self, size: tuple[int, int], encoder: Encoder, maps: tuple[int, int], dim: int, *, frozen: bool
    ) -> None:
        super().__init__()
        self.encoders = Encoders(("rgb",), size, encoder).requires_grad_(not frozen)
        self.frozen = frozen
        with torch.no_grad():
            self.place, filters = _last(self.encoders.eval(), torch.zeros(1, 3, size[1], size[0]), maps)
        self.project = nn.Conv2d(filters, dim, 1)
        self.train()

    def train(self, mode: bool = True) -> Self:
        """As ever, but for a frozen backbone, which stays in evaluation."""
        super().train(mode)
        self.encoders.train(mode and not self.frozen)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Maps (N, dim, h, w) of images (N, 3, H, W) in 0…1."""
        maps: Tensor = self.project(self.encoders.map_at(scaled(images)["rgb"], self.place))
        return maps


def _last(encoders: Encoders, image: Tensor, size: tuple[int, int]) -> tuple[int, int]:
    """Where the last map of a size comes, and its filters.

    Raises:
        SemcomError: there is none.
    """
    made = encoders.map_sizes(image)
    if size not in made:
        name, known = type(encoders.backbones["rgb"]).__name__, [f"{w}×{h}" for w, h in dict.fromkeys(made)]
        raise SemcomError(
            f"the backbone {name} makes no map of {size[0]}×{size[1]} of images of {image.shape[3]}×"
            f"{image.shape[2]} pixels, only of {', '.join(known)}; take other halvings, or another encoder"
        )
    place = len(made) - 1 - made[::-1].index(size)
    return place, encoders.map_at(image, place).shape[1]
