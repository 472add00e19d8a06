"""Contrastive learning between RGB and depth: the rival that knows of no unique information.

    L = mean over the pairs (z_r, z_d) and (z_r', z_d') of
        (cross_entropy(z_r, z_d) + cross_entropy(z_d, z_r)) / 2

with the cross-entropies of `contrastive`: a frame's RGB is to find its depth among the depths of the batch,
and the other way round (symmetric InfoNCE: Radford et al. 2021, arXiv 2103.00020, figure 3; between the
modalities of one scene: Tian et al. 2020, arXiv 1906.05849). Nothing compares two views of one modality.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.contrastive import agreement, cross_modal, directions
from semcom.params.ranges import Positive

MODALITIES = ("rgb", "depth")
"""What the loss cannot do without; the schema reads it."""


class CLIP:
    """Callable; needs both modalities.

    Args:
        temperature: divides the cosines; CLIP starts at 0.07 and learns it, here it is fixed.
    """

    across = True
    """Its terms need the embeddings of both modalities in one place."""

    def __init__(self, *, temperature: Positive = 0.07) -> None:
        self.temperature = temperature

    def __call__(self, views: Mapping[str, tuple[Tensor, Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and logged terms of two views of RGB and of depth.

        Args:
            views: {"rgb": (z_r, z_r'), "depth": (z_d, z_d')}, each (N, D), of any length.

        Returns:
            The scalar loss in nats, and detached scalars: `rgb_to_depth`, `depth_to_rgb` (cross-entropies,
            whose mean is the loss) and `cosine_cross` (mean cosine of a frame's RGB and depth, -1..1).

        Raises:
            SemcomError: a modality is missing, N < 2, or shapes differ.
        """
        if set(views) != set(MODALITIES):
            raise SemcomError(
                f"the loss `clip` needs the modalities rgb and depth but was given {sorted(views)}; "
                "`simclr` works with one"
            )
        with torch.autocast(views["rgb"][0].device.type, enabled=False):
            rgb, rgb_2, depth, depth_2 = directions([*views["rgb"], *views["depth"]])
            pairs = ((rgb, depth), (rgb_2, depth_2))
            forth, back = zip(*(cross_modal(*pair, self.temperature) for pair in pairs), strict=True)
            terms = {"rgb_to_depth": torch.stack(forth).mean(), "depth_to_rgb": torch.stack(back).mean()}
            cosine = torch.stack([agreement(*pair) for pair in pairs]).mean()
        loss = torch.stack(list(terms.values())).mean()
        return loss, {name: term.detach() for name, term in terms.items()} | {"cosine_cross": cosine}
