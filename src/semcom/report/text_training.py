"""What report.md says of pre-training, private knowledge bases and tuning."""

import pandas as pd

from semcom.report.words import percent, table_of


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
    body = [
        [metric, *(f"{cells[method, metric]:.4g}" if (method, metric) in cells else "" for method in methods)]
        for metric in metrics
    ]
    text = "What pre-training logged at its last epoch, means over seeds. [CSV](pretraining.csv)\n"
    return ["## Pre-training\n", text, *table_of(["", *methods], body)]


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
    return ["## What tuning chose\n", text, *table_of(names, body)]
