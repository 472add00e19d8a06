"""A private base: what it finds, what it takes, and both bases searched together."""

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.quantise.private import PrivateBase, search_both
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory

DRAWS = np.random.default_rng(0)
AXES = np.eye(4, dtype=np.float32)
LABELS = np.repeat(np.arange(4), 50)
VECTORS = (AXES[LABELS] + 0.1 * DRAWS.normal(size=(200, 4))).astype(np.float32)


def test_a_flat_base_finds_what_is_near_and_takes_its_vectors_ids_and_labels() -> None:
    base = PrivateBase.build(VECTORS, np.arange(200), LABELS, form="Flat")
    assert (base.classify(AXES, 5) == np.arange(4)).all()
    assert base.precision(AXES, np.arange(4), 50) > 0.99
    assert base.precision(AXES, np.arange(4), 200) == pytest.approx(0.25), "all of them"
    assert base.precision(AXES, np.roll(np.arange(4), 1), 20) == 0
    assert base.bytes == sum(base.base.sizes().values()) + 200
    assert base.base.sizes()["codes"] == 200 * 4 * 4


def test_codebooks_of_its_own_are_smaller_where_vectors_are_few() -> None:
    base = PrivateBase.build(VECTORS, np.arange(200), LABELS, form="PQ1")
    assert base.base.about.form != "PQ1", "fewer bits"
    assert (base.classify(AXES, 5) == np.arange(4)).all()


def test_of_equally_many_votes_the_nearest_has_it() -> None:
    turned = np.array([[1, 0.1], [1, 0.3], [1, 0.6], [1, 0.8]], np.float32)
    base = PrivateBase.build(turned, np.arange(4), np.array([3, 1, 1, 3]), form="Flat")
    assert base.classify(np.array([[1, 0]], np.float32), 4).tolist() == [3]
    assert base.classify(np.array([[1, 0]], np.float32), 3).tolist() == [1]


def test_an_unfilled_place_has_no_vote() -> None:
    """Of a form with lists, a query looks through some, which may hold fewer than k."""
    base = PrivateBase.build(VECTORS, np.arange(200), LABELS, form="IVF8,Flat")
    _, position = base.search(AXES, 200)
    assert (position < 0).any()
    assert (base.classify(AXES, 200) == np.arange(4)).mean() >= 0.75
    assert base.precision(AXES, np.arange(4), 200) <= 0.25


def test_both_bases_searched_together_give_the_nearest_of_all() -> None:
    shared = SharedBase.build(InMemory.numbered(-VECTORS), form="Flat")
    private = PrivateBase.build(VECTORS, np.arange(200), LABELS, form="Flat")
    found = search_both(shared, private, np.concatenate([AXES, -AXES]), 10)
    assert found.private[:4].all()
    assert not found.private[4:].any()
    assert (LABELS[found.position] == np.tile(np.arange(4), 2)[:, None]).all()
    assert (np.diff(found.similarity, axis=1) <= 0).all()
    everything = search_both(shared, private, AXES[:1], 400)
    assert everything.position.shape == (1, 400)
    assert everything.private.sum() == 200


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SemcomError, match="200 vectors, 200 ids and 3 labels"):
        PrivateBase.build(VECTORS, np.arange(200), LABELS[:3], form="Flat")
    private = PrivateBase.build(VECTORS, np.arange(200), LABELS, form="Flat")
    with pytest.raises(SemcomError, match="dimensions"):
        search_both(SharedBase.build(InMemory.numbered(VECTORS[:, :3]), form="Flat"), private, AXES, 3)
