"""Frames where the computing is done: two tensors and no loader processes."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from semcom.frames.folds import Indices
from semcom.frames.prepared import Prepared


@dataclass(frozen=True)
class DeviceFrames:
    """All frames of a prepared data set.

    On a CPU the tensors are the memory-mapped file itself; on a GPU they are copied there once.

    Attributes:
        rgb: (N, H, W, 3) uint8.
        depth: (N, H, W), millimetres: uint16, on a GPU int32.
        scene: (N,) int64 class.
        rgb_mean, rgb_std: (3,) of colours scaled to 0..1, over the training part.
        depth_mean, depth_std: metres, over the training part.
        prepared: the file behind it.
    """

    rgb: Tensor
    depth: Tensor
    scene: Tensor
    rgb_mean: Tensor
    rgb_std: Tensor
    depth_mean: float
    depth_std: float
    prepared: Prepared

    @classmethod
    def open(cls, path: Path, device: torch.device) -> "DeviceFrames":
        """Open a prepared file and compare its content with the hash it carries (a second for 500 MB).

        Raises:
            SemcomError: it is missing, truncated or damaged, or has no depth.
        """
        prepared = Prepared.open(path)
        depth = prepared.depth
        prepared.verify()
        said = prepared.attributes
        return cls(
            rgb=as_tensor(prepared.rgb).to(device),
            depth=_depth_on(device, as_tensor(depth)),
            scene=torch.from_numpy(prepared.scene).to(device),
            rgb_mean=torch.tensor(said["rgb_mean"], dtype=torch.float32, device=device),
            rgb_std=torch.tensor(said["rgb_std"], dtype=torch.float32, device=device),
            depth_mean=float(said["depth_mean_m"]),
            depth_std=float(said["depth_std_m"]),
            prepared=prepared,
        )

    @property
    def content(self) -> str:
        """SHA-256 of the prepared content."""
        return str(self.prepared.attributes["sha256"])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgb.shape[2], self.rgb.shape[1]

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Colours (B, 3, H, W) in 0..1 and depths (B, 1, H, W) in metres of the frames at `index` (B,).

        Depth that was not measured is NaN, which crops, scales and noise leave alone; `normalise` ends it.
        """
        rgb = self.rgb[index].permute(0, 3, 1, 2).float().div_(255)
        depth = self.depth[index].float().div_(1000).unsqueeze(1)
        return rgb, depth.masked_fill_(depth == 0, torch.nan)

    def normalise(self, rgb: Tensor, depth: Tensor) -> dict[str, Tensor]:
        """Zero mean and unit variance over the training part; depth not measured becomes 0, the mean."""
        rgb = (rgb - self.rgb_mean.view(3, 1, 1)) / self.rgb_std.view(3, 1, 1)
        return {"rgb": rgb, "depth": ((depth - self.depth_mean) / self.depth_std).nan_to_num(nan=0.0)}

    def plain(self, frames: Indices, *, batch_size: int = 256) -> Iterator[dict[str, Tensor]]:
        """Batches of unaugmented views of `frames`, in their order."""
        for index in torch.as_tensor(frames, device=self.rgb.device).split(batch_size):
            yield self.normalise(*self.take(index))


def _depth_on(device: torch.device, depth: Tensor) -> Tensor:
    """Depth where it is computed with: CUDA takes no elements out of a uint16 tensor (torch 2.11)."""
    return depth if device.type == "cpu" else depth.to(torch.int32).to(device)


def as_tensor(mapped: NDArray[Any]) -> Tensor:
    """A tensor over a read-only map; nothing here ever writes to it, which torch cannot know."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(mapped)
