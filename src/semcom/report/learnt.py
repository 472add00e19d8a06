"""What was learnt, in the report: its table, the figure over pre-training's epochs, the page's section."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from semcom.params.reportentry import ReportEntry
from semcom.report import words
from semcom.report.checked import check_there, table
from semcom.report.sheet import GREY, STYLE, Sheet
from semcom.report.tables import over_seeds

BY = ("study", "system", "method", "epoch", "modality", "block", "measure")
COLUMNS = (*BY, "seed", "value")
R2, PROBE = "cross_modal_r2", "probe_accuracy"
LOOKS: dict[str, dict[str, Any]] = {
    "features": {"color": "#000000", "marker": "o"},
    "embedding": {"color": "#0072B2", "marker": "s"},
    "shared": {"color": "#009E73", "marker": "^"},
    "unique": {"color": "#D55E00", "marker": "D"},
}
"""Of a block; colours as in the other figures are told apart by people with any colour vision."""
DASHES = {"rgb": "-", "depth": (0, (4, 1.5))}
LIMITS = (-10.0, 100.0)
"""Of the axis in %: below 0 a prediction is worse than the mean, and how much worse says nothing."""
LONG_NAME = 14
"""Letters of a method that leave room for the rest of a panel's title beside them."""


def learnt(folder: Path, entry: ReportEntry) -> pd.DataFrame:
    """Every measure at every epoch, a mean over seeds with its interval; what a seed could not tell is out.

    Args:
        folder: `results/STUDY`.
        entry: which methods are looked into, and which seeds.

    Raises:
        SemcomError: a file is missing, or is not what its name says.
    """
    paths = {
        (method, seed): folder / f"learnt/{method}/seed{seed}.csv"
        for method in entry.learnt
        for seed in entry.seeds
    }
    check_there(list(paths.values()))
    key = ("epoch", "modality", "block", "measure")
    tables = [
        table(
            path,
            COLUMNS,
            place={"study": entry.study, "method": method, "seed": seed},
            key=key,
            may_lack=True,
        )
        for (method, seed), path in paths.items()
    ]
    if not tables:
        return pd.DataFrame(columns=[*BY, "mean", "half_width", "seeds"])
    return over_seeds(pd.concat(tables, ignore_index=True).dropna(subset=["value"]), BY)


def figure(made: pd.DataFrame, entry: ReportEntry, *, chance: float, foot: str) -> Figure:
    """Two panels a method, over the epochs of pre-training: cross-modal R² and probe accuracy of its blocks.

    A method with one modality has the probe's alone.

    Args:
        made: of `learnt`.
        entry: the methods, in the order in which they are drawn.
        chance: accuracy of always naming the most frequent class.
        foot: the line at the foot.
    """
    epochs = sorted(made["epoch"].unique())
    panels = list(made[made["measure"].isin((R2, PROBE))].groupby(["method", "measure"]).groups)
    panels.sort(key=lambda panel: (entry.learnt.index(panel[0]), panel[1] == PROBE))
    gap = "\n" if max(map(len, entry.learnt)) > LONG_NAME else " "
    with mpl.rc_context(STYLE):
        columns, above = 2 if len(entry.learnt) == 1 else 4, 0.28 if gap == " " else 0.42
        sheet = Sheet(len(panels), columns=columns, above=above)
        for axes, (method, measure) in zip(sheet.panels, panels, strict=False):
            _panel(axes, made[(made["method"] == method) & (made["measure"] == measure)], entry)
            axes.set_title(f"{method}:{gap}{'R² across' if measure == R2 else 'probe'}")
            _epochs(axes, epochs)
            nothing = 100 * chance if measure == PROBE else 0
            axes.axhline(nothing, color=GREY, linewidth=0.8, linestyle=(0, (1, 1.5)))
        label = "epochs of pre-training" + (" (0: untrained)" if 0 in epochs else "")
        sheet.finish(label, _note(entry), foot, y_label="variance, accuracy (%)", limits=LIMITS)
    return sheet.figure


def _note(entry: ReportEntry) -> str:
    seeds = len(entry.seeds)
    bars = f"Bars: 95 % Student-t intervals over {seeds} seeds." if seeds > 1 else "One seed."
    return (
        "R² across: share of the variance of a modality's block that a ridge regression from the same block "
        "of the other one explains. Probe: scene accuracy of a linear classifier. Both fitted on training "
        "frames, shown on test frames. Solid: colour, or colour explained by depth; dashed: depth. Dotted: "
        f"nothing explained, or always naming the most frequent class. {bars}"
    )


def _panel(axes: Axes, rows: pd.DataFrame, entry: ReportEntry) -> None:
    """One line a block and modality; one that is all of the embedding lies over the embedding's."""
    for block, look in LOOKS.items():
        for modality, dashes in DASHES.items():
            of = rows[(rows["block"] == block) & (rows["modality"] == modality)]
            if len(of):
                label = f"{block}, {'colour' if modality == 'rgb' else modality}"
                x, mean, half = of["epoch"], 100 * of["mean"], 100 * of["half_width"]
                axes.errorbar(
                    x, mean, yerr=half if len(entry.seeds) > 1 else None, label=label, linestyle=dashes,
                    markersize=3, markeredgecolor="white", markeredgewidth=0.4, linewidth=1.1,
                    elinewidth=0.7, **look,
                )  # fmt: skip


def _epochs(axes: Axes, epochs: Sequence[int]) -> None:
    """A logarithmic axis that has a place for 0; ticks where something was measured, as far as they fit."""
    axes.set_xscale("symlog", linthresh=max(1, min((e for e in epochs if e), default=1)))
    shown = epochs if len(epochs) <= 6 else [*epochs[:1], *epochs[1:-1:2], epochs[-1]]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_major_formatter(FixedFormatter([str(epoch) for epoch in shown]))
    axes.xaxis.set_minor_locator(NullLocator())


def intro(entry: ReportEntry, chance: float) -> list[str]:
    """What the figure and the tables are."""
    return [
        "![R² across modalities and linear probes over the epochs of pre-training](learnt.png)\n",
        "[PDF](learnt.pdf), [CSV](learnt.csv) with every epoch and measure. Test frames; readers are fitted "
        "on training frames, their penalty is chosen on validation frames. *R²*: share of the variance of a "
        "modality's block, all its dimensions together, that a ridge regression explains from the other "
        "modality's same block, and behind it from the other's encoder features. *Probe*: accuracy of a "
        f"linear classifier of the scene (most frequent class {100 * chance:.1f}). *Rank*: effective rank of "
        "the standardised dimensions. *C_ii*: mean correlation of matching dimensions, which is what a loss "
        "across modalities asks for.",
    ]


NAMES = (
    "block", "R² colour, %", "R² depth, %", "probe colour, %", "depth", "both", "rank colour", "depth", "C_ii"
)  # fmt: skip


def parts(made: pd.DataFrame, entry: ReportEntry) -> Iterator[tuple[str, list[list[str]]]]:
    """Title and body of the tables: each method at its last epoch, and untrained where that was kept."""
    for method in entry.learnt:
        rows = made[made["method"] == method]
        last = rows["epoch"].max()
        for epoch in dict.fromkeys([0, last] if (rows["epoch"] == 0).any() else [last]):
            here = rows[rows["epoch"] == epoch].set_index(["modality", "block", "measure"])
            title = f"{method}, {'untrained' if epoch == 0 else f'after {words.epochs(epoch)}'}"
            yield title, [_line(here, block) for block in dict.fromkeys(rows["block"])]


def _line(here: pd.DataFrame, block: str) -> list[str]:
    """One block's row."""

    def cell(modality: str, measure: str, *, factor: float = 100, form: str = ".1f") -> str:
        if (modality, block, measure) not in here.index:
            return "–"
        mean, half = here.loc[(modality, block, measure), ["mean", "half_width"]]
        return f"{factor * mean:{form}}" + ("" if pd.isna(half) else f" ± {factor * half:{form}}")

    def explained(modality: str) -> str:
        wide = cell(modality, f"{R2}_from_features")
        return cell(modality, R2) + ("" if wide == "–" else f"; {wide}")

    return [
        block,
        *(explained(modality) for modality in ("rgb", "depth")),
        *(cell(modality, PROBE) for modality in ("rgb", "depth", "both")),
        *(cell(modality, "effective_rank", factor=1) for modality in ("rgb", "depth")),
        cell("both", "matching_correlation", factor=1, form=".2f"),
    ]
