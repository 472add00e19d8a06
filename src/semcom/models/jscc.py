"""DeepJSCC (Bourtsoulatze et al. 2019, arXiv 1809.01733): images straight to symbols, and back.

    image (C, H, W) ─► 5 convolutions ─► c maps of H/4 × W/4 = 2k reals ─► k symbols of power 1
    k symbols as received ─► 5 transposed convolutions ─► image

The small network of the first paper, 16 and 32 filters, not the larger ones that later papers call by the
same name. k = c·(H/4)·(W/4)/2 complex channel uses an image: 32·c for 32×32. Two public re-implementations
agree on it; padding is two pixels to every side, so that maps are halved exactly (one that did not do so lost
5 dB).
"""

import torch
from torch import Tensor, nn

from semcom.channel import power, symbols
from semcom.files.errors import SemcomError
from semcom.models.analog import Analog, over
from semcom.params.mapsize import SHRINK
from semcom.params.mapsize import filters as filters
from semcom.params.protocols import Channel


class Encoder(nn.Module):
    """Five 5×5 convolutions, each with a PReLU of one slope, then the power constraint image by image.

    Args:
        channels: C of the images.
        size: width and height in pixels, multiples of 4.
        channel_uses: k an image, see `filters`.

    Raises:
        SemcomError: `size` or `channel_uses` cannot be had.
    """

    def __init__(self, channels: int, size: tuple[int, int], channel_uses: int) -> None:
        super().__init__()
        maps = filters(size, channel_uses)
        self.channels, self.size = channels, size
        widths = [channels, 16, 32, 32, 32, maps]
        layers: list[nn.Module] = []
        for before, after, stride in zip(widths, widths[1:], (2, 2, 1, 1, 1), strict=False):
            layers += [nn.Conv2d(before, after, 5, stride=stride, padding=2), nn.PReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Symbols (N, k), complex, each image's of average power 1, of images (N, C, H, W) in 0…1.

        Raises:
            SemcomError: images of another size.
        """
        wanted = (self.channels, self.size[1], self.size[0])
        if images.shape[1:] != wanted:
            raise SemcomError(
                f"images of {tuple(images.shape[1:])} (channels, height, width) for a network made for "
                f"{wanted}: their symbols would be another number"
            )
        return power.normalise(symbols.to_complex(self.layers(images).float().flatten(1)))


class Decoder(nn.Module):
    """The encoder's mirror: five transposed convolutions, PReLU between them, a sigmoid at the end.

    Args:
        channels: C of the images.
        size: width and height in pixels, multiples of 4.
        channel_uses: k an image, see `filters`.

    Raises:
        SemcomError: `size` or `channel_uses` cannot be had.
    """

    def __init__(self, channels: int, size: tuple[int, int], channel_uses: int) -> None:
        super().__init__()
        maps = filters(size, channel_uses)
        self.shape = (maps, size[1] // SHRINK, size[0] // SHRINK)
        widths = [maps, 32, 32, 32, 16, channels]
        layers: list[nn.Module] = []
        for before, after, stride in zip(widths, widths[1:], (1, 1, 1, 2, 2), strict=False):
            layers.append(
                nn.ConvTranspose2d(before, after, 5, stride=stride, padding=2, output_padding=stride - 1)
            )
            layers.append(nn.PReLU())
        self.layers = nn.Sequential(*layers[:-1], nn.Sigmoid())

    def forward(self, received: Tensor) -> Tensor:
        """Images (…, C, H, W) in 0…1 of symbols as received, (…, k) complex: of several draws, say."""
        maps = symbols.to_real(received).reshape(-1, *self.shape)
        images: Tensor = self.layers(maps).float()
        return images.view(*received.shape[:-1], *images.shape[1:])


class DeepJSCC(Analog):
    """Encoder, a channel that is handed in, decoder.

    Args:
        channels: C of the images.
        size: width and height in pixels, multiples of 4.
        channel_uses: k an image; CBR = k / (C·H·W).

    Raises:
        SemcomError: `size` or `channel_uses` cannot be had.
    """

    def __init__(self, channels: int, size: tuple[int, int], channel_uses: int) -> None:
        super().__init__()
        self.encoder = Encoder(channels, size, channel_uses)
        self.decoder = Decoder(channels, size, channel_uses)
        self.channel_uses = channel_uses

    def forward(
        self, images: Tensor, channel: Channel, n0: Tensor | float, generator: torch.Generator | None = None
    ) -> Tensor:
        """Images (N, C, H, W) as received.

        Args:
            images: (N, C, H, W) in 0…1.
            channel: any of `semcom.channel`; it sees (N, k), so that fading is one gain an image.
            n0: noise variance a complex channel use, a number or (N, 1).
            generator: of all its draws.
        """
        return over(self, images, channel, n0, generator)
