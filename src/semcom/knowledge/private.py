"""The private knowledge base: training frames through the frozen encoders, into an index with ids and labels.

training frames ─► encoders ─► unit vectors ─► faiss index + ids + labels
validation frames ─► encoders ─► k nearest ─► vote ─► retrieval accuracy
"""

from pathlib import Path

import faiss

from semcom.files.tables import write_rows
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import Indices, validation_fold
from semcom.metrics.classification import accuracy
from semcom.models.encoder import Encoders, encode_features
from semcom.params.entries import KnowledgeEntry
from semcom.progress import log
from semcom.quantise.base import KnowledgeBase, save
from semcom.tracking.journal import Journal
from semcom.training import weights
from semcom.training.batchnorm import recompute
from semcom.training.compute import set_up
from semcom.training.randomness import seeded


def run(
    frames_file: Path,
    entry: KnowledgeEntry,
    *,
    encoders_file: Path | None,
    base: Path,
    retrieval: Path,
    journal: Path,
) -> None:
    """Build the private bases of RGB, depth and both, and measure retrieval on the validation frames.

    Args:
        frames_file: prepared frames.
        entry: encoder and index.
        encoders_file: pre-trained weights; None leaves the encoders at their random initialisation.
        base: output, the bases.
        retrieval: output, one row a modality.
        journal: events for the tracking server.
    """
    device = set_up(entry.compute)
    faiss.omp_set_num_threads(entry.compute.threads)
    frames = DeviceFrames.open(frames_file, device)
    prepared = frames.prepared
    train, validation = validation_fold(prepared.scene, prepared.group, prepared.train, seed=entry.seed)
    encoders = _encoders(entry, frames, encoders_file, train)
    vectors = encode_features(encoders, frames.plain(train))
    queries = encode_features(encoders, frames.plain(validation))
    tags = {"study": entry.study, "system": entry.system, "method": entry.method, "seed": str(entry.seed)}
    k, factory = entry.knowledge.neighbours, entry.knowledge.index
    ids, labels = prepared.index[train], prepared.scene[train]
    with Journal.open(journal, {**tags, "stage": "knowledge"}, entry.model_dump()) as events:
        bases = {
            name: KnowledgeBase.build(features.cpu().numpy(), ids, labels, factory=factory)
            for name, features in vectors.items()
        }
        rows = []
        for name, built in bases.items():
            found = built.classify(queries[name].cpu().numpy(), k)
            right = float(accuracy(found, prepared.scene[validation]))
            row = {
                "modality": name,
                "neighbours": k,
                "frames": len(validation),
                "accuracy": right,
                "bytes": built.bytes,
                "vectors": len(train),
                "dim": vectors[name].shape[1],
            }
            rows.append({**tags, **row})
            logged = {f"retrieval/accuracy_{name}": right, f"retrieval/bytes_{name}": built.bytes}
            events.metrics(logged, step=0)
            log.info("%s: retrieval accuracy %.3f, %d bytes", name, right, built.bytes)
        save(base, bases)
        write_rows(retrieval, rows)


def _encoders(entry: KnowledgeEntry, frames: DeviceFrames, file: Path | None, train: Indices) -> Encoders:
    """Pre-trained or random encoders, their BatchNorm statistics those of the training frames."""
    device = frames.rgb.device
    with seeded(entry.seed, "pretrain", "init"):
        encoders = Encoders(entry.modalities, frames.size, entry.encoder).to(device)
    if file is not None:
        weights.load_into(encoders, file)
    recompute(encoders, frames.plain(train))
    return encoders
