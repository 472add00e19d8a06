"""A private base: what it finds, what it takes, its file, and both bases searched together."""

from pathlib import Path

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.quantise import container, private
from semcom.quantise.private import Owner, PrivateBase, search_both
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
    with pytest.raises(SemcomError, match="a label is -1; classes count from 0"):
        PrivateBase.build(VECTORS, np.arange(200), LABELS - 1, form="Flat")
    private = PrivateBase.build(VECTORS, np.arange(200), LABELS, form="Flat")
    with pytest.raises(SemcomError, match="dimensions"):
        search_both(SharedBase.build(InMemory.numbered(VECTORS[:, :3]), form="Flat"), private, AXES, 3)


OWNER = Owner(
    encoder={"method": "guided", "network": {"backbone": {"use": "vit"}}, "seed": 3},
    mentor={"use": "made_up"},
    data={"name": "rooms", "part": "a", "sha256": "0" * 64},
    classes=("kitchen", "office", "bath", "hall"),
)


@pytest.mark.parametrize("form", ["Flat", "PQ4x2", "PCA3,SQ8", "OPQ4,PQ4x2", "IVF4,PQ4x2", "Clusters4"])
def test_the_file_gives_the_base_back_and_has_the_size_that_it_says(tmp_path: Path, form: str) -> None:
    base = PrivateBase.build(VECTORS, np.arange(200) * 3, LABELS, form=form, seed=2, owner=OWNER)
    base.save(tmp_path / "b.pkb")
    again = PrivateBase.load(tmp_path / "b.pkb")
    assert again.owner == OWNER
    assert again.base.about == base.base.about
    np.testing.assert_array_equal(again.labels, LABELS)
    np.testing.assert_array_equal(again.base.ids, np.arange(200) * 3)
    for found, same in zip(base.search(VECTORS, 7), again.search(VECTORS, 7), strict=True):
        np.testing.assert_array_equal(found, same)
    sizes = base.sizes()
    assert sizes == again.sizes()
    assert sum(sizes.values()) == (tmp_path / "b.pkb").stat().st_size
    assert sizes["labels"] == 200
    # What probes count is the file but for whose it is: its own section, and two sections in the description.
    apart = sizes["owner"] + sizes["description"] - base.base.sizes()["description"]
    assert base.bytes == again.bytes == sum(sizes.values()) - apart
    again.save(tmp_path / "c.pkb")
    assert (tmp_path / "c.pkb").read_bytes() == (tmp_path / "b.pkb").read_bytes(), "the same to the bit"


@pytest.mark.parametrize(("most", "width"), [(0, 1), (255, 1), (256, 2), (65_536, 4)])
def test_labels_take_as_few_bytes_as_the_largest_needs(tmp_path: Path, most: int, width: int) -> None:
    labels = np.where(np.arange(200) == 7, most, 0)
    base = PrivateBase.build(VECTORS, np.arange(200), labels, form="Flat")
    assert base.sizes()["labels"] == 200 * width
    base.save(tmp_path / "b.pkb")
    np.testing.assert_array_equal(PrivateBase.load(tmp_path / "b.pkb").labels, labels)


def test_a_file_that_is_no_whole_private_base_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.pkb"
    with pytest.raises(SemcomError, match=r"cannot read the knowledge base .*b\.pkb"):
        PrivateBase.load(path)
    SharedBase.build(InMemory.numbered(VECTORS), form="Flat").save(path)
    with pytest.raises(SemcomError, match="is a shared knowledge base: it has no labels"):
        PrivateBase.load(path)
    base = PrivateBase.build(VECTORS, np.arange(200), LABELS, form="Flat")
    base.save(path)
    whole = path.read_bytes()
    place = container.read(path).places["labels"][0] + 9
    for broken in (whole[:-1], whole[:place] + b"\3" + whole[place + 1 :]):
        path.write_bytes(broken)
        with pytest.raises(SemcomError, match="truncated or damaged"):
            PrivateBase.load(path)
    monkeypatch.setattr(private, "VERSION", 2)
    base.save(path)
    monkeypatch.undo()
    with pytest.raises(SemcomError, match="of version 2, known is 1; build it anew"):
        PrivateBase.load(path)


def test_a_base_that_says_whose_space_it_is_in_is_searched_with_no_other() -> None:
    own = PrivateBase.build(VECTORS, np.arange(200), LABELS, form="Flat", owner=OWNER)
    shared = SharedBase.build(InMemory(VECTORS, np.arange(200), OWNER.mentor), form="Flat")
    assert search_both(shared, own, AXES, 3).position.shape == (4, 3)
    other = SharedBase.build(InMemory(VECTORS, np.arange(200), {"use": "other"}), form="Flat")
    with pytest.raises(SemcomError, match="the mentor other .*, these vectors by made_up"):
        search_both(other, own, AXES, 3)


def test_what_cannot_be_searched_for_is_refused() -> None:
    shared = SharedBase.build(InMemory.numbered(-VECTORS), form="Flat")
    private = PrivateBase.build(VECTORS, np.arange(200), LABELS, form="Flat")
    for search in (private.search, private.classify, lambda q, k: search_both(shared, private, q, k)):
        for k in (0, -1, 1.5):
            with pytest.raises(SemcomError, match=f"a search with k {k}; give a whole number"):
                search(AXES, k)
        for queries in (AXES[0], AXES.tolist()):
            with pytest.raises(SemcomError, match=r"queries .*: give an array of shape \(Q, 4\)"):
                search(queries, 3)
    with pytest.raises(SemcomError, match="a base of 0 vectors by seed 0"):
        PrivateBase.build(VECTORS[:0], np.arange(0), LABELS[:0], form="Flat")
