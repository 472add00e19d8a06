"""params/nyuv2_paper.yaml: some steps of its networks, on a GPU where there is one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from semcom.finetune import stage as finetune
from semcom.params.entries import FinetuneEntry, PretrainEntry
from semcom.params.jobs import Jobs
from semcom.params.schema import load
from semcom.pretrain import stage as pretrain

PARAMS = Path(__file__).parents[2] / "params/nyuv2_paper.yaml"
BATCH = 6
"""The only thing made smaller, but for epochs: for want of frames, and of time on a CPU."""


@pytest.fixture
def jobs() -> Jobs:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    params = yaml.safe_load(PARAMS.read_text()) | {
        "compute": {"device": device, "threads": 2},
        "budgets": [1],
    }
    params["methods"] = {"mmssl": params["methods"]["mmssl"]}
    for stage in ("pretrain", "finetune"):
        params["methods"]["mmssl"][stage] |= {"batch_size": BATCH}
    params["methods"]["mmssl"]["pretrain"]["epochs"] = 1
    return Jobs(load(params), data="0" * 32)


def test_some_steps_at_the_papers_size(jobs: Jobs, large_frames: Path, tmp_path: Path) -> None:
    entry = PretrainEntry.model_validate_json(jobs.pretrain("mmssl", 0))
    assert (entry.pretrain.projector, entry.encoder.precision) == ((8192, 8192, 8192), "bf16")
    pretrain.run(
        large_frames,
        entry,
        encoders=tmp_path / "encoders.pt",
        learner=tmp_path / "learner.pt",
        history=tmp_path / "history.csv",
        journal=tmp_path / "pretrain.jsonl",
        states=tmp_path / "states",
    )
    logged = pd.read_csv(tmp_path / "history.csv").set_index("metric").value
    assert np.isfinite(logged).all()
    # ResNet-18 takes 1.8 G multiply-adds an image (He et al. 2016, table 1); beside it the projector's.
    steps = logged.side_link_uses / (2 * BATCH * 8192)
    assert steps >= 3
    images = logged.multiply_adds_rgb / 3 / (2 * steps * BATCH)
    assert images == pytest.approx(1.8e9 + 512 * 8192 + 2 * 8192**2, rel=0.02)

    tuned = FinetuneEntry.model_validate_json(jobs.finetune("mmssl", "rayleigh_k32", "all", 0))
    (tmp_path / "choice.json").write_text(json.dumps({"optimisers": {"1": jobs.study.tune.optimisers[0]}}))
    finetune.run(
        large_frames,
        tuned,
        encoders=tmp_path / "encoders.pt",
        choice=tmp_path / "choice.json",
        models=tmp_path / "models.pt",
        history=tmp_path / "finetune.csv",
        communications=tmp_path / "communication.csv",
        journal=tmp_path / "finetune.jsonl",
        states=tmp_path / "states",
    )
    sent = pd.read_csv(tmp_path / "communication.csv").iloc[0]
    for file in ("learner.pt", "models.pt"):  # gigabytes, that pytest would keep
        (tmp_path / file).unlink()
    assert sent.uplink_uses == sent.rounds * BATCH * 2 * 32
