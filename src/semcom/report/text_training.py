"""What report.md says of pre-training, private knowledge bases and tuning."""

from collections.abc import Callable

import pandas as pd

from semcom.report.words import percent, table_of

LOGGED: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
    ("multiply_adds_", "multiply-adds", ", 10⁹", lambda value: f"{value / 1e9:,.1f}"),
    ("effective_rank_", "effective rank", "", lambda value: f"{value:.1f}"),
    ("knn_accuracy_", "k-NN accuracy on validation frames", ", %", lambda value: f"{100 * value:.1f}"),
    ("correlation_", "correlation", "", lambda value: f"{value:.3f}"),
)
"""How the name of a metric begins before that of a device or block, its words, unit and number."""


def knowledge(table: pd.DataFrame) -> list[str]:
    """Retrieval from private bases, and their bytes."""
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
                line.append(f"{percent(cell['mean'], cell['half_width'])}, {cell['bytes'] / 1000:,.0f} kB")
            else:
                line.append("")
        body.append(line)
    return [
        "## Private knowledge bases\n",
        "Retrieval accuracy in % on validation frames (whole scenes left out of training), and the base's "
        "size; `random` are untrained encoders. [CSV](retrieval.csv)\n",
        *table_of(["encoders", *modalities], body),
    ]


def pretraining(table: pd.DataFrame) -> list[str]:
    """What each method logged at the last epoch of pre-training."""
    if table.empty:
        return []
    metrics, methods = list(dict.fromkeys(table["metric"])), list(dict.fromkeys(table["method"]))
    cells = table.drop_duplicates(["method", "metric"], keep="last").set_index(["method", "metric"])["mean"]
    body = []
    for metric in metrics:
        words, say = _logged(metric)
        values = [cells.get((method, metric)) for method in methods]
        body.append([words, *("" if value is None else say(value) for value in values)])
    text = (
        "What pre-training logged at its last epoch, means over seeds. Losses and their terms have no unit; "
        "`correlation` is a mean over dimensions. Multiply-adds of each device, backward counted twice "
        "forward, and channel uses between the sensors, which they need if they are not one node, are sums "
        "over all epochs. [CSV](pretraining.csv)\n"
    )
    return ["## Pre-training\n", text, *table_of(["", *methods], body)]


def _logged(metric: str) -> tuple[str, Callable[[float], str]]:
    """A logged metric in words, with its unit, and how its values are written."""
    if metric == "side_link_uses":
        return "complex channel uses between the sensors", lambda value: f"{value:,.0f}"
    for start, words, unit, say in LOGGED:
        if metric.startswith(start):
            return f"{words}, {metric.removeprefix(start)}{unit}", say
    return metric.replace("_", " "), lambda value: f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def optimisers(table: pd.DataFrame) -> list[str]:
    """What tuning chose for each budget."""
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
    return ["## What tuning chose\n", text, *table_of(names, body, text=names[1:3] + names[4:6])]
