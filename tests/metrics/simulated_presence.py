"""Two detectors of several classes with known truth: how often the interval over credits of frames holds it.

    python tests/metrics/simulated_presence.py 1000     # the table of docs/statistics.md; minutes

Classes are shown by 5 to 80 % of the frames, and mostly by whole scenes. A frame's score for a class is what
it shows, an effect of the scene that both detectors share and one of each by itself, an effect of seed and
class, and noise. Truth is the mean difference of mean average precision over all repetitions: that of as many
frames of other scenes, with other seeds. Scenes have 1 to 29 frames, five on average.
"""

import itertools
import sys

import numpy as np
from scipy.special import ndtri
from simulated_runs import SHARES, SIZES

from semcom.metrics.average_precision import average_precision, frame_credit, mean_over_present
from semcom.metrics.intervals import over_seeds
from semcom.metrics.scenes import bootstrap_scenes, crossed

PREVALENCE = np.geomspace(0.05, 0.8, 31)
SHARED, OWN, SEED, NOISE = 0.5, 0.4, 0.25, 0.9
"""Standard deviations of the effects; what is shown counts 1 for one detector and 1.15 for the other."""


def one(seeds: int, scenes: int, draws: np.random.Generator) -> dict[str, np.ndarray]:
    """Estimate and half width of each interval, of one repetition."""
    scene = np.repeat(np.arange(scenes), draws.choice(SIZES, size=scenes, p=SHARES))
    shape = (len(scene), len(PREVALENCE))
    alike = draws.normal(0, np.sqrt(0.8), (scenes, shape[1]))[scene]
    present = alike + draws.normal(0, np.sqrt(0.2), shape) < ndtri(PREVALENCE)
    common = draws.normal(0, SHARED, (scenes, shape[1]))[scene]
    credit, value = [], []
    for level in (1.15, 1.0):
        fixed = level * present + common + draws.normal(0, OWN, (scenes, shape[1]))[scene]
        luck = draws.normal(0, SEED, (seeds, 1, shape[1])) * present
        scores = fixed + luck + draws.normal(0, NOISE, (seeds, *shape))
        credit.append(frame_credit(scores, present))
        value.append(mean_over_present(average_precision(scores, present), present))
    gap = credit[0] - credit[1]
    np.testing.assert_allclose(gap.mean(-1), value[0] - value[1], atol=1e-12)
    both, by_seed = crossed(gap, scene).estimate(), over_seeds(gap.mean(-1))
    low, high = bootstrap_scenes(gap.mean(-2), scene, generator=draws, resamples=1000)
    middle = (low + high) / 2
    return {
        "crossed": np.array([both.mean, both.half_width()]),
        "t over seeds": np.array([by_seed.mean, by_seed.half_width()]),
        "bootstrap of scenes": np.array([middle, high - middle]),
    }


def covered(*, seeds: int, scenes: int, repetitions: int, key: int) -> dict[str, float]:
    """Share of the repetitions in which each interval holds the truth, by name."""
    draws = np.random.default_rng(key)
    found = [one(seeds, scenes, draws) for _ in range(repetitions)]
    truth = np.mean([run["crossed"][0] for run in found])
    return {
        name: float(np.mean([abs(run[name][0] - truth) <= run[name][1] for run in found]))
        for name in found[0]
    }


def main(repetitions: int) -> None:
    """Coverage in % of nominal 95 % intervals, taken to speak of other scenes, as a table in Markdown."""
    print("| scenes | seeds | crossed | t over seeds, of new scenes | bootstrap of scenes, of new seeds |")
    print("|---:|---:|---:|---:|---:|")
    for scenes, seeds in itertools.product((130, 60), (3, 5)):
        found = covered(seeds=seeds, scenes=scenes, repetitions=repetitions, key=seeds)
        print(f"| {scenes} | {seeds} |", " | ".join(f"{100 * found[k]:.1f}" for k in found), "|", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
