"""The linear head of frozen features beside scikit-learn's LogisticRegression, over all penalties.

Classes overlap and most directions hardly vary, as with encoders that did not learn the classes. Both ways
go from the strongest penalty to the weakest, each fit from the last one's end. One thread, CPU time,
alternating, best of several rounds. Beside it the loss of one fit at the weakest: to stop early is no speed.

    python benchmarks/linear_head.py [--images 3200] [--dims 1280] [--rounds 2]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from semcom.metrics.heads import PENALTIES, Labelled, Linear, Vectors, centre, centred, logistic

CLASSES = 10
FASTER = 2.0
"""Bound on CPU time."""
Way = Callable[[Labelled, tuple[float, ...]], Linear]


def features(images: int, dims: int) -> Labelled:
    """Features (images, dims) whose mean square is 1, and classes of them that a linear head draws."""
    draws = np.random.default_rng(0)
    seen = draws.normal(size=(images, dims)) / np.arange(1, dims + 1)
    scores = seen @ draws.normal(size=(dims, CLASSES)) + draws.gumbel(size=(images, CLASSES))
    return Labelled(dims**0.5 * centred(seen, centre(seen)), scores.argmax(1))


def theirs(train: Labelled, penalties: tuple[float, ...]) -> Linear:
    """The last fit of scikit-learn's path."""
    fit = LogisticRegression(max_iter=2000, warm_start=True)
    for penalty in penalties:
        fit.set_params(C=1 / (penalty * len(train.classes))).fit(*train)
    return Linear(fit.coef_, fit.intercept_, fit.classes_, penalties[-1], 0.0)


def ours(train: Labelled, penalties: tuple[float, ...]) -> Linear:
    """The best fit by the accuracy on what it is fitted on."""
    return logistic(train, train, penalties=penalties)


def loss(head: Linear, train: Labelled) -> float:
    """Mean cross-entropy and penalty."""
    weight: Vectors = head.weight - head.weight.mean(0)
    shares = log_softmax(train.features @ weight.T + head.offset, axis=1)
    return float(-shares[np.arange(len(shares)), train.classes].mean() + head.penalty * (weight**2).sum() / 2)


def main() -> None:
    """Exit 1 if the bound is missed or the loss is higher."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=3200)
    parser.add_argument("--dims", type=int, default=1280)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    train = features(options.images, options.dims)
    with threadpool_limits(1):
        ways: dict[str, Way] = {"scikit-learn": theirs, "ours": ours}
        best: dict[str, float] = {}
        for _ in range(options.rounds):
            for name, way in ways.items():
                begin = time.process_time()
                way(train, PENALTIES)
                best[name] = min(best.get(name, float("inf")), time.process_time() - begin)
        ends = {name: loss(way(train, PENALTIES[-1:]), train) for name, way in ways.items()}
    for name, taken in best.items():
        print(f"{name}: {taken:.2f} s; at penalty {PENALTIES[-1]:g} alone the loss ends at {ends[name]:.6f}")
    faster = best["scikit-learn"] / best["ours"]
    print(f"{options.images} × {options.dims}, {CLASSES} classes: {faster:.1f} × (at least {FASTER:g})")
    raise SystemExit(faster < FASTER or ends["ours"] > ends["scikit-learn"])


if __name__ == "__main__":
    main()
