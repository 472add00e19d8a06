"""Where which method sends the best images: at each link and Es/N0 the highest mean PSNR, and its lead.

The lead over the next is paired by seed: images, channel draws and seeds are the same for all methods. Bounds
compete with nobody, as no link reaches them.
"""

from collections.abc import Iterator

import pandas as pd

from semcom.metrics.intervals import paired_interval
from semcom.params.crlsc.images import CAPACITY, Images
from semcom.report.crlsc_words import listed

PSNR = "psnr_db"
COLUMNS = ["link", "snr_db", "method", "psnr_db", "next", "lead_db", "half_width", "seeds"]


def best(drawn: pd.DataFrame, images: Images | None) -> pd.DataFrame:
    """One row a link, over which two methods or more go, and Es/N0.

    Args:
        drawn: of `crlsc_images.by_seed`.
        images: what the study asks for.
    """
    found: list[list[object]] = []
    methods, links = (images.methods, images.links) if images else ({}, {})
    for link in links:
        real = [name for name, method in methods.items() if method.schemes_on(link) != (CAPACITY,)]
        rows = drawn[(drawn["link"] == link) & (drawn["metric"] == PSNR) & drawn["method"].isin(real)]
        if rows["method"].nunique() < 2:
            continue
        for snr_db, here in rows.groupby("snr_db"):
            by = here.pivot_table(index="seed", columns="method", values="value", sort=False)
            first, second = by.mean().sort_values(ascending=False, kind="stable").index[:2]
            lead, half = paired_interval(by[first].to_numpy(), by[second].to_numpy())
            found.append([link, snr_db, first, by[first].mean(), second, lead, half, len(by)])
    return pd.DataFrame(found, columns=COLUMNS)


def section(made: pd.DataFrame) -> Iterator[str]:
    """Of the page: who leads, by how much, before whom.

    Args:
        made: of `best`.
    """
    if made.empty:
        return
    yield (
        "The best at each Es/N0, by mean PSNR, and its lead in dB before the next, paired by seed, with 95 % "
        "intervals not widened for their number; ? where the interval contains 0 or there is one seed. Files "
        "at `capacity` are left out, as no link reaches it. [CSV](crlsc_images_best.csv)\n"
    )
    snrs = sorted(made["snr_db"].unique())
    body = []
    for link, rows in made.groupby("link", sort=False):
        by = rows.set_index("snr_db")
        body.append([str(link), *(_leader(by.loc[snr]) if snr in by.index else "" for snr in snrs)])
    yield from listed(["link", *(f"{snr} dB" for snr in snrs)], body)


def _leader(row: "pd.Series[object]") -> str:
    lead, half = float(str(row["lead_db"])), float(str(row["half_width"]))
    sure = "" if half < lead else "?"
    return f"{row['method']}{sure} +{lead:.2f}{f'±{half:.2f}' if half == half else ''} ({row['next']})"
