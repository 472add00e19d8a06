"""What a network computes: multiply-adds, counted as it runs."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

BACKWARD = 2
"""Multiply-adds of the backward pass to one of the forward pass: gradients of inputs and of weights."""


WEIGHTED = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear


class Counted:
    """Multiply-adds so far; made by `counting`."""

    multiply_adds: int = 0

    def __call__(self, layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        """The hook of a layer: each output value is a sum over its inputs, if the layer says nothing else."""
        own: Any = getattr(layer, "multiply_adds", None)
        weight: Any = getattr(layer, "weight", None)
        self.multiply_adds += own(*given) if own else output.numel() * math.prod(weight.shape[1:])


@contextmanager
def counting(module: nn.Module) -> Iterator[Counted]:
    """Count the multiply-adds of convolutions and linear layers that run meanwhile, in the forward pass.

    Normalisation, activations and pooling are left out, as is usual: a few percent. A layer without weights
    that multiplies all the same, such as attention, has a method `multiply_adds` of its inputs.
    """
    counted = Counted()
    layers = [m for m in module.modules() if isinstance(m, WEIGHTED) or hasattr(m, "multiply_adds")]
    hooks = [layer.register_forward_hook(counted) for layer in layers]
    try:
        yield counted
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def multiply_adds(module: nn.Module, *inputs: Any) -> int:
    """Multiply-adds of one forward pass in evaluation mode."""
    mode = module.training
    module.eval()
    with counting(module) as counted:
        module(*inputs)
    module.train(mode)
    return counted.multiply_adds
