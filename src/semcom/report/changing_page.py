"""The page's section of a changing channel."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from semcom.metrics.intervals import t_interval
from semcom.params.reportentry import ReportEntry
from semcom.params.sections import Changing
from semcom.report.changing import AT_ONCE, STRATEGIES
from semcom.report.tables import rival
from semcom.report.words import epochs, seeds

WORDS = {
    "none": "as it is",
    "own": "own weights",
    "head": "server alone",
    "encoders": "pre-trained encoders",
    "scratch": "from scratch",
    AT_ONCE: "all states at once",
}
"""Strategies as the page and the figure name them."""


def intro(name: str, entry: ReportEntry) -> str:
    """What happens, and what the tables below are."""
    given = entry.changing[name]
    link = entry.links[given.link]
    worlds = "; then ".join(state.name for state in given.states)
    return (
        f"The link {given.link} ({link.channel['use']}, {link.nominal_snr_db:g} dB), labels {given.labels}, "
        f"trained for {epochs(given.start_budget or 0)}, meets another channel: {worlds}. At each state "
        "it is trained again: *own weights*, all of it, on from what it had; *server alone*, the devices as "
        "they are, so that nothing comes down; *pre-trained encoders*, sender and server anew; *from "
        "scratch*. *All states at once* is one training over the start and all states, before anything "
        "changes. "
        "Every budget is a training of its own, with the optimiser that tuning chose for it on the first "
        "link of the task; BatchNorm statistics are measured anew. Channel uses count features up, gradients "
        "down and pilots; those of the start are what its training sent. Of all states at once the one "
        f"training must be long enough for the start and every state. Means over {seeds(entry)}. "
        "[CSV](changing.csv), [regained](regain.csv)\n"
    )


def figure(name: str) -> str:
    """The figure, as a link."""
    return (
        f"![Running total of channel uses over the states](changing_{name}.png)\n\n[PDF](changing_{name}.pdf)"
    )


Part = tuple[str, list[str], list[list[str]]]
"""Title, names of the columns, and body of a table."""


def parts(name: str, means: pd.DataFrame, regain: pd.DataFrame, entry: ReportEntry) -> Iterator[Part]:
    """Title, columns and body of each table: two for each method."""
    given = entry.changing[name]
    means = means[(means["changing"] == name) & (means["metric"] == "test_accuracy")]
    for method, rows in means.groupby("method", sort=False):
        yield _reached(str(method), rows, given)
        own = regain[(regain["changing"] == name) & (regain["method"] == method)]
        if len(own):
            yield _regained(str(method), own, given, str(rival(entry)))


def _columns(rows: pd.DataFrame) -> list[str]:
    """The states, numbered as in the list."""
    names = rows.drop_duplicates("state").sort_values("state")
    return [f"{row.state}: {row.state_name}" for row in names.itertuples()]


def _reached(method: str, rows: pd.DataFrame, given: Changing) -> Part:
    """Accuracies in % of each strategy at each state, at the longest budget."""
    longest = (given.budgets or (0,))[-1]
    rows = rows[rows["budget_epochs"].isin((0, longest))]
    body = []
    for strategy, own in rows.groupby("strategy", sort=False):
        cells = own.set_index("state")
        line = [WORDS[str(strategy)]]
        for state in range(len(given.states) + 1):
            here = cells.loc[state] if state in cells.index else None
            line.append("" if here is None else _percent(here["mean"], here["half_width"]))
        body.append(line)
    title = f"{method}: test accuracy in % at each state, after {epochs(longest)}"
    return title, ["", *_columns(rows)], body


def _regained(method: str, rows: pd.DataFrame, given: Changing, against: str) -> Part:
    """Channel uses of each strategy to be good enough at each state, and in all."""
    targets = rows.drop_duplicates("state").sort_values("state")["target"]
    body = [["*accuracy to reach, %*", *(f"{100 * target:.1f}" for target in targets), "", ""]]
    for strategy in [s for s in (*STRATEGIES, AT_ONCE) if s in set(rows["strategy"])]:
        own = rows[rows["strategy"] == strategy].set_index("state")
        line = [WORDS[strategy]]
        for state in range(len(given.states) + 1):
            line.append(_uses(_low(own.loc[[state]]), _high(own.loc[[state]])))
        last = own.loc[[len(given.states)]].set_index("seed")
        begun = 0 if strategy == AT_ONCE else own.loc[[0]].set_index("seed")["uses"]
        again = (
            "" if strategy == AT_ONCE else _uses(last["running_low"] - begun, last["running_high"] - begun)
        )
        body.append([*line, again, _uses(last["running_low"], last["running_high"])])
    title = f"{method}: channel uses to reach what {against} reaches from scratch, less a point"
    return title, ["", *_columns(rows), "in all after the start", "in all"], body


def _low(rows: pd.DataFrame) -> "pd.Series[float]":
    return rows["uses"].mask(rows["bound"] == "at most", 0.0)


def _high(rows: pd.DataFrame) -> "pd.Series[float]":
    return rows["uses"].mask(rows["bound"] == "more than", math.inf)


def _uses(low: "pd.Series[float]", high: "pd.Series[float]") -> str:
    """Mean over seeds with its interval, or what is known of it where seeds have bounds."""
    if np.isinf(high).any():
        return f"more than {low.mean():,.0f}"
    if (low != high).any():
        return f"{low.mean():,.0f} to {high.mean():,.0f}"
    mean, half = t_interval(low.to_numpy(dtype=float))
    return f"{mean:,.0f}" + ("" if math.isnan(half) or not half else f" ± {half:,.0f}")


def _percent(value: float, half_width: float) -> str:
    text = f"{100 * value:.1f}"
    return text if math.isnan(half_width) else f"{text} ± {100 * half_width:.1f}"
