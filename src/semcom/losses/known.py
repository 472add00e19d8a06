"""What a guide compares: embeddings of images beside vectors of a knowledge base, by their directions."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from semcom.files.errors import SemcomError

SAME = 1 - 1e-5
"""Cosine from which two vectors are one: a quarter of a degree. Entries of one code decode to one vector, and
fp32 gives its cosine with itself as 1 to about 1e-6."""


def checked(guide: str, embedding: Tensor, known: Mapping[str, Tensor], *names: str) -> list[Tensor]:
    """The embedding and the named vectors of the base, in fp32 or wider.

    Args:
        guide: name for errors.
        embedding: (N, D).
        known: `target` and `query` (N, D), `negatives` and `neighbours` (N, any, D).
        *names: those that are wanted, in this order.

    Raises:
        SemcomError: one is missing, or is of another batch or space than the embedding.
    """
    if embedding.ndim != 2 or not embedding.numel():
        raise SemcomError(f"{guide}: an embedding of shape {tuple(embedding.shape)}; it must be (N, D)")
    found = [embedding]
    for name in names:
        if name not in known:
            raise SemcomError(
                f"{guide} needs `{name}` of the knowledge base for each image, but was given "
                f"{', '.join(known) or 'nothing'}"
            )
        vectors, dims = known[name], 3 if name in ("negatives", "neighbours") else 2
        if vectors.ndim != dims or len(vectors) != len(embedding) or vectors.shape[-1] != embedding.shape[1]:
            raise SemcomError(
                f"{guide}: `{name}` of shape {tuple(vectors.shape)} does not go with embeddings of shape "
                f"{tuple(embedding.shape)}: both need the same batch and the dimension of the knowledge base"
            )
        found.append(vectors)
    return [wide(vectors) for vectors in found]


def wide(vectors: Tensor) -> Tensor:
    """Half precision as fp32, in which a vector's cosine with itself is 1; others as they are."""
    return vectors.float() if vectors.dtype in (torch.float16, torch.bfloat16) else vectors


def cosines(embedding: Tensor, vectors: Tensor) -> Tensor:
    """Cosine of each row (N, D) with its own vector (N, D): (N,), or with its own several (N, H, D): (N, H).

    Of a row or vector of zeros it is 0.
    """
    rows, wanted = functional.normalize(embedding, dim=-1), functional.normalize(vectors, dim=-1)
    if vectors.ndim == 2:
        return (rows * wanted).sum(-1)
    return torch.bmm(wanted, rows.unsqueeze(-1)).squeeze(-1)
