"""Our channels beside the drawing of random numbers alone, which bounds any channel, and beside Sionna's.

Alternating in one process, 1,048,576 complex symbols; best of several. n0 is a scalar, or one value a row. A
fading channel draws one gain a row of 64 more, and the noise of 2 pilots where it estimates the gain.

    python benchmarks/channel.py [--threads 1] [--rounds 200]
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch
from sionna.phy.channel import AWGN, FlatFadingChannel

from semcom.channel.awgn import awgn
from semcom.channel.fading import Rayleigh, Rician
from semcom.channel.power import normalise

SHAPE = (16384, 64)
BOUNDS = {
    "awgn": 0.85,
    "awgn, n0 by row": 0.85,
    "power constraint, awgn": 0.75,
    "rayleigh, csi none": 0.65,
    "rayleigh, csi receiver, mmse": 0.55,
}
"""Shares of the raw generator's speed under which something is wrong; the aims are in README.md."""


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
    peer, fading_peer = AWGN(device="cpu"), FlatFadingChannel(1, 1, return_channel=True, device="cpu")
    raw = torch.randn(SHAPE, generator=generator, dtype=torch.complex64)
    column = raw.reshape(-1, 1)
    faded = {
        "rayleigh, csi none": Rayleigh(csi="none"),
        "rayleigh, csi receiver, mmse": Rayleigh(),
        "rayleigh, csi estimated, mmse": Rayleigh(csi="estimated", pilots=2),
        "rician, csi receiver, zf": Rician(equaliser="zf"),
    }
    calls: dict[str, Callable[[], object]] = {
        "generator": lambda: torch.empty((*SHAPE, 2)).normal_(generator=generator),
        "awgn": lambda: awgn(symbols, scalar, generator),
        "awgn, n0 by row": lambda: awgn(symbols, rows, generator),
        "power constraint, awgn": lambda: awgn(normalise(raw), scalar, generator),
        **{name: partial(channel, symbols, rows, generator) for name, channel in faded.items()},
        "sionna awgn": lambda: peer(symbols, scalar),
        "sionna awgn, n0 by row": lambda: peer(symbols, rows),
        "sionna flat fading": lambda: fading_peer(column, scalar),
    }
    times = {name: [] for name in calls}
    for _ in range(options.rounds):
        for name, call in calls.items():
            times[name].append(seconds(call))
    best = {name: min(column) for name, column in times.items()}
    for name, time_s in best.items():
        rate = symbols.numel() / time_s / 1e6
        print(f"{name}: {rate:.0f} M symbols/s, {best['generator'] / time_s:.3f} of the generator")
    raise SystemExit(any(best["generator"] / best[name] < bound for name, bound in BOUNDS.items()))


if __name__ == "__main__":
    main()
