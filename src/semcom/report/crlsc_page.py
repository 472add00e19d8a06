"""crlsc.md: one page with the second system's figures and tables, and what they say in words.

Every word is read off an interval: *above* or *below* where all of it lies on one side, else *open*.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict

import pandas as pd

from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.section import RAW
from semcom.report import (
    calibration,
    crlsc_classify,
    crlsc_generalisation,
    crlsc_images_best,
    crlsc_images_page,
    crlsc_images_training,
    crlsc_page_claims,
    crlsc_page_needs,
)
from semcom.report.crlsc_results import probed, trained
from semcom.report.crlsc_tables import EVERY, at_all_labels, linear
from semcom.report.crlsc_words import between, cell, listed, points
from semcom.report.stamp import Stamp

Tables = Mapping[str, pd.DataFrame]
"""By the names of their files."""


def page(made: Tables, entry: CrlscReportEntry, *, stamp: Stamp) -> str:
    """The page, in Markdown.

    Args:
        made: the report's tables.
        entry: what the report covers.
        stamp: the report's origin.
    """
    parts = [
        [f"# {entry.study}: {entry.report}", *(f"- {key}: {value}" for key, value in asdict(stamp).items())],
        ["", _reading_intro(entry), "", *_reading(made, entry)],
        ["## What was claimed\n", *crlsc_page_claims.claims(made["claims"])],
        ["## Frozen encoders on targets\n", *_frozen(made["accuracy"], entry)],
        ["## Private knowledge bases\n", *_private(made["accuracy"], entry)],
        ["## Guided against rivals\n", *_against(made["differences"], entry)],
        ["## Labels to be good enough\n", *crlsc_page_needs.labels(made["labels"])],
        ["## Computing to be good enough\n", *crlsc_page_needs.computing(made["computing"])],
        ["## Shared knowledge bases\n", *crlsc_page_needs.bases(made["bases"], entry)],
        ["## Consensus\n", *_consensus(made["consensus"])],
        [
            "## Bytes between parties\n",
            *crlsc_page_needs.exchange(made["exchange"]),
            *crlsc_page_needs.joining(made["joining"]),
        ],
        calibration.said(made["calibration"], "crlsc_calibration.csv") if len(made["calibration"]) else [],
        [
            "## Images over links\n",
            *crlsc_images_page.section(made["images"], entry),
            *crlsc_images_best.section(made["images_best"]),
            *crlsc_images_training.section(made["images_training"]),
        ],
        [
            "## Classification over links\n",
            *crlsc_classify.section(made["classify"], made["classify_means"], entry),
        ],
        ["## Generalisation\n", *crlsc_generalisation.section(made["generalisation"], entry)],
        ["## What local training took\n", *crlsc_page_needs.training(made["training"], entry)],
    ]
    return "\n".join("\n".join(part) + "\n" for part in parts if len(part) > 1)


def _reading_intro(entry: CrlscReportEntry) -> str:
    seeds = len(entry.seeds)
    intervals = "95 % Student-t intervals over seeds, none widened for the number of comparisons"
    said = intervals if seeds > 1 else "one seed gives no interval, and no comparison is decided"
    return f"Mentor {entry.mentor}; {seeds} seed{'s' * (seeds > 1)}; {said}. Accuracies in %, test images."


def _reading(made: Tables, entry: CrlscReportEntry) -> Iterator[str]:
    """One line a question, of numbers alone."""
    apart = at_all_labels(made["differences"])
    for (method, against), rows in apart.groupby(["method", "against"], sort=False):
        whole = rows[rows["encoder"] == EVERY] if (rows["encoder"] == EVERY).any() else rows
        said = [f"{row.target} {points(row.difference, row.half_width)}" for row in whole.itertuples()]
        yield f"- `{method}` minus `{against}`, linear head, mean over encoders: {'; '.join(said)}."
    near = made["bases"]
    near = near[(near["of"] == "retrieval") & (near["metric"] == "accuracy") & (near["base"] != RAW)]
    for base, rows in near.groupby("base", sort=False):
        said = [
            f"{row.target} {points(row.difference, row.difference_half_width)}" for row in rows.itertuples()
        ]
        form = rows["form"].iloc[0]
        yield f"- Retrieval from `{base}` ({form}) minus vectors as they are: {'; '.join(said)}."
    heads = made["consensus"]
    heads = heads[(heads["head"] == "linear") & (heads["owner"] != heads["guest"])]
    for (method, space, shared), rows in heads.groupby(["method", "space", "shared_images"], sort=False):
        low = rows.loc[rows["difference"].idxmin()]
        yield (
            f"- `{method}`, {space}, {between(shared)}: heads across encoders "
            f"{100 * rows['mean'].mean():.1f}, own heads {100 * rows['own_mean'].mean():.1f}; at worst "
            f"{low['owner']} on {low['guest']}, {points(low['difference'], low['difference_half_width'])}."
        )


def _frozen(accuracy: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    """Linear heads at all labels, by method, encoder and target."""
    if not entry.targets:
        return
    yield "![Accuracy of linear heads on frozen encoders](crlsc_accuracy.png)\n"
    yield (
        "[PDF](crlsc_accuracy.pdf), [CSV](crlsc_accuracy.csv) with class means, k-NN, private bases, ranks "
        "and every share of the labels. Linear head at all labels, on backbone features.\n"
    )
    rows, body = at_all_labels(linear(accuracy)), []
    for method, encoder in probed(entry):
        of = rows[(rows["method"] == method) & (rows["encoder"] == encoder)]
        body.append([method, encoder, *(cell(of[of["target"] == target]) for target in entry.targets)])
    often = accuracy[accuracy["head"] == "majority"].drop_duplicates("target")
    cells = [cell(often[often["target"] == target].assign(half_width=math.nan)) for target in entry.targets]
    body.append(["most frequent class", "", *cells])
    yield from listed(["method", "encoder", *entry.targets], body)


def _private(accuracy: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    """Retrieval from a party's own base, alone and searched together with the shared one."""
    asked = (("private", "accuracy"), ("private", "precision"), ("both", "accuracy"), ("private", "bytes"))
    found, body = accuracy.set_index(["method", "encoder", "target", "head", "metric"]).sort_index(), []
    for method, encoder in trained(entry):
        for target in entry.targets:
            line = [method, encoder, target]
            for head, metric in asked:
                place = (method, encoder, target, head, metric)
                here = found.loc[[place]] if place in found.index else found.iloc[:0]
                line.append(cell(here) if metric != "bytes" else f"{here['mean'].mean():,.0f}")
            body.append(line)
    if not body:
        return
    yield (
        "Test images among a target's training images, as the encoder's own base codes them. Both: k-NN "
        "where the shared base is searched with it, whose entries have no classes. "
        "[CSV](crlsc_accuracy.csv)\n"
    )
    yield from listed(["method", "encoder", "target", "k-NN", "precision", "both", "bytes"], body)


def _against(made: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    if made.empty:
        return
    yield "Points, paired by seed, linear head at all labels. [CSV](crlsc_differences.csv), all shares.\n"
    body = []
    for names, rows in at_all_labels(made).groupby(["method", "against", "encoder"], sort=False):
        by = rows.set_index("target")
        cells = [points(*by.loc[target, ["difference", "half_width"]]) for target in entry.targets]
        body.append([*map(str, names), *(cell.replace(" points", "") for cell in cells)])
    yield from listed(["method", "against", "encoder", *entry.targets], body)


def _consensus(made: pd.DataFrame) -> Iterator[str]:
    """Heads across encoders, averaged over pairs."""
    if made.empty:
        return
    yield "![Heads across encoders](crlsc_consensus.png)\n"
    yield (
        "[PDF](crlsc_consensus.pdf), [CSV](crlsc_consensus.csv) pair by pair, with intervals. Means over "
        "pairs of unlike encoders; in brackets, what guests get from their own.\n"
    )
    body = []
    other = made[made["owner"] != made["guest"]]
    for (method, space, shared), rows in other.groupby(["method", "space", "shared_images"], sort=False):
        cells = []
        for head in ("linear", "class_mean", "knn", "retrieval"):
            of = rows[rows["head"] == head]
            cells.append(f"{100 * of['mean'].mean():.1f} ({100 * of['own_mean'].mean():.1f})")
        sent = f"{rows['exchanged_bytes'].mean():,.0f}" if shared else "0"
        body.append([str(method), str(space), between(shared), sent, *cells])
    names = ["method", "space", "between them", "bytes a pair and way", "linear", "class means", "k-NN"]
    yield from listed([*names, "precision of retrieval"], body)
