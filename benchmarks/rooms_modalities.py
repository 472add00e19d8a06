"""How well small networks tell the rooms set's scene classes apart from colour, depth and both.

    python benchmarks/rooms_modalities.py data/rooms

Trains quarter-width ResNet-18s from scratch (as the quickstart's encoders are), one a modality, with a
linear layer on their joined features; a few minutes on one core. A fifth of the training scenes is kept for
validation, another for each seed; nothing is chosen on it. Prints the table of docs/rooms.md.
"""

import argparse
import time
from pathlib import Path

import h5py
import numpy as np
import torch
from scipy import stats
from scipy.io import loadmat
from torch import Tensor, nn
from torch.nn import functional as F

from semcom.prepare.classes import NYU10, label

MODALITIES = {"RGB": ("rgb",), "depth": ("depth",), "both": ("rgb", "depth")}
BATCH, RATE, DECAY = 32, 3e-3, 0.02


class Block(nn.Module):
    """Two 3x3 convolutions and a short cut (He et al., 2016)."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside),
        )  # fmt: skip
        same = inside == outside and stride == 1
        self.short = nn.Identity() if same else nn.Sequential(
            nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Same as `body` with the short cut added: (N, C, H, W) to (N, C', H', W')."""
        return F.relu(self.body(x) + self.short(x))


def encoder(channels: int, width: int = 16) -> nn.Sequential:
    """ResNet-18 at quarter width, 3x3 stem of stride 2: (N, channels, H, W) to features (N, 128)."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, width, 3, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    ]
    layers.append(nn.MaxPool2d(3, 2, 1))
    inside = width
    for outside, stride in ((width, 1), (2 * width, 2), (4 * width, 2), (8 * width, 2)):
        layers += [Block(inside, outside, stride), Block(outside, outside, 1)]
        inside = outside
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Classifier(nn.Module):
    """One encoder a modality, a linear layer on their joined features."""

    def __init__(self, modalities: tuple[str, ...]) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict({m: encoder({"rgb": 3, "depth": 1}[m]) for m in modalities})
        self.head = nn.Linear(128 * len(modalities), len(NYU10))

    def forward(self, images: dict[str, Tensor]) -> Tensor:
        """Logits (N, 10)."""
        return self.head(torch.cat([net(images[m]) for m, net in self.encoders.items()], dim=1))


def load(folder: Path) -> tuple[dict[str, Tensor], Tensor, np.ndarray, np.ndarray]:
    """Images standardised over the training frames, labels, scenes, and which frames are for training."""
    with h5py.File(folder / "rooms_labeled.mat") as file:

        def texts(cell: str) -> list[str]:
            return ["".join(map(chr, file[reference][:, 0])) for reference in file[cell][0]]

        rgb = torch.from_numpy(file["images"][:]).transpose(2, 3).float()
        depth = torch.from_numpy(file["depths"][:]).transpose(1, 2)[:, None].float()
        types, scenes = texts("sceneTypes"), np.unique(texts("scenes"), return_inverse=True)[1]
    train = np.zeros(len(types), dtype=bool)
    train[loadmat(folder / "splits.mat")["trainNdxs"][:, 0] - 1] = True
    images = {}
    for name, x in (("rgb", rgb), ("depth", depth)):
        mean, std = (f(x[train], dim=(0, 2, 3), keepdim=True) for f in (torch.mean, torch.std))
        images[name] = (x - mean) / std
    return images, torch.tensor([label(kind) for kind in types]), scenes, train


def validation(scenes: np.ndarray, labels: Tensor, train: np.ndarray, seed: int) -> np.ndarray:
    """A fifth of each class's training scenes."""
    rng, held = np.random.default_rng(seed), np.zeros(len(scenes), dtype=bool)
    for c in range(len(NYU10)):
        mine = rng.permutation(np.unique(scenes[train & (labels.numpy() == c)]))
        held |= np.isin(scenes, mine[: max(1, len(mine) // 5)])
    return held


def augment(images: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """The batch mirrored or not and shifted by up to 4 pixels, the same for both sensors."""
    if torch.rand((), generator=generator) < 0.5:
        images = {m: x.flip(3) for m, x in images.items()}
    dy, dx = torch.randint(0, 9, (2,), generator=generator).tolist()
    height, width = next(iter(images.values())).shape[2:]
    return {
        m: F.pad(x, (4, 4, 4, 4), mode="replicate")[:, :, dy : dy + height, dx : dx + width]
        for m, x in images.items()
    }


def train_one(
    model: Classifier, images: dict[str, Tensor], labels: Tensor, rows: np.ndarray, *, epochs: int, seed: int
) -> None:
    """Train on the frames `rows` with AdamW under a one-cycle schedule."""
    generator = torch.Generator().manual_seed(seed)
    batches = len(rows) // BATCH
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=epochs * batches, pct_start=0.15
    )
    model.train()
    for _ in range(epochs):
        order = rows[torch.randperm(len(rows), generator=generator).numpy()]
        for batch in order[: batches * BATCH].reshape(batches, BATCH):
            logits = model(augment({m: x[batch] for m, x in images.items()}, generator))
            optimiser.zero_grad()
            F.cross_entropy(logits, labels[batch]).backward()
            optimiser.step()
            schedule.step()


def answers(model: Classifier, images: dict[str, Tensor]) -> Tensor:
    """The class that the model sees in each frame."""
    model.eval()
    with torch.no_grad():
        return model(images).argmax(1)


def interval(values: list[float]) -> str:
    """Mean and 95 % Student-t half width in percent."""
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{100 * np.mean(values):.1f} ± {100 * half:.1f}"


def run(folder: Path, *, seeds: int, epochs: int) -> None:
    """Train and print."""
    images, labels, scenes, train = load(folder)
    majority = labels[~train].bincount().max() / (~train).sum()
    print(f"{train.sum()} train, {(~train).sum()} test frames; majority {100 * majority:.1f} %")
    print(f"| input | test accuracy, % | validation, % | {' | '.join(NYU10)} | seconds |")
    for name, modalities in MODALITIES.items():
        mine = {m: images[m] for m in modalities}
        start, tested, validated, recall = time.monotonic(), [], [], torch.zeros(10)
        for seed in range(seeds):
            held = validation(scenes, labels, train, seed)
            torch.manual_seed(seed)
            model = Classifier(modalities)
            train_one(model, mine, labels, np.flatnonzero(train & ~held), epochs=epochs, seed=seed)
            right = (answers(model, mine) == labels).float()
            tested.append(right[~train].mean().item())
            validated.append(right[held].mean().item())
            recall += torch.stack([right[~train][labels[~train] == c].mean() for c in range(10)]) / seeds
        each = " | ".join(f"{100 * r:.0f}" for r in recall.tolist())
        seconds = time.monotonic() - start
        print(f"| {name} | {interval(tested)} | {interval(validated)} | {each} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    torch.set_num_threads(1)
    run(options.folder, seeds=options.seeds, epochs=options.epochs)
