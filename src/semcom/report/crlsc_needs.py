"""What the second system needs to be good enough, in labels."""

import pandas as pd

from semcom.metrics.labels import labels_to_reach
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.report.crlsc_results import CrlscResults
from semcom.report.crlsc_tables import at_all_labels, kind, linear

LESS = 0.01
"""How much less than its rival is good enough."""
LABELS = [
    "target", "encoder", "method", "against", "target_accuracy", "seed", "labels", "bound",
    "validation_labels",
]  # fmt: skip


def rival(entry: CrlscReportEntry) -> str | None:
    """The method whose accuracy is to be reached: the supervised one, else one without knowledge, if any."""
    for wanted in ("supervised", "simclr", "random"):
        for name, said in entry.methods.items():
            if kind(said) == wanted:
                return name
    return None


def good_enough(results: CrlscResults, entry: CrlscReportEntry) -> tuple[str | None, "pd.Series[float]"]:
    """The rival, and A* by target and encoder: its mean accuracy over seeds at all labels, less a point."""
    against = rival(entry)
    rows = linear(results.probe)
    all_labels = at_all_labels(rows[rows["method"] == against])
    return against, all_labels.groupby(["target", "encoder"])["value"].mean() - LESS


def labels(results: CrlscResults, entry: CrlscReportEntry) -> pd.DataFrame:
    """L(A*) of each method, encoder and seed: labels at which a linear head reaches A*.

    A* is that of `good_enough`; of methods that have the encoder in common with the rival. `bound` is as of
    C(A*): empty, `at most` or `more than`.
    """
    (against, wanted), rows = good_enough(results, entry), linear(results.probe)
    if against is None:
        return pd.DataFrame(columns=LABELS)
    chosen = results.probe[results.probe["metric"] == "validation_labels"]
    beside = chosen.drop_duplicates(["target", "seed"]).set_index(["target", "seed"])["value"]
    rows = rows.sort_values("target", key=lambda names: names.map(entry.targets.index), kind="stable")
    found = []
    for (target, encoder, method, seed), curve in rows.groupby(
        ["target", "encoder", "method", "seed"], sort=False
    ):
        if (target, encoder) in wanted.index and method in entry.methods:
            curve = curve.sort_values("labels").drop_duplicates("labels", keep="last")
            goal = float(wanted[target, encoder])
            reached = labels_to_reach(curve["labels"].to_numpy(), curve["value"].to_numpy(), goal)
            place = (target, encoder, method, against, goal, seed, reached.uses, reached.bound)
            found.append(dict(zip(LABELS, (*place, beside[target, seed]), strict=True)))
    return pd.DataFrame(found, columns=LABELS)
