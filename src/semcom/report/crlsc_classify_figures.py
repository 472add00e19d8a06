"""Figures of classification over links: receivers on their own encoders, and on those of others."""

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semcom.channel.labels import LABELS
from semcom.channel.ratio import cbr
from semcom.params.crlsc.classify import DIRECT
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.images import CHANNELS
from semcom.report.crlsc_classify import (
    ACCURACY,
    OTHERS,
    OWN,
    by_group,
    meant,
    methods_of,
    of_common,
    shown,
    uses,
    ways_of,
)
from semcom.report.crlsc_words import bars
from semcom.report.figures import COLOURS, DASHES, MARKERS
from semcom.report.sheet import STYLE, Sheet

NAMED = {
    (OTHERS, "owner"): "others', their senders",
    (OTHERS, "guest"): "others', own senders",
    (OTHERS, "nobody"): "others'",
}
"""Legend: whose receivers, and whose sending ends."""


def drawn_of(drawn: pd.DataFrame, entry: CrlscReportEntry, *, foot: str) -> dict[str, Figure]:
    """By name: `classify`, and `classify_across` where receivers are used with other encoders.

    Args:
        drawn: of `crlsc_classify.drawn`.
        entry: methods, links and ways, in the order in which they are drawn.
        foot: the line at the foot.
    """
    if entry.classify is None:
        return {}
    rows = shown(drawn[drawn["metric"] == ACCURACY], entry.classify)
    made = {"classify": over_links(by_group(of_common(rows, entry)), entry, foot=foot)}
    several = any(len(encoders) > 1 for encoders in entry.classified.values())
    return made | ({"classify_across": across(by_group(rows), entry, foot=foot)} if several else {})


def over_links(rows: pd.DataFrame, entry: CrlscReportEntry, *, foot: str) -> Figure:
    """A panel a way over a link: accuracy over Es/N0, a line a method, dotted without a link."""
    classify = entry.classify
    assert classify is not None
    ways = [way for way in classify.ways if way != DIRECT and (rows["link"] == way).any()]
    with mpl.rc_context(STYLE):
        sheet = Sheet(len(ways), columns=min(3, len(ways)), panel_height=2.4, above=0.42)
        for axes, way in zip(sheet.panels, ways, strict=True):
            for number, method in enumerate(methods_of(entry)):
                dashes, of = number // len(COLOURS), rows[rows["method"] == method]
                if (of["link"] == way).any():
                    _line(axes, of[of["link"] == DIRECT], number, dashes, "_", thin=True)
                _line(axes, of[of["link"] == way], number, dashes, method)
            share = cbr(uses(classify, way), channels=CHANNELS, size=entry.size)
            axes.set_title(f"{way}\n{uses(classify, way)} uses, CBR {share:.3g}")
        note = (
            f"Test images of {classify.target[0]}, {meant(entry)}, and over channel draws. Dotted: without a "
            f"link. {bars(entry.seeds)}"
        )
        sheet.finish(LABELS["es_n0_db"], note, foot)
    return sheet.figure


def across(rows: pd.DataFrame, entry: CrlscReportEntry, *, foot: str) -> Figure:
    """A panel a way: accuracy over Es/N0 with encoders' own receivers and with others', a colour a method."""
    classify = entry.classify
    assert classify is not None
    ways = [way for way in classify.ways if any(way in ways_of(entry, m) for m in methods_of(entry))]
    with mpl.rc_context(STYLE):
        sheet = Sheet(len(ways), columns=min(3, len(ways)), panel_height=2.2)
        for axes, way in zip(sheet.panels, ways, strict=True):
            for number, method in enumerate(methods_of(entry)):
                of = rows[(rows["method"] == method) & (rows["link"] == way)]
                _line(axes, of[of["receivers"] == OWN], number, 0, f"{method}, own receivers")
                for dashes, ((receivers, whose), name) in enumerate(NAMED.items(), start=1):
                    some = of[(of["receivers"] == receivers) & (of["sender"] == whose)]
                    _line(axes, some, number, dashes, f"{method}, {name}")
            axes.set_title(way)
        note = (
            f"Test images of {classify.target[0]}. Own receivers: means over encoders. Others': receivers "
            "trained on another encoder, as they are, means over pairs of unlike encoders. "
            f"{bars(entry.seeds)}"
        )
        sheet.finish(LABELS["es_n0_db"], note, foot)
    return sheet.figure


def _line(
    axes: Axes, rows: pd.DataFrame, number: int, dashes: int, label: str, *, thin: bool = False
) -> None:
    """Means with their intervals; `number` chooses the colour, `dashes` the line."""
    if rows.empty:
        return
    half = 100 * rows["half_width"]
    axes.errorbar(
        rows["snr_db"], 100 * rows["mean"], yerr=None if thin or half.isna().any() else half, label=label,
        linestyle=":" if thin else DASHES[dashes % len(DASHES)], markersize=3.0,
        linewidth=0.8 if thin else 1.1, elinewidth=0.7, color=COLOURS[number % len(COLOURS)],
        marker="" if thin else MARKERS[dashes % len(MARKERS)], markeredgecolor="white", markeredgewidth=0.4,
    )  # fmt: skip
