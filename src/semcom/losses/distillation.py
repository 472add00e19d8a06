"""Distillation: an embedding is to be its image's vector, no other image is asked.

    cosine:  L = mean over n of 1 - cos(z_n, v_n)
    mse:     L = mean over n of |z_n - v_n|^2

v_n is what the mentor says of image n, raw or as a knowledge base decodes it. `mse` takes lengths as they
are, so vectors should not be normalised before, or else their length is to be learnt too.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from semcom.losses.known import checked, cosines


class Cosine:
    """Callable; the direction is to agree."""

    def __init__(self) -> None:
        self.needs = {"target": 1}

    def __call__(self, embedding: Tensor, known: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss (0..2) and `cosine` (mean, detached) of one view.

        Args:
            embedding: (N, D), of any length.
            known: `target` (N, D).

        Raises:
            SemcomError: a tensor is missing or does not fit.
        """
        with torch.autocast(embedding.device.type, enabled=False):
            cosine = cosines(*checked("cosine", embedding, known, "target")).mean()
        return 1 - cosine, {"cosine": cosine.detach()}


class MSE:
    """Callable; direction and length are to agree (squared distance, as in FitNets, arXiv 1412.6550)."""

    def __init__(self) -> None:
        self.needs = {"target": 1}

    def __call__(self, embedding: Tensor, known: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and logged terms of one view.

        Args:
            embedding: (N, D).
            known: `target` (N, D).

        Returns:
            The mean squared distance, and detached scalars: `mse` (the same), `explained` (share of the
            targets' variance over the batch, 1 at best, 0 where nothing but their mean was learnt) and
            `cosine`.

        Raises:
            SemcomError: a tensor is missing or does not fit.
        """
        with torch.autocast(embedding.device.type, enabled=False):
            rows, target = checked("mse", embedding, known, "target")
            squared = (rows - target).square().sum(1).mean()
            variance = (target - target.mean(0)).square().sum(1).mean()
            cosine = cosines(rows, target).mean()
        explained = 1 - squared / variance
        return squared, {"mse": squared.detach(), "explained": explained.detach(), "cosine": cosine.detach()}
