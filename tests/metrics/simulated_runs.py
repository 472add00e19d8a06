"""Runs of five methods with known truth: every interval of `semcom.metrics`, and how often it holds it.

    python tests/metrics/simulated_runs.py 1000     # the tables of docs/statistics.md; minutes

A frame is right where a Gaussian score is above zero. The score is a sum of effects: of the seed, the
scene, their interaction and the frame, each once for all methods and once for each method, and noise. So
the chance of being right is a normal distribution function whatever is held fixed, and the truth is known.
Scenes have 1 to 29 frames, five on average, and large scenes are easier, for each method differently.
"""

import itertools
import sys
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from semcom.metrics.intervals import over_seeds
from semcom.metrics.scenes import Crossed, bootstrap_scenes, crossed

SIZES = np.arange(1, 30)
SHARES = 0.8**SIZES / (0.8**SIZES).sum()
LEVEL = np.array([-0.25, -0.2, -0.2, -0.12, -0.05])
SLOPE = np.array([0.1, 0.1, 0.05, 0.05, 0.0])
"""Of the score over (frames - 5) / 5."""
PAIRS = np.array(list(itertools.combinations(range(5), 2))).T
INTERVALS = (
    "crossed",
    "t over seeds",
    "bootstrap of scenes",
    "t over seeds, of new scenes",
    "bootstrap of seeds",
)


@dataclass(frozen=True)
class World:
    """Standard deviations of the score's effects: (shared by all methods, of each method by itself)."""

    seed: tuple[float, float] = (0.06, 0.08)
    scene: tuple[float, float] = (0.7, 0.25)
    both: tuple[float, float] = (0.15, 0.25)
    frame: tuple[float, float] = (0.8, 0.35)
    noise: float = 0.6

    def variance(self, *names: str) -> float:
        pairs = [(self.noise,), self.seed, self.scene, self.both, self.frame]
        named = dict(zip(("noise", "seed", "scene", "both", "frame"), pairs, strict=True))
        return sum(float(np.square(named[name]).sum()) for name in names)


WORLDS = {
    "typical": World(),
    "seeds large": World(seed=(0.2, 0.35)),
    "seeds nil": World(seed=(0.0, 0.0)),
    "scenes alike": World(scene=(0.7, 0.0), frame=(0.8, 0.0)),
}


def average(score, variance):
    """Chance of a score above zero over all sizes of scenes, by frames; (..., methods)."""
    shifted = score[..., None] + SLOPE[:, None] * (SIZES - 5) / 5
    weights = SIZES * SHARES / (SIZES * SHARES).sum()
    return ndtr(shifted / np.sqrt(variance)) @ weights


def difference(values):
    """Of all pairs of methods, which are the last dimension."""
    return values[..., PAIRS[0]] - values[..., PAIRS[1]]


def covered(world: World, *, seeds: int, scenes: int, repetitions: int, key: int, batch: int = 40):
    """Share of repetitions and pairs of methods in which each interval holds its truth, by name.

    Scene sizes are drawn anew for every `batch` repetitions.
    """
    draws = np.random.default_rng(key)
    hits = [one(world, seeds, scenes, batch, draws) for _ in range(repetitions // batch)]
    return {name: float(np.mean([hit[name] for hit in hits if name in hit])) for name in hits[0]}


def one(world: World, seeds: int, scenes: int, batch: int, draws) -> dict:
    sizes = draws.choice(SIZES, size=scenes, p=SHARES)
    scene = np.repeat(np.arange(scenes), sizes)

    def effect(sd, *shape):
        """(batch, *shape) for all methods and (batch, *shape, 5) for each, added."""
        shared = sd[0] * draws.standard_normal((batch, *shape, 1), dtype=np.float32)
        return shared + sd[1] * draws.standard_normal((batch, *shape, 5), dtype=np.float32)

    a, b = effect(world.seed, seeds, 1), effect(world.scene, 1, scenes)
    ab, f = effect(world.both, seeds, scenes), effect(world.frame, 1, len(scene))
    level = LEVEL + SLOPE * (sizes[scene, None] - 5) / 5
    fixed = level + b[:, :, scene] + f
    noise = world.noise * draws.standard_normal((batch, seeds, len(scene), 5), dtype=np.float32)
    right = (fixed + a + ab[:, :, scene] + noise > 0).astype(np.float32)
    outcome = np.moveaxis(difference(right), -1, 1)  # (batch, pairs, seeds, frames)

    truth = difference(average(LEVEL, world.variance("seed", "scene", "both", "frame", "noise")))
    here = difference(ndtr(fixed / np.sqrt(world.variance("seed", "both", "noise"))).mean((1, 2)))
    models = average(LEVEL + a[:, :, 0], world.variance("scene", "both", "frame", "noise")).mean(1)
    table, by_seed = crossed(outcome, scene).estimate(), over_seeds(outcome.mean(-1))
    low, high = bootstrap_scenes(outcome.mean(-2), scene, generator=draws, resamples=1000)
    found = {
        "crossed": np.abs(table.mean - truth) <= table.half_width(),
        "t over seeds": np.abs(by_seed.mean - here) <= by_seed.half_width(),
        "bootstrap of scenes": (low <= difference(models)) & (difference(models) <= high),
        "t over seeds, of new scenes": np.abs(by_seed.mean - truth) <= by_seed.half_width(),
    }
    if seeds <= 5:
        low, high = bootstrap_seeds(outcome.mean(-1))
        found["bootstrap of seeds"] = (low <= here) & (here <= high)
    return found


def bootstrap_seeds(values):
    """The percentile bootstrap that is not offered: all S^S resamples of (..., S) values."""
    seeds = values.shape[-1]
    resamples = np.array(list(itertools.product(range(seeds), repeat=seeds)))
    counts = (resamples[:, :, None] == np.arange(seeds)).sum(1)
    return np.quantile(values @ counts.T / seeds, [0.025, 0.975], axis=-1)


def main(repetitions: int) -> None:
    """Coverage in % of nominal 95 % intervals, as a table in Markdown."""
    print("| world | scenes | seeds |", " | ".join(INTERVALS), "|")
    print("|---|---:|---:|" + "---:|" * len(INTERVALS))
    for (name, world), scenes, seeds in itertools.product(WORLDS.items(), (130, 30), (2, 3, 4, 5, 10)):
        found = covered(world, seeds=seeds, scenes=scenes, repetitions=repetitions, key=seeds)
        cells = [f"{100 * found[kind]:.1f}" if kind in found else "–" for kind in INTERVALS]
        print(f"| {name} | {scenes} | {seeds} |", " | ".join(cells), "|", flush=True)
    print("\n| seeds | " + " | ".join(f"{scenes} scenes" for scenes in (130, 60, 30, 10)) + " |")
    print("|---:|" + "---:|" * 4)
    for seeds in (2, 3, 4, 5, 10, 20):
        ranges = [gaussian(seeds, scenes, 20 * repetitions) for scenes in (130, 60, 30, 10)]
        print(f"| {seeds} |", " | ".join(f"{low:.1f} to {high:.1f}" for low, high in ranges), "|", flush=True)


def gaussian(seeds: int, scenes: int, repetitions: int) -> tuple[float, float]:
    """Lowest and highest coverage in % of the crossed interval over many shares of variance.

    Effects are Gaussian here, so that mean squares are chi-squared and the mean is independent of them.
    """
    draws = np.random.default_rng(seeds)
    free = np.array([seeds - 1, scenes - 1, (seeds - 1) * (scenes - 1)])
    found = []
    for of_seed, of_both, of_scene in itertools.product(
        (0, 0.1, 0.3, 1, 3, 10, 100), (0.1, 0.3, 1, 3, 10), (0, 1)
    ):
        # Shares of the variance of the mean; each mean square is a sum of them (see `Crossed`).
        expected = seeds * scenes * np.array([of_seed + of_both, of_scene + of_both, of_both])
        squares = (expected * draws.chisquare(free, (repetitions, 3)) / free).T
        mean = draws.normal(0, np.sqrt(of_seed + of_scene + of_both), repetitions)
        half = Crossed(mean, *squares, seeds, scenes).estimate().half_width()
        found.append(100 * np.mean(np.abs(mean) <= half))
    return min(found), max(found)


if __name__ == "__main__":
    main(int(sys.argv[1]))
