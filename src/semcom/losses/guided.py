"""What an encoder trained under a knowledge base minimises: a guide, a SimCLR term, or both.

    L = mean over views of guide(z, what the base knows) + weight * NT-Xent(p, p')

z are embeddings in the base's space, p those of SimCLR's own projector, so that the two terms meet in the
encoder only (papers.md 2.3a).
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.contrastive import agreement, directions, nt_xent
from semcom.params.protocols import Guide
from semcom.training import forms


class Guided:
    """Callable.

    Args:
        guide: of the knowledge base; None for SimCLR alone.
        simclr: weight of the SimCLR term; 0 leaves it out, and then one view will do.
        temperature: of the SimCLR term; 0.2 in the first author's later code.

    Raises:
        SemcomError: there is neither, or the guide does not say what it needs.
    """

    def __init__(self, guide: Guide | None, *, simclr: float = 0.0, temperature: float = 0.2) -> None:
        if guide is None and simclr == 0:
            raise SemcomError("there is nothing to train on: give a guide, a SimCLR weight above 0, or both")
        if guide is not None and not isinstance(getattr(guide, "needs", None), Mapping):
            raise SemcomError(
                f"the guide {type(guide).__name__} does not say what it needs of the knowledge base: set "
                'self.needs in __init__, such as {"target": 1}'
            )
        self.guide, self.simclr, self.temperature = guide, simclr, temperature

    @property
    def views(self) -> int:
        """Least number of views of an image."""
        return 2 if self.simclr else 1

    @property
    def needs(self) -> Mapping[str, int]:
        """What the guide needs of the base: names, and how many vectors an image."""
        return self.guide.needs if self.guide else {}

    def __call__(
        self,
        embeddings: Sequence[Tensor],
        known: Sequence[Mapping[str, Tensor]],
        projections: Sequence[Tensor] = (),
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and logged terms of a batch.

        Args:
            embeddings: one a view, each (N, D), in the base's space.
            known: for each view what the guide needs.
            projections: with a SimCLR term those of the two views, each (N, P).

        Returns:
            The scalar loss, and detached scalars: the guide's (means over views), `nt_xent` and
            `cosine_views`.

        Raises:
            SemcomError: a tensor is missing or does not fit.
        """
        losses: list[Tensor] = []
        logs: dict[str, Tensor] = {}
        if self.guide is not None:
            found = [
                forms.loss("guide", self.guide, self.guide(one, knows), trains=one.requires_grad)
                for one, knows in zip(embeddings, known, strict=True)
            ]
            values, terms = zip(*found, strict=True)
            losses.append(torch.stack(values).mean())
            logs = {name: torch.stack([term[name] for term in terms]).mean() for name in terms[0]}
        if self.simclr:
            if len(projections) != 2:
                raise SemcomError(f"a SimCLR term compares two views, but was given {len(projections)}")
            with torch.autocast(projections[0].device.type, enabled=False):
                first, second = directions(projections)
                contrast = nt_xent(first, second, self.temperature)
            losses.append(self.simclr * contrast)
            logs |= {"nt_xent": contrast.detach(), "cosine_views": agreement(first, second)}
        return torch.stack(losses).sum(), logs
