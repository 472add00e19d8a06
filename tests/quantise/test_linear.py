import faiss
import numpy as np
import pytest
from sklearn.decomposition import PCA

from semcom.quantise.linear import Linear, Map


@pytest.fixture
def vectors() -> np.ndarray:
    """Their mean lies mostly outside of the directions in which they vary most."""
    draws = np.random.default_rng(0)
    return (draws.normal(size=(400, 24)) @ np.diag(2.0 ** -np.arange(24)) + 1).astype(np.float32)


def pca(vectors: np.ndarray, out: int) -> Map:
    found = PCA(out, svd_solver="full").fit(vectors.astype(np.float64))
    return Map(found.components_, -found.components_ @ found.mean_, found.mean_)


def test_none_of_none() -> None:
    assert Linear.of([]) is None


def test_pca_goes_back_to_the_mean_as_scikit_learn_does_and_faiss_does_not(vectors: np.ndarray) -> None:
    theirs = PCA(4, svd_solver="full").fit(vectors)
    linear = Linear.of([pca(vectors, 4)])
    mapped = linear.apply(vectors)
    np.testing.assert_allclose(mapped, theirs.transform(vectors), atol=1e-5)
    np.testing.assert_allclose(linear.back(mapped), theirs.inverse_transform(mapped), atol=1e-5)
    other = faiss.PCAMatrix(24, 4)
    other.train(vectors)
    lost = np.linalg.norm(other.reverse_transform(other.apply(vectors)) - vectors, axis=1).mean()
    assert lost > 5 * np.linalg.norm(linear.back(mapped) - vectors, axis=1).mean()


def test_two_maps_are_one(vectors: np.ndarray) -> None:
    """Applied one after the other, and gone back through in turn."""
    one = pca(vectors, 12)
    two = pca(Linear.of([one]).apply(vectors), 8)
    first, second, both = Linear.of([one]), Linear.of([two]), Linear.of([one, two])
    expected = second.apply(first.apply(vectors))
    np.testing.assert_allclose(both.apply(vectors), expected, atol=1e-5)
    np.testing.assert_allclose(both.back(expected), first.back(second.back(expected)), atol=1e-5)
    assert both.nbytes == 4 * (8 * 24 + 8 + 24)


def test_back_is_least_squares_where_rows_are_not_orthonormal(vectors: np.ndarray) -> None:
    """Whitening: faiss itself does not go back."""
    turn = pca(vectors, 6)
    scale = np.linspace(1, 100, 6)[:, None]
    linear = Linear.of([Map(scale * turn.matrix, scale[:, 0] * turn.offset, turn.origin)])
    mapped = linear.apply(vectors)
    np.testing.assert_allclose(linear.back(mapped), Linear.of([turn]).back(mapped / scale[:, 0]), atol=1e-5)
