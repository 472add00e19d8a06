"""`semcom knowledge embed` beside the mentor's bare forward pass.

Ours is the whole verb but for starting Python and loading weights: pixels checked and known by their digests,
resized, embedded, kept batch by batch, written and hashed. The bare pass has its images ready in memory,
resized and scaled, in the same batches. Alternating, best of several rounds; CPU time, in which other
programs have no part, where one thread is used.

    python benchmarks/embed.py [--images 512] [--size 96] [--batch 32] [--threads 1] [--rounds 3]
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from semcom.frames.prepared import FORMAT, FORMAT_VERSION, ContentHash
from semcom.knowledge import embed
from semcom.models.mentor_lite0 import Lite0
from semcom.params.shared import EmbedEntry

BOUND = 0.9


def prepared(path: Path, count: int) -> None:
    """Images of noise, 32×32, as a prepared file has them."""
    draws = np.random.default_rng(0)
    rgb = draws.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    depth = np.zeros((count, 32, 32), np.uint16)
    columns = {"scene": np.zeros(count, np.int64), "split": np.ones(count, np.uint8)}
    columns |= {"group": np.arange(count), "index": np.arange(count)}
    names = [f"g{i}".encode() for i in range(count)]
    content = ContentHash()
    for image, far in zip(rgb, depth, strict=True):
        content.frame(image, far)
    texts = [["x"], [name.decode() for name in names]]
    with h5py.File(path, "w") as file:
        for name, values in {"rgb": rgb, "depth_mm": depth, "group_names": names, **columns}.items():
            file.create_dataset(name, data=values)
        file.attrs.update({"format": FORMAT, "format_version": FORMAT_VERSION, "class_names": ["x"]})
        file.attrs["sha256"] = content.close(*columns.values(), names=texts)


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Time of one call."""
    begin = clock()
    work()
    return clock() - begin


def main() -> None:
    """Print the share; exit 1 if the bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, default in {"images": 512, "size": 96, "batch": 32, "threads": 1, "rounds": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    mentor = Lite0(size=(options.size, options.size))
    embed.build = lambda *_: mentor  # loading weights is no part of either
    entry = EmbedEntry.model_validate(
        {
            "study": "benchmark", "data": "", "code": "", "name": "lite0", "batch_size": options.batch,
            "compute": {"threads": options.threads},
            "mentor": {"use": "efficientnet_lite0", "size": [options.size] * 2},
        }
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared(folder / "p.h5", options.images)
        with h5py.File(folder / "p.h5") as file:
            images = mentor.prepare(file["rgb"][()])
        ready = [mentor.scaled(batch) for batch in images.split(options.batch)]

        def ours() -> None:
            (folder / "e.h5").unlink(missing_ok=True)
            files = {"output": folder / "e.h5", "journal": folder / "j", "states": folder / "s"}
            embed.run(folder / "p.h5", entry, **files)

        def bare() -> list[Tensor]:
            with torch.inference_mode():
                return [mentor.net(batch) for batch in ready]

        bare()
        clock = time.process_time if options.threads == 1 else time.perf_counter
        times = [(seconds(ours, clock), seconds(bare, clock)) for _ in range(options.rounds)]
    mine, theirs = (min(column) for column in zip(*times, strict=True))
    share = theirs / mine
    print(
        f"{options.images} images at {options.size}×{options.size}: bare pass {theirs:.2f} s, the whole "
        f"verb {mine:.2f} s: share {share:.3f} (at least {BOUND})"
    )
    raise SystemExit(share < BOUND)


if __name__ == "__main__":
    main()
