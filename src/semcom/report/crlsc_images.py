"""Images over links in the second system's report: the table and the figures.

results/STUDY/crlsc/images/test/…/table.csv ─► means over draws ─► over seeds, with 95 % intervals
"""

import math
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semcom.channel.labels import LABELS
from semcom.channel.ratio import cbr
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.images import CAPACITY, CHANNELS, Images, low_middle_high
from semcom.params.sections import Component
from semcom.report.checked import check_there, table
from semcom.report.crlsc_images_said import called, sent_as
from semcom.report.crlsc_words import bars
from semcom.report.figures import COLOURS, MARKERS
from semcom.report.sheet import GREY, STYLE, Sheet
from semcom.report.tables import over_seeds

PLACE = ("study", "system", "method", "link", "seed")
KEY = ("snr_db", "draw", "metric")
BY = ["method", "link", "sent_as", "channel_uses", "cbr", "snr_db", "metric"]
COLUMNS = [*BY, "mean", "half_width", "seeds"]
PSNR = "psnr_db"
ACCURACY, ORIGINAL = "accuracy", "accuracy_original"
"""Of the classifier on images as they arrive, and on themselves."""
SHOWN = {PSNR: "PSNR (dB)", "ssim": "SSIM", ACCURACY: "accuracy of the classifier (%)"}
"""Metrics of the figures and of the page, and their labels."""
EVERYTHING = (-math.inf, math.inf)


def by_seed(folder: Path, entry: CrlscReportEntry) -> pd.DataFrame:
    """Every measure by method, link, Es/N0 and seed, over draws; empty where there are no images.

    Args:
        folder: `results/STUDY`.
        entry: what the report covers.

    Raises:
        SemcomError: a result is missing or damaged.
    """
    images = entry.images
    if images is None:
        return pd.DataFrame(columns=[*BY, "seed", "value"])
    paths = {
        folder / f"crlsc/images/test/{method}/{link}/seed{seed}/table.csv": {
            "study": entry.study,
            "method": method,
            "link": link,
            "seed": seed,
        }
        for method in images.methods
        for link in images.links_of(method)
        for seed in entry.seeds
    }
    check_there(list(paths))
    columns = (*PLACE, *KEY, "value")
    rows = pd.concat([table(path, columns, place=place, key=KEY) for path, place in paths.items()])
    drawn = rows.groupby([*PLACE, "snr_db", "metric"], sort=False, as_index=False)["value"].mean()
    return drawn.assign(
        sent_as=[sent_as(images, *pair) for pair in zip(drawn["method"], drawn["link"], strict=True)],
        channel_uses=drawn["link"].map(lambda link: uses(images, link)),
        cbr=drawn["link"].map(lambda link: ratio(images, link, entry.size)),
    )


def swept(drawn: pd.DataFrame) -> pd.DataFrame:
    """Every measure by method, link and Es/N0, over seeds.

    Args:
        drawn: of `by_seed`.
    """
    return over_seeds(drawn, BY) if len(drawn) else pd.DataFrame(columns=COLUMNS)


def uses(images: Images, link: str) -> int:
    """Complex channel uses an image, pilots among them."""
    given = images.links[link]
    return given.channel_uses + int(given.channel.get("pilots") or 0)


def ratio(images: Images, link: str, size: tuple[int, int]) -> float:
    """Channel uses a source value."""
    return cbr(uses(images, link), channels=CHANNELS, size=size)


def over_snr(made: pd.DataFrame, metric: str, entry: CrlscReportEntry, *, foot: str) -> Figure:
    """A panel a link: a measure over Es/N0, a line a method.

    Args:
        made: of `swept`.
        metric: one of SHOWN.
        entry: methods and links, in the order in which they are drawn.
        foot: the line at the foot.
    """
    images = entry.images
    assert images is not None
    rows = made[made["metric"] == metric]
    if metric == ACCURACY:
        rows = rows.assign(mean=100 * rows["mean"], half_width=100 * rows["half_width"])
    numbers = looks(images)
    with mpl.rc_context(STYLE):
        columns = min(3, len(images.links))
        sheet = Sheet(len(images.links), columns=columns, panel_height=2.2, above=0.42)  # two lines of title
        for axes, link in zip(sheet.panels, images.links, strict=True):
            for method, number in numbers.items():
                of = rows[(rows["link"] == link) & (rows["method"] == method)]
                bound = images.methods[method].schemes_on(link) == (CAPACITY,)
                _line(axes, of, number, called(images, method), bound=bound)
            if metric == ACCURACY:
                axes.axhline(
                    100 * ceiling(made), color=GREY, linestyle="--", linewidth=0.8, label="originals"
                )
            axes.set_title(f"{link}\n{uses(images, link)} uses, CBR {ratio(images, link, entry.size):.3g}")
        note = (
            "Means over test images and channel draws; all methods of a panel take its channel uses. "
            f"{bars(entry.seeds)}"
        )
        limits = (0.0, 100.0) if metric == ACCURACY else EVERYTHING
        sheet.finish(LABELS["es_n0_db"], note, foot, y_label=SHOWN[metric], limits=limits)
    return sheet.figure


def figures_of(made: pd.DataFrame, entry: CrlscReportEntry, *, foot: str) -> dict[str, Figure]:
    """By name: PSNR, SSIM; accuracy, with a classifier; PSNR over CBR where links differ in channel uses."""
    if entry.images is None:
        return {}
    drawn = {"images_psnr": over_snr(made, PSNR, entry, foot=foot)}
    drawn["images_ssim"] = over_snr(made, "ssim", entry, foot=foot)
    if entry.images.classifier:
        drawn["images_accuracy"] = over_snr(made, ACCURACY, entry, foot=foot)
    return drawn | ({"images_cbr": over_cbr(made, entry, foot=foot)} if entry.images.several_uses else {})


def looks(images: Images) -> dict[str, int]:
    """Number of each method's colour and marker; a bound has those of the files that it bounds."""
    at: dict[str, int] = {}
    found: dict[str, int] = {}
    for bound in (False, True):
        for method, chosen in images.methods.items():
            if (set(chosen.schemes.values()) == {(CAPACITY,)}) == bound:
                same = at.get(chosen.files.name) if bound and chosen.files else None
                found[method] = len(set(found.values())) if same is None else same
                if chosen.files:
                    at.setdefault(chosen.files.name, found[method])
    return {method: found[method] for method in images.methods}


def ceiling(made: pd.DataFrame) -> float:
    """Mean accuracy of the classifier on original test images; the same beside every method."""
    return float(made.loc[made["metric"] == ORIGINAL, "mean"].mean())


def channels(images: Images) -> dict[str, str]:
    """Each link's channel in a legend, `rayleigh, csi none`: with the options in which channels differ."""
    every = [link.channel for link in images.links.values()]

    def differs(channel: Component, option: str) -> bool:
        of_kind = [other for other in every if other["use"] == channel["use"]]
        return any(other.get(option) != channel.get(option) for other in of_kind)

    def called(channel: Component) -> str:
        options = (f"{name} {channel[name]}" for name in channel if differs(channel, name) and channel[name])
        return ", ".join((str(channel["use"]), *options))

    return {name: called(link.channel) for name, link in images.links.items()}


def _line(
    axes: Axes, rows: pd.DataFrame, number: int, label: str, *, x: str = "snr_db", bound: bool = False
) -> None:
    """Dashed if it is a bound, which no link reaches; markers are hollow where colours begin again."""
    if rows.empty:
        return
    half, colour = rows["half_width"], COLOURS[number % len(COLOURS)]
    inside, edge = (colour, "white") if number < len(COLOURS) else ("white", colour)
    axes.errorbar(
        rows[x], rows["mean"], yerr=None if half.isna().any() else half, label=label,
        linestyle="--" if bound else "-",
        markersize=3.5, linewidth=1.1, elinewidth=0.7, color=colour, marker=MARKERS[number % len(MARKERS)],
        markerfacecolor=inside, markeredgecolor=edge, markeredgewidth=0.4 if edge == "white" else 0.8,
    )  # fmt: skip


def over_cbr(made: pd.DataFrame, entry: CrlscReportEntry, *, foot: str) -> Figure:
    """A panel an Es/N0 of the sheets: PSNR over CBR, a line a method and channel.

    Lines of one point are left out where there are others.

    Args:
        made: of `swept`.
        entry: methods and links, in the order in which they are drawn.
        foot: the line at the foot.
    """
    images = entry.images
    assert images is not None
    rows = made[made["metric"] == PSNR]
    rows = rows.assign(channel=rows["link"].map(channels(images)))
    points = rows.groupby(["method", "channel"])["cbr"].transform("nunique")
    rows = rows[points > 1] if points.max() > 1 else rows
    snrs = low_middle_high(images.snr_db)
    lines = list(dict.fromkeys(zip(rows["method"], rows["channel"], strict=True)))
    with mpl.rc_context(STYLE):
        sheet = Sheet(len(snrs), columns=len(snrs), panel_height=2.2)
        for axes, snr_db in zip(sheet.panels, snrs, strict=True):
            for number, (method, channel) in enumerate(lines):
                of = rows[(rows["method"] == method) & (rows["channel"] == channel)]
                of = of[of["snr_db"] == snr_db].sort_values("cbr")
                _line(axes, of, number, f"{called(images, method)}, {channel}", x="cbr")
            axes.set_title(f"{snr_db} dB")
        note = f"Means over test images and channel draws. {bars(entry.seeds)}"
        sheet.finish("channel uses a source value (CBR)", note, foot, y_label=SHOWN[PSNR], limits=EVERYTHING)
    return sheet.figure
