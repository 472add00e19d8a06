"""The figure of conditions at test time: accuracy over Es/N0, a panel for the whole and each condition."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from semcom.params.reportentry import ReportEntry
from semcom.report import measures
from semcom.report.figures import SNR_LABEL, chance_line, curve, groups, intervals, select, training_marks
from semcom.report.sheet import STYLE, Sheet
from semcom.report.words import epochs

WHOLE = "whole"
"""The panel without a condition."""
COLUMNS = 4
"""Panels side by side at most."""
Place = tuple[str, str, str]
"""Link, label fraction, condition."""


def draw(
    disturbed: pd.DataFrame,
    whole: pd.DataFrame,
    entry: ReportEntry,
    *,
    chance: Mapping[str, float],
    foot: str,
) -> Figure:
    """Every method that has a condition, after the longest budget; bands are 95 % over seeds.

    Args:
        disturbed: of `semcom.report.conditions.summary`.
        whole: of `semcom.report.tables.accuracy_snr`.
        entry: methods, links, labels and conditions.
        chance: what knowing nothing scores, by link.
        foot: the line at the foot.
    """
    names = [WHOLE, *entry.conditions]
    one = len(groups(entry)) == 1
    budget = entry.budgets[-1]
    columns = min(COLUMNS, len(names))
    disturbed, whole = (measures.judged(table, entry) for table in (disturbed, whole))
    with mpl.rc_context(STYLE):
        panels = _panels(names, entry, columns)
        sheet = Sheet(len(panels), columns=columns, above=0.28 if one else 0.42)
        for axes, (link, labels, name) in _filled(sheet, panels):
            here = whole if name == WHOLE else disturbed[disturbed["condition"] == name]
            here = select(here, link=link, labels=labels, budget_epochs=budget)
            for number, method in enumerate(entry.methods):
                rows = here[here["method"] == method]
                if len(rows):
                    curve(axes, rows, number, method, markers=len(rows) <= 12)
            chance_line(axes, chance, entry, link)
            training_marks(axes, entry.links[link])
            first = "" if one or name != WHOLE else f"{measures.named(entry, link)}, labels {labels}\n"
            axes.set_title(f"{first}{name}")
            if here["snr_db"].nunique() <= 8:
                axes.xaxis.set_major_locator(FixedLocator(sorted(here["snr_db"].unique())))
        what = "; ".join(f"{name}: {words}" for name, words in entry.conditions.items())
        said = f"After {epochs(budget)} of fine-tuning. {what}. {intervals('Bands', entry)}"
        sheet.finish(SNR_LABEL, said + measures.note(entry), foot, y_label=measures.y_label(entry))
    return sheet.figure


def _panels(names: Sequence[str], entry: ReportEntry, columns: int) -> list[Place | None]:
    """Link, label fraction and condition of each panel; None: an empty place, so that a link begins a row."""
    panels: list[Place | None] = []
    for link, labels in groups(entry):
        panels += [None] * (-len(panels) % columns)
        panels += [(link, labels, name) for name in names]
    return panels


def _filled(sheet: Sheet, panels: Sequence[Place | None]) -> Iterator[tuple[Axes, Place]]:
    """The axes of each place; empty places are blank, and those above them have the ticks' labels."""
    for number, (axes, place) in enumerate(zip(sheet.panels, panels, strict=True)):
        if place:
            yield axes, place
        else:
            axes.set_visible(False)
            sheet.panels[number - sheet.columns].tick_params(labelbottom=True)
