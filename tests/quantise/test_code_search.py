"""The nearest code against a search in float64; where they differ, both are as near as fp32 can tell."""

import numpy as np
import pytest
import torch

from semcom.quantise.search import ROWS, by_products, nearest


def distances(vectors: torch.Tensor, codebook: torch.Tensor) -> np.ndarray:
    """Squared distances (N, K) in float64, differences first: no cancellation."""
    difference = vectors.double().numpy()[:, None] - codebook.double().numpy()
    return np.square(difference).sum(-1)


def rounding(vectors: torch.Tensor, codebook: torch.Tensor) -> np.ndarray:
    """How much two squared distances computed in fp32 may be off, (N,).

    Each sums dim + 2 terms of at most (|v| + |c|)² in all, so that an error bound is (dim + 2) 2^-24 of it.
    """
    longest = codebook.norm(dim=1).max().item()
    lengths = vectors.norm(dim=1).double().numpy() + longest
    return 2 * (vectors.shape[1] + 2) * 2**-24 * lengths**2


def assert_nearest(index: torch.Tensor, vectors: torch.Tensor, codebook: torch.Tensor) -> float:
    """Hold an index to float64; the share that is the very same."""
    away = distances(vectors, codebook)
    best = away.argmin(1)
    excess = away[np.arange(len(away)), index.numpy()] - away.min(1)
    assert (excess <= rounding(vectors, codebook)).all()
    return float((index.numpy() == best).mean())


SEARCHES = pytest.mark.parametrize("search", [nearest, by_products])


@SEARCHES
@pytest.mark.parametrize(("codes", "dim"), [(1024, 16), (512, 64), (3, 1)])
def test_the_nearest_code_is_found(search, codes, dim):
    draws = torch.Generator().manual_seed(codes)
    vectors, codebook = (torch.randn(n, dim, generator=draws) for n in (2000, codes))
    assert assert_nearest(search(vectors, codebook), vectors, codebook) >= 0.999


@SEARCHES
def test_ties_are_broken_by_rounding_and_nothing_else(search):
    """Halfway between a code and its nearest neighbour, either of the two is right and no third."""
    draws = torch.Generator().manual_seed(0)
    codebook = torch.randn(256, 8, generator=draws)
    away = distances(codebook, codebook)
    np.fill_diagonal(away, np.inf)
    vectors = (codebook + codebook[torch.from_numpy(away.argmin(1))]) / 2
    assert assert_nearest(search(vectors, codebook), vectors, codebook) < 1  # else there were no ties to test


def test_blocks_and_shapes():
    draws = torch.Generator().manual_seed(1)
    vectors, codebook = torch.randn(ROWS + 3, 2, generator=draws), torch.randn(5, 2, generator=draws)
    found = by_products(vectors, codebook)
    assert found.shape == (ROWS + 3,)
    assert torch.equal(found, torch.cdist(vectors.double(), codebook.double()).argmin(1))
    for search in (nearest, by_products):
        assert search(vectors[:0], codebook).shape == (0,)
        assert search(vectors, codebook).dtype == torch.int64


def test_half_precision_and_views_are_searched_as_they_are():
    draws = torch.Generator().manual_seed(2)
    vectors, codebook = torch.randn(100, 6, generator=draws), torch.randn(9, 6, generator=draws)
    half = vectors.bfloat16().requires_grad_()
    assert torch.equal(nearest(half, codebook), nearest(half.detach().float(), codebook))
    assert torch.equal(
        nearest(vectors[:, ::2], codebook[:, ::2]), nearest(vectors[:, [0, 2, 4]], codebook[:, [0, 2, 4]])
    )


def test_indices_are_those_of_vector_quantize_pytorch():
    library = pytest.importorskip("vector_quantize_pytorch")
    draws = torch.Generator().manual_seed(3)
    vectors, codebook = torch.randn(4096, 16, generator=draws), torch.randn(1024, 16, generator=draws)
    peer = library.VectorQuantize(16, 1024).eval()
    peer._codebook.embed.copy_(codebook[None])
    theirs, ours = peer(vectors[None])[1][0], nearest(vectors, codebook)
    assert (ours == theirs).float().mean() >= 0.999
    assert_nearest(theirs, vectors, codebook)  # where they differ, both are near ties
    assert_nearest(ours, vectors, codebook)


def test_autocast_changes_no_index():
    vectors, codebook = (torch.randn(n, 8, generator=torch.Generator().manual_seed(n)) for n in (4000, 64))
    plain = by_products(vectors, codebook)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(by_products(vectors, codebook), plain)
