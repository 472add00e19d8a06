"""The report's tables: means over seeds with 95 % Student-t intervals, channel draws averaged first."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from semcom.metrics.cost import never_falling, settled, uses_to_reach
from semcom.metrics.intervals import paired_interval, t_interval
from semcom.params.reportentry import ReportEntry
from semcom.report.measures import judged
from semcom.report.results import Results

RUN = ["study", "system", "method", "link", "labels", "budget_epochs"]
COUNTS = ("rounds", "uplink_uses", "downlink_uses", "uplink_bits", "downlink_bits", "pretrain_uses")
"""Columns of what training sent."""
PER_SNR = ("accuracy", "balanced_accuracy", "nll", "ece", "map", "macro_f1")
"""Metrics of a sweep that are averaged over seeds, beside those that own tasks are judged by."""


def over_seeds(table: pd.DataFrame, by: Sequence[str], value: str = "value") -> pd.DataFrame:
    """Mean, half width of its 95 % interval and number of seeds of each group, in order of appearance.

    Args:
        table: One row a seed and group.
        by: The columns that name a group.
        value: The column to average.
    """
    rows = []
    for names, group in table.groupby(list(by), sort=False):
        mean, half_width = t_interval(group[value].to_numpy(dtype=float))
        rows.append([*names, mean, half_width, len(group)])
    return pd.DataFrame(rows, columns=[*by, "mean", "half_width", "seeds"])


def over_draws(sweep: pd.DataFrame) -> pd.DataFrame:
    """The sweep with its channel draws averaged: one row a run, seed, SNR and metric."""
    by = [*RUN, "seed", "snr_db", "metric"]
    return sweep.groupby(by, sort=False, as_index=False)["value"].mean()


def accuracy_snr(results: Results, entry: ReportEntry) -> pd.DataFrame:
    """What links are judged by over Es/N0, and beside it balanced accuracy, NLL in nats and the like."""
    drawn = over_draws(_below(results.sweep, results.digital))
    drawn = drawn[drawn["metric"].isin({*PER_SNR, *(measure.metric for measure in entry.measures.values())})]
    return over_seeds(drawn, [*RUN, "snr_db", "metric"])


def _below(analog: pd.DataFrame, digital: pd.DataFrame) -> pd.DataFrame:
    """Both tables; an empty one would make objects of the other's numbers."""
    return analog if digital.empty else pd.concat([analog, digital], ignore_index=True)


def near_training(table: pd.DataFrame, entry: ReportEntry) -> pd.DataFrame:
    """The rows at each link's training Es/N0, or at the nearest that was swept (the lower of two).

    Of a range or list of them the middle counts (`Link.nominal_snr_db`).
    """
    if table.empty:
        return table
    swept = np.unique(table["snr_db"])
    links = entry.links | {name: entry.links[digital.link] for name, digital in entry.digital.items()}
    nearest = {n: swept[np.abs(swept - link.nominal_snr_db).argmin()] for n, link in links.items()}
    return table[table["snr_db"] == table["link"].map(nearest)]


def accuracy_uses(results: Results, entry: ReportEntry) -> pd.DataFrame:
    """How well links do at the training Es/N0 beside what training sent over the link, a mean over seeds.

    `training_uses` are complex channel uses, features up and gradients down. (The number of labelled frames,
    and so of rounds, varies a little with the seed's validation fold.)
    """
    costs = results.communication.copy()
    if not results.once.empty:
        costs = _below(costs, _digital_costs(results, entry))
    costs["training_uses"] = costs["uplink_uses"] + costs["downlink_uses"] + costs["pretrain_uses"]
    costs = costs.groupby(RUN, sort=False, as_index=False)[[*COUNTS, "training_uses"]].mean()
    return near_training(accuracy_snr(results, entry), entry).merge(
        costs, on=RUN, how="left", validate="many_to_one"
    )


def _digital_costs(results: Results, entry: ReportEntry) -> pd.DataFrame:
    """What training cost a digital link's runs: the fine-tuning over its analog link, and features once."""
    on = ["study", "system", "method", "labels", "budget_epochs", "seed"]
    once = results.once.assign(analog=results.once["link"].map({n: d.link for n, d in entry.digital.items()}))
    tuned = results.communication.rename(columns={"link": "analog"})
    both = once.merge(tuned, on=[*on, "analog"], how="left", suffixes=("", "_tuned"), validate="many_to_one")
    for count in COUNTS:  # budget 0 was not fine-tuned
        both[count] += both[f"{count}_tuned"].fillna(0)
    return both[list(results.communication)]


def rival(entry: ReportEntry) -> str | None:
    """The method that others are compared with: the first that is not pre-trained."""
    return next((method for method in entry.methods if method not in entry.pretrained), None)


def summary(results: Results, entry: ReportEntry) -> pd.DataFrame:
    """How well every run does at the training Es/N0, and its difference to the rival, paired by seed."""
    drawn = judged(near_training(over_draws(results.sweep), entry), entry)
    table = over_seeds(drawn, [*RUN, "snr_db", "metric"])
    against = rival(entry)
    table["rival"] = against or ""
    place = ["method", "link", "labels", "budget_epochs"]
    values = drawn.set_index([*place, "seed"])["value"].sort_index()
    differences = [_difference(values, run, against) for run in table[place].itertuples(index=False)]
    table[["difference", "difference_half_width"]] = differences
    return table


def _difference(
    values: "pd.Series[float]", run: Sequence[object], against: str | None
) -> tuple[float, float]:
    """Mean difference of a run to its rival and half width; NaN where there is no other to compare with."""
    if against is None or run[0] == against:
        return float("nan"), float("nan")
    own, other = values.loc[tuple(run)], values.loc[(against, *run[1:])]
    return paired_interval(own.to_numpy(), other.loc[own.index].to_numpy())


def digital(results: Results, entry: ReportEntry) -> pd.DataFrame:
    """All that digital links' sweeps measured, at the training Es/N0, one row a run and metric.

    `difference` is accuracy minus the analog link's at the same budget, paired by seed.
    """
    drawn = near_training(over_draws(results.digital), entry)
    table = over_seeds(drawn, [*RUN, "snr_db", "metric"])
    place = ["method", "link", "labels", "budget_epochs"]
    accuracies = [
        near_training(over_draws(sweep), entry)
        .query("metric == 'accuracy'")
        .set_index([*place, "seed"])["value"]
        for sweep in (results.digital, results.sweep)
    ]
    own, other = (values.sort_index() for values in accuracies)
    differences: list[tuple[float, float]] = []
    for method, link, labels, budget, metric in table[[*place, "metric"]].itertuples(index=False):
        if metric == "accuracy" and budget:
            a = own.loc[(method, link, labels, budget)]
            b = other.loc[(method, entry.digital[link].link, labels, budget)]
            differences.append(paired_interval(a.to_numpy(), b.loc[a.index].to_numpy()))
        else:
            differences.append((float("nan"), float("nan")))
    table[["difference", "difference_half_width"]] = np.array(differences).reshape(-1, 2)
    return table


def cost(results: Results, entry: ReportEntry) -> pd.DataFrame:
    """C(A*): channel uses of training at which each seed's run reaches the rival's accuracy less a point.

    Of a link that is judged by another measure, that takes the place of accuracy.

    A* is the rival's test accuracy, mean over seeds of their fitted curves, at the budget from which
    validation says that twice the training adds less than a point (`target_budget_epochs`), less one point.
    Where validation says so of no budget (`settled` is False) it is that of the longest, and training the
    rival longer may raise it.
    """
    against = rival(entry)
    columns = ["study", "system", "method", "link", "labels", "seed", "uses", "bound"]
    columns += ["target", "target_budget_epochs", "settled"]
    if against is None or len(entry.budgets) == 1:
        return pd.DataFrame(columns=columns)
    place = ["link", "labels"]
    drawn = near_training(over_draws(results.sweep), entry)
    drawn = judged(drawn, entry).merge(results.communication, on=[*RUN, "seed"], how="left")
    drawn["uses"] = drawn[["uplink_uses", "downlink_uses", "pretrain_uses"]].sum(axis=1)
    rows = []
    for (link, labels), here in drawn.groupby(place, sort=False):
        chosen = results.choices
        on = entry.tuned_on.get(str(link), str(link))
        chosen = chosen[(chosen["method"] == against) & (chosen["link"] == on) & (chosen["labels"] == labels)]
        found = settled(list(chosen["budget_epochs"]), list(chosen["validation"]))
        budget = found or entry.budgets[-1]
        rivals = here[here["method"] == against].pivot(index="budget_epochs", columns="seed", values="value")
        # Of the curves that C is read from: a rival that falls off later would else never reach its own A*.
        target = rivals.sort_index().apply(never_falling).loc[budget].mean() - 0.01
        for (study, system, method, seed), run in here.groupby(
            ["study", "system", "method", "seed"], sort=False
        ):
            run = run.sort_values("budget_epochs")
            reached = uses_to_reach(run["uses"].to_numpy(), run["value"].to_numpy(), target)
            rows.append(
                [study, system, method, link, labels, seed, *reached, target, budget, found is not None]
            )
    return pd.DataFrame(rows, columns=columns)


def retrieval(results: Results) -> pd.DataFrame:
    """Retrieval accuracy of the private knowledge bases on validation frames, and their size."""
    by = ["study", "system", "method", "modality", "neighbours", "dim"]
    table = over_seeds(results.retrieval, by, "accuracy")
    sizes = results.retrieval.groupby(by, sort=False, as_index=False)[["bytes", "vectors", "frames"]].mean()
    return table.merge(sizes, on=by, how="left", validate="one_to_one")


def pretraining(results: Results) -> pd.DataFrame:
    """Every logged term of pre-training at the last epoch that has it."""
    table = results.pretraining
    by = ["study", "system", "method", "metric"]
    last = table.groupby([*by, "seed"])["epoch"].transform("max")
    return over_seeds(table[table["epoch"] == last], [*by, "epoch"])
