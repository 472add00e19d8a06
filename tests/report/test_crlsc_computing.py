"""Computing to A*, of trainings whose accuracy and cost are known."""

import pandas as pd
import pytest
from synthetic_crlsc import entry

from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.report import crlsc_page_needs
from semcom.report.crlsc_computing import computing
from semcom.report.crlsc_results import CrlscResults

TRAININGS = {
    "guided": (0.7, 40e12, 80.0, {"guide": "infonce", "base": "pq"}),
    "guided_short": (0.5, 10e12, 10.0, {"guide": "infonce", "base": "pq", "like": "guided"}),
    "simclr": (0.4, 30e12, 30.0, {"simclr": 1.0}),
    "labelled": (0.6, 100e12, 200.0, {"labels": True, "part": "a"}),
    "later": (0.8, 5e12, 7.0, {"guide": "prototypes", "base": "pq", "after": "guided"}),
    "random": (0.2, 0.0, 0.0, {"trains": False}),
}
"""Accuracy, multiply-adds, seconds."""


def study(seeds: tuple[int, ...] = (0, 1)) -> tuple[CrlscResults, CrlscReportEntry]:
    common = {
        "encoders": ("small",), "trains": True, "part": "public", "base": None, "guide": None, "simclr": 0.0,
        "labels": False,
    }  # fmt: skip
    methods = {name: common | said for name, (*_, said) in TRAININGS.items()}
    places = [(name, "small", seed) for name in TRAININGS for seed in seeds]
    rows = pd.DataFrame(places, columns=["method", "encoder", "seed"])
    accuracy, adds, seconds = (rows["method"].map({n: t[i] for n, t in TRAININGS.items()}) for i in range(3))
    cost = rows.assign(multiply_adds=adds, seconds=seconds, peak_bytes=adds / 1e4)
    probe = rows.assign(
        target="near", space="features", head="linear", fraction=1.0, metric="accuracy", labels=100.0,
        value=accuracy,
    )  # fmt: skip
    few = probe.assign(fraction=0.1, value=0.1)
    nothing = pd.DataFrame()
    results = CrlscResults(pd.concat([few, probe]), cost, nothing, nothing, nothing)
    return results, entry(methods=methods, seeds=seeds, targets=("near",))


def test_trainings_of_several_lengths_are_one_curve():
    """A* is 0.59: 0.45 of the way from 0.5 to 0.7, in the logarithm of multiply-adds and of seconds."""
    made = computing(*study()).set_index(["method", "seed"])
    row = made.loc[("guided", 1)]
    assert row["target_accuracy"] == pytest.approx(0.59)
    assert row["multiply_adds"] == pytest.approx(10e12 * 4**0.45)
    assert row["seconds"] == pytest.approx(10 * 8**0.45)
    assert (row["trainings"], row["accuracy"], row["bound"]) == (2, 0.7, "")
    assert row["peak_bytes"] == 40e8
    assert "guided_short" not in made.index.get_level_values("method")


def test_one_training_is_a_bound():
    made = computing(*study()).set_index(["method", "seed"])
    cells = made.loc[(slice(None), 0), ["multiply_adds", "bound"]].droplevel("seed")
    assert tuple(cells.loc["simclr"]) == (30e12, "more than")
    assert tuple(cells.loc["labelled"]) == (100e12, "at most")


def test_what_a_training_goes_on_from_counts():
    row = computing(*study()).set_index(["method", "seed"]).loc[("later", 0)]
    assert (row["multiply_adds"], row["seconds"], row["bound"]) == (45e12, 87.0, "at most")
    assert row["peak_bytes"] == 40e8


def test_an_untrained_encoder_has_no_cost():
    assert "random" not in set(computing(*study())["method"])


def test_the_page_says_bounds_for_bounds():
    lines = "\n".join(crlsc_page_needs.computing(computing(*study()))).splitlines()
    (guided,) = [line for line in lines if "| guided |" in line]
    assert "| 59.0 | guided | 2 | 70.0 | 18.7 | median at least 0.19 (no interval) | 25.5 |" in guided
    (simclr,) = [line for line in lines if "| simclr |" in line]
    assert "2 of 2 seeds not with 30" in simclr


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0421, "0.0421"), (7.26, "7.26"), (99.94, "99.9"), (99.96, "100"), (1234.5, "1,234")],
)
def test_seconds_of_short_trainings_are_no_zero(seconds: float, said: str):
    assert crlsc_page_needs._seconds(seconds) == said
