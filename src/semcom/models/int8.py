"""A network's weights in 8 bits each, as they would be shipped: a rival of every way to ship knowledge.

    weights ─► per output channel: largest |w| / 127 = scale ─► round(w / scale), int8
    BatchNorm ─► factor and offset of each channel, float32
    biases ─► float32

The file has these three arrays, in the order of the network, and nothing that the receiver knows: names and
shapes come with the architecture. Only weights are quantised, activations are not: as many multiply-adds.
"""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError

LARGEST = 127
BatchNorm = nn.modules.batchnorm._BatchNorm


class Packed(NamedTuple):
    """What is shipped.

    Attributes:
        weights: (W,) int8, all weights.
        scales: (C,) float32, one an output channel of each weight.
        rest: (R,) float32: biases, factors and offsets.
    """

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    rest: NDArray[np.float32]

    @property
    def bytes(self) -> int:
        """Size of the arrays; a file of them has 0.8 kB more."""
        return sum(array.nbytes for array in self)


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers in -127 … 127 and their scale (C,), so that weight ≈ scale · whole.

    Args:
        weight: (C, ...), output channels first.
    """
    scale = weight.flatten(1).abs().amax(1) / LARGEST
    scale = torch.where(scale == 0, 1.0, scale)
    return (weight / _along(scale, weight)).round().to(torch.int8), scale


@torch.no_grad()
def pack(network: nn.Module) -> Packed:
    """A network's weights as they are shipped; its BatchNorm statistics are the running ones.

    Raises:
        SemcomError: a BatchNorm has no weights or no statistics.
    """
    weights: list[Tensor] = [torch.zeros(0, dtype=torch.int8)]
    scales, rest = [torch.zeros(0)], [torch.zeros(0)]
    for part in _parts(network):
        if isinstance(part, BatchNorm):
            mean, variance = _statistics(part)
            factor = part.weight * (variance + part.eps).rsqrt()
            rest += [factor, part.bias - mean * factor]
        elif part.ndim > 1:
            whole, scale = quantise(part)
            weights.append(whole.flatten())
            scales.append(scale)
        else:
            rest.append(part)
    arrays = (torch.cat(tensors).cpu().numpy() for tensors in (weights, scales, rest))
    return Packed(*arrays)


@torch.no_grad()
def unpack(network: nn.Module, packed: Packed) -> None:
    """Give `network` the weights that were shipped, as float32, to run in evaluation mode.

    Raises:
        SemcomError: they are of another architecture.
    """
    there, here = ([len(array) for array in arrays] for arrays in (packed, pack(network)))
    if there != here:
        raise SemcomError(
            f"these are no int8 weights of {type(network).__name__}: {there[0]} weights, {there[1]} scales, "
            f"{there[2]} other values, and it has {here[0]}, {here[1]}, {here[2]}; name their architecture"
        )
    weights, scales, rest = (_Reader(torch.from_numpy(np.array(array))) for array in packed)
    for part in _parts(network):
        if isinstance(part, BatchNorm):
            part.weight.copy_(rest.next(part.weight))
            part.bias.copy_(rest.next(part.bias))
            mean, variance = _statistics(part)
            mean.zero_()
            variance.fill_(1 - part.eps)
        elif part.ndim > 1:
            scale = scales.next(part[:, :1].flatten()[: len(part)])
            part.copy_(weights.next(part) * _along(scale, part))
        else:
            part.copy_(rest.next(part))


def save(path: Path, packed: Packed) -> None:
    """Write what is shipped, a NumPy archive without compression."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **packed._asdict())
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load(path: Path) -> Packed:
    """What `save` wrote.

    Raises:
        SemcomError: the file is missing or damaged, or no file of int8 weights.
    """
    try:
        with np.load(path) as archive:
            return Packed(**dict(archive))
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise SemcomError(f"cannot read the int8 weights in {path} ({error}); write them again") from error


class _Reader:
    """Reads an array from front to end."""

    def __init__(self, values: Tensor) -> None:
        self.values, self.at = values, 0

    def next(self, like: Tensor) -> Tensor:
        """As many values as `like` has, in its shape."""
        found = self.values[self.at : self.at + like.numel()]
        self.at += like.numel()
        return found.view(like.shape).to(like.device)


def _parts(network: nn.Module) -> Iterator[Tensor | BatchNorm]:
    """What is shipped, in the order of the network: weights, biases, buffers that a state dict has."""
    for module in network.modules():
        if isinstance(module, BatchNorm):
            yield module
            continue
        yield from module.parameters(recurse=False)
        passing = module._non_persistent_buffers_set
        yield from (b.view(-1) for name, b in module.named_buffers(recurse=False) if name not in passing)


def _statistics(layer: BatchNorm) -> tuple[Tensor, Tensor]:
    """Running mean and variance.

    Raises:
        SemcomError: there are none, or nothing to fold them into.
    """
    if layer.running_mean is None or layer.running_var is None or not layer.affine:
        raise SemcomError("int8: a BatchNorm without weights or running statistics cannot be shipped")
    return layer.running_mean, layer.running_var


def _along(scale: Tensor, weight: Tensor) -> Tensor:
    """(C,) in a shape that broadcasts against `weight` (C, ...)."""
    return scale.view(-1, *[1] * (weight.ndim - 1))
