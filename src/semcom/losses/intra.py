"""Barlow Twins for each modality on its own: the `intra_only` rival of the cross-modal loss.

    L = mean over modalities m of BT(z_m, z'_m) / D,   BT = sum_i (1 - C_ii)^2 + lambd * sum_{i != j} C_ij^2

with C the (D, D) cross-correlation of two standardised views (Zbontar et al. 2021, arXiv 2103.03230).
The division by D keeps values comparable across projector widths.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.correlation import correlate, standardise
from semcom.params.ranges import Positive


class Intra:
    """Callable; works with one modality or several."""

    def __init__(self, *, lambd: Positive = 0.0051) -> None:
        self.lambd = lambd

    def __call__(self, views: Mapping[str, tuple[Tensor, Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and logged terms of two views a modality.

        Args:
            views: {"rgb": (z, z'), …}, each (N, D), not standardised.

        Returns:
            The scalar loss, and detached scalars for each modality: `intra_rgb` (BT / D) and
            `correlation_rgb` (mean of C_ii, the two views' agreement in -1..1).

        Raises:
            SemcomError: no modality is given, N < 2, or shapes differ within a modality.
        """
        if not views:
            raise SemcomError("the loss `intra` was given no modality; it needs at least one of rgb, depth")
        terms: dict[str, Tensor] = {}
        correlations: dict[str, Tensor] = {}
        for modality, (first, second) in views.items():
            with torch.autocast(first.device.type, enabled=False):
                pair = correlate(standardise(first), standardise(second))
                terms[modality] = (pair.on + self.lambd * pair.off) / first.shape[1]
            correlations[f"correlation_{modality}"] = pair.correlation
        logs = {f"intra_{modality}": term.detach() for modality, term in terms.items()} | correlations
        return torch.stack(list(terms.values())).mean(), logs
