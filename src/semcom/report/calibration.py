"""Whether every link delivers what it says: the report's calibration table, and the error if one does not."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from semcom.files.errors import SemcomError
from semcom.report.results import Results

RUN = ["study", "link", "method", "labels", "budget_epochs"]
COLUMNS = [*RUN, "seed", "snr_db", "check", "value", "expected", "tolerance", "draws", "z", "ok", "note"]
TOLERANCE_DB = 0.05
"""On the delivered Es/N0 and on the power sent."""
Z = 5.0
"""Standard deviations that few noise samples may stray: a right link does once in two million times."""


def calibration(results: Results) -> pd.DataFrame:
    """All checks of the study's links, one row a check.

    Rows without a method are of the channel itself (`results/STUDY/calibration`), at each Es/N0. Those with
    one are of a trained run's sweep: the seed and Es/N0 at which it lies farthest from what was asked,
    channel draws averaged.
    """
    rows = pd.concat([results.calibration, *_runs(results.sweep)], ignore_index=True).reindex(columns=COLUMNS)
    rows["ok"] = (rows["value"] - rows["expected"]).abs() <= rows["tolerance"]
    for name in ("budget_epochs", "seed"):
        rows[name] = rows[name].astype("Int64")
    return rows


def check(table: pd.DataFrame) -> None:
    """Refuse a study with a link that is out of tolerance.

    Raises:
        SemcomError: naming link, check, value and tolerance of each.
    """
    bad = table[~table["ok"]]
    if bad.empty:
        return
    lines = [_line(rows) for _, rows in bad.groupby(["link", bad["method"].notna(), "check"], sort=False)]
    links = list(dict.fromkeys(bad["link"]))
    raise SemcomError(
        "\n  ".join(
            [f"out of tolerance, so there is no report: link {', '.join(links)}", *lines]
            + ["mend its channel or power constraint (docs/channels.md), and run snakemake again"]
        )
    )


def _line(rows: pd.DataFrame) -> str:
    """The worst of the rows of one link and check."""
    worst = rows.loc[(rows["value"] - rows["expected"]).abs().fillna(np.inf).idxmax()]
    where = f"link {worst['link']}"
    if pd.notna(worst["method"]):
        where += f", {worst['method']} {worst['labels']} {worst['budget_epochs']} epochs seed {worst['seed']}"
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return (
        f"{where}: {worst['check']} at {worst['snr_db']:g} dB is {worst['value']:.4g}, not "
        f"{worst['expected']:.4g} ± {worst['tolerance']:.2g}{more}"
    )


def _runs(sweep: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The farthest row of every run, for what its sweep measured of the link."""
    by = [*RUN, "seed", "snr_db"]
    draws = sweep["draw"].nunique()
    means = sweep.groupby([*by, "metric"], sort=False)["value"].mean().unstack("metric").reset_index()
    spread = means.get("delivered_snr_db_sd", pd.Series(np.nan, means.index)) / np.sqrt(draws)
    for name in ("delivered_snr_db", "delivered_snr_db_worst", "power_db_farthest"):
        if name not in means:
            continue
        rows = means[[*by]].assign(check=name, value=means[name], draws=draws, note="")
        rows["expected"] = 0.0 if name == "power_db_farthest" else rows["snr_db"].astype(float)
        chance = 0.0 if name == "power_db_farthest" else (Z * spread).fillna(0)
        rows["tolerance"] = np.maximum(TOLERANCE_DB, chance)
        error = rows["value"] - rows["expected"]
        rows["z"] = np.nan if name == "power_db_farthest" else error / spread
        measured = error.dropna()  # a fading link's runs measure no SNR
        places = [rows.loc[measured.index, column] for column in RUN]
        if len(measured):
            yield rows.loc[measured.abs().groupby(places, sort=False).idxmax()]
