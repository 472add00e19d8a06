"""Our AWGN beside the drawing of its random numbers alone, which bounds any channel, and beside Sionna's.

Alternating in one process, 1,048,576 complex symbols; best of several. n0 is a scalar, or one value a row.

    python benchmarks/channel.py [--threads 1] [--rounds 200]
"""

import argparse
import time
from collections.abc import Callable

import torch
from sionna.phy.channel import AWGN

from semcom.channel.awgn import awgn
from semcom.channel.power import normalise

SHAPE = (16384, 64)
BOUND = 0.85
"""Share of the raw generator's speed under which something is wrong; the aim is 0.95 (README.md)."""


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def main() -> None:
    """Print one line a channel; exit 1 if the bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(0)
    symbols = normalise(torch.randn(SHAPE, generator=generator, dtype=torch.complex64))
    scalar = torch.tensor(0.1)
    rows = torch.logspace(-2, 0, SHAPE[0]).unsqueeze(-1)
    peer = AWGN(device="cpu")
    calls: dict[str, Callable[[], object]] = {
        "generator": lambda: torch.empty((*SHAPE, 2)).normal_(generator=generator),
        "ours": lambda: awgn(symbols, scalar, generator),
        "ours, n0 by row": lambda: awgn(symbols, rows, generator),
        "sionna": lambda: peer(symbols, scalar),
        "sionna, n0 by row": lambda: peer(symbols, rows),
    }
    times = {name: [] for name in calls}
    for _ in range(options.rounds):
        for name, call in calls.items():
            times[name].append(seconds(call))
    best = {name: min(column) for name, column in times.items()}
    for name, time_s in best.items():
        rate = symbols.numel() / time_s / 1e6
        print(f"{name}: {rate:.0f} M symbols/s, {best['generator'] / time_s:.3f} of the generator")
    raise SystemExit(best["generator"] / max(best["ours"], best["ours, n0 by row"]) < BOUND)


if __name__ == "__main__":
    main()
