"""The second system's page on what is needed: labels, bytes, local computing."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from semcom.metrics.cost import cost_ratio
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.section import RAW
from semcom.report import words
from semcom.report.crlsc_needs import LESS
from semcom.report.crlsc_results import trained
from semcom.report.crlsc_words import cell, listed

PEAK = "that of the whole process, libraries and images included; on a GPU what tensors took there"


def labels(made: pd.DataFrame) -> Iterator[str]:
    """L(A*) by target, encoder and method."""
    if made.empty:
        return
    against = str(made["against"].iloc[0])
    yield (
        f"L(A\\*): labels of training images at which the linear head reaches A\\*, the accuracy of "
        f"{against} at all labels less {100 * LESS:.0f} point. Validation images, whose labels choose the "
        "penalty, come on top. Geometric means over seeds; where some have bounds, ranges, and the median of "
        "the ratios. [CSV](crlsc_labels.csv)\n"
    )
    body = []
    for (target, encoder), here in made.groupby(["target", "encoder"], sort=False):
        rivals = here[here["method"] == against].set_index("seed")
        for method, rows in here.groupby("method", sort=False):
            goal = f"{100 * rows['target_accuracy'].iloc[0]:.1f}"
            ratio = "" if method == against else _ratio(rows.set_index("seed"), rivals, "labels")
            needed = words.needed(rows["labels"], rows["bound"], never="not with")
            body.append([str(target), str(encoder), goal, str(method), needed, ratio])
    yield from listed(["target", "encoder", "A\\*", "method", "L(A\\*)", f"ratio to {against}"], body)


def computing(made: pd.DataFrame) -> Iterator[str]:
    """Local computing to A*, beside the accuracy in the end."""
    if made.empty:
        return
    against = str(made["against"].iloc[0])
    yield (
        "Multiply-adds (10¹²) and seconds of local training at which the linear head at all labels reaches "
        "A\\*, read off trainings of a method for several numbers of epochs, each with its own schedule; of "
        "one training alone there is a bound. Beside it the accuracy of the longest, and the most memory of "
        f"any: {PEAK}. "
        "Geometric means over seeds. [CSV](crlsc_computing.csv)\n"
    )
    body = []
    for (target, encoder), here in made.groupby(["target", "encoder"], sort=False):
        rivals = here[here["method"] == against].set_index("seed")
        for method, rows in here.groupby("method", sort=False):
            accuracy = [
                f"{100 * value:.1f}" for value in (rows["target_accuracy"].iloc[0], rows["accuracy"].mean())
            ]
            ratio = "" if method == against else _ratio(rows.set_index("seed"), rivals, "multiply_adds")
            line = [
                str(target),
                str(encoder),
                accuracy[0],
                str(method),
                f"{rows['trainings'].max()}",
                accuracy[1],
            ]
            needed = partial(words.needed, bounds=rows["bound"], never="not with")
            line += [needed(rows["multiply_adds"] / 1e12, say=_digits), ratio]
            line.append(needed(rows["seconds"], say=_seconds))
            body.append([*line, f"{rows['peak_bytes'].max() / 2**20:,.0f} MiB"])
    names = ["target", "encoder", "A\\*", "method", "trainings", "accuracy", "multiply-adds to A\\*"]
    yield from listed([*names, f"ratio to {against}", "seconds", "process's peak memory"], body)


def _digits(value: float) -> str:
    return f"{value:.3g}"


def _seconds(value: float) -> str:
    """Whole ones, but of short trainings three digits."""
    return _digits(value) if value < 99.95 else words.whole(value)


def _ratio(own: pd.DataFrame, rivals: pd.DataFrame, needed: str) -> str:
    if rivals.empty:
        return ""
    rivals = rivals.loc[own.index]
    bounds = (list(own["bound"]), list(rivals["bound"]))
    return words.ratio(cost_ratio(own[needed].to_numpy(), rivals[needed].to_numpy(), bounds=bounds))


def bases(made: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    """Bytes as shipped, what retrieval from such codes is worth, and what it loses."""
    if not entry.bases:
        return
    if entry.targets:
        yield "![Accuracy over bytes of the base](crlsc_bases.png)\n"
        yield (
            "[PDF](crlsc_bases.pdf), [CSV](crlsc_bases.csv) with training under each base. Retrieval: k-NN "
            "of the mentor's test vectors among a target's training vectors in the base's codes; behind it "
            "the difference to those vectors as they are.\n"
        )
    size = made[made["of"] == "size"].pivot_table(index="base", columns="metric", values="mean", sort=False)
    near = made[(made["of"] == "retrieval") & (made["metric"] == "accuracy")]
    body = []
    told = sorted(entry.bases, key=lambda name: size.loc[name, "bytes"])
    for base in [*told, *([RAW] if entry.targets else [])]:
        line = [base, str(made.loc[made["base"] == base, "form"].iloc[0])]
        if base in size.index:
            of = size.loc[base]
            line += [f"{of['bytes']:,.0f}", f"{of['bytes_per_vector']:,.1f}", f"{of['cosine']:.3f}"]
        else:
            line += ["–", f"{2 * size['dim'].iloc[0]:,.0f}", "–"]
        for target in entry.targets:
            here = near[(near["base"] == base) & (near["target"] == target)]
            lost = "" if base == RAW else f"; {cell(here, 'difference', form='+.1f')}"
            line.append(cell(here) + lost)
        body.append(line)
    names = ["base", "form", "bytes as shipped", "a vector's code", "mean cosine"]
    yield from listed([*names, *entry.targets], body)


def exchange(made: pd.DataFrame) -> Iterator[str]:
    """What each method sends, receives and stores."""
    if made.empty:
        return
    image = made.loc[made["public_images"] > 0, "image_bytes"].unique()
    size = "; ".join(f"{value:,.0f} bytes" for value in image) or "none"
    yield (
        f"What one terminal receives and stores; a public image: {size}, that of its file where it is known, "
        "else uncompressed; weights of encoders 4 bytes each; afterwards with its private base, the largest "
        "target's. `mentor`: the mentor itself, as it is or in int8. [CSV](crlsc_exchange.csv) with the "
        "server's side.\n"
    )
    body = []
    terminal = made[made["party"] == "terminal"]
    for (method, encoder), rows in terminal.groupby(["method", "encoder"], sort=False):
        by = rows.set_index("held")
        first = rows.iloc[0]
        got = [
            f"{by.loc[held, 'receives_bytes']:,.0f}" if held in by.index else "–" for held in (True, False)
        ]
        stored = [
            f"{by['stores_training_bytes'].max():,.0f}",
            *(f"{first[name]:,.0f}" for name in ("private_bytes", "stores_after_bytes")),
        ]
        body.append([str(method), str(encoder), f"{first['knowledge_bytes']:,.0f}", *got, *stored])
    names = ["method", "encoder", "knowledge", "receives, images there", "images downloaded"]
    yield from listed([*names, "stores in training, at most", "private base", "stores after"], body)


def joining(made: pd.DataFrame) -> Iterator[str]:
    """All bytes on the network until the largest number of parties has joined."""
    if made.empty:
        return
    last = made[made["parties"] == made["parties"].max()]
    yield (
        f"All bytes on the network until {last['parties'].iloc[0]} parties understand each other: a base for "
        "each, maps of features in pairs, or with one hub. [CSV](crlsc_joining.csv)\n"
    )
    body = [
        [
            str(row.base),
            f"{row.shared_images:,}",
            "held" if row.held else "downloaded",
            *(f"{getattr(row, f'{way}_total_bytes'):,}" for way in ("shared_base", "pairwise", "hub")),
        ]
        for row in last.itertuples()
    ]
    yield from listed(["base", "images of a map", "images", "shared base", "in pairs", "hub"], body)


def training(made: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    """What each training took."""
    if not trained(entry):
        return
    yield f"Peak memory is {PEAK}. [CSV](crlsc_training.csv) with every metric of the last epoch.\n"
    body = []
    for method, encoder in trained(entry):
        of = made[(made["method"] == method) & (made["encoder"] == encoder)].set_index("metric")
        at = of["mean"]
        line = [f"{at['parameters'] / 1e6:.2f} M", f"{at['forward_multiply_adds'] / 1e6:,.1f} M"]
        line += [f"{at['images_seen']:,.0f}", f"{at['multiply_adds'] / 1e9:,.1f} G"]
        line += [_seconds(at["seconds"]), f"{at['peak_bytes'] / 2**20:,.0f} MiB"]
        rank = cell(of.loc[of.index == "effective_rank_features"], factor=1)
        body.append([method, encoder, *line, rank])
    names = ["method", "encoder", "parameters", "multiply-adds an image", "images seen", "multiply-adds"]
    yield from listed([*names, "seconds", "process's peak memory", "effective rank"], body)
