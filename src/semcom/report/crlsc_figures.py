"""The second system's figures: accuracy by method, accuracy over bytes, matrices of heads across encoders."""

import math

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedFormatter, FixedLocator, LogLocator, NullFormatter

from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.section import MENTOR, RAW
from semcom.report.crlsc_tables import at_all_labels, linear
from semcom.report.crlsc_words import bars
from semcom.report.figures import COLOURS, MARKERS
from semcom.report.sheet import GREY, STYLE, Sheet

MENTOR_DASHES, MAJORITY_DASHES = (0, (4, 1.5)), (0, (1, 1.5))
ACROSS = ["method", "space", "shared_images"]


def accuracy(made: pd.DataFrame, entry: CrlscReportEntry, *, foot: str) -> Figure:
    """A panel a target: the linear head at all labels, method by method, a marker an encoder.

    Args:
        made: of `crlsc_tables.accuracy`.
        entry: methods and targets, in the order in which they are drawn.
        foot: the line at the foot.
    """
    rows = at_all_labels(linear(made))
    with mpl.rc_context(STYLE):
        sheet = Sheet(len(entry.targets), columns=min(3, len(entry.targets)), panel_height=2.2)
        for axes, target in zip(sheet.panels, entry.targets, strict=True):
            _by_method(axes, rows[rows["target"] == target], entry)
            often = made[(made["head"] == "majority") & (made["target"] == target)]["mean"]
            axes.axhline(100 * often.iloc[0], color=GREY, linewidth=0.8, linestyle=MAJORITY_DASHES)
            axes.set_title(target)
        note = (
            "Linear heads on frozen backbone features, fitted on four fifths of a target's training images, "
            "the penalty chosen on the fifth. Dashed: the mentor. Dotted: the most frequent class. "
            f"{bars(entry.seeds)}"
        )
        sheet.finish("", note, foot)
    return sheet.figure


def _by_method(axes: Axes, rows: pd.DataFrame, entry: CrlscReportEntry) -> None:
    methods = list(entry.methods)
    encoders = list(dict.fromkeys(name for said in entry.methods.values() for name in said.encoders))
    for number, encoder in enumerate(encoders):
        of = rows[(rows["encoder"] == encoder) & rows["method"].isin(methods)]
        aside = 0.12 * (number - (len(encoders) - 1) / 2)
        _points(axes, of["method"].map(methods.index) + aside, of, number, encoder, line="none")
    mentor = rows[(rows["method"] == MENTOR) & (rows["encoder"] == RAW)]["mean"]
    axes.axhline(100 * mentor.iloc[0], color=GREY, linewidth=0.8, linestyle=MENTOR_DASHES)
    axes.xaxis.set_major_locator(FixedLocator(range(len(methods))))
    axes.xaxis.set_major_formatter(FixedFormatter(methods))
    axes.tick_params(axis="x", labelsize=6, rotation=30)
    axes.set_xlim(-0.6, len(methods) - 0.4)


def _points(
    axes: Axes, x: "pd.Series[float]", rows: pd.DataFrame, number: int, label: str, *, line: str = "-"
) -> None:
    """Means with their intervals; `number` chooses the look."""
    half = 100 * rows["half_width"]
    axes.errorbar(
        x, 100 * rows["mean"], yerr=None if half.isna().any() else half, label=label, linestyle=line,
        markersize=3.5, linewidth=1.1, elinewidth=0.7, color=COLOURS[number % len(COLOURS)],
        marker=MARKERS[number % len(MARKERS)], markeredgecolor="white", markeredgewidth=0.4,
    )  # fmt: skip


def bytes_accuracy(made: pd.DataFrame, entry: CrlscReportEntry, *, foot: str) -> Figure:
    """A panel a target: accuracy over the bytes of the base as shipped, of retrieval and of training.

    Args:
        made: of `crlsc_tables.bases`.
        entry: targets and methods, in the order in which they are drawn.
        foot: the line at the foot.
    """
    size = made[(made["of"] == "size") & (made["metric"] == "bytes")].set_index("base")["mean"]
    shown = made[(made["metric"] == "accuracy") & made["base"].isin(size.index)]
    shown = shown.assign(bytes=shown["base"].map(size), series=shown.apply(_series, axis=1))
    every = list(dict.fromkeys(shown["series"]))
    with mpl.rc_context(STYLE):
        sheet = Sheet(len(entry.targets), columns=min(3, len(entry.targets)), panel_height=2.2)
        for axes, target in zip(sheet.panels, entry.targets, strict=True):
            here = shown[shown["target"] == target]
            for number, series in enumerate(every):
                of = here[here["series"] == series].sort_values("bytes")
                many = of["bytes"].duplicated().any()  # several methods under one base
                _points(axes, of["bytes"], of, number, series, line="none" if many else "-")
            axes.set_xscale("log")
            wide = size.max() / size.min() > 100
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_title(target)
        note = (
            "Retrieval: k-NN of the mentor's test vectors among its training vectors in the base's codes. "
            f"Training: linear head on encoders that learnt under the base, all labels. {bars(entry.seeds)}"
        )
        sheet.finish("bytes of the shared base as shipped", note, foot)
    return sheet.figure


def _series(row: "pd.Series[object]") -> str:
    return "retrieval" if row["of"] == "retrieval" else f"training {row['encoder']}"


def across(made: pd.DataFrame, entry: CrlscReportEntry, *, foot: str) -> Figure:
    """A matrix a method: the linear head of each owner (rows) on the features of each guest (columns), in %.

    In the base's space without a map, where there is one; else, and beside it, through the map of most
    shared images.

    Args:
        made: of `crlsc_tables.consensus`.
        entry: methods, in the order in which they are drawn.
        foot: the line at the foot.
    """
    rows = made[(made["head"] == "linear") & (made["metric"] == "accuracy")]
    panels = [panel for method in entry.consensus for panel in _panels(rows, method)]
    names = list(dict.fromkeys(rows["owner"]))
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        # Not more than four beside each other, and as many in each row as can be.
        sheet = Sheet(len(panels), columns=-(-len(panels) // -(-len(panels) // 4)), panel_height=1.4)
        for axes, (method, space, shared) in zip(sheet.panels, panels, strict=True):
            here = rows[(rows["method"] == method) & (rows["space"] == space)]
            _matrix(axes, here, shared, names)
            axes.set_title(f"{method}, {f'map of {shared:,.0f}' if shared else 'no map'}", fontsize=7)
        note = (
            "Linear heads of each row's encoder on test features of each column's, in %; on the diagonal "
            "each on its own. Maps are ridge regressions on so many shared images, from space to space, "
            "or from features to features of encoders without a base. Means over seeds."
        )
        sheet.finish("whose features", note, foot, y_label="whose head", limits=(-np.inf, np.inf))
    return sheet.figure


def _panels(rows: pd.DataFrame, method: str) -> list[tuple[str, str, float]]:
    """Method, space and shared images of the matrices to draw."""
    of = rows[rows["method"] == method]
    space = "space" if (of["space"] == "space").any() else "features"
    most = of.loc[of["space"] == space, "shared_images"].max()
    direct = [(method, space, 0.0)] if space == "space" else []
    return [*direct, *([(method, space, float(most))] if most else [])]


def _matrix(axes: Axes, rows: pd.DataFrame, shared: float, names: list[str]) -> None:
    own = rows["owner"] == rows["guest"]
    cells = rows[own | (rows["shared_images"] == shared)].drop_duplicates(["owner", "guest"], keep="last")
    grid = 100 * cells.pivot(index="owner", columns="guest", values="mean").reindex(names, columns=names)
    axes.imshow(grid.to_numpy(), cmap="Blues", vmin=0, vmax=130, aspect="auto")
    for (row, column), value in np.ndenumerate(grid.to_numpy()):
        if not math.isnan(value):
            axes.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=6.5)
    axes.xaxis.set_major_locator(FixedLocator(range(len(names))))
    axes.xaxis.set_major_formatter(FixedFormatter(names))
    axes.tick_params(labelsize=5.5)
    # With sides shared, only the first panel of a row shows them.
    axes.set_yticks(range(len(names)), names, rotation=90, va="center")
