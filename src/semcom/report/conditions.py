"""Conditions at test time in the report: their table and the page's section.

What a condition costs is a metric minus the undisturbed link's at the same Es/N0, paired by seed: both have
the same noise draws.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from semcom.metrics.intervals import paired_interval
from semcom.params.reportentry import ReportEntry
from semcom.report.checked import check_there, damaged, table
from semcom.report.measures import titles
from semcom.report.results import SWEEP
from semcom.report.tables import PER_SNR, RUN, over_draws, over_seeds
from semcom.report.words import epochs

AT = ["condition", *RUN, "snr_db", "metric"]


def read(folder: Path, entry: ReportEntry, sweep: pd.DataFrame) -> pd.DataFrame:
    """What the jobs of one study measured under conditions, at the report's budgets.

    Args:
        folder: `results/STUDY`.
        entry: which methods have which conditions.
        sweep: of the undisturbed links, whose Es/N0 and draws are to be the same.

    Raises:
        SemcomError: a file is missing, is not what its name says, or does not go with the sweep.
    """
    jobs = list(product(entry.conditions_of, entry.links, entry.labels, entry.seeds))
    paths = [folder.joinpath("conditions", m, link, labels, f"seed{s}.csv") for m, link, labels, s in jobs]
    check_there(paths)
    key = ["condition", "budget_epochs", "snr_db", "draw", "metric"]
    tables = []
    for path, (method, link, labels, seed) in zip(paths, jobs, strict=True):
        place = {"study": entry.study, "method": method, "link": link, "labels": labels, "seed": seed}
        rows = table(path, ["condition", *SWEEP], place=place, key=key, budgets=entry.budgets)
        wanted, found = sorted(entry.conditions_of[method]), sorted(set(rows["condition"]))
        if found != wanted:
            raise damaged(path, f"has the conditions {found}, not {wanted}")
        if _swept(rows) != _swept(sweep[sweep["link"] == link]):
            raise damaged(path, "and the sweep have different Es/N0 or numbers of draws")
        tables.append(rows)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["condition", *SWEEP])


def _swept(rows: pd.DataFrame) -> set[object]:
    return set(rows[["snr_db", "draw"]].drop_duplicates().itertuples(index=False, name=None))


def summary(disturbed: pd.DataFrame, sweep: pd.DataFrame, entry: ReportEntry) -> pd.DataFrame:
    """Every metric under every condition, and its difference to the undisturbed link, paired by seed.

    Args:
        disturbed: of `read`.
        sweep: of the undisturbed links.
        entry: what they are judged by.
    """
    own = tuple(measure.metric for measure in entry.measures.values())
    columns = [*AT, "mean", "half_width", "seeds", "difference", "difference_half_width"]
    if disturbed.empty:
        return pd.DataFrame(columns=columns)
    known = disturbed[disturbed["metric"].isin(PER_SNR + own)]
    drawn = known.groupby([*AT, "seed"], sort=False, as_index=False)["value"].mean()
    whole = over_draws(sweep).rename(columns={"value": "whole"})
    both = drawn.merge(whole, on=[*AT[1:], "seed"], how="left", validate="many_to_one")
    found = over_seeds(drawn, AT)
    found[["difference", "difference_half_width"]] = np.array(
        [
            paired_interval(rows["value"].to_numpy(), rows["whole"].to_numpy())
            for _, rows in both.groupby(AT, sort=False)
        ]
    )
    return found[columns]


def intro(entry: ReportEntry) -> str:
    """What the section's tables show."""
    what = "; ".join(f"`{name}`: {words}" for name, words in entry.conditions.items())
    return (
        f"Trained as ever, tested under conditions that training did not know. {what}. A lost device is "
        "zeros to one head for all (`concat`), and no part of the mean of a head a device (`average`). "
        f"{' or '.join(titles(entry)).capitalize()} in % at the Es/N0 of training after "
        f"{epochs(entry.budgets[-1])}; in brackets the difference to the whole system in points, paired "
        "by seed, with the same noise draws. A dash: the method has not the modality, or no other. "
        "[CSV](conditions.csv) has every budget, Es/N0 and metric."
    )
