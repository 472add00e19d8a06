"""Augmented views, made in batches on the device; colour and depth share their geometry or have their own."""

from math import log

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from semcom.files.errors import SemcomError
from semcom.params.ranges import Fraction, NonNegative, PositiveFraction

RATIO = (3 / 4, 4 / 3)
LUMA = (0.299, 0.587, 0.114)


class RGBD:
    """Random resized crop and flip for both; colour jitter, grey, blur; depth scale, shift and sensor noise.

    Depth is in metres throughout, so a change of scale means a room of another size, and a crop leaves
    distances as they are. Colour's views are the same with and without `independent`.

    Args:
        crop: smallest share of the area that a crop keeps.
        flip: probability of a left-right flip.
        independent: depth has a crop and a flip of its own, as in DeCUR (arXiv 2309.05300); False: those of
            colour.
        strength: factor on everything below.
        jitter: brightness, contrast and saturation change by up to this share (probability 0.8).
        channel_gain: each colour channel is scaled by up to this share.
        grey: probability of a grey image.
        blur: probability of a 3×3 binomial blur.
        depth_scale: depth is scaled by up to this share.
        depth_shift_m: metres by which depth is shifted at most.
        depth_noise_m: largest standard deviation, in metres, of noise on 8×8 blocks and on pixels.
    """

    def __init__(
        self,
        *,
        crop: PositiveFraction = 0.5,
        flip: Fraction = 0.5,
        independent: bool = False,
        strength: NonNegative = 1.0,
        jitter: Fraction = 0.4,
        channel_gain: Fraction = 0.1,
        grey: Fraction = 0.2,
        blur: Fraction = 0.3,
        depth_scale: Fraction = 0.15,
        depth_shift_m: NonNegative = 0.2,
        depth_noise_m: NonNegative = 0.1,
    ) -> None:
        if strength * max(jitter, depth_scale) >= 1:
            raise SemcomError(f"strength {strength} × jitter or depth_scale must stay under 1")
        self.crop, self.flip, self.independent = crop, flip, independent
        self.jitter, self.channel_gain = strength * jitter, strength * channel_gain
        self.grey, self.blur = min(1.0, strength * grey), min(1.0, strength * blur)
        self.depth_scale, self.depth_shift_m = strength * depth_scale, strength * depth_shift_m
        self.depth_noise_m = strength * depth_noise_m

    def __call__(self, rgb: Tensor, depth: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """New views of colours (B, 3, H, W) in 0..1 and depths (B, 1, H, W) in metres, same shapes."""
        grid = self._grid(len(rgb), rgb.shape[-2:], generator)
        rgb = F.grid_sample(rgb, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        rgb = self._colour(rgb, generator)
        if self.independent:
            grid = self._grid(len(depth), depth.shape[-2:], generator)
        # Nearest: a mean of two depths is a surface that does not exist.
        depth = F.grid_sample(depth, grid, mode="nearest", padding_mode="reflection", align_corners=False)
        return rgb, self._sense(depth, generator)

    def _grid(self, n: int, shape: torch.Size, generator: Generator) -> Tensor:
        """Sampling grid (n, H, W, 2) of one random crop and flip a frame."""
        area = _uniform((n,), self.crop, 1.0, generator)
        ratio = _uniform((n,), log(RATIO[0]), log(RATIO[1]), generator).exp()
        width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
        x, y = (_uniform((n,), -1, 1, generator) for _ in range(2))
        mirror = torch.where(_chance(n, self.flip, generator), -1.0, 1.0)
        across = _line(shape[1], width * mirror, x * (1 - width)).unsqueeze(1)
        down = _line(shape[0], height, y * (1 - height)).unsqueeze(2)
        return torch.stack(torch.broadcast_tensors(across, down), dim=-1)

    def _colour(self, rgb: Tensor, generator: Generator) -> Tensor:
        n = len(rgb)
        luma = torch.tensor(LUMA, device=rgb.device).view(3, 1, 1)
        on = _chance(n, 0.8, generator)
        brightness, contrast, saturation = (
            torch.where(on, _uniform((n,), 1 - self.jitter, 1 + self.jitter, generator), 1.0).view(n, 1, 1, 1)
            for _ in range(3)
        )
        gain = _uniform((n, 3, 1, 1), 1 - self.channel_gain, 1 + self.channel_gain, generator)
        rgb = (rgb * (brightness * gain)).clamp_(0, 1)
        mean = (rgb * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
        rgb = (mean + (rgb - mean) * contrast).clamp_(0, 1)
        grey = (rgb * luma).sum(1, keepdim=True)
        saturation = torch.where(_chance(n, self.grey, generator).view(n, 1, 1, 1), 0.0, saturation)
        rgb = (grey + (rgb - grey) * saturation).clamp_(0, 1)
        blurred = _chance(n, self.blur, generator)
        rgb[blurred] = _blur(rgb[blurred])
        return rgb

    def _sense(self, depth: Tensor, generator: Generator) -> Tensor:
        n, _, height, width = depth.shape
        scale = _uniform((n, 1, 1, 1), 1 - self.depth_scale, 1 + self.depth_scale, generator)
        shift = _uniform((n, 1, 1, 1), -self.depth_shift_m, self.depth_shift_m, generator)
        sigma = _uniform((n, 1, 1, 1), 0, self.depth_noise_m, generator)
        pixels = torch.randn(depth.shape, generator=generator, device=depth.device)
        small = (n, 1, -(-height // 8), -(-width // 8))
        blocks = F.interpolate(torch.randn(small, generator=generator, device=depth.device), (height, width))
        return (depth * scale + shift + sigma * (pixels + blocks)).clamp_(min=0)


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device) * (high - low) + low


def _chance(n: int, probability: float, generator: Generator) -> Tensor:
    return torch.rand(n, generator=generator, device=generator.device) < probability


def _line(pixels: int, scale: Tensor, shift: Tensor) -> Tensor:
    """Coordinates (n, pixels) of pixel centres in -1..1, scaled and shifted by (n,)."""
    centres = (torch.arange(pixels, device=scale.device) + 0.5) * (2 / pixels) - 1
    return scale[:, None] * centres + shift[:, None]


def _blur(rgb: Tensor) -> Tensor:
    """Binomial 3×3 blur of (B, 3, H, W)."""
    for axis in (-1, -2):
        first, last = rgb.narrow(axis, 0, 1), rgb.narrow(axis, -1, 1)
        padded = torch.cat([first, rgb, last], dim=axis)
        size = rgb.shape[axis]
        sides = padded.narrow(axis, 0, size) + padded.narrow(axis, 2, size)
        rgb = rgb.lerp(sides / 2, 0.5)
    return rgb
