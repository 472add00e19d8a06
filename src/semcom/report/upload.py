"""Upload once in the report: lines on the figure over channel uses, and the page's section."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import EngFormatter

from semcom.params.reportentry import ReportEntry
from semcom.report.sheet import GREY

REACH = 3.0
"""The axis is made longer by at most this factor, for a line at capacity."""
ROOM = 0.05
"""Of the axis, that a line over the real link needs beside the others, for its label."""


class Mark(NamedTuple):
    """An upright line at what sending all training images once takes."""

    uses: float
    label: str
    capacity: bool


def marks(table: pd.DataFrame, entry: ReportEntry, link: str) -> list[Mark]:
    """The lines of an analog link's panels: at the middle quality (of two the lower), capacity first.

    Args:
        table: uploads of all digital links.
        entry: which digital link is beside which analog one.
        link: the analog link.
    """
    found: dict[Mark, None] = {}
    for name, rows in table.groupby("link", sort=False):
        if entry.digital[str(name)].link != link:
            continue
        row = rows.sort_values("quality").iloc[(len(rows) - 1) // 2]
        what = f"upload once, {row['codec']} {row['quality']}"
        found[Mark(row["payload_uses_capacity"], f"{what}, at capacity", True)] = None
        if pd.notna(row["payload_uses_link"]):
            found[Mark(row["payload_uses_link"], f"{what}, {row['scheme']}", False)] = None
    return sorted(found, key=lambda mark: not mark.capacity)


def draw(panels: Sequence[tuple[Axes, Sequence[Mark]]]) -> str:
    """Draw the lines of each panel; the panels share their axis, which must have its limits.

    A line at capacity makes the axis longer if it lies near enough; one over the real link is left out where
    it has no room.

    Returns:
        For the note below: what the lines are, and where those lie that are off the axis. Nothing if there
        are no lines.
    """
    every = dict.fromkeys(mark for _, of in panels for mark in of)
    if not every:
        return ""
    low, high = panels[0][0].get_xlim()
    near = [mark.uses for mark in every if mark.capacity and low / REACH <= mark.uses <= high * REACH]
    if near:
        margin = (high / low) ** ROOM
        low = low if min(near) >= low else min(near) / margin
        high = high if max(near) <= high else max(near) * margin
        panels[0][0].set_xlim(low, high)
    for axes, of in panels:
        drawn: list[float] = []
        for mark in of:
            apart = [abs(_share(mark.uses / other, high / low)) for other in drawn]
            fits = mark.capacity or all(gap >= ROOM for gap in apart)
            if low <= mark.uses <= high and fits:
                drawn.append(mark.uses)
                _line(axes, mark, at=_share(mark.uses / low, high / low))
    said = "Upright lines: all training images sent once, without container headers."
    size = EngFormatter(sep="", places=1)
    off = [f"{m.label}: {size(m.uses)}" for m in every if m.capacity and not low <= m.uses <= high]
    drawn_any = any(low <= mark.uses <= high for mark in every)
    return " ".join([said] * drawn_any + [f"Off the axis: {'; '.join(off)} channel uses."] * bool(off))


def _share(ratio: float, whole: float) -> float:
    """A distance on a logarithmic axis, as a share of it."""
    return math.log(ratio) / math.log(whole)


def _line(axes: Axes, mark: Mark, *, at: float) -> None:
    """One line with its label on the side where there is room; `at` is its share of the axis."""
    style = "-" if mark.capacity else (0, (4, 1.5))
    axes.axvline(mark.uses, color=GREY, linewidth=0.7, linestyle=style, zorder=1)
    right = at <= 1 - ROOM
    axes.annotate(
        mark.label, (mark.uses, 1), (1.5 if right else -1.5, -2), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="left" if right else "right", va="top", rotation=90, fontsize=5.5,
        color=GREY, zorder=4, path_effects=[withStroke(linewidth=1.5, foreground="white")],
    )  # fmt: skip


def intro() -> str:
    """What the section's tables are."""
    return (
        "The rival of training over the link: all images of the official training part go up once and the "
        "server trains on them. Channel uses are at the Es/N0 of training, at capacity and over the digital "
        "link's best scheme, each block sent until it arrives; bytes are those without container headers. "
        "Depth is sent as 8-bit grey, 0 to 10 m. How well a server learns from images of that quality is not "
        "measured. [CSV](upload.csv)"
    )


NAMES = (
    "quality", "PSNR RGB, dB", "PSNR depth, dB", "kB", "channel uses at capacity", "over the link",
    "kB with headers", "at capacity", "over the link",
)  # fmt: skip


def parts(table: pd.DataFrame) -> Iterator[tuple[str, list[list[str]]]]:
    """Title and body of each digital link's table."""
    for link, rows in table.groupby("link", sort=False):
        first = rows.iloc[0]
        how = f"{first['frames']} frames ({first['modalities']}) as {first['codec']}"
        title = f"{how} over {link}, {first['snr_db']:g} dB, {first['scheme']}"
        body = []
        for row in rows.to_dict("records"):
            line = [str(row["quality"]), *(_number(row[f"psnr_{m}_db"], ".1f") for m in ("rgb", "depth"))]
            for size in ("payload", "file"):
                line.append(f"{row[f'{size}_bytes'] / 1000:,.0f}")
                line += [_number(row[f"{size}_uses_{way}"], ",.0f") for way in ("capacity", "link")]
            body.append(line)
        yield title, body


def _number(value: float, form: str) -> str:
    """A dash for no value."""
    return "–" if pd.isna(value) else f"{value:{form}}"
