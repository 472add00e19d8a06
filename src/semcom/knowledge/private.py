"""The private knowledge base: training frames through the frozen encoders, into an index with ids and labels.

training frames ─► encoders ─► unit vectors ─► faiss index + ids + labels
validation frames ─► encoders ─► k nearest ─► vote ─► retrieval accuracy
"""

from pathlib import Path

import faiss
import numpy as np

from semcom.files.tables import write_rows
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import validation_fold
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
    with seeded(entry.seed, "pretrain", "init"):
        encoders = Encoders(entry.modalities, frames.size, entry.encoder).to(device)
    if encoders_file is not None:
        encoders.load_state_dict(weights.load(encoders_file, device))
    recompute(encoders, frames.plain(train))
    vectors = encode_features(encoders, frames.plain(train))
    queries = encode_features(encoders, frames.plain(validation))

    tags = {"study": entry.study, "system": entry.system, "method": entry.method, "seed": str(entry.seed)}
    settings, bases, rows = entry.knowledge, {}, []
    with Journal.open(journal, {**tags, "stage": "knowledge"}, entry.model_dump()) as events:
        for name, features in vectors.items():
            bases[name] = KnowledgeBase.build(
                features.cpu().numpy(), prepared.index[train], prepared.scene[train], factory=settings.index
            )
            found = bases[name].classify(queries[name].cpu().numpy(), settings.neighbours)
            accuracy = float(np.mean(found == prepared.scene[validation]))
            size = (
                len(faiss.serialize_index(bases[name].index))
                + bases[name].ids.nbytes
                + bases[name].labels.nbytes
            )
            events.metrics({f"retrieval/accuracy_{name}": accuracy, f"retrieval/bytes_{name}": size}, step=0)
            log.info(
                "%s: retrieval accuracy %.3f on %d frames, %d bytes", name, accuracy, len(validation), size
            )
            rows.append(
                {
                    **tags,
                    "modality": name,
                    "neighbours": settings.neighbours,
                    "frames": len(validation),
                    "accuracy": accuracy,
                    "bytes": size,
                    "vectors": len(train),
                    "dim": features.shape[1],
                }
            )
        save(base, bases)
        write_rows(retrieval, rows)
