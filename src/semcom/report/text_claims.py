"""What report.md says of claims, and of what training must send to be good enough."""

import numpy as np
import pandas as pd

from semcom.metrics.cost import FEWEST, cost_ratio
from semcom.params.reportentry import ReportEntry
from semcom.report import measures
from semcom.report.claims import overall
from semcom.report.compare_text import few_seeds
from semcom.report.tables import rival
from semcom.report.words import epochs, needed, ratio, table_of


def claims(table: pd.DataFrame, seeds: int) -> list[str]:
    """A line a claim, from the table of verdicts over so many seeds."""
    if table.empty:
        return []
    lines = [
        "## What was claimed\n",
        "*Supported*: the effect is at least the margin, and its 95 % interval (over seeds and test scenes, "
        "p-values after Holm; cost: over seeds) lies beyond no effect; of a claim not to be "
        "worse, the interval lies within the margin. *Contradicted*: the whole interval falls short of the "
        "margin. A claim at several budgets must hold at each. P-values are adjusted within a claim, or over "
        "the claims of a family; intervals are not, so that of many budgets one can be contradicted by luck. "
        + " ".join([*few_seeds(seeds), "[CSV](claims.csv)\n"]),
    ]
    body = []
    for name, rows in table.groupby("claim", sort=False):
        first = rows.iloc[0]
        effects = "; ".join(_effect(row, several=len(rows) > 1) for _, row in rows.iterrows())
        notes = ", ".join(dict.fromkeys(note for note in rows["note"] if note))
        body.append(
            [
                f"{first['says']} (`{name}`)",
                f"{first['of']} against {first['against']}",
                _margin(first),
                _verdict(rows),
                " ".join(filter(None, [effects, f"({notes})" if notes else ""])),
            ]
        )
    return [*lines, *table_of(["claim", "runs", "claimed", "verdict", "effect"], body, right=False)]


def _verdict(rows: pd.DataFrame) -> str:
    """`**supported**`, or `**contradicted** at 40 epochs`: the budgets that make a verdict on several."""
    made = overall(rows)
    at = rows.loc[rows["verdict"] == made, "budget_epochs"]
    if made == "supported" or len(rows) == 1 or at.isna().any():
        return f"**{made}**"
    return f"**{made}** at {', '.join(map(str, at))} epoch{'' if at.max() == 1 else 's'}"


def _margin(row: "pd.Series[object]") -> str:
    """`above by 3 points`, `not 1 point below`, `ratio up to 0.5`."""
    margin = float(str(row["margin"]))
    if row["measure"] == "cost":
        return f"ratio up to {margin:g}"
    points = f"{100 * margin:g} point{'s' * (margin != 0.01)}"
    return f"not {points} below" if row["direction"] == "no_less" else f"{row['direction']} by {points}"


def _effect(row: "pd.Series[object]", *, several: bool) -> str:
    """`5 epochs: +3.1 points (0.2 to 6.0)`, or a ratio."""
    value, low, high = (float(str(row[name])) for name in ("effect", "low", "high"))
    if np.isnan(value):
        return ""
    at = f"{row['budget_epochs']} epoch{'s' * (row['budget_epochs'] != 1)}: " if several else ""
    if row["measure"] == "cost":
        return f"{at}ratio {value:.2f} ({'' if np.isnan(low) else f'{low:.2f} '}to {high:.2f})"
    interval = "" if np.isnan(low) else f" ({100 * low:.1f} to {100 * high:.1f})"
    return f"{at}{100 * value:+.1f} points{interval}"


def cost(table: pd.DataFrame, entry: ReportEntry) -> list[str]:
    """C(A*) of each method, and its ratio to that of the method that does not pre-train."""
    if table.empty:
        return []
    against = rival(entry)
    titles = " or ".join(measures.titles(entry))
    lines = [
        "## What training must send to be good enough\n",
        f"C(A\\*): complex channel uses of training, up and down, at which test {titles} reaches A\\*, that "
        f"of {against} less one point, at the budget from which twice the training adds less than a point on "
        "validation frames. Each seed's curve over channel uses is fitted by the closest curve that "
        "never falls. Geometric means; intervals are 95 % Student t over seeds, of logarithms, paired. "
        "Where a seed has a bound, ranges, and the median of the ratios with its interval by order "
        f"statistics, which takes {FEWEST} seeds. [CSV](cost.csv)",
    ]
    for (link, labels), here in table.groupby(["link", "labels"], sort=False):
        first = here.iloc[0]
        lines += [
            f"\n**{link}, labels {labels}: A\\* = {100 * first['target']:.1f} %, "
            f"from {epochs(first['target_budget_epochs'])} of {against}**"
            + (
                "\n"
                if first["settled"]
                else f" (still rising on validation: {against} needs longer budgets)\n"
            )
        ]
        by_method = {name: rows.set_index("seed") for name, rows in here.groupby("method", sort=False)}
        body = []
        for method, rows in by_method.items():
            said = "" if method == against else _ratio(rows, by_method[str(against)])
            body.append([str(method), needed(rows["uses"], rows["bound"], never="not reached by"), said])
        lines += table_of(["method", "C(A\\*)", f"ratio to {against}"], body)
    return lines


def _ratio(own: pd.DataFrame, rivals: pd.DataFrame) -> str:
    rivals = rivals.loc[own.index]
    bounds = (list(own["bound"]), list(rivals["bound"]))
    return ratio(cost_ratio(own["uses"].to_numpy(), rivals["uses"].to_numpy(), bounds=bounds))
