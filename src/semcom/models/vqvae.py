"""VQ-VAE for images (van den Oord et al. 2017, arXiv 1711.00937): a map of indices, and back.

    image (C, H, W) ─► convolutions, halving ─► map (dim, H/4, W/4) ─► nearest codes ─► indices (H/4 · W/4)
    indices ─► codes ─► transposed convolutions ─► image

Layers as in the usual code for CIFAR-10 (papers.md 3.4): 4×4 convolutions of stride 2, residual blocks, no
normalisation. An image's indices are sent as bits, `quantise.bits` or `quantise.entropy`; the receiver has
codebook and decoder.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semcom.files.errors import SemcomError
from semcom.params.mapsize import map_size as map_size
from semcom.params.ranges import Fraction, NonNegative, NonNegativeInt, PositiveInt
from semcom.quantise.vq import VectorQuantiser

GREY = 0.5
"""Is taken off pixels before the network, and added after it."""


class Reconstructed(NamedTuple):
    """What training sees.

    Attributes:
        images: (N, C, H, W), not clipped to 0…1.
        indices: (N, places) int64.
        loss: scalar, the quantiser's; the error of `images` is to be added.
    """

    images: Tensor
    indices: Tensor
    loss: Tensor


class Residual(nn.Module):
    """ReLU, 3×3, ReLU, 1×1, beside a shortcut.

    Args:
        width: of the map.
        hidden: between the two convolutions.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, hidden, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(hidden, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to the same."""
        change: Tensor = self.conv2(F.relu(self.conv1(F.relu(x))))
        return x + change


def plain_encoder(
    channels: int, dim: int, *, width: int, hidden: int, blocks: int, halvings: int
) -> nn.Sequential:
    """From images (N, channels, H, W) to maps (N, dim, H / 2^halvings, W / 2^halvings)."""
    widths = [channels, *_widths(width, halvings)]
    layers: list[nn.Module] = []
    for before, after in zip(widths, widths[1:], strict=False):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.ReLU()]
    residual = [Residual(width, hidden) for _ in range(blocks)]
    layers += [nn.Conv2d(width, width, 3, padding=1), *residual, nn.ReLU(), nn.Conv2d(width, dim, 1)]
    return nn.Sequential(*layers)


def decoder(channels: int, dim: int, *, width: int, hidden: int, blocks: int, halvings: int) -> nn.Sequential:
    """From maps (N, dim, h, w) to images (N, channels, h · 2^halvings, w · 2^halvings)."""
    widths = [*reversed(_widths(width, halvings)), channels]
    layers: list[nn.Module] = [nn.Conv2d(dim, width, 3, padding=1)]
    layers += [*(Residual(width, hidden) for _ in range(blocks)), nn.ReLU()]
    for before, after in zip(widths, widths[1:], strict=False):
        layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class VQVAE(nn.Module):
    """Encoder, codebook, decoder.

    Args:
        channels: C of the images.
        size: width and height in pixels, multiples of 2^halvings.
        codes: K; a power of two for indices of fixed length.
        dim: of a code.
        width: filters of the larger convolutions; the first of several halvings has half of them.
        hidden: filters inside a residual block.
        blocks: residual blocks, in encoder and decoder each.
        halvings: of width and height: 2 make 8×8 indices of 32×32 pixels.
        decay: of the codes' moving averages.
        commitment: weight of the commitment loss.
        dead_below: see `VectorQuantiser`.
        encoder: in place of the network's own: from images (N, channels, H, W) in 0…1 to maps (N, dim,
            H / 2^halvings, W / 2^halvings).

    Raises:
        SemcomError: the size cannot be halved so often.
    """

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        *,
        codes: PositiveInt = 512,
        dim: PositiveInt = 64,
        width: PositiveInt = 128,
        hidden: PositiveInt = 32,
        blocks: NonNegativeInt = 2,
        halvings: PositiveInt = 2,
        decay: Fraction = 0.99,
        commitment: NonNegative = 0.25,
        dead_below: Fraction = 0.1,
        encoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.map = map_size(size, halvings)
        form = {"width": width, "hidden": hidden, "blocks": blocks, "halvings": halvings}
        self.shift = 0.0 if encoder else GREY
        self.encoder = encoder or plain_encoder(channels, dim, **form)
        self.quantiser = VectorQuantiser(
            codes, dim, decay=decay, commitment=commitment, dead_below=dead_below
        )
        self.decoder = decoder(channels, dim, **form)

    @property
    def places(self) -> int:
        """Indices an image."""
        return self.map[0] * self.map[1]

    def latent(self, images: Tensor) -> Tensor:
        """Vectors (N, places, dim), row by row of the map, of images (N, C, H, W) in 0…1.

        Raises:
            SemcomError: images of another size.
        """
        maps = self.encoder(images - self.shift)
        if maps.shape[-2:] != self.map[::-1]:
            raise SemcomError(
                f"images of {images.shape[-1]}×{images.shape[-2]} pixels give {maps.shape[-1]}×"
                f"{maps.shape[-2]} indices, the network is for {self.map[0]}×{self.map[1]}"
            )
        vectors: Tensor = maps.float().flatten(2).transpose(1, 2)
        return vectors

    def start(self, images: Tensor, *, seed: int) -> None:
        """Give the codebook its first values, from images (N, C, H, W); see `VectorQuantiser.start`."""
        with torch.no_grad():
            self.quantiser.start(self.latent(images), seed=seed)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Reconstructed:
        """Images (N, C, H, W) in 0…1 through the codebook, which in training mode follows them."""
        found = self.quantiser(self.latent(images), generator)
        return Reconstructed(self._image(found.vectors), found.indices, found.loss)

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Indices (N, places) of images (N, C, H, W) in 0…1: what is sent."""
        return self.quantiser.encode(self.latent(images))

    @torch.no_grad()
    def decode(self, indices: Tensor) -> Tensor:
        """Images (…, C, H, W) clipped to 0…1 of indices (…, places) as they arrived."""
        codes = self.quantiser.decode(indices)
        images = self._image(codes.flatten(0, -3)).clamp(0, 1)
        return images.view(*indices.shape[:-1], *images.shape[1:])

    def _image(self, vectors: Tensor) -> Tensor:
        maps = vectors.transpose(1, 2).unflatten(2, (self.map[1], self.map[0]))
        images: Tensor = self.decoder(maps).float() + GREY
        return images


def _widths(width: int, halvings: int) -> list[int]:
    return [max(width // 2, 1) if halvings > 1 else width, *[width] * (halvings - 1)]
