from itertools import permutations

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.metrics.heads import Labelled, Nearest, unit
from semcom.metrics.retrieval import precision_at
from semcom.metrics.votes import Distinct, right_share, shares, winners
from semcom.quantise.private import PrivateBase

SIMILARITY = np.array([[3, 1, 2, 2, 1, 2, 0], [1, 1, 1, 1, 1, 1, 1], [6, 5, 4, 3, 2, 1, 0]]) / 7


@pytest.mark.parametrize("k", [1, 2, 3, 5, 7])
def test_shares_are_the_mean_over_every_order_in_which_equals_could_stand(k):
    counted = np.zeros(SIMILARITY.shape)
    orders = list(permutations(range(7)))
    for order in orders:
        there = np.argsort(-SIMILARITY[:, order], axis=1, kind="stable")[:, :k]
        for row, at in enumerate(there):
            counted[row, np.array(order)[at]] += 1
    np.testing.assert_allclose(shares(SIMILARITY, k), counted / len(orders))


def test_winners_have_most_votes_then_the_nearest_then_the_smallest_name():
    classes = np.array([9, 4, 4, 4, 9, 9, 4])
    # Of the first query's 3 nearest one is of 9 and each of three equals, two of 4 and one of 9, counts 2/3.
    assert winners(SIMILARITY[:1], classes, 3).tolist() == [9]
    assert right_share(SIMILARITY[:1], classes, np.array([9]), 3) == pytest.approx((1 + 2 / 3) / 3)
    assert winners(SIMILARITY[1:2], classes, 2).tolist() == [4], "four of seven"
    assert winners(SIMILARITY[2:], classes, 2).tolist() == [9], "one vote each: the nearest"
    assert winners(SIMILARITY[1:2], np.array([5, 5, 5, 4, 4, 4, 6]), 1).tolist() == [4]
    own = np.stack([classes, np.roll(classes, 1), classes])
    assert winners(SIMILARITY, own, 1).tolist() == [9, 4, 9]
    lost = np.where(SIMILARITY > 0.2, SIMILARITY, -np.inf)
    assert right_share(lost[2:], classes, np.array([4]), 6) == pytest.approx(3 / 6), "five found of six"
    with pytest.raises(SemcomError, match="the 8 nearest of 7 entries"):
        shares(SIMILARITY, 8)


def coded(seed: int = 0) -> tuple[Labelled, Labelled]:
    """300 entries of 5 vectors, class by class, each vector mostly of one class, and queries beside them."""
    draws = np.random.default_rng(seed)
    vectors = unit(draws.normal(size=(5, 24)).astype(np.float32))
    code = draws.integers(5, size=300)
    classes = np.where(draws.random(300) < 0.6, code, draws.integers(5, size=300))
    order = np.argsort(classes, kind="stable")
    asked = draws.integers(5, size=40)
    near = unit(vectors[asked] + 0.05 * draws.normal(size=(40, 24)).astype(np.float32))
    return Labelled(vectors[code[order]], classes[order]), Labelled(near, asked)


def test_the_order_of_a_base_decides_nothing():
    bank, queries = coded()
    turned = Labelled(*(np.flip(x, 0) for x in bank))
    assert len(Distinct(bank.features).vectors) == 5
    for k in (1, 10, 200):
        here, there = (Nearest(one, k).predict(queries.features) for one in (bank, turned))
        assert (here == there).all()
        precision = [precision_at(*one, *queries, k=k) for one in (bank, turned)]
        assert precision[0] == pytest.approx(precision[1], abs=1e-12)
    # Ten of a code's sixty or so: the class that most of them have, whichever stands first.
    assert (Nearest(bank, 10).predict(queries.features) == queries.classes).all()
    same = [bank.classes[np.isclose(bank.features @ q, (bank.features @ q).max())] for q in queries.features]
    expected = np.mean([(one == c).mean() for one, c in zip(same, queries.classes, strict=True)])
    assert precision_at(*bank, *queries, k=10) == pytest.approx(expected)


@pytest.mark.parametrize("form", ["Clusters4", "PQ3x2"])
def test_private_bases_of_short_codes_let_all_vote_that_are_as_near(form):
    bank, queries = coded(1)
    ids = np.arange(300)
    base = PrivateBase.build(bank.features, ids, bank.classes, form=form, seed=0)
    decoded = base.base.decode()
    codes = np.unique(decoded.round(5), axis=0, return_inverse=True)[1].reshape(-1)
    assert len(np.unique(codes)) < 6
    _, position = base.search(queries.features, 1)
    expected = []
    for at, own in zip(position[:, 0], queries.classes, strict=True):
        expected.append((bank.classes[codes == codes[at]] == own).mean())
    assert np.bincount(codes).min() >= 10
    assert base.precision(queries.features, queries.classes, 10) == pytest.approx(np.mean(expected))
    most = [np.bincount(bank.classes[codes == codes[at]]).argmax() for at in position[:, 0]]
    assert (base.classify(queries.features, 10) == most).all()
