"""What a network computes: multiply-adds, counted as it runs."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

BACKWARD = 2
"""Multiply-adds of the backward pass to one of the forward pass: gradients of inputs and of weights."""


class Counted:
    """Multiply-adds so far; made by `counting`."""

    multiply_adds: int = 0

    def __call__(self, layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        """The hook of a layer: each output value is a sum over its inputs."""
        weight: Any = layer.weight
        self.multiply_adds += output.numel() * math.prod(weight.shape[1:])


@contextmanager
def counting(module: nn.Module) -> Iterator[Counted]:
    """Count the multiply-adds of convolutions and linear layers that run meanwhile, in the forward pass.

    Normalisation, activations and pooling are left out, as is usual: a few percent.
    """
    counted = Counted()
    layers = [m for m in module.modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear)]
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
