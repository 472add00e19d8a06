"""What frozen features are worth on tasks that their encoder did not learn, and what a private base takes.

    target's images ─► encoder ─┬► linear head, class means, k-NN, at each share of the labels
                                ├► effective rank
                                └► private knowledge base ─► retrieval, bytes

Heads are on centred unit vectors (`metrics.heads`), the mean that of the target's training images, whose
labels it does not take. Of an encoder that learnt under a base they are on its backbone's features and in the
base's space, where its private base is.

The rows of the mentor are references: its embeddings as they are, and its training images as a shared base
codes them, looked up by embeddings as they are: what so many bytes are worth.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semcom.evaluate.frozen import (
    Split,
    by_encoder,
    by_mentor,
    check_mentors,
    coded,
    network_of,
    split,
)
from semcom.evaluate.retrieved import in_blocks, of_mentor
from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.frames.folds import Indices, labelled
from semcom.frames.images import DrawnParts
from semcom.frames.parts import Part
from semcom.metrics.classification import accuracy
from semcom.metrics.exchange import FP16
from semcom.metrics.heads import Head, Labelled, Nearest, centre, centred, class_means
from semcom.metrics.labels import by_fraction
from semcom.metrics.outcomes import Outcomes, asked, write
from semcom.metrics.representation import effective_rank
from semcom.models import local
from semcom.models.cost import multiply_adds
from semcom.models.local import LocalEncoder
from semcom.params.crlsc.entries import ProbeEntry
from semcom.params.crlsc.section import Probe
from semcom.progress import Progress
from semcom.quantise.index import use_threads
from semcom.quantise.party import FEATURES, Seen, base_of, retrieved, space_of
from semcom.quantise.shared import SharedBase
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up

NONE = "none"
"""Of a row that is of no single target, space or head."""
LOOKED_AT = 1024
"""Test images whose effective rank is measured, at most."""
Row = dict[str, object]
Right = dict[str, NDArray[np.bool_]]
"""Whether each test image's answer is right, by what was asked."""


def run(
    entry: ProbeEntry,
    *,
    frames: list[Path],
    encoder: Path | None,
    embeddings: list[Path],
    base: Path | None,
    table: Path,
    outcomes: Path,
    journal: Path,
) -> None:
    """Measure one encoder, or one way to keep the mentor's embeddings, on every target.

    Args:
        entry: targets and what to ask.
        frames: prepared images of each data set, in the parts' order.
        encoder: a trained local encoder; None: the mentor.
        embeddings: the mentor's, a file for each of `frames`; none for a local encoder.
        base: by which the mentor's embeddings of stored images are coded, None: as they are; of a local
            encoder the one that it learnt under, which is searched together with the private base.
        table: output, one row a target, space, head, share of the labels and metric.
        outcomes: output, which test images linear heads on features, and the private base, are right about.
        journal: events for the tracking server.

    Raises:
        SemcomError: a file is damaged or of other images, a target's part is public, or the form of the
            private base does not fit.
    """
    device = set_up(entry.compute)
    use_threads(entry.compute.threads)
    drawn = DrawnParts.open(frames, entry.parts, seed=entry.seed, device=device)
    network = _network(entry, drawn, encoder) if entry.network else None
    look = by_encoder(network, drawn, encoder) if network and encoder else by_mentor(embeddings, drawn)
    rows = list(_numbers(network, drawn)) if network else []
    if not network and base is not None:
        check_mentors(base, embeddings)
    if not network and base is None:
        of = network_of(embeddings[0]).items()
        rows = [{"target": NONE, **_row(NONE, NONE, metric, value)} for metric, value in of]
    tags = {"study": entry.study, "system": entry.system, "method": entry.method}
    named = {**tags, "method": f"{entry.method} {entry.encoder}", "stage": "probe", "seed": str(entry.seed)}
    progress, kept = Progress(len(entry.targets)), dict[str, Outcomes]()
    with Journal.open(journal, named, entry.model_dump()) as events:
        for done, (name, target) in enumerate(entry.targets.items(), start=1):
            stored, queries = look(target.train), look(target.test)
            right: Right = {}
            found = list(_target(entry, name, drawn, stored, queries, base, right))
            kept[name] = _outcomes(drawn, drawn.parts[target.test], right)
            rows += [{"target": name, **row} for row in found]
            shown = {
                f"{row['space']}/{row['head']}": float(str(row["value"]))
                for row in found
                if row["fraction"] == 1 and row["metric"] == "accuracy" and row["space"] != NONE
            }
            events.metrics({f"probe/{name}/{key}": value for key, value in shown.items()}, step=0)
            progress.step(done, f"{name}: " + "  ".join(f"{key} {value:.3f}" for key, value in shown.items()))
        place = {**tags, "encoder": entry.encoder, "seed": entry.seed}
        write(outcomes, kept)
        write_rows(table, [{**place, **row} for row in rows])


def _outcomes(drawn: DrawnParts, test: Part, right: Right) -> Outcomes:
    assert test.group is not None  # only public parts have none
    return Outcomes(drawn.images[test.data].prepared.index[test.index], test.group, right)


def _network(entry: ProbeEntry, drawn: DrawnParts, encoder: Path | None) -> LocalEncoder:
    if encoder is None:
        raise SemcomError(f"the encoder {entry.encoder} of {entry.method} has no file; give it as --encoder")
    assert entry.network is not None
    images = next(iter(drawn.images.values()))
    return local.read(
        encoder,
        size=images.size,
        encoder=entry.network.encoder,
        hidden=entry.hidden,
        device=images.rgb.device,
    )


def _numbers(network: LocalEncoder, drawn: DrawnParts) -> Iterator[Row]:
    """What an encoder computes for an image, and its parameters."""
    (one,) = next(iter(drawn.images.values())).plain(np.arange(1))
    parameters = sum(p.numel() for p in network.parameters())
    yield {"target": NONE, **_row(NONE, NONE, "multiply_adds", multiply_adds(network, one))}
    yield {"target": NONE, **_row(NONE, NONE, "parameters", parameters)}


def _row(
    space: str, head: str, metric: str, value: float, *, fraction: float = 1.0, labels: float = 0
) -> Row:
    return {
        "space": space,
        "head": head,
        "fraction": fraction,
        "labels": int(labels),
        "metric": metric,
        "value": float(value),
    }


def _target(
    entry: ProbeEntry,
    name: str,
    drawn: DrawnParts,
    stored: Seen,
    queries: Seen,
    base: Path | None,
    right: Right,
) -> Iterator[Row]:
    """All that is measured on one target; `right` is filled."""
    target, probe, seed = entry.targets[name], entry.probe, entry.seed
    part, test = drawn.parts[target.train], drawn.parts[target.test]
    _, counts = np.unique(test.labels, return_counts=True)
    yield _row(NONE, "majority", "accuracy", counts.max() / counts.sum())
    size = 0
    if base is not None and entry.network is None:
        kept, size = coded(base, stored[FEATURES])
        stored = {FEATURES: kept}
    for space in stored:
        seen = split(part, stored[space], test, queries[space], seed=seed)
        yield from _heads(seen, probe, space, seed=seed, right=right if space == FEATURES else {})
        some = queries[space][:: max(1, -(-len(test) // LOOKED_AT))]
        yield _row(space, NONE, "effective_rank", effective_rank(some))
    space = space_of(stored)
    bank, wanted = Labelled(stored[space], part.labels), Labelled(queries[space], test.labels)
    if entry.network is None:
        found = of_mentor(bank, wanted, size or FP16 * bank.features.size, probe)
    else:
        ids = drawn.images[part.data].prepared.index[part.index]
        shared = SharedBase.load(base) if base is not None else None
        built = base_of(bank, ids, form=probe.private, seed=seed)
        found = retrieved(built, wanted, probe.neighbours, shared)
    right[asked(space, "private", 1.0)] = found.right
    for head, values in found.values.items():
        for metric, value in values.items():
            yield _row(space, head, metric, value, labels=len(bank.classes))


def _heads(seen: Split, probe: Probe, space: str, *, seed: int, right: Right) -> Iterator[Row]:
    """Accuracy of each head on test images at each share of the labels, the same draw for every encoder."""
    mean = centre(np.concatenate([seen.train.features, seen.validation.features]))
    train, validation, test = (Labelled(centred(x, mean), y) for x, y in seen)
    for found in by_fraction(train, validation, test, fractions=probe.label_fractions, seed=seed):
        right[asked(space, "linear", found["fraction"])] = found["right"]
        for metric in ("accuracy", "penalty", "validation_accuracy", "validation_labels"):
            at, labels = found["fraction"], found["labels"]
            yield _row(space, "linear", metric, found[metric], fraction=at, labels=labels)
    everything: Indices = np.arange(len(train.classes))
    for fraction in probe.label_fractions:
        drawn = labelled(everything, np.asarray(train.classes, np.int64), fraction=fraction, seed=seed)
        some = Labelled(train.features[drawn], train.classes[drawn])
        fitted: dict[str, Head] = {"class_mean": class_means(some), "knn": Nearest(some, probe.neighbours)}
        for name, head in fitted.items():
            share = float(accuracy(in_blocks(head, test.features), test.classes))
            yield _row(space, name, "accuracy", share, fraction=fraction, labels=len(drawn))
