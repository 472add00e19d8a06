"""The drawn test part: shares, groups, seeds."""

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.prepare.split import draw_test


def alone(labels: list[str]) -> list[str]:
    return [str(position) for position in range(len(labels))]


def test_a_fifth_of_each_class_by_the_seed():
    labels = ["a"] * 100 + ["b"] * 33 + ["c"] * 2 + ["d"]
    draws = [draw_test(labels, alone(labels), share=0.2, seed=seed) for seed in (0, 0, 1)]
    for test in draws:
        assert [sum(t for t, one in zip(test, labels, strict=True) if one == name) for name in "abcd"] == [
            20,
            7,
            0,
            0,
        ]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).any()


@pytest.mark.parametrize("seed", range(10))
def test_groups_stay_whole_and_test_is_never_larger_than_its_share(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, 200)
    groups = np.repeat(np.arange(200), sizes)
    labels = np.repeat(rng.choice(list("abc"), 200), sizes)
    test = draw_test(list(labels), list(map(str, groups)), share=0.25, seed=seed)
    assert not set(groups[test]) & set(groups[~test])
    for name in "abc":
        mine = labels == name
        # Whole groups of at most 8 miss the share by less than 8; many small ones hit it nearly.
        assert 0.25 * mine.sum() - 8 < test[mine].sum() <= round(0.25 * mine.sum())


def test_a_class_of_one_group_stays_in_train_and_mixed_groups_go_by_their_main_class():
    labels = ["a"] * 10 + ["b"] * 10
    groups = ["g0"] * 10 + [f"g{1 + i // 2}" for i in range(10)]
    test = draw_test(labels, groups, share=0.5, seed=0)
    assert not test[:10].any()
    assert test[10:].sum() == 4
    mixed = ["a", "a", "b", "a", "a", "b"]
    assert draw_test(mixed, ["x"] * 3 + ["y"] * 3, share=0.5, seed=0).sum() == 3


def test_nothing_to_draw_is_an_error():
    with pytest.raises(SemcomError, match="no test part of 20 % can be drawn from 4 pictures in 2 groups"):
        draw_test(["a", "a", "b", "b"], ["x", "x", "y", "y"], share=0.2, seed=0)
