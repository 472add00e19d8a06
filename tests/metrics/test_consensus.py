"""Encoders made by hand: what must cross, what cannot, and what a map mends."""

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.metrics.consensus import Party, cross_heads, cross_retrieval, join
from semcom.metrics.heads import Labelled, Nearest, class_means, linear, unit
from semcom.metrics.retrieval import precision_at

DIM, CLASSES = 16, 4
HEADS = ("linear", "class_mean", "knn")


def images(count: int, seed: int) -> Labelled:
    """What an encoder is to see: a direction for each class, and much else."""
    means = np.random.default_rng(99).normal(size=(CLASSES, DIM))
    draws = np.random.default_rng(seed)
    labels = draws.integers(CLASSES, size=count)
    return Labelled(means[labels] + draws.normal(size=(count, DIM)), labels)


def party(
    *, turn: np.ndarray | None = None, offset: float = 0.0, seed: int = 0, centre: bool = True
) -> Party:
    """An encoder that turns its images and adds a constant, which depends on its number, and noise."""
    constant = offset * np.random.default_rng(seed).normal(size=DIM) if offset else 0
    draws = np.random.default_rng(50 + seed)

    def encode(x: np.ndarray) -> np.ndarray:
        seen = x if turn is None else x @ turn
        return seen + constant + 0.3 * draws.normal(size=seen.shape)

    own = [images(n, 10 * seed + k) for k, n in enumerate((400, 300, 500))]
    shared, unlabelled = images(1000, 777).features, images(2000, 10 * seed + 5).features
    train, validation, test = (Labelled(encode(x), y) for x, y in own)
    if not centre:
        plain = (Labelled(unit(x), y) for x, y in (train, validation, test))
        return Party(*plain, unit(encode(shared)))
    return Party.of(
        train=train, validation=validation, test=test, shared=encode(shared), unlabelled=encode(unlabelled)
    )


def turned(seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(DIM, DIM)))[0]


def table(parties: dict[str, Party], **options) -> dict[tuple[str, str, str], dict]:
    heads = {name: one.heads(neighbours=5) for name, one in parties.items()}
    rows = cross_heads(parties, heads, **options)
    return {(row["head"], row["owner"], row["guest"]): row for row in rows}


def test_one_space_needs_nothing_but_each_ones_own_mean():
    parties = {name: party(offset=3, seed=s) for s, name in enumerate("abc")}
    cells = table(parties)
    assert set(cells) == {(head, a, b) for head in HEADS for a in "abc" for b in "abc"}
    for row in cells.values():
        # 500 images: a difference of two accuracies near 0.9 has a standard error of 1.9 points; 3.5 of them.
        assert abs(row["accuracy"] - row["own_accuracy"]) < 0.066
        assert row["own_accuracy"] > 0.8
        assert row["shared_images"] == row["exchanged_bytes"] == 0
    plain = table({name: party(offset=3, seed=s, centre=False) for s, name in enumerate("abc")})
    lost = [row["own_accuracy"] - row["accuracy"] for (_, a, b), row in plain.items() if a != b]
    assert np.mean(lost) > 0.15, "with their mean directions left in, a head of one is lost on another"


def test_cells_are_those_of_the_heads_by_hand():
    parties = {"a": party(seed=0), "b": party(seed=1)}
    cells = table(parties)
    own = parties["a"]
    made = {
        "linear": linear(own.train, own.validation),
        "class_mean": class_means(own.train),
        "knn": Nearest(own.train, 5),
    }
    for kind, head in made.items():
        for guest, other in parties.items():
            right = (head.predict(other.test.features) == other.test.classes).mean()
            assert cells[kind, "a", guest]["accuracy"] == pytest.approx(right)
        assert cells[kind, "b", "a"]["own_accuracy"] == cells[kind, "a", "a"]["accuracy"]


def test_turned_spaces_are_strangers_until_a_map_joins_them():
    parties = {"a": party(turn=turned(1), seed=0), "b": party(turn=turned(2), seed=1)}
    apart = table(parties)
    assert all(apart[head, "a", "b"]["accuracy"] < 0.55 for head in HEADS)
    reached = {}
    for count in (20, 1000):
        maps = join(parties, images=count, seed=0)
        cells = table(parties, maps=maps)
        reached[count] = [cells[head, "a", "b"]["accuracy"] for head in HEADS]
        assert cells["knn", "a", "b"]["exchanged_bytes"] == count * DIM * 2
        assert cells["knn", "a", "b"]["shared_images"] == count
        assert cells["knn", "a", "a"]["shared_images"] == 0
        assert cells["linear", "b", "b"]["accuracy"] == apart["linear", "b", "b"]["accuracy"]
    assert min(reached[1000]) > 0.8
    assert np.mean(reached[20]) < np.mean(reached[1000])


def test_spaces_of_other_dimensions_need_a_map():
    wide = np.random.default_rng(5).normal(size=(DIM, 24)) / 4
    parties = {"a": party(seed=0), "b": party(turn=wide, seed=1)}
    with pytest.raises(SemcomError, match="of b have 24 dimensions, those of a 16: give a map from b to a"):
        table(parties)
    cells = table(parties, maps=join(parties, images=1000, seed=0))
    assert cells["linear", "a", "b"]["accuracy"] > 0.8
    assert cells["linear", "b", "a"]["exchanged_bytes"] == 1000 * 24 * 2


def test_retrieval_from_anothers_base():
    parties = {"a": party(turn=turned(1), seed=0), "b": party(turn=turned(2), seed=1)}
    maps = join(parties, images=1000, seed=0)
    for through, low, high in ((None, 0, 0.5), (maps, 0.6, 1)):
        rows = {(r["owner"], r["guest"]): r for r in cross_retrieval(parties, k=10, maps=through)}
        assert low <= rows["a", "b"]["precision"] <= high
        own = precision_at(*parties["b"].train, *parties["b"].test, k=10)
        assert rows["a", "b"]["own_precision"] == rows["b", "b"]["precision"] == own
        assert rows["a", "b"]["k"] == 10


def test_a_map_on_more_images_than_there_are_is_refused():
    with pytest.raises(SemcomError, match="map on 1001 shared images, but there are 1000"):
        join({"a": party(seed=0), "b": party(seed=1)}, images=1001, seed=0)
