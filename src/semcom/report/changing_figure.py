"""The figure of a changing channel: what each strategy has sent by each state."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedFormatter, FixedLocator

from semcom.params.reportentry import ReportEntry
from semcom.report.changing import AT_ONCE, STRATEGIES
from semcom.report.changing_page import WORDS
from semcom.report.figures import COLOURS, MARKERS
from semcom.report.sheet import BOTTOM, STYLE, Sheet
from semcom.report.words import epochs, seeds

LOOK = {strategy: number for number, strategy in enumerate((*STRATEGIES, AT_ONCE))}
"""Number of each strategy's colour and marker."""
ASIDE = 0.25
"""Of the way between two states, that the axis has at least beside the first and the last one."""
THIRD_LINE = 0.1
"""Inches of a third line of a state's label."""


def running_total(regain: pd.DataFrame, name: str, entry: ReportEntry, *, foot: str) -> Figure:
    """Channel uses over the states, the training that the link started with among them: a panel a method.

    Args:
        regain: of `semcom.report.changing.regain`.
        name: of the changing channel.
        entry: methods and states, in the order in which they are drawn.
        foot: the line at the foot.
    """
    given = entry.changing[name]
    methods = list(given.methods or ())
    regain = regain[regain["changing"] == name]
    labels = [_broken(label) for label in (given.link, *(state.name for state in given.states))]
    third = any(label.count("\n") > 1 for label in labels)
    with mpl.rc_context(STYLE):
        sheet = Sheet(len(methods), columns=min(3, len(methods)), panel_height=2.0)
        for axes, method in zip(sheet.panels, methods, strict=True):
            own = regain[regain["method"] == method]
            # from 0, so that the margin above the highest line is one of the whole height, and with room for
            # the labels of the first and the last state; limits wait until all panels are drawn (shared axes)
            axes.update_datalim([(-ASIDE, 0), (len(labels) - 1 + ASIDE, 0)])
            for strategy in [s for s in LOOK if s in set(own["strategy"])]:
                _line(axes, own[own["strategy"] == strategy], strategy)
            axes.set_title(method)
            axes.xaxis.set_major_locator(FixedLocator(range(len(labels))))
            axes.xaxis.set_major_formatter(FixedFormatter(labels))
            axes.tick_params(axis="x", labelsize=5.5)
            axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        begun = epochs(given.start_budget or 0)
        note = (
            f"The training of the link ({begun}), then at each state another until it "
            f"is good enough; means over {seeds(entry)}. Hollow: at least so much, since some seeds did not "
            "get there. Upright: up to so much, since for some the shortest training was enough."
        )
        below = BOTTOM + THIRD_LINE * third
        y_label = "complex channel uses so far"
        sheet.finish("state of the channel", note, foot, y_label=y_label, limits=(0, np.inf), below=below)
    return sheet.figure


def _broken(label: str) -> str:
    """A state's name on lines of its own: channel, unusual options, Es/N0."""
    if "(" in label:
        return label.replace(" (", "\n(").replace(") ", ")\n")
    return label.replace(" ", "\n", 1)


def _line(axes: Axes, rows: pd.DataFrame, strategy: str) -> None:
    """One strategy's running total, a mean over seeds, and what is not known of it."""
    ends = rows.groupby("state")[["running_low", "running_high"]].mean()
    states, low, high = ends.index.to_numpy(), ends["running_low"], ends["running_high"]
    aside = 0.03 * (LOOK[strategy] - (len(LOOK) - 1) / 2)
    colour, marker = COLOURS[LOOK[strategy]], MARKERS[LOOK[strategy]]
    style = "--" if strategy == AT_ONCE else "-"
    axes.plot(states + aside, low, color=colour, linestyle=style, linewidth=1.2, zorder=3)
    axes.plot([], [], color=colour, linestyle=style, marker=marker, markersize=3.5, label=WORDS[strategy])
    for state, at, most in zip(states, low, high, strict=True):
        face = "white" if np.isinf(most) else colour
        axes.plot(
            state + aside, at, color=colour, marker=marker, markersize=3.5, markerfacecolor=face, zorder=4
        )
        if at < most < np.inf:
            axes.vlines(state + aside, at, most, color=colour, linewidth=0.8)
