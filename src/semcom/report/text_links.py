"""What report.md says of tests under other conditions and of digital links."""

from collections.abc import Mapping
from itertools import product

import pandas as pd

from semcom.params.reportentry import ReportEntry
from semcom.report import conditions, measures
from semcom.report.tables import near_training
from semcom.report.words import percent, table_of

Tables = Mapping[str, pd.DataFrame]


def under_conditions(made: Tables, entry: ReportEntry) -> list[str]:
    """Accuracy of each method under each condition at its last budget, and what it loses."""
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
            line = [method, percent(*undisturbed.loc[(method, link, labels), ["mean", "half_width"]])]
            for name in entry.conditions:
                if name not in entry.conditions_of.get(method, ()):
                    line.append("–")
                    continue
                cell = cells.loc[(method, link, labels, name)]
                minus = percent(cell["difference"], cell["difference_half_width"], "+")
                line.append(f"{percent(cell['mean'], cell['half_width'])} ({minus})")
            body.append(line)
        lines += table_of(["method", "whole", *entry.conditions], body)
    return lines


def digital(made: Tables, entry: ReportEntry) -> list[str]:
    """Digital links beside the analog ones that they replace."""
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
                    percent(right["mean"], right["half_width"]),
                    percent(right["difference"], right["difference_half_width"], "+"),
                    percent(*cells.loc["retrieval_accuracy", ["mean", "half_width"]]),
                    f"{100 * cells.loc['lost_blocks', 'mean']:.2g}",
                    f"{cells.loc['payload_bits', 'mean']:.0f}",
                    f"{uses:,.0f}",
                ]
            )
        lines += table_of([*names, "channel uses of training"], body)
    return lines
