"""The second system's figure: what frozen encoders are worth on each target, method by method."""

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.files import RAW
from semcom.params.crlsc.section import MENTOR
from semcom.report.sheet import GREY, STYLE, Sheet

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "os^Dv*"


def draw(accuracy: pd.DataFrame, entry: CrlscReportEntry, *, foot: str) -> Figure:
    """A panel a target: test accuracy of the linear head at all labels, a marker an encoder.

    Args:
        accuracy: of `crlsc_tables.read`.
        entry: methods and targets, in the order in which they are drawn.
        foot: the line at the foot.
    """
    with mpl.rc_context(STYLE):
        columns = min(3, len(entry.targets))
        sheet = Sheet(len(entry.targets), columns=columns, panel_height=2.2)
        for axes, target in zip(sheet.panels, entry.targets, strict=True):
            _panel(axes, accuracy[accuracy["target"] == target], entry)
            axes.set_title(target)
        bars = "Bars: 95 % Student-t intervals over seeds. " if len(entry.seeds) > 1 else "One seed. "
        note = (
            "Linear heads on frozen backbone features, fitted on four fifths of a target's training images, "
            f"the penalty chosen on the fifth. Dashed: the mentor. Dotted: the most frequent class. {bars}"
        )
        sheet.finish("method", note, foot)
    return sheet.figure


def _panel(axes: Axes, rows: pd.DataFrame, entry: CrlscReportEntry) -> None:
    linear = rows[(rows["head"] == "linear") & (rows["fraction"] == rows["fraction"].max())]
    linear = linear[linear["space"] == "features"]
    encoders = list(dict.fromkeys(e for said in entry.methods.values() for e in said.encoders))
    for number, encoder in enumerate(encoders):
        of = linear[linear["encoder"] == encoder].set_index("method")
        there = [name for name in entry.methods if name in of.index]
        shift = 0.12 * (number - (len(encoders) - 1) / 2)
        axes.errorbar(
            [list(entry.methods).index(name) + shift for name in there],
            [100 * of.loc[name, "mean"] for name in there],
            yerr=[100 * of.loc[name, "half_width"] for name in there] if len(entry.seeds) > 1 else None,
            label=encoder, linestyle="none", markersize=4, elinewidth=0.7,
            color=COLOURS[number % len(COLOURS)], marker=MARKERS[number % len(MARKERS)],
        )  # fmt: skip
    mentor = linear[(linear["method"] == MENTOR) & (linear["encoder"] == RAW)]["mean"]
    majority = rows[rows["head"] == "majority"]["mean"]
    for value, dashes in ((mentor, (0, (4, 1.5))), (majority, (0, (1, 1.5)))):
        axes.axhline(100 * float(value.iloc[0]), color=GREY, linewidth=0.8, linestyle=dashes)
    axes.set_xticks(range(len(entry.methods)), list(entry.methods), rotation=30, ha="right")
    axes.set_xlim(-0.6, len(entry.methods) - 0.4)
