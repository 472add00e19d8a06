from pathlib import Path

import numpy as np
import pandas as pd

from semcom.frames.device import DeviceFrames
from semcom.frames.folds import validation_fold
from semcom.knowledge.private import run
from semcom.params.entries import KnowledgeEntry
from semcom.params.sections import Encoder, Knowledge
from semcom.quantise.base import load


def test_bases_hold_the_training_frames_and_retrieval_is_what_searching_them_gives(
    prepared_file: Path, frames: DeviceFrames, place: dict[str, object], encoder: Encoder, tmp_path: Path
) -> None:
    entry = KnowledgeEntry(
        **place, method="random", seed=1, modalities=("rgb", "depth"), encoder=encoder, knowledge=Knowledge()
    )
    run(
        prepared_file,
        entry,
        encoders_file=None,
        base=tmp_path / "base.npz",
        retrieval=tmp_path / "retrieval.csv",
        journal=tmp_path / "j.jsonl",
    )
    prepared = frames.prepared
    train, validation = validation_fold(prepared.scene, prepared.group, prepared.train, seed=1)
    bases = load(tmp_path / "base.npz")
    assert list(bases) == ["rgb", "depth", "both"]
    table = pd.read_csv(tmp_path / "retrieval.csv").set_index("modality")
    for name, base in bases.items():
        assert np.array_equal(base.ids, prepared.index[train])
        assert np.array_equal(base.labels, prepared.scene[train])
        assert table.loc[name, "vectors"] == len(train)
        assert table.loc[name, "frames"] == len(validation)
        vectors = base.index.reconstruct_n(0, len(train))
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        # Flat: four bytes a dimension, and sixteen for id and label, but for a short header.
        exact = len(train) * (4 * table.loc[name, "dim"] + 16)
        assert 0 <= table.loc[name, "bytes"] - exact < 100
    # Colour tells two of three classes apart and distance too; even random features see that.
    assert table.loc["both", "accuracy"] > 0.5
