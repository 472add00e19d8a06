from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from semcom.files.errors import SemcomError
from semcom.quantise.base import KnowledgeBase, load, save


def unit(n: int, dim: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_nearest_vectors_are_those_of_brute_force() -> None:
    base, queries = unit(200, 16, 0), unit(20, 16, 1)
    built = KnowledgeBase.build(base, np.arange(200), np.zeros(200), factory="Flat")
    similarity, position = built.search(queries, 3)
    cosine = queries @ base.T
    assert np.array_equal(position, np.argsort(-cosine, axis=1)[:, :3])
    np.testing.assert_allclose(similarity, -np.sort(-cosine, axis=1)[:, :3], atol=1e-6)


def test_votes_agree_with_scikit_learn_where_there_is_no_tie() -> None:
    base, queries = unit(300, 8, 0), unit(100, 8, 1)
    labels = np.random.default_rng(2).integers(0, 2, 300)
    built = KnowledgeBase.build(base, np.arange(300), labels, factory="Flat")
    oracle = KNeighborsClassifier(5, metric="cosine", algorithm="brute").fit(base, labels)
    assert np.array_equal(built.classify(queries, 5), oracle.predict(queries))


def test_of_equal_votes_the_nearest_wins() -> None:
    base = np.array([[1, 0], [0.99, 0.14], [0.97, 0.25], [0.95, 0.31]], np.float32)
    built = KnowledgeBase.build(base, np.arange(4), np.array([7, 3, 3, 7]), factory="Flat")
    assert built.classify(np.array([[1, 0]], np.float32), 4).tolist() == [7]


def test_saved_bases_answer_the_same(tmp_path: Path) -> None:
    base, queries = unit(300, 16, 0), unit(10, 16, 1)
    bases = {
        name: KnowledgeBase.build(base, np.arange(300) + 1, np.arange(300) % 4, factory=factory)
        for name, factory in (("rgb", "Flat"), ("both", "PQ8x4"))
    }
    save(tmp_path / "a.npz", bases)
    save(tmp_path / "b.npz", bases)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = load(tmp_path / "a.npz")
    assert back.keys() == bases.keys()
    for name, built in bases.items():
        assert np.array_equal(back[name].search(queries, 5)[1], built.search(queries, 5)[1])
        assert np.array_equal(back[name].ids, built.ids)


@pytest.mark.parametrize("factory", ["PQ8", "NoSuchIndex"])
def test_a_factory_that_does_not_fit_is_refused_by_name(factory: str) -> None:
    with pytest.raises(SemcomError, match=f"{factory}.* 100 vectors of 16 dimensions"):
        KnowledgeBase.build(unit(100, 16, 0), np.arange(100), np.zeros(100), factory=factory)


def test_a_damaged_base_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"PK no archive")
    with pytest.raises(SemcomError, match=r"x\.npz"):
        load(tmp_path / "x.npz")
