"""A small Vision Transformer: the backbone that shares nothing with the convolutional ones.

Plain in the sense of Beyer et al. 2022 (arXiv 2205.01580), which is what trains best from scratch: positions
are fixed sines, tokens are averaged, there is no class token and no dropout.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semcom.params.mapsize import check_patches
from semcom.params.ranges import Positive, PositiveInt

LONGEST_WAVE = 10_000.0
"""Of the sines that say where a patch is, in patches / 2π (Vaswani et al. 2017)."""


class Mixing(nn.Module):
    """softmax(q kᵀ / √d) v: what each token gathers from all; no weights of its own."""

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(N, heads, T, d) of queries, keys and values of that shape."""
        return F.scaled_dot_product_attention(q, k, v)

    def multiply_adds(self, q: Tensor, k: Tensor, v: Tensor) -> int:
        """T² similarities of d and T² d weighted values, each frame and head; `models.cost` asks for it."""
        return q.numel() * k.shape[-2] + q.shape[:-1].numel() * k.shape[-2] * v.shape[-1]


class Block(nn.Module):
    """Attention, then two linear layers, each on normalised tokens and added to them ("pre-norm").

    Args:
        width: values a token.
        heads: of attention; divides `width`.
        hidden: width between the linear layers.
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mixing = Mixing()
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (N, T, width) to the same."""
        n, t, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind()
        x = x + self.out(self.mixing(q, k, v).transpose(1, 2).reshape(n, t, width))
        change: Tensor = self.down(F.gelu(self.up(self.norm2(x))))
        return x + change


class ViT(nn.Module):
    """Vision Transformer (Dosovitskiy et al. 2021, arXiv 2010.11929), random, without classifier.

        (N, C, H, W) ─► patches ─► linear + positions ─► blocks ─► norm ─► mean over tokens ─► (N, width)

    Args:
        channels: C, 3 for colour, 1 for depth.
        size: width and height of the images in pixels, both multiples of `patch`.
        patch: side of the square patches in pixels.
        width: values a token, a multiple of 4 and of `heads`; it is `dim`.
        depth: number of blocks.
        heads: of attention.
        hidden: width between a block's linear layers, as a multiple of `width`.

    Raises:
        SemcomError: `size` and `patch`, or `width` and `heads`, do not go together.
    """

    position: Tensor

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        *,
        patch: PositiveInt = 4,
        width: PositiveInt = 96,
        depth: PositiveInt = 6,
        heads: PositiveInt = 3,
        hidden: Positive = 2.0,
    ) -> None:
        super().__init__()
        check_patches(size, patch=patch, width=width, heads=heads)
        self.dim = width
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        self.across, self.down = size[0] // patch, size[1] // patch
        self.register_buffer("position", positions(self.across, self.down, width), persistent=False)
        self.blocks = nn.Sequential(*(Block(width, heads, round(hidden * width)) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        for layer in self.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d) and layer.bias is not None:
                nn.init.xavier_uniform_(layer.weight.flatten(1))
                nn.init.zeros_(layer.bias)

    def tokens(self, x: Tensor) -> Tensor:
        """What the last block says (N, T, dim) of each patch of images (N, C, H, W), row by row."""
        patches = self.patches(x).flatten(2).transpose(1, 2) + self.position
        tokens: Tensor = self.norm(self.blocks(patches))
        return tokens

    def maps(self, x: Tensor) -> Iterator[Tensor]:
        """These as the one map (N, dim, h, w)."""
        yield self.tokens(x).transpose(1, 2).unflatten(2, (self.down, self.across))

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, dim) of images (N, C, H, W)."""
        return self.tokens(x).mean(dim=1)


def positions(across: int, down: int, width: int) -> Tensor:
    """Sines and cosines (down · across, width) of each patch's column and row, row by row of the image.

    A quarter of `width` each: sines of the column at wavelengths from 2π to 2π · 10,000 patches, its cosines,
    then those of the row (Beyer et al. 2022; the code of big_vision).
    """
    quarter = width // 4
    rates = LONGEST_WAVE ** -(torch.arange(quarter) / max(quarter - 1, 1))
    row, column = torch.meshgrid(torch.arange(down), torch.arange(across), indexing="ij")
    phases = [place.flatten()[:, None] * rates for place in (column, row)]
    return torch.cat([wave(phase) for phase in phases for wave in (torch.sin, torch.cos)], dim=1)
