"""What pre-training has learnt: what each block says of the other modality and of the scene.

    learner.pt ─► features ─► embedding = shared | unique ─► linear readers, rank, correlation ─► one table
    (epochs)      (encoder)   (projector)                    (training frames)   (test frames)

Frames are not augmented. BatchNorm statistics are those of the unlabelled training frames at every epoch
alike, the untrained one too.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from semcom.files.tables import write_rows
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import Indices, validation_fold
from semcom.losses import LOSSES
from semcom.losses.blocks import Block, blocks
from semcom.metrics.readout import (
    Parts,
    cross_r2,
    matching_correlation,
    probe_accuracy,
    rotated,
    standardised,
)
from semcom.metrics.representation import effective_rank
from semcom.models.learner import Learner
from semcom.params.component import build
from semcom.params.entries import LearntEntry
from semcom.progress import Progress
from semcom.tracking.journal import Journal
from semcom.training import weights
from semcom.training.batchnorm import recompute
from semcom.training.compute import set_up

BOTH = "both"
"""Both modalities side by side, or the measure is of the pair."""
BATCH = 256
"""Frames encoded at a time."""

Seen = dict[str, dict[str, Parts[np.floating[Any]]]]
"""Representations of all frames, by block and modality."""
Measured = tuple[str, str, str, float]
"""Modality, block, measure, value."""


def run(frames_file: Path, entry: LearntEntry, *, learner: Path, table: Path, journal: Path) -> None:
    """Measure every epoch that a pre-training kept.

    Args:
        frames_file: prepared frames.
        entry: what was pre-trained.
        learner: weights of encoders and projectors by epoch.
        table: output, one row an epoch, modality, block and measure.
        journal: events for the tracking server.
    """
    device = set_up(entry.compute)
    frames = DeviceFrames.open(frames_file, device)
    of = _frames(frames, entry.seed)
    labels = Parts(*(frames.prepared.scene[index] for index in of))
    cuts = blocks(build(LOSSES, entry.pretrain.loss), entry.pretrain.projector[-1])
    tags = {"study": entry.study, "system": entry.system, "method": entry.method, "seed": str(entry.seed)}
    epochs = dict.fromkeys((*entry.pretrain.snapshots, entry.pretrain.epochs))
    rows = []
    progress = Progress(len(epochs))
    with Journal.open(journal, {**tags, "stage": "learnt"}, entry.model_dump()) as events:
        for done, epoch in enumerate(epochs, start=1):
            net = Learner(entry, frames.size).to(device)
            weights.load_into(net, learner, part=str(epoch))
            recompute(net, frames.plain(of.train, batch_size=_even(len(of.train))))
            measured = list(measures(_encode(net, frames, of, cuts), cuts, labels))
            events.metrics({f"learnt/{m}/{b}/{name}": v for m, b, name, v in measured}, step=epoch)
            rows += [
                {**tags, "epoch": epoch, "modality": m, "block": b, "measure": name, "value": value}
                for m, b, name, value in measured
            ]
            progress.step(done, f"epoch {epoch}: {len(of.test)} test frames, blocks {', '.join(cuts)}")
    write_rows(table, rows)


def _frames(frames: DeviceFrames, seed: int) -> Parts[np.int64]:
    """Indices of the frames to fit on, to choose on and to measure on."""
    prepared = frames.prepared
    train, validation = validation_fold(prepared.scene, prepared.group, prepared.train, seed=seed)
    return Parts(train, validation, np.nonzero(~prepared.train)[0])


def _even(frames: int) -> int:
    """Batch size that splits `frames` evenly: a last batch of one frame has no statistics."""
    return -(-frames // -(-frames // BATCH))


def _encode(net: Learner, frames: DeviceFrames, of: Parts[np.int64], cuts: Mapping[str, Block]) -> Seen:
    """`features` of the encoders, and the blocks of the embeddings."""
    parts = [_encode_part(net, frames, index) for index in of]
    seen = {
        name: {modality: Parts(*(part[name][modality] for part in parts)) for modality in parts[0][name]}
        for name in ("features", "embedding")
    }
    whole = seen["embedding"]
    for name, (start, stop) in cuts.items():
        seen[name] = {m: Parts(*(part[:, start:stop] for part in of_m)) for m, of_m in whole.items()}
    return seen


@torch.no_grad()
def _encode_part(
    net: Learner, frames: DeviceFrames, index: Indices
) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Features (N, dim) and embeddings (N, D) of the frames at `index`, by modality."""
    net.eval()
    found: dict[str, dict[str, list[NDArray[np.float32]]]] = {"features": {}, "embedding": {}}
    for views in frames.plain(index, batch_size=BATCH):
        features = net.encoders(views)
        for name, values in (("features", features), ("embedding", net.project(features))):
            for modality, value in values.items():
                found[name].setdefault(modality, []).append(value.cpu().numpy())
    return {name: {m: np.concatenate(batches) for m, batches in of.items()} for name, of in found.items()}


def measures(seen: Seen, cuts: Mapping[str, Block], labels: Parts[np.int64]) -> Iterator[Measured]:
    """All that is measured of one epoch; a block that is all of the embedding is measured once.

    Args:
        seen: representations by block and modality.
        cuts: blocks of the embedding.
        labels: scene of every frame.
    """
    read = {name: {m: rotated(x) for m, x in of.items()} for name, of in seen.items() if _own(name, cuts)}
    for name in read:
        rows = list(_of_block(name, seen, read, labels))
        again = [other for other in cuts if cuts.get(name) == cuts[other] and other != name]
        for block in (name, *again):
            yield from ((modality, block, measure, value) for modality, measure, value in rows)


def _own(name: str, cuts: Mapping[str, Block]) -> bool:
    """Whether a block is not all of the embedding under another name."""
    return name == "embedding" or cuts.get(name) != cuts["embedding"]


def _of_block(name: str, seen: Seen, read: Seen, labels: Parts[np.int64]) -> Iterator[tuple[str, str, float]]:
    """Modality, measure and value of one block."""
    of, readers = seen[name], dict(read[name])
    wider = {"features": (), "embedding": ("features",)}.get(name, ("embedding", "features"))
    for modality, other in zip(of, reversed(of), strict=True):
        if modality != other:
            for way, source in (("", name), *((f"_from_{wide}", wide) for wide in wider)):
                found = cross_r2(read[source][other], of[modality])
                yield modality, f"cross_modal_r2{way}", found.weighted
                yield modality, f"cross_modal_r2{way}_uniform", found.uniform
        yield modality, "effective_rank", effective_rank(standardised(of[modality].test))
    if len(of) > 1:
        a, b = (part.test for part in of.values())
        if name != "features":  # no loss asks anything of a feature's number
            yield BOTH, "matching_correlation", matching_correlation(a, b)
        readers[BOTH] = rotated(Parts(*map(np.hstack, zip(*of.values(), strict=True))))
    for modality, reader in readers.items():
        yield modality, "probe_accuracy", probe_accuracy(reader, labels)
