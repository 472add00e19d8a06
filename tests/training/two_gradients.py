"""Run by `test_parallel`: gradients of every loss in one process or several, in float64.

python two_gradients.py DEVICES OUTPUT
"""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from semcom.losses import LOSSES
from semcom.params import options
from semcom.params.component import build
from semcom.training import weights
from semcom.training.launch import together
from semcom.training.randomness import generator, seeded

N, D = 12, 10


def network() -> nn.Module:
    with seeded(0, "network"):
        return nn.Sequential(
            nn.Conv2d(2, 6, 3),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(96, D),
            nn.BatchNorm1d(D),
        )


def main(devices: int, output: Path) -> None:
    torch.set_default_dtype(torch.float64)
    found: dict[str, dict[str, Tensor]] = {}
    with together(devices, "cpu") as team:
        for name in LOSSES:
            needed = options.modalities(LOSSES[name]) or ("rgb", "depth")
            nets = nn.ModuleDict({modality: network() for modality in needed})
            team.share_batchnorm(nets)
            draws = generator(0, name)
            pairs = []
            for modality, net in nets.items():
                for _ in range(2):
                    images = torch.randn(N, 2, 6, 6, generator=draws) * 3 + torch.arange(6)
                    pairs.append(net(team.part({modality: images})[modality]))
            whole = iter(team.gather(pairs))
            value, terms = build(LOSSES, {"use": name})({m: (next(whole), next(whole)) for m in nets})
            value.backward()
            team.sum_gradients(nets)
            gradients = {f"{key}.grad": p.grad for key, p in nets.named_parameters() if p.grad is not None}
            found[name] = {"loss": value.detach(), **terms, **gradients, **dict(nets.named_buffers())}
        if team.first:
            weights.save(output, found)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
