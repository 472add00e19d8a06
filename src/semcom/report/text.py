"""report.md: one page with the report's figures and tables, to be read without any of the code."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import product

import numpy as np
import pandas as pd

from semcom.metrics.cost import ratio_interval
from semcom.params.entries import Link, ReportEntry
from semcom.report import calibration, changing_page, conditions, learnt, measures, upload
from semcom.report.claims import overall
from semcom.report.stamp import Stamp
from semcom.report.tables import near_training, rival

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
        _claims(made["claims"]),
        _snr(entry, chance),
        _uses(made, entry),
        _cost(made["cost"], entry),
        _conditions(made, entry),
        _digital(made, entry),
        _upload(made["upload"]),
        *(_changing(name, made, entry) for name in entry.changing),
        _knowledge(made["retrieval"]),
        _pretraining(made["pretraining"]),
        _learnt(made["learnt"], entry, majority),
        _optimisers(made["optimisers"]),
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
        f"Means over {_seeds(entry)}, channel draws averaged first; {intervals}. {_nothing(entry, chance)}",
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


def _claims(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    lines = [
        "## What was claimed\n",
        "*Supported*: the effect is at least the margin, and its 95 % interval (over seeds and test scenes, "
        "p-values after Holm; cost: over seeds) lies beyond no effect; of a claim not to be "
        "worse, the interval lies within the margin. *Contradicted*: the whole interval falls short of the "
        "margin. A claim at several budgets must hold at each. P-values are adjusted within a claim, or over "
        "the claims of a family; intervals are not. [CSV](claims.csv)\n",
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
                f"**{overall(rows)}**",
                effects + (f" ({notes})" if notes else ""),
            ]
        )
    return [*lines, *_table(["claim", "runs", "claimed", "verdict", "effect"], body, right=False)]


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


def _cost(table: pd.DataFrame, entry: ReportEntry) -> list[str]:
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
        "Bounds are not averaged: where a seed has one, the range is given. [CSV](cost.csv)",
    ]
    for (link, labels), here in table.groupby(["link", "labels"], sort=False):
        first = here.iloc[0]
        lines += [
            f"\n**{link}, labels {labels}: A\\* = {100 * first['target']:.1f} %, "
            f"from {first['target_budget_epochs']} epochs of {against}**"
            + (
                "\n"
                if first["settled"]
                else f" (still rising on validation: {against} needs longer budgets)\n"
            )
        ]
        by_method = {name: rows.set_index("seed") for name, rows in here.groupby("method", sort=False)}
        body = []
        for method, rows in by_method.items():
            ratio = "" if method == against else _ratio(rows, by_method[str(against)])
            body.append([str(method), _reached(rows), ratio])
        lines += _table(["method", "C(A\\*)", f"ratio to {against}"], body)
    return lines


def _reached(rows: pd.DataFrame) -> str:
    """Channel uses at which the target is reached: a mean, or a range with its bounds."""
    if (rows["bound"] == "").all():
        return f"{np.exp(np.log(rows['uses']).mean()):,.0f}"
    never, at_once = ((rows["bound"] == bound).sum() for bound in ("more than", "at most"))
    said = [f"{number} of {len(rows)} seeds {what}" for number, what in (
        (at_once, f"at most {rows['uses'].min():,.0f}"), (never, f"not reached by {rows['uses'].max():,.0f}"),
    ) if number]  # fmt: skip
    measured = rows.loc[rows["bound"] == "", "uses"]
    if len(measured) == 1:
        said.append(f"the other one {measured.item():,.0f}")
    elif len(measured):
        said.append(f"the others {measured.min():,.0f} to {measured.max():,.0f}")
    return "; ".join(said)


def _ratio(own: pd.DataFrame, rivals: pd.DataFrame) -> str:
    if (own["bound"] != "").any() or (rivals["bound"] != "").any():
        return "undecided: bounds"
    mean, half = ratio_interval(own["uses"].to_numpy(), rivals["uses"].loc[own.index].to_numpy())
    if np.isnan(half):
        return f"{np.exp(mean):.2f}"
    return f"{np.exp(mean):.2f} ({np.exp(mean - half):.2f} to {np.exp(mean + half):.2f})"


def _conditions(made: Tables, entry: ReportEntry) -> list[str]:
    if made["conditions"].empty:
        return []
    lines = [
        "## Under other conditions\n",
        "![Test accuracy under conditions that training did not know](conditions_snr.png)\n",
        conditions.intro(entry),
    ]
    table, whole = near_training(made["conditions"], entry), made["summary"]
    table = measures.judged(table[table["budget_epochs"] == entry.budgets[-1]], entry)
    cells = table.set_index(["method", "link", "labels", "condition"])
    undisturbed = whole[whole["budget_epochs"] == entry.budgets[-1]].set_index(["method", "link", "labels"])
    for link, labels in product(entry.links, entry.labels):
        lines += [f"\n**{measures.named(entry, link)}, labels {labels}**\n"]
        body = []
        for method in entry.methods:
            line = [method, _percent(*undisturbed.loc[(method, link, labels), ["mean", "half_width"]])]
            for name in entry.conditions:
                if name not in entry.conditions_of.get(method, ()):
                    line.append("–")
                    continue
                cell = cells.loc[(method, link, labels, name)]
                minus = _percent(cell["difference"], cell["difference_half_width"], "+")
                line.append(f"{_percent(cell['mean'], cell['half_width'])} ({minus})")
            body.append(line)
        lines += _table(["method", "whole", *entry.conditions], body)
    return lines


def _digital(made: Tables, entry: ReportEntry) -> list[str]:
    table, costs = made["digital"], made["accuracy_uses"]
    if table.empty:
        return []
    lines = [
        "## Digital links\n",
        "Product-quantised features as coded bits, in the channel uses of the analog link, whose fine-tuned "
        "encoders they are; of several schemes the error tables choose one at each Es/N0. A lost block "
        "leaves the mean feature. The training features went up once, beside the fine-tuning; budget 0 has "
        "no fine-tuning (frozen encoders, features once). Retrieval: the test features cross the link and "
        "are looked up in the private base. Values in %, at the Es/N0 of training. [CSV](digital.csv)",
    ]
    names = ["method", "budget", "accuracy", "minus analog", "retrieval", "lost", "bits a frame and device"]
    for (link, labels), rows in table.groupby(["link", "labels"], sort=False):
        lines += [f"\n**{link} beside {entry.digital[link].link}, labels {labels}**\n"]
        body = []
        for (method, budget), of in rows.groupby(["method", "budget_epochs"], sort=False):
            cells = of.set_index("metric")
            right = cells.loc["accuracy"]
            uses = costs[
                (costs["link"] == link) & (costs["labels"] == labels) & (costs["method"] == method)
                & (costs["budget_epochs"] == budget) & (costs["metric"] == "accuracy")
            ]["training_uses"].item()  # fmt: skip
            body.append(
                [
                    method,
                    str(budget),
                    _percent(right["mean"], right["half_width"]),
                    _percent(right["difference"], right["difference_half_width"], "+"),
                    _percent(*cells.loc["retrieval_accuracy", ["mean", "half_width"]]),
                    f"{100 * cells.loc['lost_blocks', 'mean']:.2g}",
                    f"{cells.loc['payload_bits', 'mean']:.0f}",
                    f"{uses:,.0f}",
                ]
            )
        lines += _table([*names, "channel uses of training"], body)
    return lines


def _upload(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    lines = ["## Upload once\n", upload.intro()]
    for title, body in upload.parts(table):
        lines += [f"\n**{title}**\n", *_table(upload.NAMES, body)]
    return lines


def _changing(name: str, made: Tables, entry: ReportEntry) -> list[str]:
    lines = [f"## A changing channel: {name}\n", changing_page.intro(name, entry), changing_page.figure(name)]
    for title, columns, body in changing_page.parts(name, made["changing"], made["regain"], entry):
        lines += [f"\n**{title}**\n", *_table(columns, body)]
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
                line.append(_percent(cell[value], cell[half_width], sign))
        body.append(line)
    return _table(["budget in epochs", *map(str, entry.budgets)], body)


def _knowledge(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    cells = table.set_index(["method", "modality"])
    modalities = list(dict.fromkeys(table["modality"]))
    body = []
    for method in dict.fromkeys(table["method"]):
        line = [method]
        for modality in modalities:
            if (method, modality) in cells.index:
                cell = cells.loc[(method, modality)]
                line.append(f"{_percent(cell['mean'], cell['half_width'])}, {cell['bytes'] / 1000:,.0f} kB")
            else:
                line.append("")
        body.append(line)
    return [
        "## Private knowledge bases\n",
        "Retrieval accuracy in % on validation frames (whole scenes left out of training), and the base's "
        "size; `random` are untrained encoders. [CSV](retrieval.csv)\n",
        *_table(["encoders", *modalities], body),
    ]


def _pretraining(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    metrics, methods = list(dict.fromkeys(table["metric"])), list(dict.fromkeys(table["method"]))
    cells = table.drop_duplicates(["method", "metric"], keep="last").set_index(["method", "metric"])["mean"]
    body = [
        [metric, *(f"{cells[method, metric]:.4g}" if (method, metric) in cells else "" for method in methods)]
        for metric in metrics
    ]
    text = "What pre-training logged at its last epoch, means over seeds. [CSV](pretraining.csv)\n"
    return ["## Pre-training\n", text, *_table(["", *methods], body)]


def _learnt(table: pd.DataFrame, entry: ReportEntry, chance: float) -> list[str]:
    if table.empty:
        return []
    lines = ["## What was learnt\n", *learnt.intro(entry, chance)]
    for title, body in learnt.parts(table, entry):
        lines += [f"\n**{title}**\n", *_table(learnt.NAMES, body)]
    return lines


def _optimisers(table: pd.DataFrame) -> list[str]:
    body = [
        [row.method, row.link, row.labels, str(row.budget_epochs), f"{row.optimiser} {row.learning_rate:g}",
         row.metric, f"{100 * row.validation:.1f}"]
        for row in table.itertuples()
    ]  # fmt: skip
    text = (
        "Chosen for each budget on validation frames, never on test frames, on the first link of each task. "
        "[CSV](optimisers.csv)\n"
    )
    names = ["method", "link", "labels", "budget in epochs", "optimiser and rate", "of validation", "in %"]
    return ["## What tuning chose\n", text, *_table(names, body)]


def _percent(value: float, half_width: float, sign: str = "") -> str:
    """`45.1 ± 2.3`, without the second where there is but one seed; a dash for no value."""
    if pd.isna(value):
        return "–"
    text = f"{100 * value:{sign}.1f}"
    return text if pd.isna(half_width) else f"{text} ± {100 * half_width:.1f}"


def _seeds(entry: ReportEntry) -> str:
    return f"{len(entry.seeds)} seed{'s' * (len(entry.seeds) > 1)}"


def _table(names: Sequence[str], body: Sequence[Sequence[str]], *, right: bool = True) -> list[str]:
    rule = ["---", *["---:" if right else "---"] * (len(names) - 1)]
    return [f"| {' | '.join(line)} |" for line in (names, rule, *body)]
