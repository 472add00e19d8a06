"""Alignment with prototypes: for images that have no entry, the entries nearest to their own embedding.

c_1 … c_k are the k entries retrieved for image n, w_j = softmax over j of cos(q_n, c_j) / r their weights,
q_n the embedding that they were retrieved with, through which no gradient flows.

    cosine:         L = mean over n of 1 - cos(z_n, p_n),   p_n = sum_j w_j c_j of unit length
    cross_entropy:  L = mean over n of -sum_j w_j log softmax_j(cos(z_n, c_j) / t)

`cosine` is the form of the first author's later public code (papers.md 2.3a: k 10, r 0.07). In
`cross_entropy` the weights are a soft target. With q_n = z_n it only sharpens what the embedding says, and
says nothing at t = r; q_n of another view, or of an encoder as it was after a paired warm-up, teaches.

**It collapses from a random start.** An untrained encoder gives nearly one direction to all images, so all
retrieve the same entries and are drawn to the same prototype, where the loss is 0. So begin after a paired
warm-up (`infonce`, `cosine`), or beside a SimCLR term, and watch `effective_rank`.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from semcom.files.errors import SemcomError
from semcom.losses.known import checked, cosines
from semcom.params.ranges import Positive, PositiveInt


class Prototypes:
    """Callable; needs no entry of the image's own.

    Args:
        neighbours: k, entries retrieved for an image.
        retrieval_temperature: r.
        form: see above.
        temperature: t of `cross_entropy`.
    """

    def __init__(
        self,
        *,
        neighbours: PositiveInt = 10,
        retrieval_temperature: Positive = 0.07,
        form: Literal["cosine", "cross_entropy"] = "cosine",
        temperature: Positive = 0.1,
    ) -> None:
        self.sharpness, self.form, self.temperature = retrieval_temperature, form, temperature
        self.needs = {"neighbours": neighbours}

    def __call__(self, embedding: Tensor, known: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and logged terms of one view.

        Args:
            embedding: (N, D), of any length.
            known: `neighbours` (N, k, D), a row of zeros being none; `query` (N, D) that they were retrieved
                with, left out if it was `embedding`.

        Returns:
            The scalar loss, and detached scalars: `alignment` (the loss), `weight` (mean of the largest
            w_j) and `effective_rank` of the batch's embeddings, from 1 (collapsed) to min(N, D).

        Raises:
            SemcomError: a tensor is missing or does not fit, or an image has no neighbour at all.
        """
        with torch.autocast(embedding.device.type, enabled=False):
            given = {"query": embedding.detach(), **known}
            rows, found, query = checked("prototypes", embedding, given, "neighbours", "query")
            there = found.any(dim=2)
            if not there.any(dim=1).all():
                raise SemcomError("prototypes: an image has no neighbour; is the knowledge base empty?")
            weights = _softmax(cosines(query.detach(), found) / self.sharpness, there).exp()
            if self.form == "cosine":
                prototype = torch.einsum("nk,nkd->nd", weights, functional.normalize(found, dim=2))
                loss = 1 - cosines(rows, prototype).mean()
            else:
                said = _softmax(cosines(rows, found) / self.temperature, there)
                loss = -(weights * said.masked_fill(~there, 0)).sum(1).mean()
        logs = {"alignment": loss.detach(), "weight": weights.amax(1).mean()}
        return loss, logs | {"effective_rank": effective_rank(rows.detach())}


def _softmax(logits: Tensor, there: Tensor) -> Tensor:
    """Logarithm of the softmax of (N, k) over those that are there."""
    return functional.log_softmax(logits.masked_fill(~there, float("-inf")), dim=1)


def effective_rank(rows: Tensor) -> Tensor:
    """That of `metrics.representation` of a batch (N, D), on its own device, by the smaller Gram matrix."""
    wide = rows.double()
    gram = wide @ wide.T if len(wide) <= wide.shape[1] else wide.T @ wide
    singular = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt()
    share = singular / singular.sum().clamp(min=torch.finfo(torch.float64).tiny)
    rank: Tensor = torch.special.entr(share).sum().exp()
    return rank
