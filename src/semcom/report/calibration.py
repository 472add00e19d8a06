"""Whether every link delivers what it says: the report's calibration table, and the error if one does not."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from semcom.channel.tolerance import found, out_of_tolerance
from semcom.report.checked import check_there, damaged
from semcom.report.checked import table as checked

OF_CHANNEL = ("study", "link", "snr_db", "check", "value", "expected", "tolerance", "draws")
POWER = "power_db_farthest"
"""Checked of every run: what a system sends does not depend on its channel."""
LAST_CHECK = "noise_circularity"
"""The last one at each Es/N0."""
RUN = ["study", "link", "method", "labels", "budget_epochs"]
COLUMNS = [*RUN, "seed", "snr_db", "check", "value", "expected", "tolerance", "draws", "z", "ok", "note"]
TOLERANCE_DB = 0.05
"""On the delivered Es/N0 and on the power sent."""
Z = 5.0
"""Standard deviations that few noise samples may stray: a right link does once in two million times."""


def read(paths: Mapping[str, Path], study: str) -> pd.DataFrame:
    """The checks of channels by themselves, one row a check, as their jobs wrote them.

    Args:
        paths: the table of each link, by the link's name.
        study: that wrote them.

    Raises:
        SemcomError: a table is missing or damaged.
    """
    check_there(list(paths.values()))
    tables = []
    for link, path in paths.items():
        place, key = {"study": study, "link": link}, ("snr_db", "check")
        tables.append(checked(path, OF_CHANNEL, place=place, key=key, may_lack=True))
        for snr_db, rows in tables[-1].groupby("snr_db"):
            if LAST_CHECK not in set(rows["check"]):
                raise damaged(path, f"lacks the check {LAST_CHECK} at {snr_db} dB")
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(OF_CHANNEL))


def calibration(channels: pd.DataFrame, sweep: pd.DataFrame | None = None) -> pd.DataFrame:
    """All checks of the study's links, one row a check.

    Rows without a method are of the channel itself, at each Es/N0. Those with one are of a trained run's
    sweep: the seed and Es/N0 at which it lies farthest from what was asked, channel draws averaged. Figures
    of links whose channel is unchecked have an infinite tolerance, and nothing for ok; the power sent is
    checked of all.

    Args:
        channels: of `read`.
        sweep: of trained runs, with what they measured of their links; None: there is none.
    """
    runs = () if sweep is None else _runs(sweep)
    rows = pd.concat([channels, *runs], ignore_index=True).reindex(columns=COLUMNS)
    unchecked = rows["link"].isin(_unchecked(channels)) & (rows["check"] != POWER)
    rows["tolerance"] = rows["tolerance"].where(~unchecked, np.inf)
    within = ((rows["value"] - rows["expected"]).abs() <= rows["tolerance"]).astype("boolean")
    rows["ok"] = within.mask(unchecked)
    rows["note"] = rows["note"].mask(unchecked, "stated, not checked")
    rows["z"] = rows["z"].mask(unchecked)
    for name in ("budget_epochs", "seed"):
        rows[name] = rows[name].astype("Int64")
    return rows


def check(table: pd.DataFrame) -> None:
    """Refuse a study with a link that is out of tolerance.

    Raises:
        SemcomError: naming link, check, value and tolerance of each, and the ways out.
    """
    bad = table[~table["ok"].fillna(True)]
    if bad.empty:
        return
    lines = [_line(rows) for _, rows in bad.groupby(["link", bad["method"].notna(), "check"], sort=False)]
    links = list(dict.fromkeys(bad["link"]))
    raise out_of_tolerance(links, "there is no report", lines)


def said(table: pd.DataFrame, csv: str) -> list[str]:
    """Section of a page: by how much the links are off, and which are not checked.

    Args:
        table: of `calibration`, all in tolerance that is checked.
        csv: the table's file beside the page.
    """
    links = _unchecked(table)
    held, stated = table[table["ok"].notna()], table[table["ok"].isna()]
    lines = ["## Is the SNR what it says?\n"]
    if links:
        lines += _said_unchecked(stated, links, csv)
    return lines + (_said_held(held, csv, links) if len(held) else [])


def _said_held(held: pd.DataFrame, csv: str, unchecked: list[str]) -> list[str]:
    """Of what is checked, by how much it is off."""
    asked = held[held["check"].str.startswith(("snr_db", "mean_snr_db", "delivered_snr_db"))]
    error = (asked["value"] - asked["expected"]).abs()
    of_runs = asked["method"].notna()
    runs = f", in the sweeps of trained runs by {error[of_runs].max():.3f} dB" if of_runs.any() else ""
    if unchecked and set(held["check"]) == {POWER}:
        return [f"The power that runs send is 1 within {TOLERANCE_DB} dB, all {len(held)} of them."]
    return [
        f"All {len(held)} checks of the {'other ' if unchecked else ''}links are passed ([CSV]({csv})): "
        "delivered Es/N0, power, fading, phase, noise."
        + (
            " Delivered minus asked Es/N0: the channels by themselves are off by at most "
            f"{error[~of_runs].max():.3f} dB{runs}; the limit is {TOLERANCE_DB} dB, more where few noise "
            "samples tell no better."
            if (~of_runs).any()
            else ""
        ),
    ]


def _said_unchecked(stated: pd.DataFrame, links: list[str], csv: str) -> list[str]:
    """Of links whose channel distorts, what was measured beside what was asked."""
    lines = [
        f'**Unchecked: {", ".join(links)}.** The channel says `law = "unchecked"`: it distorts the signal, '
        "so its Es/N0 axis is what was *asked* of the channel, and nothing holds it to deliver that. "
        f"Measured, and no check ([CSV]({csv})), beside what AWGN would give:\n",
        "| link | Es/N0 asked in dB | figure | measured | AWGN |",
        "|---|---|---|---|---|",
    ]
    of_channel = stated[stated["method"].isna()]
    for row in of_channel.itertuples():
        value = "cannot be told" if np.isnan(row.value) else f"{row.value:.4g}"
        lines.append(f"| {row.link} | {row.snr_db:g} | `{row.check}` | {value} | {row.expected:.4g} |")
    return [*lines, ""]


def _unchecked(rows: pd.DataFrame) -> list[str]:
    """Links whose channel's figures are stated: no tolerance is held against them."""
    of_channel = rows if "method" not in rows else rows[rows["method"].isna()]
    return list(dict.fromkeys(of_channel.loc[np.isinf(of_channel["tolerance"].astype(float)), "link"]))


def _line(rows: pd.DataFrame) -> str:
    """The worst of the rows of one link and check."""
    worst = rows.loc[(rows["value"] - rows["expected"]).abs().fillna(np.inf).idxmax()]
    where = f"link {worst['link']}"
    if pd.notna(worst["method"]):
        where += f", {worst['method']} {worst['labels']} {worst['budget_epochs']} epochs seed {worst['seed']}"
    return found(where, worst.to_dict(), others=len(rows) - 1)


def _runs(sweep: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The farthest row of every run, for what its sweep measured of the link."""
    by = [*RUN, "seed", "snr_db"]
    draws = sweep["draw"].nunique()
    means = sweep.groupby([*by, "metric"], sort=False)["value"].mean().unstack("metric").reset_index()
    spread = means.get("delivered_snr_db_sd", pd.Series(np.nan, means.index)) / np.sqrt(draws)
    for name in ("delivered_snr_db", "delivered_snr_db_worst", POWER):
        if name not in means:
            continue
        rows = means[[*by]].assign(check=name, value=means[name], draws=draws, note="")
        rows["expected"] = 0.0 if name == POWER else rows["snr_db"].astype(float)
        chance = 0.0 if name == POWER else (Z * spread).fillna(0)
        rows["tolerance"] = np.maximum(TOLERANCE_DB, chance)
        error = rows["value"] - rows["expected"]
        rows["z"] = np.nan if name == POWER else error / spread
        measured = error.dropna()  # a fading link's runs measure no SNR
        places = [rows.loc[measured.index, column] for column in RUN]
        if len(measured):
            yield rows.loc[measured.abs().groupby(places, sort=False).idxmax()]
