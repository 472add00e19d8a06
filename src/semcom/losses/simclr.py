"""SimCLR for each modality on its own: the contrastive counterpart of `intra`.

    L = mean over modalities m of NT-Xent(z_m, z'_m)

with the normalised temperature-scaled cross-entropy of Chen et al. 2020 (arXiv 2002.05709, equation 1).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.contrastive import agreement, directions, nt_xent
from semcom.params.ranges import Positive


class SimCLR:
    """Callable; works with one modality or several.

    Args:
        temperature: divides the cosines; 0.1 is the paper's for ImageNet, 0.5 its choice for small images.
    """

    def __init__(self, *, temperature: Positive = 0.1) -> None:
        self.temperature = temperature

    def __call__(self, views: Mapping[str, tuple[Tensor, Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and logged terms of two views a modality.

        Args:
            views: {"rgb": (z, z'), …}, each (N, D), of any length.

        Returns:
            The scalar loss in nats, and detached scalars for each modality: `nt_xent_rgb`, whose mean is the
            loss, and `cosine_rgb` (mean cosine of a frame's two views, -1..1).

        Raises:
            SemcomError: no modality is given, N < 2, or shapes differ within a modality.
        """
        if not views:
            raise SemcomError("the loss `simclr` was given no modality; it needs at least one of rgb, depth")
        terms: dict[str, Tensor] = {}
        cosines: dict[str, Tensor] = {}
        for modality, pair in views.items():
            with torch.autocast(pair[0].device.type, enabled=False):
                first, second = directions(pair)
                terms[f"nt_xent_{modality}"] = nt_xent(first, second, self.temperature)
                cosines[f"cosine_{modality}"] = agreement(first, second)
        return torch.stack(list(terms.values())).mean(), {n: t.detach() for n, t in terms.items()} | cosines
