"""The report's figures: small multiples on shared axes, one colour and marker a method in all of them.

Sizes are those of a paper's page: 7 inches wide, text of 8 points. Nothing in a file depends on the time.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    EngFormatter,
    FixedFormatter,
    FixedLocator,
    LogLocator,
    NullFormatter,
    NullLocator,
)

from semcom.channel.labels import LABELS
from semcom.files.atomic import atomic
from semcom.params.reportentry import ReportEntry
from semcom.params.sections import Link
from semcom.report import measures, upload
from semcom.report.sheet import GREY, STYLE, Sheet
from semcom.report.words import epochs

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's palette, told apart by people with any colour vision; darkest contrasts first."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", ":", "-.")
"""From the eighth method on, colours come again with other dashes."""

SNR_LABEL = LABELS["es_n0_db"]
USES_LABEL = "complex channel uses of training, up and down"


def accuracy_snr(
    table: pd.DataFrame, entry: ReportEntry, *, chance: Mapping[str, float], foot: str
) -> Figure:
    """Accuracy, or what else a link is judged by, over Es/N0; bands are 95 % over seeds.

    A panel for each link, label fraction and budget.

    Args:
        table: of `semcom.report.tables.accuracy_snr`.
        entry: methods, links, labels and budgets, in the order in which they are drawn.
        chance: what knowing nothing scores, by link.
        foot: the line at the foot.
    """
    places = [(link, labels, budget) for link, labels in groups(entry) for budget in entry.budgets]
    one = len(groups(entry)) == 1
    table = measures.judged(table, entry)
    with mpl.rc_context(STYLE):
        columns = min(3, len(entry.budgets)) if one else len(entry.budgets)
        sheet = Sheet(len(places), columns=columns, above=0.28 if one else 0.42)
        for axes, (link, labels, budget) in zip(sheet.panels, places, strict=True):
            here = select(table, link=link, labels=labels, budget_epochs=budget)
            for number, method in enumerate(entry.methods):
                rows = here[here["method"] == method]
                curve(axes, rows, number, method, markers=len(rows) <= 12)
            for number, method, name in _digital(entry, link):
                rows = select(table, link=name, labels=labels, budget_epochs=budget, method=method)
                if len(rows):
                    curve(axes, rows, number, f"{method}, {name}", markers=len(rows) <= 12, digital=True)
            chance_line(axes, chance, entry, link)
            training_marks(axes, entry.links[link])
            first = (
                ""
                if one or budget != entry.budgets[0]
                else f"{measures.named(entry, link)}, labels {labels}\n"
            )
            axes.set_title(f"{first}{epochs(budget)}{' of fine-tuning' if one else ''}")
            if here["snr_db"].nunique() <= 8:
                axes.xaxis.set_major_locator(FixedLocator(sorted(here["snr_db"].unique())))
        where = "Link {}, labels {}. ".format(*groups(entry)[0]) if one else ""
        note = f"{where}{intervals('Bands', entry)} {_trained(entry)}{measures.note(entry)}"
        sheet.finish(SNR_LABEL, note, foot, y_label=measures.y_label(entry))
    return sheet.figure


def accuracy_uses(
    table: pd.DataFrame,
    entry: ReportEntry,
    *,
    uploads: pd.DataFrame,
    chance: Mapping[str, float],
    foot: str,
) -> Figure:
    """Accuracy, or what else a link is judged by, over the channel uses of training.

    A panel for each link and label fraction.

    Args:
        table: of `semcom.report.tables.accuracy_uses`.
        entry: methods, links, labels and budgets, in the order in which they are drawn.
        uploads: what sending all training images once takes, drawn as upright lines.
        chance: what knowing nothing scores, by link.
        foot: the line at the foot.
    """
    places = groups(entry)
    table = measures.judged(table, entry)
    with mpl.rc_context(STYLE):
        costs = {place: _uses_a_round(select(table, link=place[0], labels=place[1])) for place in places}
        above = 0.6 if any(costs.values()) else 0.28
        sheet = Sheet(len(places), columns=min(2, len(places)), panel_height=2.3, above=above)
        for axes, (link, labels) in zip(sheet.panels, places, strict=True):
            here = select(table, link=link, labels=labels)
            shown = [link, *(name for _, _, name in _digital(entry, link))]
            _log_axis(axes, table.loc[table["link"].isin(shown), "training_uses"])
            for number, method in enumerate(entry.methods):
                # A little to the side, so that the bars of equal budgets stand beside each other.
                aside = 1.025 ** (number - (len(entry.methods) - 1) / 2) if len(entry.seeds) > 1 else 1.0
                _bars(axes, here[here["method"] == method], number, method, aside=aside)
            for number, method, name in _digital(entry, link):
                rows = select(table, link=name, labels=labels, method=method)
                _bars(axes, rows, number, f"{method}, {name}", aside=1.0, digital=True)
            chance_line(axes, chance, entry, link)
            if cost := costs[link, labels]:
                _rounds(axes, here, cost)
            tested = f"tested at {here['snr_db'].iloc[0]:g} dB"
            axes.set_title(f"{measures.named(entry, link)}, labels {labels}, {tested}", pad=6)
        beside = " Bars of equal cost are drawn side by side." if len(entry.seeds) > 1 else ""
        upright = upload.draw(
            [
                (axes, upload.marks(uploads, entry, link))
                for axes, (link, _) in zip(sheet.panels, places, strict=True)
            ]
        )
        silent = "Pre-training exchanges nothing with the server."
        note = f"{intervals('Bars', entry)}{beside} {silent}{measures.note(entry)} {upright}"
        sheet.finish(USES_LABEL, note, foot, y_label=measures.y_label(entry))
    return sheet.figure


def save(figure: Figure, path: Path, description: str) -> None:
    """Write `path` with .pdf and .png, atomically; `description` goes into their metadata."""
    with mpl.rc_context(STYLE):
        title = path.name
        with atomic(path.with_suffix(".pdf")) as temporary:
            about = {"Title": title, "Subject": description, "CreationDate": None, "ModDate": None}
            figure.savefig(temporary, format="pdf", metadata=about)
        with atomic(path.with_suffix(".png")) as temporary:
            about = {"Title": title, "Description": description, "Software": None}
            figure.savefig(temporary, format="png", dpi=220, metadata=about)


def groups(entry: ReportEntry) -> list[tuple[str, str]]:
    """Every link with every label fraction."""
    return [(link, labels) for link in entry.links for labels in entry.labels]


def intervals(what: str, entry: ReportEntry) -> str:
    """What bands or bars are."""
    if len(entry.seeds) == 1:
        return "One seed, so no intervals; channel draws averaged."
    return f"{what}: 95 % Student-t intervals over {len(entry.seeds)} seeds, channel draws averaged first."


def select(table: pd.DataFrame, **where: object) -> pd.DataFrame:
    """The rows at the given place."""
    keep = pd.Series(True, table.index)
    for column, value in where.items():
        keep &= table[column] == value
    return table[keep]


def _digital(entry: ReportEntry, link: str) -> list[tuple[int, str, str]]:
    """Number of the method, its name and that of the digital link, of each curve beside an analog link's."""
    return [
        (number, method, name)
        for name, digital in entry.digital.items()
        for number, method in enumerate(entry.methods)
        if digital.link == link and method in (digital.methods or entry.methods)
    ]


def _look(number: int, *, digital: bool = False) -> dict[str, object]:
    """Colour and marker of a method; over a digital link dashed, its markers hollow."""
    hollow = {"linestyle": (0, (4, 1.5)), "markerfacecolor": "white", "markeredgewidth": 0.8}
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": DASHES[number // len(COLOURS) % len(DASHES)],
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 3.5,
        "markeredgecolor": "white",
        "markeredgewidth": 0.4,
        "linewidth": 1.4,
        **(hollow | {"markeredgecolor": COLOURS[number % len(COLOURS)]} if digital else {}),
    }


def curve(
    axes: Axes, rows: pd.DataFrame, number: int, label: str, *, markers: bool, digital: bool = False
) -> None:
    """The curve of one method over Es/N0, with its band; `number` is the method's place in the study."""
    look = _look(number, digital=digital) | ({} if markers else {"marker": ""})
    x, mean, half = rows["snr_db"], 100 * rows["mean"], 100 * rows["half_width"]
    axes.plot(x, mean, label=label, zorder=3, **look)  # type: ignore[arg-type]
    colour = COLOURS[number % len(COLOURS)]
    axes.fill_between(x, mean - half, mean + half, color=colour, alpha=0.1, linewidth=0)
    for edge in (mean - half, mean + half):
        axes.plot(x, edge, color=colour, alpha=0.35, linewidth=0.5)


def _bars(
    axes: Axes, rows: pd.DataFrame, number: int, label: str, *, aside: float, digital: bool = False
) -> None:
    look = _look(number, digital=digital)
    x, mean, half = aside * rows["training_uses"], 100 * rows["mean"], 100 * rows["half_width"]
    axes.errorbar(x, mean, yerr=half, label=label, elinewidth=0.8, **look)  # type: ignore[arg-type]


def _log_axis(axes: Axes, values: "pd.Series[float]") -> None:
    """A logarithmic axis that says 200k and 1M, with more ticks where it spans little."""
    wide = values.max() / values.min() > 100
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())


def chance_line(axes: Axes, chance: Mapping[str, float], entry: ReportEntry, link: str) -> None:
    """A line at what knowing nothing scores on a panel's link, if that is known; the legend names it."""
    if link not in chance:
        return
    scene = measures.is_scene(entry, link)
    name = "most frequent class" if scene else "scores at random"
    dashes = (1, 1.5) if scene else (4, 1.5, 1, 1.5)
    look: dict[str, Any] = {"color": GREY, "linewidth": 0.8, "linestyle": (0, dashes)}
    axes.axhline(100 * chance[link], **look)
    axes.errorbar([], [], label=name, **look)  # a legend has it behind all curves, with error bars or not


def training_marks(axes: Axes, link: Link) -> None:
    """Mark the Es/N0 of training: a range shaded, single ones dotted."""
    at = link.train_snr_db
    if isinstance(at, dict) and "uniform" in at:
        axes.axvspan(*at["uniform"], color=GREY, alpha=0.1, linewidth=0, zorder=0)
        return
    for one in at["choice"] if isinstance(at, dict) else (at,):
        axes.axvline(one, color=GREY, linewidth=0.6, linestyle=(0, (1, 2)))


def _trained(entry: ReportEntry) -> str:
    """What the marks of `training_marks` are."""
    ranges = [
        isinstance(at, dict) and "uniform" in at for at in (li.train_snr_db for li in entry.links.values())
    ]
    words = ["dotted upright"] * (not all(ranges)) + ["shaded"] * any(ranges)
    return f"{' or '.join(words).capitalize()}: Es/N0 of training."


def _uses_a_round(rows: pd.DataFrame) -> float | None:
    """Channel uses of a mini-batch, where all methods spend the same on one."""
    ratio = (rows["training_uses"] / rows["rounds"]).round(6).unique()
    return float(ratio[0]) if len(ratio) == 1 else None


def _rounds(axes: Axes, rows: pd.DataFrame, cost: float) -> None:
    """A second axis above: mini-batches of `cost` channel uses each."""
    above = axes.secondary_xaxis(
        "top", functions=(lambda uses: np.divide(uses, cost), lambda n: np.multiply(n, cost))
    )
    at = sorted(rows["rounds"].unique())
    above.xaxis.set_major_locator(FixedLocator(at))
    above.xaxis.set_major_formatter(FixedFormatter([f"{n:.0f}" for n in at]))
    above.xaxis.set_minor_locator(NullLocator())
    above.set_xlabel("rounds (mini-batches)", fontsize=7, color=GREY, labelpad=4)
