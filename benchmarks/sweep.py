"""An SNR sweep that encodes once, beside one that encodes anew for every SNR and channel draw.

    python benchmarks/sweep.py [--frames results/data/rooms_64x48.h5] [--params params/nyuv2.yaml]

Both send the test frames of a prepared data set through the params file's encoders (random weights: the cost
is the same) at 7 SNRs × 10 draws, one thread, and must give the same classes.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import yaml

from semcom.channel.snr import n0_from_db
from semcom.frames.device import DeviceFrames
from semcom.models.system import System, encode_frames, transmit
from semcom.params.schema import load
from semcom.training.randomness import generator, seeded

SNR_DB = (-10, -5, 0, 5, 10, 15, 20)
DRAWS = 10
BOUND = 50
"""How many times the cost of encoding once it must cost to encode anew."""


def main() -> None:
    """Time both and print the ratio; exit 1 if the bound is missed or a class differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=Path, default=Path("results/data/rooms_64x48.h5"))
    parser.add_argument("--params", type=Path, default=Path("params/nyuv2.yaml"))
    parser.add_argument("--repeats", type=int, default=3, help="of the sweep that encodes once; best counts")
    given = parser.parse_args()
    torch.set_num_threads(1)
    study = load(yaml.safe_load(given.params.read_text()))
    frames = DeviceFrames.open(given.frames, torch.device("cpu"))
    method, link = next(iter(study.methods.values())), next(iter(study.links.values()))
    with seeded(0, "benchmark"):
        system = System(
            method.modalities,
            size=frames.size,
            classes=len(frames.prepared.scene_names),
            encoder=method.encoder,
            link=link,
            sender=method.finetune.sender,
            head=method.finetune.head,
        ).eval()
    (test,) = np.nonzero(~frames.prepared.train)
    n0 = n0_from_db(torch.tensor(SNR_DB, dtype=torch.float32))

    def once() -> torch.Tensor:
        symbols = encode_frames(system, frames.plain(test))
        return transmit(system, symbols, n0, draws=DRAWS, generator=generator(0))[0].argmax(-1)

    @torch.no_grad()
    def anew() -> torch.Tensor:
        classes = []
        for variance in n0:
            draws = generator(0)
            for _ in range(DRAWS):
                symbols = encode_frames(system, frames.plain(test))
                classes.append(system.decide(system.channel(symbols, variance, draws)).argmax(-1))
        return torch.stack(classes).unflatten(0, (len(SNR_DB), DRAWS))

    encode_frames(system, frames.plain(test))  # the first pass reads the file and picks kernels
    begin = time.perf_counter()
    slow = anew()
    anew_s = time.perf_counter() - begin
    times = []
    for _ in range(given.repeats):
        begin = time.perf_counter()
        fast = once()
        times.append(time.perf_counter() - begin)
    same = (slow == fast).double().mean().item()
    print(f"{len(test)} frames, {len(SNR_DB)} SNRs × {DRAWS} draws, 1 thread")
    print(f"encode anew  {anew_s:8.2f} s")
    print(
        f"encode once  {min(times):8.2f} s   1/{anew_s / min(times):.0f}   equal classes {100 * same:.3f} %"
    )
    raise SystemExit(anew_s / min(times) < BOUND or same < 1)


if __name__ == "__main__":
    main()
