"""The code search beside that of vector-quantize-pytorch, and one step of training.

Alternating in one process, best of several rounds, one thread, CPU time. The library's search is its
codebook in evaluation mode; indices are compared, and where they differ both distances in float64.

    python benchmarks/vq.py [--vectors 16384] [--codes 1024] [--dim 16] [--rounds 5]
"""

import argparse
import time
from collections.abc import Callable

import torch
from vector_quantize_pytorch import VectorQuantize

from semcom.quantise.search import by_products, nearest
from semcom.quantise.vq import VectorQuantiser

FASTER = 10.0
"""Bound on the search."""


def seconds(work: Callable[[], object]) -> float:
    """CPU time of one call."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main() -> None:
    """Exit 1 if the bound is missed or an index is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vectors", type=int, default=16_384)
    parser.add_argument("--codes", type=int, default=1024)
    parser.add_argument("--dim", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    draws = torch.Generator().manual_seed(0)
    vectors = torch.randn(options.vectors, options.dim, generator=draws)
    ours = VectorQuantiser(options.codes, options.dim)
    ours.start(vectors, seed=0)
    theirs = VectorQuantize(options.dim, options.codes, decay=0.99, commitment_weight=0.25)
    theirs._codebook.embed.copy_(ours.codebook[None])
    theirs._codebook.embed_avg.copy_(ours.sums[None])
    theirs._codebook.cluster_size.copy_(ours.share[None])
    theirs.eval()

    same = theirs(vectors[None])[1][0]
    mine = nearest(vectors, ours.codebook)
    unlike = mine != same
    picked = vectors[unlike].double()
    gaps = [(picked - ours.codebook.double()[at[unlike]]).square().sum(1) for at in (mine, same)]
    gap = float((gaps[0] - gaps[1]).abs().max()) if unlike.any() else 0.0
    print(f"{int(unlike.sum())} of {len(unlike)} indices differ, by at most {gap:.1e} in squared distance")

    ways: dict[str, Callable[[], object]] = {
        "the library's search": lambda: theirs._codebook(vectors[None, None]),
        "our search": lambda: nearest(vectors, ours.codebook),
        "our search by products of matrices": lambda: by_products(vectors, ours.codebook),
        "the library's step": lambda: theirs.train()(vectors[None]),
        "our step": lambda: ours.train()(vectors),
    }
    best: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, work in ways.items():
            theirs.eval()
            best[name] = min(best.get(name, float("inf")), seconds(work))
    for name, taken in best.items():
        print(f"{name}: {1000 * taken:.1f} ms")
    faster = best["the library's search"] / best["our search"]
    steps = best["the library's step"] / best["our step"]
    print(
        f"{options.vectors} × {options.dim}, {options.codes} codes: {faster:.0f} × (at least {FASTER:g}); ",
        end="",
    )
    print(f"a step of training {steps:.0f} ×")
    raise SystemExit(faster < FASTER or gap > 1e-4)


if __name__ == "__main__":
    main()
