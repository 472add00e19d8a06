"""A figure of small multiples laid out in inches: a paper's page, 7 inches wide, text of 8 points."""

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

WIDTH = 7.0
"""Inches, of several columns of panels; a single one is NARROW."""
NARROW = 4.4
LEFT, RIGHT, BETWEEN = 0.55, 0.1, 0.16
"""Inches beside and between the columns."""
BOTTOM, ROW_GAP = 0.52, 0.2
"""Inches below the panels for ticks and label, and below those of upper rows."""
LEGEND_LINE, NOTE_LINE = 0.2, 0.1
"""Inches of a line of the legend above, and of a small line below."""
CHARACTER = 0.0087
"""Inches a character and point of small text takes, generously."""

HANDLE = 0.5
"""Inches of a legend's line before its name and the gap behind it."""

GREY = "#6b6b6b"
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "pdf.fonttype": 42,
    "svg.hashsalt": "semcom",
}


class Sheet:
    """Panels on shared axes, filled row by row, one legend above all and two small lines below.

    Args:
        count: number of panels.
        columns: number of columns.
        panel_height: inches.
        above: inches over each row of panels, for titles.
    """

    def __init__(self, count: int, *, columns: int, panel_height: float = 1.6, above: float = 0.28) -> None:
        self.rows, self.columns = -(-count // columns), columns
        self.panel_height, self.above = panel_height, above
        self.figure = Figure()
        grid = self.figure.subplots(self.rows, columns, sharex=True, sharey=True, squeeze=False)
        self.panels: list[Axes] = list(grid.flat[:count])
        for unused in grid.flat[count:]:
            unused.remove()
        for axes in self.panels[-columns:]:  # the last of each column, also above an empty place
            axes.tick_params(labelbottom=True)
        for axes in self.panels:
            axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))

    def finish(
        self,
        x_label: str,
        note: str,
        foot: str,
        *,
        y_label: str = "test accuracy (%)",
        limits: tuple[float, float] = (0, 100),
        below: float = BOTTOM,
    ) -> None:
        """Size the figure; write the labels, the legend of all panels' lines, and the lines below.

        `below`: inches below the panels for ticks and label.
        """
        named = {name: handle for axes in self.panels for handle, name in _legend(axes)}
        names, handles = list(named), list(named.values())
        low, high = self.panels[0].get_ylim()  # wide intervals need not push the view out of 0 to 100 %
        self.panels[0].set_ylim(max(low, limits[0]), min(high, limits[1]))
        width = WIDTH if self.columns > 1 else NARROW
        ncols = _columns(names, 5 if self.columns > 1 else 3, width)
        lines = [*_wrap(note, 5.5, width), *_wrap(foot, 4.8, width)]
        top = LEGEND_LINE * -(-len(names) // ncols) + 0.05 + self.above
        bottom = below + NOTE_LINE * len(lines)
        between = self.above + ROW_GAP
        height = top + self.rows * self.panel_height + (self.rows - 1) * between + bottom
        panel_width = (width - LEFT - RIGHT - (self.columns - 1) * BETWEEN) / self.columns
        self.figure.set_size_inches(width, height)
        self.figure.subplots_adjust(
            left=LEFT / width,
            right=1 - RIGHT / width,
            top=1 - top / height,
            bottom=bottom / height,
            wspace=BETWEEN / panel_width,
            hspace=between / self.panel_height,
        )
        self.figure.legend(handles, names, loc="upper left", ncols=ncols, bbox_to_anchor=(0.0, 1.0))
        text, left = self.figure.text, 0.09 / width
        text((LEFT + width - RIGHT) / 2 / width, (bottom - below + 0.12) / height, x_label, ha="center")
        text(left, (bottom + height - top) / 2 / height, y_label, va="center", rotation=90)
        for number, (size, line) in enumerate(reversed(lines)):
            text(left, (0.06 + number * NOTE_LINE) / height, line, fontsize=size, color=GREY)


def _legend(axes: Axes) -> list[tuple[Any, str]]:
    """Handle and name of each line of a panel."""
    return list(zip(*axes.get_legend_handles_labels(), strict=True))


def _columns(names: list[str], most: int, width: float) -> int:
    """Columns of a legend that fit into a width in inches, at least one and at most `most`."""
    letter = CHARACTER * float(STYLE["legend.fontsize"])

    def inches(columns: int) -> float:
        return sum(HANDLE + letter * max(map(len, part)) for part in np.array_split(names, columns))

    return max((n for n in range(1, min(len(names), most) + 1) if inches(n) <= width), default=1)


def _wrap(words: str, size: float, width: float) -> list[tuple[float, str]]:
    """Lines of a font size, in points, that fit into a width in inches."""
    return [(size, line) for line in textwrap.wrap(words, int((width - 0.18) / (CHARACTER * size)))]
