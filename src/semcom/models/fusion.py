"""How the server joins what it received from several devices.

concat    all devices' reals side by side ─► one head ─► class scores
average   each device's reals ─► a head of its own ─► class scores ─► their mean
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from semcom.models import HEADS
from semcom.params.sections import Component
from semcom.training import forms

Fusion = Literal["concat", "average"]


class Averaged(nn.Module):
    """One head a device, each with weights of its own; class scores are the mean over devices.

    Args:
        head: the component, of which one is made a device.
        widths: real values received of each device.
        classes: number of class scores.
    """

    def __init__(self, head: Component, widths: Sequence[int], classes: int) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.heads = nn.ModuleList(forms.module(HEADS, head, width, classes) for width in widths)
        self.classes = classes

    def forward(self, received: Tensor, heard: Sequence[bool] | None = None) -> Tensor:
        """Class scores (..., classes) of received reals (..., sum of widths), the devices side by side.

        Args:
            received: of all devices, in the order of `widths`.
            heard: which devices count; None: all. What the others' places hold is not looked at.
        """
        parts = zip(self.heads, received.split(self.widths, dim=-1), strict=True)
        counts = heard or (True,) * len(self.heads)
        heard_of = [one for one, on in zip(parts, counts, strict=True) if on]
        return torch.stack([scores(head, x, self.classes) for head, x in heard_of]).mean(0)


def scores(head: nn.Module, received: Tensor, classes: int) -> Tensor:
    """A head's scores (..., classes) of what it received (..., features).

    Raises:
        SemcomError: it gives something else, such as more scores than classes.
    """
    shape = (*received.shape[:-1], classes)
    return forms.tensor("head", head, head(received), shape, "one score a class")


def server(fusion: Fusion, head: Component, widths: Sequence[int], classes: int) -> nn.Module:
    """The server: from received reals (..., sum of widths), devices side by side, to scores (..., classes).

    Args:
        fusion: `concat`, one head on all of it, or `average`, one head a device, their scores averaged.
        head: the head's component.
        widths: real values received of each device.
        classes: number of class scores.
    """
    if fusion == "average":
        return Averaged(head, widths, classes)
    made: nn.Module = forms.module(HEADS, head, sum(widths), classes)
    return made
