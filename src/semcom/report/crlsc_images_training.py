"""What networks that send images had come to at the end of their training, by their own logs."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.report.checked import check_there, table
from semcom.report.crlsc_words import cell, listed
from semcom.report.tables import over_seeds

PLACE = ("study", "system", "method", "link", "seed")
KEY = ("epoch", "metric")
BY = ["method", "link", "metric"]
TOLD = {
    "codes_used": ("codes used, %", 100, ".1f"),
    "perplexity": ("perplexity of the codes", 1, ".0f"),
    "retrieval_accuracy": ("own entry nearest, %", 100, ".1f"),
    "effective_rank_space": ("effective rank in the base's space", 1, ".1f"),
}
"""Metrics of the page: their heads, factors and formats."""


def last(folder: Path, entry: CrlscReportEntry) -> pd.DataFrame:
    """Every metric of the last epoch by network, over seeds; empty where there are none.

    Args:
        folder: `results/STUDY`.
        entry: what the report covers.

    Raises:
        SemcomError: a history is missing or damaged.
    """
    if entry.images is None or not entry.images.networks:
        return pd.DataFrame(columns=[*BY, "mean", "half_width", "seeds"])
    paths = {
        folder / f"crlsc/images/train/{method}/{link}/seed{seed}/history.csv": {
            "study": entry.study,
            "method": method,
            "link": link,
            "seed": seed,
        }
        for method, link in entry.images.networks
        for seed in entry.seeds
    }
    check_there(list(paths))
    columns = (*PLACE, *KEY, "value")
    rows = pd.concat([table(path, columns, place=place, key=KEY) for path, place in paths.items()])
    ends = rows[rows["epoch"] == rows.groupby(list(PLACE))["epoch"].transform("max")]
    return over_seeds(ends, BY)


def section(made: pd.DataFrame) -> Iterator[str]:
    """Of the page: codebooks in use, and whether guides took.

    Args:
        made: of `last`.
    """
    heads = {metric: said for metric, said in TOLD.items() if metric in set(made["metric"])}
    told = made[made["metric"].isin(heads)]
    if told.empty:
        return
    yield (
        "In the last epoch of training: the share of codes in use and their perplexity; of networks under a "
        "guide, of how many of 512 training images the own entry is nearest, and the effective rank. "
        "[CSV](crlsc_images_training.csv)\n"
    )
    body = []
    for (method, link), of in told.groupby(["method", "link"], sort=False):
        cells = (
            cell(of[of["metric"] == metric], factor=factor, form=form)
            for metric, (_, factor, form) in heads.items()
        )
        body.append([str(method), str(link), *cells])
    yield from listed(["network", "trained over", *(said for said, *_ in heads.values())], body)
