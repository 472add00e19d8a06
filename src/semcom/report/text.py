"""report.md: one page with the report's figures and tables, to be read without any of the code."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pandas as pd

from semcom.params.reportentry import ReportEntry
from semcom.params.sections import Link
from semcom.report import (
    calibration,
    changing_page,
    learnt,
    measures,
    methods,
    text_claims,
    text_links,
    text_training,
    upload,
)
from semcom.report.stamp import Stamp
from semcom.report.tables import rival
from semcom.report.words import percent, seeds, table_of

Tables = Mapping[str, pd.DataFrame]


def page(
    made: Tables, entry: ReportEntry, *, chance: Mapping[str, float], majority: float, stamp: Stamp
) -> str:
    """The page, in Markdown.

    Args:
        made: the report's tables by the names of their files.
        entry: what the report covers.
        chance: what knowing nothing scores, by link.
        majority: accuracy of always naming the most frequent scene class.
        stamp: the report's origin.
    """
    parts = [
        [f"# {entry.study}: {entry.report}", *(f"- {key}: {value}" for key, value in asdict(stamp).items())],
        text_claims.claims(made["claims"], len(entry.seeds)),
        methods.section(entry),
        _snr(entry, chance),
        _uses(made, entry),
        text_claims.cost(made["cost"], entry),
        text_links.under_conditions(made, entry),
        text_links.digital(made, entry),
        _upload(made["upload"]),
        *(_changing(name, made, entry) for name in entry.changing),
        text_training.knowledge(made["retrieval"]),
        text_training.pretraining(made["pretraining"]),
        _learnt(made["learnt"], entry, majority),
        text_training.optimisers(made["optimisers"]),
        calibration.said(made["calibration"], "calibration.csv"),
    ]
    return "\n".join("\n".join(part) + "\n" for part in parts if part)


def _snr(entry: ReportEntry, chance: Mapping[str, float]) -> list[str]:
    several = len(entry.seeds) > 1
    intervals = "intervals are 95 % Student t over seeds" if several else "one seed gives no interval"
    return [
        "## Accuracy over SNR\n",
        "![Test accuracy over Es/N0](accuracy_snr.png)\n",
        "[PDF](accuracy_snr.pdf), [CSV](accuracy_snr.csv), with balanced accuracy, NLL in nats "
        "and expected calibration error. Es/N0 is per complex channel use. "
        f"Means over {seeds(entry)}, channel draws averaged first; {intervals}. {_nothing(entry, chance)}",
    ]


def _nothing(entry: ReportEntry, chance: Mapping[str, float]) -> str:
    """What knowing nothing scores, and on which links another measure than accuracy is meant."""
    said: dict[str, None] = {}
    for link in entry.links:
        title = entry.measure(link).title
        if measures.is_scene(entry, link):
            said[f"Always naming the most frequent class scores {100 * chance[link]:.1f} %."] = None
            continue
        known = f", which scores at random have at {100 * chance[link]:.1f} %" if link in chance else ""
        said[f"{link} is judged by {title}{known}."] = None
    return " ".join(said)


def _uses(made: Tables, entry: ReportEntry) -> list[str]:
    lines = [
        "## Accuracy over training communication\n",
        "![Test accuracy over channel uses of training](accuracy_uses.png)\n",
        "[PDF](accuracy_uses.pdf), [CSV](accuracy_uses.csv), [summary](summary.csv). A round is one "
        "mini-batch: features up, gradients down; pilots count. Pre-training exchanges nothing with the "
        "server. Every budget is a training of its own.",
    ]
    against, costs = rival(entry), made["accuracy_uses"]
    for (link, labels), rows in made["summary"].groupby(["link", "labels"], sort=False):
        at = f"at {rows['snr_db'].iloc[0]:g} dB"
        if rows["snr_db"].iloc[0] != entry.links[link].train_snr_db:
            at += f", the swept Es/N0 nearest to {_trained(entry.links[link])}"
        measure = entry.measure(str(link))
        lines += [f"\n**Test {measure.title} in %, {link}, labels {labels}, {at}**\n"]
        lines += _by_budget(entry, rows, "mean", "half_width", entry.methods, sign="")
        others = [method for method in entry.methods if method != against]
        if against and others:
            lines += [f"\n**The same, minus {against} (not pre-trained), in points, paired by seed**\n"]
            lines += _by_budget(entry, rows, "difference", "difference_half_width", others, sign="+")
        at_link = (costs["link"] == link) & (costs["labels"] == labels)
        here = costs[at_link & (costs["metric"] == measure.metric)]
        lines += [f"\n**Complex channel uses of training, up and down, {link}, labels {labels}**\n"]
        lines += _by_budget(entry, here, "training_uses", None, entry.methods, sign="")
    if against and len(entry.methods) > 1:
        lines += ["\nEach interval stands for itself: none is widened for the number of comparisons."]
    return lines


def _upload(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    lines = ["## Upload once\n", upload.intro()]
    for title, body in upload.parts(table):
        lines += [f"\n**{title}**\n", *table_of(upload.NAMES, body)]
    return lines


def _changing(name: str, made: Tables, entry: ReportEntry) -> list[str]:
    lines = [f"## A changing channel: {name}\n", changing_page.intro(name, entry), changing_page.figure(name)]
    for title, columns, body in changing_page.parts(name, made["changing"], made["regain"], entry):
        lines += [f"\n**{title}**\n", *table_of(columns, body)]
    return lines


def _trained(link: Link) -> str:
    """At which Es/N0 a link was trained."""
    if not isinstance(link.train_snr_db, dict):
        return f"training's {link.train_snr_db:g} dB"
    ((way, values),) = link.train_snr_db.items()
    if way == "uniform":
        return f"{link.nominal_snr_db:g} dB, the middle of training's {values[0]:g} to {values[1]:g} dB"
    listed = ", ".join(f"{value:g}" for value in values)
    return f"{link.nominal_snr_db:g} dB, the median of training's {listed} dB"


def _by_budget(
    entry: ReportEntry,
    rows: pd.DataFrame,
    value: str,
    half_width: str | None,
    methods: Sequence[str],
    *,
    sign: str,
) -> list[str]:
    """A table of methods by budgets."""
    cells = rows.set_index(["method", "budget_epochs"])
    body = []
    for method in methods:
        line = [method]
        for budget in entry.budgets:
            cell = cells.loc[(method, budget)]
            if half_width is None:
                line.append(f"{cell[value]:,.0f}")
            else:
                line.append(percent(cell[value], cell[half_width], sign))
        body.append(line)
    return table_of(["budget in epochs", *map(str, entry.budgets)], body)


def _learnt(table: pd.DataFrame, entry: ReportEntry, chance: float) -> list[str]:
    if table.empty:
        return []
    lines = ["## What was learnt\n", *learnt.intro(entry, chance)]
    for title, body in learnt.parts(table, entry):
        lines += [f"\n**{title}**\n", *table_of(learnt.NAMES, body)]
    return lines
