"""Sensors worse than in training: little light, noise, blur; depth with holes, noise, coarse steps."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from semcom.params.ranges import Fraction, NonNegative

SPOT = 8
"""Pixels from one knot to the next of the field whose lowest places are the holes: their size."""


class Sensors:
    """The same degradation for every frame; with no option it leaves frames as they are.

    Colour: blur, then less light, then noise of standard deviation sqrt(shot² · value + read²), all on pixel
    values in 0…1 as they are stored. Depth: noise, then steps, then holes.

    Args:
        dark: share by which pixel values fall; 1 is black.
        shot: standard deviation of the noise at white that grows with the root of the light.
        read: standard deviation of the noise that does not depend on the light.
        blur: standard deviation in pixels of a Gaussian blur of colour.
        holes: share of each depth frame that is not measured, in spots of some 8 pixels.
        depth_noise_m: standard deviation in metres of noise on depth, a pixel.
        depth_step_m: metres between the depths that the sensor tells apart; 0: all.
    """

    def __init__(
        self,
        *,
        dark: Fraction = 0.0,
        shot: NonNegative = 0.0,
        read: NonNegative = 0.0,
        blur: NonNegative = 0.0,
        holes: Fraction = 0.0,
        depth_noise_m: NonNegative = 0.0,
        depth_step_m: NonNegative = 0.0,
    ) -> None:
        self.dark, self.shot, self.read, self.blur = dark, shot, read, blur
        self.holes, self.depth_noise_m, self.depth_step_m = holes, depth_noise_m, depth_step_m

    def __call__(self, rgb: Tensor, depth: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Degraded colours (B, 3, H, W) in 0..1 and depths (B, 1, H, W) in metres, NaN where not measured."""
        return self._colour(rgb, generator), self._depth(depth, generator)

    def _colour(self, rgb: Tensor, generator: Generator) -> Tensor:
        if self.blur:
            rgb = _gaussian(rgb, self.blur)
        if self.dark:
            rgb = rgb * (1 - self.dark)
        if self.shot or self.read:
            spread = (self.shot**2 * rgb + self.read**2).sqrt()
            rgb = (rgb + spread * _normal(rgb, generator)).clamp(0, 1)
        return rgb

    def _depth(self, depth: Tensor, generator: Generator) -> Tensor:
        if self.depth_noise_m:
            depth = (depth + self.depth_noise_m * _normal(depth, generator)).clamp(min=0)
        if self.depth_step_m:
            depth = (depth / self.depth_step_m).round() * self.depth_step_m
        if self.holes:
            depth = depth.masked_fill(_spots(depth, self.holes, generator), torch.nan)
        return depth


def _normal(like: Tensor, generator: Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=generator.device)


def _spots(depth: Tensor, share: float, generator: Generator) -> Tensor:
    """A mask like `depth` (B, 1, H, W) that has `share` of each frame's pixels, rounded, in spots."""
    n, _, height, width = depth.shape
    knots = (n, 1, -(-height // SPOT) + 1, -(-width // SPOT) + 1)
    field = torch.rand(knots, generator=generator, device=generator.device)
    field = F.interpolate(field, (height, width), mode="bilinear", align_corners=True)
    lowest = field.flatten(1).argsort(1)[:, : round(share * height * width)]
    mask = torch.zeros(n, height * width, dtype=torch.bool, device=depth.device)
    return mask.scatter_(1, lowest, True).view(depth.shape)


def _gaussian(rgb: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (B, 3, H, W), the margin repeated."""
    reach = math.ceil(3 * sigma)
    steps = torch.arange(-reach, reach + 1, device=rgb.device, dtype=rgb.dtype)
    weights = (-0.5 * (steps / sigma).square()).exp()
    weights = (weights / weights.sum()).expand(rgb.shape[1], 1, -1)
    padded = F.pad(rgb, (reach, reach, reach, reach), mode="replicate")
    across = F.conv2d(padded, weights.unsqueeze(-2), groups=rgb.shape[1])
    return F.conv2d(across, weights.unsqueeze(-1), groups=rgb.shape[1])
