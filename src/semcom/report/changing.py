"""A changing channel in the report: what each strategy reaches at each state, and what it must send for that.

adapt.csv of every job ─► changing.csv: accuracies over seeds
                       └► regain.csv: channel uses to be good enough again, state by state, and their sum
"""

import math
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from semcom.metrics.cost import uses_to_reach
from semcom.params.reportentry import ReportEntry
from semcom.params.sections import Changing
from semcom.report.checked import check_there, damaged, table
from semcom.report.results import Results
from semcom.report.tables import over_seeds, rival

PLACE = ("changing", "study", "system", "method", "link", "labels")
USES = ("uplink_uses", "downlink_uses")
COLUMNS = (
    *PLACE, "seed", "strategy", "state", "state_name", "snr_db", "budget_epochs", "metric", "value", *USES,
)  # fmt: skip
METRICS = ("test_accuracy", "validation_accuracy")
STRATEGIES = ("own", "head", "encoders", "scratch")
"""Those that re-train at each state; methods whose encoders start at random lack `encoders`."""
AT_ONCE = "all_states"
POINT = 0.01
"""What the rival's accuracy is to be reached less."""
REGAIN = (
    *PLACE, "seed", "strategy", "state", "state_name", "target", "uses", "bound", "running_low",
    "running_high",
)  # fmt: skip


def read(folder: Path, entry: ReportEntry) -> pd.DataFrame:
    """What the jobs of all changing channels wrote.

    Args:
        folder: `results/STUDY`.
        entry: which channels, methods and seeds.

    Raises:
        SemcomError: a file is missing, damaged, or not of the states and budgets asked for.
    """
    jobs = {
        folder / "changing" / name / method / f"seed{seed}" / "adapt.csv": (name, method, seed)
        for name, given in entry.changing.items()
        for method, seed in product(given.methods or (), entry.seeds)
    }
    check_there(list(jobs))
    found = []
    for path, (name, method, seed) in jobs.items():
        given = entry.changing[name]
        place = {
            "study": entry.study, "changing": name, "method": method, "link": given.link,
            "labels": given.labels, "seed": seed,
        }  # fmt: skip
        key = ["strategy", "state", "budget_epochs", "metric"]
        rows = table(path, COLUMNS, place=place, key=key, may_lack=True)
        _check(path, rows, given)
        found.append(rows[list(COLUMNS)])
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))


def _check(path: Path, rows: pd.DataFrame, given: Changing) -> None:
    """Every state and budget of every strategy, and nothing else."""
    states, budgets = range(len(given.states) + 1), given.budgets or ()
    wanted = {("none", state, 0) for state in states}
    wanted |= {(AT_ONCE, state, budget) for state in states for budget in budgets}
    there = set(rows["strategy"])
    needed = [name for name in STRATEGIES if name != "encoders" or name in there]
    wanted |= set(product(needed, states[1:], budgets))
    for metric in METRICS:
        have = rows.loc[rows["metric"] == metric, ["strategy", "state", "budget_epochs"]]
        if differ := wanted ^ set(have.itertuples(index=False, name=None)):
            strategy, state, budget = min(differ)
            raise damaged(
                path, f"lacks, or has too much, {metric} of {strategy}, state {state}, budget {budget}"
            )
    if (outside := rows.loc[~rows["value"].between(0, 1), "value"]).size:
        raise damaged(path, f"has a share of {outside.iloc[0]:g}")


def tables(folder: Path, entry: ReportEntry, results: Results) -> dict[str, pd.DataFrame]:
    """`changing` and `regain`, by the names of their files; none without a changing channel.

    Raises:
        SemcomError: as `read`.
    """
    if not entry.changing:
        return {}
    rows = read(folder, entry)
    return {"changing": accuracies(rows), "regain": regain(rows, results, entry)}


def accuracies(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds with their intervals, and the channel uses of each training."""
    by = [*PLACE, "strategy", "state", "state_name", "snr_db", "budget_epochs"]
    means = over_seeds(rows, [*by, "metric"])
    uses = rows.groupby([*by, "metric"], sort=False, as_index=False)[list(USES)].mean()
    return means.merge(uses, on=[*by, "metric"], how="left", validate="one_to_one")


class Range(NamedTuple):
    """Channel uses: known where both ends are equal, else only that they lie between them."""

    low: float
    high: float


def regain(rows: pd.DataFrame, results: Results, entry: ReportEntry) -> pd.DataFrame:
    """Channel uses of each seed's link to be good enough at each state, and their running total.

    Good enough is the rival's test accuracy at the state, trained from scratch at the longest budget (at the
    start, for as long as the link was), mean over seeds, less one point. Where the weights as they are reach
    that, nothing is sent. Row of state 0: the training that the link started with. `all_states` has one
    training, which must be long enough for the start and every state.
    """
    against = rival(entry)
    assert against is not None, "a changing channel has a rival (semcom.params.changing)"
    costs = results.communication.assign(
        uses=results.communication[[*USES, "pretrain_uses"]].sum(axis=1)
    ).set_index(["method", "link", "labels", "budget_epochs", "seed"])["uses"]
    rows = rows[rows["metric"] == "test_accuracy"].assign(uses=rows[list(USES)].sum(axis=1))
    found = []
    for names, run in rows.groupby([*PLACE, "seed"], sort=False):
        place = dict(zip((*PLACE, "seed"), names, strict=True))
        given = entry.changing[str(place["changing"])]
        everyone = rows[rows["changing"] == place["changing"]]
        targets = _targets(everyone, against, (given.budgets or (0,))[-1])
        begun = costs[place["method"], place["link"], place["labels"], given.start_budget, place["seed"]]
        found += [place | row for row in _of_run(run, targets, float(begun))]
    return pd.DataFrame(found, columns=list(REGAIN))


def _targets(rows: pd.DataFrame, against: str, longest: int) -> dict[int, float]:
    """A* of each state, the start first."""
    rows = rows[rows["method"] == against]
    begun = rows[(rows["strategy"] == "none") & (rows["state"] == 0)]
    afresh = rows[(rows["strategy"] == "scratch") & (rows["budget_epochs"] == longest)]
    means = pd.concat([begun, afresh]).groupby("state")["value"].mean() - POINT
    return {int(str(state)): float(value) for state, value in means.items()}


def _of_run(run: pd.DataFrame, targets: Mapping[int, float], begun: float) -> Iterator[dict[str, object]]:
    """The rows of one seed's link; `begun`: channel uses of the training that it started with."""
    names = run.drop_duplicates("state").set_index("state")["state_name"]
    as_is = run[run["strategy"] == "none"].set_index("state")["value"]
    for strategy in [name for name in STRATEGIES if name in set(run["strategy"])]:
        own = run[run["strategy"] == strategy]
        running = Range(0.0, 0.0)
        for state, target in targets.items():
            uses, bound = (0.0 if state else begun), ""
            if state and as_is[state] < target:
                uses, bound = _reached(own[own["state"] == state], target)
            here = _range(uses, bound)
            running = Range(running.low + here.low, running.high + here.high)
            yield _row(strategy, state, names, target, uses, bound, running)
    yield from _at_once(run[run["strategy"] == AT_ONCE], targets, names)


def _at_once(
    own: pd.DataFrame, targets: Mapping[int, float], names: "pd.Series[str]"
) -> Iterator[dict[str, object]]:
    """The rows of the one training over all states: its cost is that of the state that asks for most."""
    sent = own[own["state"] == 0].set_index("budget_epochs")["uses"]  # it is counted beside the start
    own = own.assign(uses=own["budget_epochs"].map(sent))
    found = {state: _reached(own[own["state"] == state], target) for state, target in targets.items()}
    ranges = [_range(*reached) for reached in found.values()]
    whole = Range(max(r.low for r in ranges), max(r.high for r in ranges))
    for state, (uses, bound) in found.items():
        yield _row(AT_ONCE, state, names, targets[state], uses, bound, whole)


def _reached(curve: pd.DataFrame, target: float) -> tuple[float, str]:
    """Channel uses at which a strategy's accuracy over them reaches the target, and its bound."""
    curve = curve.sort_values("budget_epochs")
    uses, bound = uses_to_reach(curve["uses"].to_numpy(), curve["value"].to_numpy(), target)
    return uses, bound


def _range(uses: float, bound: str) -> Range:
    return Range(0.0 if bound == "at most" else uses, math.inf if bound == "more than" else uses)


def _row(
    strategy: str,
    state: int,
    names: "pd.Series[str]",
    target: float,
    uses: float,
    bound: str,
    running: Range,
) -> dict[str, object]:
    return {
        "strategy": strategy, "state": state, "state_name": names[state], "target": target, "uses": uses,
        "bound": bound, "running_low": running.low, "running_high": running.high,
    }  # fmt: skip
