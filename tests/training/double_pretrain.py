"""Run by `test_parallel`: ten optimiser steps of `semcom pretrain` in one process or several, in float64.

python double_pretrain.py DEVICES FRAMES FOLDER [official]
"""

import sys
from pathlib import Path

import torch

from semcom.params.entries import PretrainEntry
from semcom.params.sections import Compute, Encoder, Pretrain
from semcom.pretrain.stage import run


def main(devices: int, frames: Path, folder: Path, *, official: bool) -> None:
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double  # the same code, every fp32 in it widened
    settings = Pretrain(
        # The official sum is 32 times larger: not divided by the width.
        loss={"use": "mmssl", "lambd": 0.01, "decur_official": official},
        projector=(32, 32),
        shared_projector=official,
        epochs=2,  # of 5 batches
        batch_size=16,
        devices=devices,
        optimiser={
            "use": "sgd",
            "lr": 0.05 / 32 if official else 0.05,
            "momentum": 0.9,
            "weight_decay": 1e-4,
        },
        views={"use": "rgbd", "independent": official},
    )
    entry = PretrainEntry(
        study="test",
        data="0" * 32,
        code="1" * 16,
        compute=Compute(),
        method="m",
        seed=0,
        modalities=("rgb", "depth"),
        encoder=Encoder(backbone={"use": "resnet18", "width_mult": 0.125}),
        pretrain=settings,
    )
    run(
        frames,
        entry,
        encoders=folder / "encoders.pt",
        learner=folder / "learner.pt",
        history=folder / "history.csv",
        journal=folder / "journal.jsonl",
        states=folder / "states",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), official="official" in sys.argv)
