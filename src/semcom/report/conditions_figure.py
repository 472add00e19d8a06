"""The figure of conditions at test time: accuracy over Es/N0, a panel for the whole and each condition."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from semcom.params.entries import ReportEntry
from semcom.report import measures
from semcom.report.figures import SNR_LABEL, chance_line, curve, groups, intervals, select, training_marks
from semcom.report.sheet import STYLE, Sheet

WHOLE = "whole"
"""The panel without a condition."""
COLUMNS = 4
"""Panels side by side at most."""


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
    places = [(link, labels, name) for link, labels in groups(entry) for name in names]
    disturbed, whole = (measures.judged(table, entry) for table in (disturbed, whole))
    with mpl.rc_context(STYLE):
        sheet = Sheet(len(places), columns=min(COLUMNS, len(names)))
        for axes, (link, labels, name) in zip(sheet.panels, places, strict=True):
            here = whole if name == WHOLE else disturbed[disturbed["condition"] == name]
            here = select(here, link=link, labels=labels, budget_epochs=budget)
            for number, method in enumerate(entry.methods):
                rows = here[here["method"] == method]
                if len(rows):
                    curve(axes, rows, number, method, markers=len(rows) <= 12)
            chance_line(axes, chance, entry, (link, labels, name), places)
            training_marks(axes, entry.links[link])
            axes.set_title(name if one else f"{measures.named(entry, link)}, {labels}: {name}")
            if here["snr_db"].nunique() <= 8:
                axes.xaxis.set_major_locator(FixedLocator(sorted(here["snr_db"].unique())))
        what = "; ".join(f"{name}: {words}" for name, words in entry.conditions.items())
        said = f"After {budget} epochs of fine-tuning. {what}. {intervals('Bands', entry)}"
        sheet.finish(SNR_LABEL, said + measures.note(entry), foot, y_label=measures.y_label(entry))
    return sheet.figure
