"""What frozen features are worth: heads at every share of the labels, and the private knowledge base.

    target's images ─► local encoder, or the mentor ─► centred unit vectors ─┬► linear, class means, k-NN
                                                                             └► private base ─► retrieval

The rows of the mentor are references: its embeddings as they are, and training images coded by a base, which
is what retrieval from that many bytes is worth.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from semcom.evaluate.frozen import FEATURES, Look, OfTarget, Spaces, by_encoder, of_target
from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.frames.images import DrawnParts
from semcom.metrics.classification import accuracy
from semcom.metrics.heads import Classes, Labelled, Nearest, Vectors, class_means
from semcom.metrics.labels import by_fraction
from semcom.metrics.retrieval import precision_at
from semcom.models import local
from semcom.params.crlsc.entries import ProbeEntry
from semcom.progress import Progress
from semcom.quantise.embeddings import Embeddings
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up

Row = dict[str, object]


def run(
    entry: ProbeEntry,
    *,
    frames: list[Path],
    encoder: Path | None,
    embeddings: list[Path],
    base: Path | None,
    table: Path,
    journal: Path,
) -> None:
    """Measure one encoder, or the mentor, on all targets.

    Args:
        entry: targets and heads.
        frames: prepared images, a file for each data set of the entry's parts in their order.
        encoder: a trained local encoder; None for the mentor.
        embeddings: of the mentor, a file for each of `frames`.
        base: by which the mentor's embeddings of training images are coded.
        table: output, one row a target, space, head, share of labels and metric.
        journal: events for the tracking server.
    """
    device = set_up(entry.compute)
    drawn = DrawnParts.open(frames, entry.parts, seed=entry.seed, device=device)
    if entry.network is None:
        look = _by_mentor(drawn, embeddings)
    elif encoder is None:
        raise SemcomError("a local encoder is to be measured; give its file as --encoder")
    else:
        size = next(iter(drawn.images.values())).size
        network = local.read(
            encoder, size=size, encoder=entry.network.encoder, hidden=entry.hidden, device=device
        )
        look = by_encoder(network, drawn)
    seen = {name: look(name) for t in entry.targets.values() for name in (t.train, t.test)}
    if base is not None:
        for name in {target.train for target in entry.targets.values()}:
            seen[name] = {FEATURES: coded(base, seen[name][FEATURES])}
    tags = {"study": entry.study, "system": entry.system, "method": entry.method}
    named = {**tags, "method": f"{entry.method} {entry.encoder}", "stage": "probe", "seed": str(entry.seed)}
    with Journal.open(journal, named, entry.model_dump()) as events:
        rows = list(_rows(entry, drawn, seen))
        values = {
            "/".join(str(row[key]) for key in ("target", "space", "head", "metric")): row for row in rows
        }
        events.metrics({f"probe/{key}": float(str(row["value"])) for key, row in values.items()}, step=0)
        place = {**tags, "encoder": entry.encoder, "seed": entry.seed}
        write_rows(table, [{**place, **row} for row in rows])


def coded(file: Path, vectors: Vectors) -> Vectors:
    """Vectors (n, D) as a base's codebooks keep them."""
    base = SharedBase.load(file)
    base.index.reset()
    base.ids = np.empty(0, np.int64)
    base.add(InMemory(vectors, np.arange(len(vectors)), base.about.mentor))
    return base.decode()


def _by_mentor(drawn: DrawnParts, files: list[Path]) -> Look:
    """Features of parts that were embedded before."""
    every = dict(zip(drawn.images, map(Embeddings.open, files), strict=True))

    def look(name: str) -> Spaces:
        images, part = drawn.of(name)
        found = every[part.data]
        if found.data != images.content:
            raise SemcomError(f"{found.path} holds embeddings of other images; run its job again")
        return {FEATURES: found.take(part.index).vectors()}

    return look


def _rows(entry: ProbeEntry, drawn: DrawnParts, seen: dict[str, Spaces]) -> Iterator[Row]:
    progress = Progress(len(entry.targets))
    for done, (name, target) in enumerate(entry.targets.items(), start=1):
        test = drawn.parts[target.test].labels
        majority = float(np.bincount(test).max() / len(test))
        yield _row(name, "none", "majority", "accuracy", majority)
        for space in seen[target.train]:
            there = of_target(target, drawn, seen, space=space, seed=entry.seed)
            yield from _heads(entry, name, space, there)
            yield from _private(entry, name, space, there)
        progress.step(done, f"target {name}: {len(test)} test images")


def _row(
    target: str, space: str, head: str, metric: str, value: float, *, fraction: float = 1.0, labels: int = 0
) -> Row:
    return {
        "target": target,
        "space": space,
        "head": head,
        "fraction": fraction,
        "labels": labels,
        "metric": metric,
        "value": value,
    }


def _heads(entry: ProbeEntry, target: str, space: str, there: OfTarget) -> Iterator[Row]:
    """Linear heads at every share of the labels; class means and k-NN at all of them."""
    fractions = entry.probe.label_fractions
    for found in by_fraction(*there, fractions=fractions, seed=entry.seed):
        yield _row(
            target,
            space,
            "linear",
            "accuracy",
            found["accuracy"],
            fraction=found["fraction"],
            labels=int(found["labels"]),
        )
    train, test = there.train, there.test
    for name, head in (
        ("class_mean", class_means(train)),
        ("knn", Nearest(train, entry.probe.neighbours)),
    ):
        right = _accuracy(head.predict(test.features), test.classes)
        yield _row(target, space, name, "accuracy", right, labels=len(train.classes))


def _private(entry: ProbeEntry, target: str, space: str, there: OfTarget) -> Iterator[Row]:
    """The private knowledge base: all training images with codebooks of their own, and retrieval from it."""
    train, validation, test = there
    vectors = np.concatenate([train.features, validation.features]).astype(np.float32)
    classes = np.concatenate([train.classes, validation.classes])
    base = SharedBase.build(InMemory.numbered(vectors), form=entry.probe.private, seed=entry.seed)
    bank, k = base.decode(), min(entry.probe.neighbours, len(classes))
    found = Nearest(Labelled(bank, classes), k).predict(test.features)
    for metric, value in (
        ("accuracy", _accuracy(found, test.classes)),
        ("precision", precision_at(bank, classes, test.features, test.classes, k=k)),
        ("bytes", float(sum(base.sizes().values()))),
    ):
        yield _row(target, space, "private", metric, value, labels=len(classes))


def _accuracy(predicted: Classes, classes: Classes) -> float:
    return float(accuracy(predicted, classes))
