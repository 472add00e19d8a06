"""Optimisers as components: their options are a params entry's, the parameters come later."""

import math
from inspect import unwrap

import torch
from torch import nn

from semcom.params.ranges import Fraction, NonNegative, Positive

# torch's optimisers import its compiler, 1.1 s in each training, only to tell it not to compile some of their
# methods. We compile nothing, so those methods are called as they are.
for _method in vars(torch.optim.Optimizer).values():
    if hasattr(_method, "__wrapped__"):
        _method.__wrapped__.__dynamo_disable = _method.__wrapped__


class _AdamW(torch.optim.AdamW):
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


class _SGD(torch.optim.SGD):
    step = torch.no_grad()(unwrap(torch.optim.SGD.step))


class AdamW:
    """AdamW (Loshchilov and Hutter 2019); no decay on biases and normalisation."""

    def __init__(self, *, lr: Positive = 1e-3, weight_decay: NonNegative = 0.05) -> None:
        self.lr, self.weight_decay = lr, weight_decay

    def __call__(self, module: nn.Module) -> torch.optim.Optimizer:
        """An optimiser of the module's parameters."""
        return _AdamW(_groups(module, self.weight_decay), lr=self.lr, fused=True)


class SGD:
    """Stochastic gradient descent with momentum; no decay on biases and normalisation."""

    def __init__(
        self, *, lr: Positive = 0.1, momentum: Fraction = 0.9, weight_decay: NonNegative = 1e-4
    ) -> None:
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay

    def __call__(self, module: nn.Module) -> torch.optim.Optimizer:
        """An optimiser of the module's parameters."""
        groups = _groups(module, self.weight_decay)
        return _SGD(groups, lr=self.lr, momentum=self.momentum, fused=True)


def _groups(module: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    parameters = [p for p in module.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def schedule(step: int, *, steps: int, warmup: float) -> float:
    """Factor on the learning rate at `step` of `steps`: linear rise over `warmup`, then a cosine to 0."""
    rise = warmup * steps
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1)))
