"""Parts of image sets: disjoint, seeded, and public ones that lead to no label."""

import gc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.frames.parts import Part, draw
from semcom.frames.prepared import UNLABELLED, Prepared
from semcom.params.parts import PartEntry

NAMES = ("cat", "dog", "fox", "owl")


def images(n: int = 400, *, group_size: int = 1, seed: int = 0, names: tuple[str, ...] = NAMES) -> Prepared:
    """A set of `n` images in groups of up to `group_size`; three quarters are for training, whole groups."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n), rng.integers(1, group_size + 1, n))[:n]
    return Prepared(
        path=Path("made up"),
        rgb=np.zeros((n, 1, 1, 3), np.uint8),
        depth_mm=None,
        scene=rng.integers(0, len(names), n),
        train=group < 0.75 * (group.max() + 1),
        group=group,
        index=np.arange(1, n + 1),
        scene_names=names,
        group_names=tuple(f"g{i}" for i in range(group.max() + 1)),
        objects=None,
        object_names=(),
        attributes={},
    )


def part(role: str, count: int | None = None, *classes: str, data: str = "pets") -> PartEntry:
    return PartEntry(data=data, role=role, count=count, classes=classes or None)


def drawn(parts: dict[str, PartEntry], file: Prepared, *, seed: int = 0) -> dict[str, Part]:
    return draw(parts, {"pets": file}, seed=seed)


MANY = {
    "public": part("public", 60, "cat", "dog"),
    "a": part("private", 40, "dog", "cat"),
    "b": part("private", 50),
    "rest": part("private", None, "fox", "owl"),
    "test_a": part("test", 30),
    "test_b": part("test", None, "owl"),
}


@pytest.mark.parametrize("group_size", [1, 3, 8])
@pytest.mark.parametrize("seed", range(5))
def test_no_image_and_no_group_is_in_two_parts(seed, group_size):
    file = images(1500, group_size=group_size, seed=seed)
    parts = drawn(MANY, file, seed=seed)
    assert list(parts) == list(MANY)
    for name, one in parts.items():
        assert len(one) == (MANY[name].count or len(one)) > 0
        assert (np.diff(one.index) > 0).all()
        assert (file.train[one.index] == (MANY[name].role != "test")).all()
        wanted = MANY[name].classes or NAMES
        assert set(file.scene[one.index]) <= {NAMES.index(label) for label in wanted}
        for other in parts:
            if other != name:
                assert not set(one.index) & set(parts[other].index)
                assert not set(file.group[one.index]) & set(file.group[parts[other].index])


def test_the_same_seed_draws_the_same_and_another_one_does_not():
    file = images()
    one, same, other = (drawn(MANY, file, seed=seed) for seed in (1, 1, 2))
    for name in ("public", "a", "b", "test_a"):
        np.testing.assert_array_equal(one[name].index, same[name].index)
        assert set(one[name].index) != set(other[name].index)


def test_a_part_behind_the_others_changes_none_and_a_public_one_grows():
    file = images(group_size=3)
    some = drawn({"public": MANY["public"], "a": MANY["a"]}, file)
    more = drawn({"public": MANY["public"], "a": MANY["a"], "b": part("public", 20)}, file)
    for name in some:
        np.testing.assert_array_equal(some[name].index, more[name].index)
    grown = drawn({"public": part("public", 90, "cat", "dog")}, file)
    assert set(some["public"].index) < set(grown["public"].index)
    # Another data set has nothing to do with it.
    two = draw({"o": part("public", 5, data="other"), **MANY}, {"pets": file, "other": images()}, seed=0)
    np.testing.assert_array_equal(two["public"].index, some["public"].index)


def test_labels_count_in_the_parts_own_order():
    file = images()
    parts = drawn(MANY, file)
    a = parts["a"]
    assert a.class_names == ("dog", "cat")
    assert [a.class_names[label] for label in a.labels] == [NAMES[s] for s in file.scene[a.index]]
    b = parts["b"]
    assert b.class_names == NAMES
    np.testing.assert_array_equal(b.labels, file.scene[b.index])
    np.testing.assert_array_equal(b.group, file.group[b.index])


def test_private_and_test_parts_are_stratified():
    file = images(4000)
    (there,) = np.nonzero(file.train)
    exact = 101 * np.bincount(file.scene[there]) / len(there)
    counts = np.bincount(drawn({"a": part("private", 101)}, file)["a"].labels)
    assert counts.sum() == 101
    assert (np.abs(counts - exact) < 1).all()


def test_asking_a_public_part_for_labels_is_an_error():
    public = drawn(MANY, images())["public"]
    with pytest.raises(
        SemcomError, match="the part public is public: no label of it can be read; take a private"
    ):
        _ = public.labels
    assert (public.group, public.class_names) == (None, ())


def reachable(thing: object) -> list[object]:
    """Every object that attributes, items and closures lead to; modules and classes left out."""
    found, queue = {}, [thing]
    while queue:
        one = queue.pop()
        if id(one) not in found and not isinstance(one, type) and type(one).__name__ != "module":
            found[id(one)] = one
            queue += gc.get_referents(one)
    return list(found.values())


def tells(array: np.ndarray, labels: np.ndarray) -> bool:
    """Whether an array has one value for each of the two classes."""
    if array.shape != labels.shape:
        return False
    return len(set(zip(array.tolist(), labels.tolist(), strict=True))) == 2


def test_nothing_of_a_public_part_leads_to_its_labels():
    file = images()
    parts = drawn(MANY, file)
    for name, leads in (("public", False), ("a", True)):
        labels = file.scene[parts[name].index]
        arrays = [one for one in reachable(parts[name]) if isinstance(one, np.ndarray)]
        assert any(one is parts[name].index for one in arrays)
        told = [one for one in arrays if one is file.scene or one is file.group or tells(one, labels)]
        assert bool(told) is leads, name


def test_which_images_are_public_does_not_depend_on_their_labels():
    """With cats and dogs drawn anew the same images are public."""
    file = images(group_size=2)
    rng = np.random.default_rng(5)
    two = file.scene < 2
    other = replace(file, scene=np.where(two, rng.integers(0, 2, len(file)), file.scene))
    assert (other.scene != file.scene).any()
    one, changed = (drawn(MANY, which)["public"].index for which in (file, other))
    np.testing.assert_array_equal(one, changed)


def test_sets_without_classes_have_no_labels_in_any_part():
    file = images(names=(UNLABELLED,))
    parts = drawn({"p": part("public", 10), "a": part("private", 10)}, file)
    with pytest.raises(SemcomError, match="the part a is of pets, which has no classes: no label"):
        _ = parts["a"].labels
    assert len(parts["p"]) == 10


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            {"a": part("private", 5, "cta")},
            "parts.a: 'cta' is no class of pets; did you mean 'cat'.; it has cat",
        ),
        (
            {"a": part("private", 999)},
            "parts.a: 999 images are wanted; .* are left in the training part of pets",
        ),
        (
            {"a": part("private", 250), "b": part("test"), "c": part("public", 60, "cat")},
            "parts.c: 60 images of cat",
        ),
        ({"a": part("private"), "b": part("public")}, "parts.b: some images are wanted; 0 are left"),
        (
            {"a": part("private", data="pet")},
            "parts.a: no prepared file of 'pet' is given; did you mean 'pets'",
        ),
    ],
)
def test_faults(parts, said):
    with pytest.raises(SemcomError, match=said):
        drawn(parts, images())
