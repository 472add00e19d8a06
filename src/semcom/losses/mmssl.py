"""The loss of MM-SSL: shared and unique dimensions across RGB and depth, Barlow Twins within each.

    L = (BT(z_r, z_r') + BT(z_d, z_d') + cross_weight * cross) / 3 / D
    cross = mean over the pairs (z_r, z_d) and (z_r', z_d') of  L_shared + L_unique
    BT       = sum_i      (1 - C_ii)^2 + lambd * sum_{i != j}               C_ij^2     all D dimensions
    L_shared = sum_{i<=S} (1 - C_ii)^2 + lambd * sum_{i != j, both <= S}    C_ij^2     S = shared_fraction * D
    L_unique = sum_{i>S}       C_ii^2  + lambd * sum_{i != j, both > S}     C_ij^2

with C the (D, D) cross-correlation of two embeddings standardised over the batch. The paper (arXiv
2503.13940) names the two parts; the equations are those of DeCUR (arXiv 2309.05300), whose code fits its
description term for term and trains with cross_weight = 1/2. Two deliberate differences: DeCUR's cross
term uses the first view only, ours both; and we divide by D, which makes values comparable across
projector widths (for AdamW a constant factor changes nothing). `decur_official` takes both back:

    L = (BT(z_r, z_r') + BT(z_d, z_d') + cross_weight * (L_shared + L_unique of (z_r, z_d))) / 3

Its code also has one projector for both modalities, which the loss cannot see: `pretrain.shared_projector`.
(Its correlation is divided by four times a GPU's batch: exact on the four GPUs that it is written for.)
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.correlation import Standardised, Terms, correlate, standardise
from semcom.params.ranges import NonNegative, Positive, PositiveFraction

MODALITIES = ("rgb", "depth")
"""What the loss cannot do without; the schema reads it."""


class MMSSL:
    """Callable; needs both modalities.

    Args:
        shared_fraction: share of the dimensions that are to be shared.
        lambd: weight of the off-diagonal sums.
        cross_weight: weight of the cross-modal term.
        decur_official: scaling and pairs as in DeCUR's public code.
    """

    name = "mmssl"

    across = True
    """Its terms need the embeddings of both modalities in one place."""

    def __init__(
        self,
        *,
        shared_fraction: PositiveFraction = 0.75,
        lambd: Positive = 0.0051,
        cross_weight: NonNegative = 0.5,
        decur_official: bool = False,
    ) -> None:
        self.shared_fraction = shared_fraction
        self.lambd = lambd
        self.cross_weight = cross_weight
        self.decur_official = decur_official

    def __call__(self, views: Mapping[str, tuple[Tensor, Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and logged terms of two views of RGB and of depth.

        Args:
            views: {"rgb": (z_r, z_r'), "depth": (z_d, z_d')}, each (N, D), not standardised.

        Returns:
            The scalar loss, and detached scalars: `intra_rgb`, `intra_depth`, `shared`, `unique` (terms / D,
            with decur_official not divided; before the weights above); `correlation_rgb`, `correlation_depth`
            (mean of C_ii between a modality's views), `correlation_shared`, `correlation_unique` (mean of
            C_ii between modalities on each block). With shared_fraction = 1 the two entries of the unique
            block are left out.

        Raises:
            SemcomError: a modality is missing, N < 2, shapes differ, or the shared block is empty.
        """
        if set(views) != set(MODALITIES):
            raise SemcomError(
                f"the loss `{self.name}` needs the modalities rgb and depth but was given {sorted(views)}; "
                "`intra` works with one"
            )
        with torch.autocast(views["rgb"][0].device.type, enabled=False):
            return self._loss(views)

    def _loss(self, views: Mapping[str, tuple[Tensor, Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
        width = views["rgb"][0].shape[-1]
        cuts = self._cuts(width)
        rgb, rgb_2 = (standardise(view, cuts=cuts) for view in views["rgb"])
        depth, depth_2 = (standardise(view, cuts=cuts) for view in views["depth"])
        within = {"rgb": correlate(rgb, rgb_2), "depth": correlate(depth, depth_2)}
        pairs = [(rgb, depth)] if self.decur_official else [(rgb, depth), (rgb_2, depth_2)]
        across = {"shared": self._across(*pairs, block=0, target=1.0)}
        if cuts:
            across["unique"] = self._across(*pairs, block=1, target=0.0)

        divisor = 1 if self.decur_official else width
        intra = {f"intra_{name}": self._barlow(pair) / divisor for name, pair in within.items()}
        cross = {name: self._barlow(pair) / divisor for name, pair in across.items()}
        weighted = [*intra.values(), *(self.cross_weight * term for term in cross.values())]
        loss = torch.stack(weighted).sum() / 3
        logs = {name: term.detach() for name, term in (intra | cross).items()}
        logs |= {f"correlation_{name}": pair.correlation for name, pair in (within | across).items()}
        return loss, logs

    def _cuts(self, width: int) -> tuple[int, ...]:
        """Where the unique block begins; empty where all dimensions are shared."""
        shared = round(self.shared_fraction * width)
        if shared < 1:
            raise SemcomError(
                f"shared_fraction {self.shared_fraction} of {width} dimensions leaves no shared dimension; "
                f"it must be at least {1 / width:.3g} here, or the projector wider"
            )
        return (shared,) if shared < width else ()

    def _across(self, *pairs: tuple[Standardised, Standardised], block: int, target: float) -> Terms:
        """Mean over the views of one block's terms between the modalities."""
        terms = [correlate(a, b, block=block, target=target) for a, b in pairs]
        return Terms(*(torch.stack(values).mean() for values in zip(*terms, strict=True)))

    def _barlow(self, terms: Terms) -> Tensor:
        return terms.on + self.lambd * terms.off
