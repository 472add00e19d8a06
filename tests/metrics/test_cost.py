import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.metrics.cost import cost_ratio, median_ratio, ratio_interval, settled, spans, uses_to_reach

USES = [100, 200, 400, 800]


def test_between_budgets_the_curve_is_read_in_the_logarithm_of_uses() -> None:
    found = uses_to_reach(USES, [0.2, 0.3, 0.4, 0.5], 0.35)
    assert found == (pytest.approx(200 * 2**0.5), "")
    assert uses_to_reach(USES, [0.2, 0.3, 0.4, 0.5], 0.4) == (pytest.approx(400), "")


def test_a_dip_is_levelled_not_followed() -> None:
    # 0.40 and 0.36 become 0.38 each: 0.37 is reached before them, at 7/8 of the way from 0.30.
    found = uses_to_reach(USES, [0.30, 0.40, 0.36, 0.50], 0.37)
    assert found == (pytest.approx(100 * 2**0.875), "")


def test_what_is_never_reached_or_reached_at_once_is_a_bound() -> None:
    assert uses_to_reach(USES, [0.2, 0.3, 0.4, 0.5], 0.6) == (800, "more than")
    assert uses_to_reach(USES, [0.2, 0.3, 0.4, 0.5], 0.1) == (100, "at most")


def test_curves_that_are_none_are_refused() -> None:
    with pytest.raises(SemcomError, match="one of each a budget"):
        uses_to_reach(USES, [0.2, 0.3], 0.2)
    with pytest.raises(SemcomError, match="rise with the budget"):
        uses_to_reach([1, 1], [0.2, 0.3], 0.2)


def test_a_ratio_is_geometric_and_its_interval_covers() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        rival = np.exp(rng.normal(5, 1, 5))
        own = rival * 0.5 * np.exp(rng.normal(0, 0.3, 5))
        mean, half = ratio_interval(own, rival)
        covered += abs(mean - np.log(0.5)) <= half
    assert 0.935 < covered / 2000 < 0.965
    assert np.exp(ratio_interval([1, 4], [2, 2]).mean) == pytest.approx(1.0)


def test_the_median_of_six_ratios_has_an_interval_that_covers() -> None:
    rng = np.random.default_rng(0)
    for seeds in (6, 9, 12):
        covered = 0
        for _ in range(1000):
            ratios = np.exp(rng.normal(np.log(0.5), 1, seeds))
            # What lies beyond is known as a bound alone, on either side.
            low, high = np.where(ratios < 0.2, 0, ratios), np.where(ratios > 2, np.inf, ratios)
            made = median_ratio(low, high)
            covered += not made.low > 0.5 and not made.high < 0.5
        assert covered >= 940
    assert np.isnan(median_ratio(ratios[:5], ratios[:5]).high)


def test_bounds_bound_the_median() -> None:
    own, rivals = [40.0, 40, 40, 40, 40, 40, 40], [100.0, 100, 100, 100, 900, 900, 900]
    never = ["", "", "", "", "more than", "more than", "more than"]
    made = cost_ratio(own, rivals, bounds=([""] * 7, never))
    assert made[:3] == (0.4, pytest.approx(np.nan, nan_ok=True), 0.4)
    assert (made.kind, made.p) == ("median", pytest.approx(2 / 2**7))
    assert cost_ratio(own, rivals, bounds=([""] * 7, never[::-1])).kind == "at most"
    assert cost_ratio(own, rivals, bounds=([""] * 7, ["more than"] * 7)).kind == "at most"
    unknown = cost_ratio(own, rivals, bounds=(["at most"] * 7, ["at most"] * 7))
    assert np.isnan([unknown.value, unknown.low, unknown.high]).all()
    assert spans([1, 2, 3], ["at most", "", "more than"])[1].tolist() == [1, 2, np.inf]
    same = cost_ratio([1.0, 1], [2.0, 2], bounds=(["", ""], ["", ""]))
    assert same.value == 0.5
    assert np.isnan(same.high), "two seeds that agree are no certainty"


def test_training_is_settled_where_a_doubling_adds_less_than_a_point() -> None:
    budgets = [1, 2, 5, 10, 20]
    assert settled(budgets, [0.3, 0.35, 0.40, 0.405, 0.404]) == 5
    assert settled(budgets, [0.3, 0.35, 0.40, 0.41, 0.43]) is None
    # a plateau before a rise is none
    assert settled(budgets, [0.30, 0.30, 0.30, 0.40, 0.40]) == 10
    assert settled([1, 4], [0.3, 0.3]) == 1
    assert settled([5], [0.3]) is None
