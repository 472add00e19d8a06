"""Vector quantisation inside a network (van den Oord et al. 2017): a codebook that follows the encoder.

    z (…, dim) ─► nearest code ─► index (…) ─► code (…, dim) = z with the code's values and z's gradient

The codes are moving averages of the vectors that chose them (appendix A.1 there), not learnt by gradients:

    n_i ← γ n_i + (1 - γ) share of the batch that chose i      e_i = m_i / n_i
    m_i ← γ m_i + (1 - γ) sum of those vectors / batch

Shares in place of counts make averages independent of the batch's size. A code that nothing chooses stays
where it is until it is dead; then it becomes a vector of the batch.
"""

from typing import Any, NamedTuple

import faiss as untyped
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from semcom.files.errors import SemcomError
from semcom.params.ranges import Fraction, NonNegative, PositiveInt
from semcom.quantise.search import nearest
from semcom.quantise.usage import Usage, of_counts

faiss: Any = untyped
"""Its type hints lack half of it."""
ITERATIONS = 25
POINTS_A_CODE = 256
"""More vectors than that a code are drawn from for the k-means."""
NOTHING = 1e-12
"""A share below it is no weight to divide by."""


class Quantised(NamedTuple):
    """What became of vectors.

    Attributes:
        vectors: (…, dim) fp32, the codes; gradients pass to the input as if nothing had happened.
        indices: (…) int64 in 0…K - 1.
        loss: scalar, the commitment loss with its weight.
    """

    vectors: Tensor
    indices: Tensor
    loss: Tensor


class VectorQuantiser(nn.Module):
    """A codebook of K codes; `start` gives it its first values, training moves it, evaluation does not.

    Its state is buffers only, part of the state dict: codes, moving averages, and the tally of the epoch.
    Each process of a data-parallel training would follow its own part of the batch: use one process.

    Args:
        codes: K; a power of two where indices are sent as bits of fixed length.
        dim: of a vector.
        decay: γ, 0.99 as usual.
        commitment: weight of mean (z - e)², which keeps the encoder near its codes; 0.25 as in the paper.
        dead_below: a code is dead when its moving share is under this part of 1/K; 0 revives none. With a
            decay of 0.99 a code of even share is dead 229 steps after it was last chosen.
    """

    codebook: Tensor
    share: Tensor
    sums: Tensor
    tally: Tensor
    started: Tensor

    def __init__(
        self,
        codes: PositiveInt,
        dim: PositiveInt,
        *,
        decay: Fraction = 0.99,
        commitment: NonNegative = 0.25,
        dead_below: Fraction = 0.1,
    ) -> None:
        super().__init__()
        self.codes, self.dim = codes, dim
        self.decay, self.commitment, self.dead_below = decay, commitment, dead_below
        self.register_buffer("codebook", torch.zeros(codes, dim))
        self.register_buffer("share", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros(codes, dim))
        self.register_buffer("tally", torch.zeros(codes, dtype=torch.int64))
        self.register_buffer("started", torch.tensor(False))

    @torch.no_grad()
    def start(self, vectors: Tensor, *, seed: int) -> None:
        """Begin with the means that k-means finds.

        Args:
            vectors: (…, dim) of the untrained encoder, at least K of them; some ten a code are good.
            seed: of the k-means.

        Raises:
            SemcomError: too few vectors, of another dimension, or not finite.
        """
        flat = self._flat(vectors)
        if len(flat) < self.codes:
            raise SemcomError(
                f"{len(flat)} vectors cannot start a codebook of {self.codes} codes: give at least "
                f"{self.codes}, from more images, or take a smaller codebook"
            )
        if not flat.isfinite().all():
            raise SemcomError("vectors to start a codebook from are not all finite; look at the encoder")
        means = faiss.Kmeans(
            self.dim,
            self.codes,
            niter=ITERATIONS,
            seed=seed % 2**31,
            min_points_per_centroid=1,
            max_points_per_centroid=POINTS_A_CODE,
        )
        means.train(np.ascontiguousarray(flat.cpu().numpy()))
        self.codebook.copy_(torch.from_numpy(np.array(means.centroids, np.float32)))
        counts = torch.bincount(nearest(flat, self.codebook), minlength=self.codes)
        self.share.copy_(counts / len(flat))
        self.sums.copy_(self.codebook * self.share[:, None])
        self.tally.zero_()
        self.started.fill_(True)

    def forward(self, z: Tensor, generator: torch.Generator | None = None) -> Quantised:
        """Quantise vectors; in training mode the codebook follows them afterwards.

        Args:
            z: (…, dim), any floating type.
            generator: on the device of `z`, draws the vectors that dead codes become; None is torch's global
                one.

        Raises:
            SemcomError: the codebook was not started, or vectors are of another dimension or not finite.
        """
        flat = self._flat(z)
        self._check_started()
        index = nearest(flat, self.codebook)
        codes = self.codebook[index].view(z.shape)
        wide = z.float()
        loss = self.commitment * functional.mse_loss(wide, codes)
        if self.training:
            self._follow(flat.detach(), index, generator)
        straight = codes + (wide - wide.detach())  # the codes to the last bit, and the gradient of z
        return Quantised(straight, index.view(z.shape[:-1]), loss)

    def encode(self, z: Tensor) -> Tensor:
        """Index (…) of vectors (…, dim), in any mode without a trace in the codebook.

        Raises:
            SemcomError: as `forward`.
        """
        self._check_started()
        return nearest(self._flat(z), self.codebook).view(z.shape[:-1])

    def decode(self, index: Tensor) -> Tensor:
        """Codes (…, dim) of indices (…).

        Raises:
            SemcomError: there is no such code, or no code yet.
        """
        self._check_started()
        if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < self.codes:
            raise SemcomError(f"indices {int(index.min())} to {int(index.max())} are not all of {self.codes}")
        return self.codebook[index]

    def usage(self) -> Usage:
        """Of the vectors seen in training since `begin_epoch`."""
        return of_counts(self.tally)

    def begin_epoch(self) -> None:
        """Count from here."""
        self.tally.zero_()

    @torch.no_grad()
    def reorder(self, order: Tensor) -> None:
        """Give code `order[i]` the index i, with all that is known of it; `ordering.ordered` finds an order.

        Raises:
            SemcomError: `order` (K,) is no permutation of 0…K - 1.
        """
        order = torch.as_tensor(order, device=self.codebook.device)
        if not torch.equal(order.sort().values, torch.arange(self.codes, device=order.device)):
            raise SemcomError(f"an order of {self.codes} codes names each of 0 to {self.codes - 1} once")
        for buffer in (self.codebook, self.share, self.sums, self.tally):
            buffer.copy_(buffer[order])

    def _check_started(self) -> None:
        if not self.started:
            raise SemcomError(
                "the codebook has no values yet: call start(vectors, seed=…) first, or load them"
            )

    def _flat(self, z: Tensor) -> Tensor:
        if not z.ndim or z.shape[-1] != self.dim:
            raise SemcomError(
                f"vectors of shape {tuple(z.shape)} for codes of {self.dim} dimensions: the last dimension "
                "must be theirs (of maps, put the channels last)"
            )
        return z.reshape(-1, self.dim).float()

    @torch.no_grad()
    def _follow(self, flat: Tensor, index: Tensor, generator: torch.Generator | None) -> None:
        counts = torch.bincount(index, minlength=self.codes)
        self.tally += counts
        weight = (1 - self.decay) / len(flat)
        self.share.mul_(self.decay).add_(counts, alpha=weight)
        self.sums.mul_(self.decay).index_add_(0, index, flat, alpha=weight)
        seen = self.share[:, None] > NOTHING
        self.codebook.copy_(torch.where(seen, self.sums / self.share[:, None], self.codebook))
        self._revive(flat, generator)

    def _revive(self, flat: Tensor, generator: torch.Generator | None) -> None:
        dead = torch.nonzero(self.share < self.dead_below / self.codes)[: len(flat), 0]
        if not len(dead):
            return
        drawn = torch.randperm(len(flat), generator=generator, device=flat.device)[: len(dead)]
        self.codebook[dead] = flat[drawn]
        self.share[dead] = 1 / self.codes
        self.sums[dead] = flat[drawn] / self.codes
