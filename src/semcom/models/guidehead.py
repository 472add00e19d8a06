"""From the map that an image network sends to a knowledge base's space; for training only, then thrown away.

map (C, H, W) ─► means over a grid of 2×2 cells ─► one hidden layer ─► the base's space (D)
"""

import torch
from torch import Tensor, nn

GRID = 2
"""Cells down and across: a little of where things are, and the same number of values for every map."""
HIDDEN = 256


class GuideHead(nn.Module):
    """Pooling and a small perceptron, its BatchNorm always of the batch at hand: it is used on batches alone.

    Without BatchNorm all images begin with nearly one direction, from which a guide needs long to part them.

    Args:
        maps: C, H and W of the map.
        dim: D of the base's space.
    """

    def __init__(self, maps: tuple[int, int, int], dim: int) -> None:
        super().__init__()
        channels, *sides = maps
        cells = min(GRID, sides[0]) * min(GRID, sides[1])
        self.layers = nn.Sequential(
            nn.Linear(channels * cells, HIDDEN, bias=False),
            nn.BatchNorm1d(HIDDEN, track_running_stats=False),
            nn.ReLU(),
            nn.Linear(HIDDEN, dim),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Embeddings (N, D), of any length, of maps (N, C, H, W)."""
        space: Tensor = self.layers(pooled(maps))
        return space


def pooled(maps: Tensor) -> Tensor:
    """Means (N, cells · C) of maps (N, C, H, W), over one cell a row or column where there are no two.

    Not `adaptive_avg_pool2d`, whose gradient has no deterministic form on a GPU.
    """
    rows = maps.tensor_split(min(GRID, maps.shape[2]), 2)
    cells = [cell for row in rows for cell in row.tensor_split(min(GRID, maps.shape[3]), 3)]
    return torch.cat([cell.mean((2, 3)) for cell in cells], 1)
