"""The page of the second system's report."""

from collections.abc import Iterator, Sequence

import pandas as pd

from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.files import RAW
from semcom.params.crlsc.section import MENTOR
from semcom.report.crlsc_tables import trained
from semcom.report.stamp import Stamp

Tables = dict[str, pd.DataFrame]


def page(made: Tables, entry: CrlscReportEntry, *, stamp: Stamp) -> str:
    """The report in Markdown."""
    return "\n".join(
        [
            f"# {entry.study}: local encoders under a shared knowledge base\n",
            f"{stamp.line()}\n",
            "Means over seeds with 95 % Student-t intervals; accuracies in %. Further heads, shares of the "
            "labels and spaces: [crlsc_accuracy.csv](crlsc_accuracy.csv).\n",
            "![Test accuracy of linear heads on frozen encoders](crlsc_accuracy.png)\n",
            "## Frozen encoders on targets\n",
            *_frozen(made["accuracy"], entry),
            "## Shared knowledge bases\n",
            *_bases(made, entry),
            "## What local training took\n",
            *_training(made["training"], entry),
            *(["## Consensus\n", *_consensus(made["consensus"])] if len(made["consensus"]) else []),
            "",
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def _value(rows: pd.DataFrame, *, factor: float = 100, form: str = ".1f") -> str:
    if rows.empty:
        return "–"
    mean, half = rows[["mean", "half_width"]].iloc[0]
    return f"{factor * mean:{form}}" + ("" if pd.isna(half) else f" ± {factor * half:{form}}")


def _frozen(accuracy: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    """Linear heads at all labels, by method, encoder and target."""
    most = accuracy["fraction"].max()
    linear = accuracy[(accuracy["head"] == "linear") & (accuracy["fraction"] == most)]
    linear = linear[linear["space"] == "features"]
    rows = []
    for method, encoder in [*trained(entry), *((MENTOR, way) for way in (RAW, *entry.bases))]:
        of = linear[(linear["method"] == method) & (linear["encoder"] == encoder)]
        cells = [_value(of[of["target"] == target]) for target in entry.targets]
        rows.append([method, encoder, *cells])
    often = accuracy[accuracy["head"] == "majority"].drop_duplicates("target")
    cells = [_value(often[often["target"] == target]) for target in entry.targets]
    rows.append(["most frequent class", "", *cells])
    yield from _table(["method", "encoder", *entry.targets], rows)


def _bases(made: Tables, entry: CrlscReportEntry) -> Iterator[str]:
    """Bytes as shipped, and what retrieval from the mentor's vectors in such codes is worth."""
    bases, accuracy = made["bases"], made["accuracy"]
    near = accuracy[(accuracy["method"] == MENTOR) & (accuracy["head"] == "knn")]
    rows = []
    for base, form in entry.bases.items():
        of = bases[bases["base"] == base]
        cells = [
            _value(near[(near["encoder"] == base) & (near["target"] == target)]) for target in entry.targets
        ]
        said = [
            _value(of[of["metric"] == metric], factor=1, form=form_)
            for metric, form_ in (("bytes", ",.0f"), ("vectors", ",.0f"), ("cosine", ".3f"))
        ]
        rows.append([base, f"`{form}`", *said, *cells])
    raw = [_value(near[(near["encoder"] == RAW) & (near["target"] == t)]) for t in entry.targets]
    rows.append(["raw embeddings", "", "–", "–", "–", *raw])
    heads = [f"k-NN {target}" for target in entry.targets]
    yield from _table(["base", "form", "bytes as shipped", "vectors", "mean cosine", *heads], rows)
    yield "k-NN: the mentor's vectors of a target's training images in such codes, queries uncoded.\n"


def _training(training: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    rows = []
    for method, encoder in trained(entry):
        of = training[(training["method"] == method) & (training["encoder"] == encoder)].set_index("metric")
        rows.append(
            [
                method,
                encoder,
                f"{of.loc['parameters', 'mean'] / 1e6:.2f} M",
                f"{of.loc['images_seen', 'mean']:,.0f}",
                f"{of.loc['multiply_adds', 'mean'] / 1e9:,.1f} G",
                _value(of.loc[["seconds"]], factor=1),
                f"{of.loc['peak_bytes', 'mean'] / 2**20:,.0f} MiB",
                _value(of.loc[["effective_rank_features"]], factor=1),
            ]
        )
    head = ["method", "encoder", "parameters", "images seen", "multiply-adds", "seconds", "peak memory"]
    yield from _table([*head, "effective rank"], rows)


def _consensus(made: pd.DataFrame) -> Iterator[str]:
    """Heads across encoders, averaged over pairs."""
    rows = []
    of = made[(made["head"] == "linear") & (made["metric"] == "accuracy")]
    by = ["method", "space", "shared_images"]
    for (method, space, shared), found in of.groupby(by, sort=False):
        across = found[found["owner"] != found["guest"]]
        rows.append(
            [
                method,
                space,
                f"{shared:.0f}" if shared else "none",
                f"{across['exchanged_bytes'].mean():,.0f}",
                f"{100 * across['mean'].mean():.1f}",
                f"{100 * across['difference'].mean():.1f}",
            ]
        )
    head = ["method", "space", "shared images", "bytes a pair and way", "accuracy across", "less own head's"]
    yield "Linear heads of one encoder on the features of another, mean over all pairs; pair by pair, with "
    yield "intervals: [crlsc_consensus.csv](crlsc_consensus.csv).\n"
    yield from _table(head, rows)
