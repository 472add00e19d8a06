"""Differences over seeds and test images: against the crossed analysis, the paired t, and simulated truth."""

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.metrics.drawn_images import over_seeds_and_images
from semcom.metrics.intervals import over_seeds
from semcom.metrics.scenes import crossed


def drawn(seeds: int, groups: int, size: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Differences (seeds, images) with an effect of groups, and the groups (images,)."""
    draws = np.random.default_rng(seed)
    group = draws.permutation(np.repeat(np.arange(groups), size))
    values = draws.normal(0.1, 0.2, (seeds, 1)) + draws.normal(0, 0.5, groups)[group]
    return values + draws.normal(0, 0.5, (seeds, len(group))), group


@pytest.mark.parametrize("size", [1, 4])
def test_of_the_same_images_it_is_the_crossed_analysis(size: int) -> None:
    values, group = drawn(5, 30, size, seed=size)
    wanted = crossed(values, group).estimate()
    order = np.random.default_rng(0).permutation(len(group))  # of images, which says nothing
    found = over_seeds_and_images([v[order] for v in values], [group[order] + 100] * 5)
    for one, other in zip(found, wanted, strict=True):
        assert one == pytest.approx(other)
    assert found.half_width() > over_seeds(values.mean(1)).half_width()


def test_of_images_that_no_two_seeds_share_it_is_the_paired_t() -> None:
    values, group = drawn(5, 30, 2, seed=0)
    found = over_seeds_and_images(list(values), [group + 1000 * seed for seed in range(5)])
    wanted = over_seeds(values.mean(1))
    for one, other in zip(found, wanted, strict=True):
        assert one == pytest.approx(other)


def test_without_an_effect_of_images_it_is_the_paired_t_or_little_more() -> None:
    draws = np.random.default_rng(0)
    values = draws.normal(size=(5, 1)) + draws.normal(size=(5, 400)) / 10
    found, alone = over_seeds_and_images(list(values), [np.arange(400)] * 5), over_seeds(values.mean(1))
    assert found.standard_error == pytest.approx(alone.standard_error, rel=0.01)


def test_intervals_hold_the_truth_where_seeds_draw_four_of_ten_images() -> None:
    """The paired t alone holds it too seldom: two seeds share images, whose luck moves both."""
    draws = np.random.default_rng(1)
    hits, alone, trials = 0, 0, 400
    for _ in range(trials):
        images = draws.normal(0, 0.5, 500)  # a draw of test images, mean 0
        picked = [draws.permutation(500)[:200] for _ in range(5)]
        values = [draws.normal(0, 0.01) + images[p] + draws.normal(0, 0.2, 200) for p in picked]
        estimate = over_seeds_and_images(values, picked)
        hits += abs(estimate.mean) < estimate.half_width()
        t = over_seeds(np.array([v.mean() for v in values]))
        alone += abs(t.mean) < t.half_width()
    # Binomial: 0.95 of 400 has a standard deviation of 1.1 %.
    assert hits / trials > 0.925
    assert alone / trials < 0.85


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(SemcomError, match="an interval over seeds needs at least 2"):
        over_seeds_and_images([np.zeros(3)], [np.arange(3)])
    with pytest.raises(SemcomError, match="at least 2 are needed"):
        over_seeds_and_images([np.zeros(3)] * 2, [np.zeros(3, int)] * 2)
    with pytest.raises(SemcomError, match="one of each an image"):
        over_seeds_and_images([np.zeros(3)] * 2, [np.arange(3), np.arange(4)])
