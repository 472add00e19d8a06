import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from semcom.files.errors import SemcomError
from semcom.frames.folds import labelled, validation_fold


def rooms(groups: int = 40, classes: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class, group and train flag of groups of 1 to 6 frames; the last class has one group."""
    sizes = np.random.default_rng(0).integers(1, 7, groups)
    group = np.repeat(np.arange(groups), sizes)
    scene = np.where(group == 0, classes, group % classes)
    return scene, group, group < groups * 3 // 4


@pytest.mark.parametrize("seed", range(7))
def test_no_group_is_on_both_sides_and_test_frames_on_neither(seed: int) -> None:
    scene, group, official = rooms()
    train, validation = validation_fold(scene, group, official, seed=seed)
    assert not set(group[train]) & set(group[validation])
    assert official[train].all()
    assert official[validation].all()
    assert sorted([*train, *validation]) == list(np.nonzero(official)[0])


def test_five_seeds_validate_on_five_disjoint_folds_that_cover_training() -> None:
    scene, group, official = rooms()
    folds = [validation_fold(scene, group, official, seed=seed)[1] for seed in range(5)]
    together = np.concatenate(folds)
    assert len(set(together)) == len(together)
    # all but the class that one group makes up
    assert set(np.nonzero(official)[0]) - set(together) == set(np.nonzero(scene == 4)[0])


def test_the_sixth_seed_draws_another_split() -> None:
    scene, group, official = rooms()
    first, sixth = (validation_fold(scene, group, official, seed=seed)[1] for seed in (0, 5))
    assert list(first) != list(sixth)


def test_a_class_with_one_group_stays_in_training() -> None:
    scene, group, official = rooms()
    for seed in range(5):
        train, validation = validation_fold(scene, group, official, seed=seed)
        assert 4 in scene[train]
        assert 4 not in scene[validation]


@pytest.mark.parametrize("draw", range(20))
def test_classes_are_spread_as_evenly_as_by_scikit_learn(draw: int) -> None:
    rng = np.random.default_rng(draw)
    group = np.repeat(np.arange(100), rng.integers(1, 20, 100))
    scene = rng.choice(8, 100, p=np.arange(1, 9) / 36)[group]
    official = np.ones(len(scene), bool)

    def unevenness(folds: list[np.ndarray]) -> float:
        counts = np.array([np.bincount(scene[f], minlength=8) for f in folds])
        return float(np.nanmean(np.abs(counts / counts.sum(0) - 1 / 5)))

    ours = [validation_fold(scene, group, official, seed=seed)[1] for seed in range(5)]
    theirs = StratifiedGroupKFold(5, shuffle=True, random_state=draw).split(scene, scene, group)
    assert unevenness(ours) < 1.15 * unevenness([f for _, f in theirs]) + 0.005


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(SemcomError, match="3 groups .* 5 folds"):
        validation_fold(np.zeros(6, int), np.repeat(np.arange(3), 2), np.ones(6, bool), seed=0)


def test_labels_are_drawn_without_replacement_in_equal_shares() -> None:
    scene = np.repeat(np.arange(3), (100, 50, 3))
    frames = np.arange(len(scene))
    chosen = labelled(frames, scene, fraction=0.1, seed=3)
    assert len(set(chosen)) == len(chosen)
    assert np.bincount(scene[chosen]).tolist() == [10, 5, 1]
    assert list(chosen) == list(labelled(frames, scene, fraction=0.1, seed=3))
    assert list(chosen) != list(labelled(frames, scene, fraction=0.1, seed=4))
    assert list(labelled(frames, scene, fraction=1.0, seed=3)) == list(frames)
