"""The whole mmssl loss on its four embeddings beside three calls of lightly's BarlowTwinsLoss.

Forward and backward, standardisation included, alternating in one process; best of several. The peer's
three calls are the three pairs that DeCUR's code correlates (both views of RGB, of depth, and RGB with
depth); ours has a fourth (the second views across modalities) and splits the last two into blocks.

    python benchmarks/ssl_loss.py [--threads 1] [--rounds 15]
"""

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from lightly.loss import BarlowTwinsLoss
from torch import Tensor

from semcom.losses.mmssl import MMSSL

BOUNDS = {(2048, 64): 14, (8192, 256): 35}
"""(D, N): how many times cheaper than the peer the loss must be."""


def ours(z: Sequence[Tensor]) -> Tensor:
    """The whole loss."""
    return MMSSL()({"rgb": (z[0], z[1]), "depth": (z[2], z[3])})[0]


def peers(z: Sequence[Tensor]) -> Tensor:
    """Three calls of lightly's."""
    barlow = BarlowTwinsLoss(0.0051)
    return barlow(z[0], z[1]) + barlow(z[2], z[3]) + barlow(z[0], z[2])


def seconds(loss: Callable[[Sequence[Tensor]], Tensor], z: Sequence[Tensor]) -> float:
    """Wall time of one forward and backward pass."""
    for embedding in z:
        embedding.grad = None
    begin = time.perf_counter()
    loss(z).backward()
    return time.perf_counter() - begin


def main() -> None:
    """Print one line a shape; exit 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15, help="at (2048, 64); a fifth of it at (8192, 256)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    missed = False
    for (width, size), bound in BOUNDS.items():
        generator = torch.Generator().manual_seed(0)
        z = [torch.randn(size, width, generator=generator).requires_grad_() for _ in range(4)]
        rounds = options.rounds if width < 4096 else max(2, options.rounds // 5)
        times = [(min(seconds(ours, z) for _ in range(3)), seconds(peers, z)) for _ in range(rounds)]
        mine, theirs = (1000 * min(column) for column in zip(*times, strict=True))
        missed |= theirs / mine < bound
        print(
            f"D={width} N={size} threads={options.threads}: mmssl {mine:.2f} ms, "
            f"3 x lightly {theirs:.1f} ms, ratio {theirs / mine:.1f} (at least {bound})"
        )
    raise SystemExit(missed)


if __name__ == "__main__":
    main()
