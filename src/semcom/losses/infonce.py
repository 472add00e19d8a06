"""InfoNCE toward a knowledge base: which of its entries is this image's?

    L = mean over n of -log  exp(cos(z_n, v_n) / t) / sum over v in {v_n} + N(n) of exp(cos(z_n, v) / t)
        + alpha * (1 - cos(z_n, v_n))

with z_n the embedding of image n, v_n its own entry as the base decodes it, and N(n) the negatives: the
entries of the other images of the batch, and mined ones, the nearest other entries of the base.

Short codes give many images one and the same vector. A negative that equals the image's own entry is left
out: it would ask for what cannot be.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from semcom.losses.known import SAME, checked, cosines
from semcom.params.ranges import NonNegative, NonNegativeInt, Positive

TINY = 1e-12
"""Least length that is divided by, as `normalize` has it."""


class InfoNCE:
    """Callable; spreads embeddings as the entries are spread, so that it does not collapse.

    Args:
        temperature: t, divides the cosines; 0.07 is usual for retrieval.
        hard_negatives: mined negatives an image; 0 leaves those of the batch alone.
        alpha: weight of the plain cosine term.
    """

    def __init__(
        self, *, temperature: Positive = 0.07, hard_negatives: NonNegativeInt = 64, alpha: NonNegative = 0.0
    ) -> None:
        self.temperature, self.alpha = temperature, alpha
        self.needs = {"target": 1} | ({"negatives": hard_negatives} if hard_negatives else {})

    def __call__(self, embedding: Tensor, known: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss in nats and logged terms of one view.

        Args:
            embedding: (N, D), of any length.
            known: `target` (N, D); `negatives` (N, H, D) with hard negatives, a row of zeros being none.

        Returns:
            The scalar loss, and detached scalars: `infonce`, `cosine` (mean cosine with the own entry) and
            `negatives` (mean number of an image's negatives that were no copy of its own entry).

        Raises:
            SemcomError: a tensor is missing or does not fit.
        """
        with torch.autocast(embedding.device.type, enabled=False):
            rows, target, *mined = checked("infonce", embedding, known, *self.needs)
            logits = self._among_the_batch(rows, target)
            if mined:
                logits = torch.cat([logits, self._mined(rows, target, mined[0])], dim=1)
            own = torch.arange(len(rows), device=rows.device)
            contrast = functional.cross_entropy(logits, own)
            cosine = cosines(rows, target).mean()
        counted = logits.detach().isfinite().sum(1).float().mean() - 1
        logs = {"infonce": contrast.detach(), "cosine": cosine.detach(), "negatives": counted}
        return contrast + self.alpha * (1 - cosine), logs

    def _among_the_batch(self, rows: Tensor, target: Tensor) -> Tensor:
        """Logits (N, N) of each row with every target of the batch; its own one is on the diagonal."""
        directions = functional.normalize(target, dim=1)
        copies = directions @ directions.T >= SAME
        copies.fill_diagonal_(False)
        logits = functional.normalize(rows, dim=1) @ directions.T / self.temperature
        return logits.masked_fill(copies, float("-inf"))

    def _mined(self, rows: Tensor, target: Tensor, negatives: Tensor) -> Tensor:
        """Logits (N, H) of each row with its own mined negatives.

        They are the largest tensor of a step, so they are gone through twice only, and not copied.
        """
        both = functional.normalize(torch.stack([rows, target], dim=2), dim=1)
        length = torch.linalg.vector_norm(negatives, dim=2)
        cosine: Tensor = torch.bmm(negatives, both) / length.clamp(min=TINY).unsqueeze(2)
        none = (cosine[..., 1] >= SAME) | (length == 0)
        return (cosine[..., 0] / self.temperature).masked_fill(none, float("-inf"))
