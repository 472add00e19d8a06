"""What the ends of a way learn from: an encoder's vectors of images, made once, or anew in each step.

frozen:     vectors, made once
trained on: image, or an augmented view ─► encoder ─► unit length, less its mean at the start ─► vector
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from semcom.frames import VIEWS
from semcom.frames.images import DeviceImages
from semcom.frames.images import scaled as as_taken
from semcom.metrics.heads import Vectors
from semcom.models.classify import standard
from semcom.models.local import LocalEncoder
from semcom.params.component import build
from semcom.params.sections import Component
from semcom.training import forms
from semcom.training.batchnorm import recompute

MEASURED_ON = 4096
"""Images that BatchNorm statistics are taken of, at most."""
VectorsOf = Callable[[Tensor, Generator | None], Tensor]
"""Vectors (B, D) of the images at places (B,) of a part, drawn views with a generator, else as they are."""


class Trained:
    """Vectors of an encoder that trains.

    Args:
        network: the encoder, changed in place.
        images: of the prepared file.
        index: (N,) where the part's images are in it.
        centre: (D,) the encoder's mean direction at the start.
        views: augmented views; None: the images as they are.
    """

    def __init__(
        self,
        network: LocalEncoder,
        images: DeviceImages,
        index: Tensor,
        *,
        centre: Vectors,
        views: Component | None,
    ) -> None:
        self.network, self.images, self.index = network, images, index
        self.centre = torch.from_numpy(centre).to(index.device)
        self.views = build(VIEWS, views) if views else None

    def __call__(self, places: Tensor, draws: Generator | None) -> Tensor:
        """Vectors (B, D), scaled, of the images at places (B,)."""
        where = self.index[places]
        if draws is None:
            return torch.cat([self._of(shown) for shown in self.images.plain(where)])
        rgb = self.images.take(where)
        return self._of(self.images.view(rgb, self.views, draws) if self.views else as_taken(rgb))

    def _of(self, shown: dict[str, Tensor]) -> Tensor:
        return standard(self.network(shown).space, self.centre)

    def settle(self) -> None:
        """Take BatchNorm statistics of the part's images as they are, whose labels that does not take."""
        every = -(-len(self.index) // MEASURED_ON)
        recompute(self.network, self.images.plain(self.index[::every]))


def optimiser_of(
    component: Component, ends: torch.nn.Module, encoder: torch.nn.Module | None, *, encoder_lr_scale: float
) -> torch.optim.Optimizer:
    """Of sender and head, and of an encoder that trains at a rate of its own.

    Args:
        component: the optimiser, at the rate of the ends.
        ends: sender and head.
        encoder: what trains beside them; None: nothing.
        encoder_lr_scale: times that rate.
    """
    made = forms.optimiser(component, ends)
    for group in forms.optimiser(component, encoder).param_groups if encoder else ():
        made.add_param_group({**group, "lr": encoder_lr_scale * group["lr"]})
    return made
