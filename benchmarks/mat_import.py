"""Our import of a labelled .mat, beside a plain read and resize of every frame with h5py and Pillow.

    python benchmarks/mat_import.py FILE.mat [--size 64x48] [--rounds 1]

`splits.mat` lies beside FILE; `make_mat.py` makes both. Each runs in a process of its own, in turn, after the
file was read once (warm page cache), with one thread. Seconds are CPU time without Python's imports (wall
time beside it: the same on a machine that does nothing else), memory is the peak of the whole process. Both
read colour and depth; ours also crops, checks, hashes and writes the prepared file. Aims: 1 GiB and half of
the plain one's time; exit code 1 over 1 GiB or 0.55 of its time.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from semcom.prepare import nyuv2_mat  # noqa: F401  (its import is not measured)
from semcom.prepare.description import NYU_CROP, Description
from semcom.prepare.source import open_files
from semcom.prepare.write import write

SECONDS_SHARE, GIB, BOUND = 0.5, 1.0, 0.55


def ours(path: Path, size: tuple[int, int]) -> None:
    """What `semcom prepare` does for a registered .mat."""
    description = Description(
        format="nyuv2_mat",
        title="benchmark",
        licence="none",
        citation="none",
        depth="metres",
        mat=path.name,
        splits="splits.mat",
        crop=NYU_CROP,
    )
    with tempfile.TemporaryDirectory() as folder:
        files = {path.name: path, "splits.mat": path.with_name("splits.mat")}
        with open_files(files, description) as source:
            write(Path(folder, "out.h5"), source, name="x", size=size, version="none")


def plain(path: Path, size: tuple[int, int]) -> None:
    """The plain way: a frame at a time, nothing checked, nothing written."""
    rgb, depth = [], []
    with h5py.File(path) as file:
        for i in range(len(file["images"])):
            colour = Image.fromarray(np.ascontiguousarray(file["images"][i].transpose(2, 1, 0)))
            rgb.append(np.asarray(colour.resize(size, Image.Resampling.LANCZOS)))
            metres = Image.fromarray(np.ascontiguousarray(file["depths"][i].T))
            depth.append(np.asarray(metres.resize(size, Image.Resampling.NEAREST)))
    np.stack(rgb), np.stack(depth)


WAYS = {"plain": plain, "ours": ours}


def measure(way: str, given: argparse.Namespace) -> tuple[float, float]:
    """Seconds and peak GiB of one way in a process of its own."""
    command = [sys.executable, __file__, str(given.file), "--size", given.size, "--way", way]
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    seconds, wall, gib = json.loads(done.stdout.splitlines()[-1])
    print(f"{way:>6}: {seconds:6.1f} s of one core ({wall:.1f} s by the clock), {gib:.2f} GiB", flush=True)
    return seconds, gib


def main(given: argparse.Namespace) -> int:
    """Measure both in turn, best of the rounds."""
    with open(given.file, "rb") as file:
        while file.read(2**24):
            pass
    seen: dict[str, list[tuple[float, float]]] = {}
    for _ in range(given.rounds):
        for way in WAYS:
            seen.setdefault(way, []).append(measure(way, given))
    share = min(s for s, _ in seen["ours"]) / min(s for s, _ in seen["plain"])
    peak = max(gib for _, gib in seen["ours"])
    print(f"ours / plain: {share:.2f} (aim {SECONDS_SHARE}); peak {peak:.2f} GiB (aim {GIB})")
    return int(share > BOUND or peak > GIB)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--size", default="64x48")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--way", choices=tuple(WAYS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.way:
        sys.exit(main(given))
    width, height = map(int, given.size.split("x"))
    begin, clock = time.process_time(), time.perf_counter()
    WAYS[given.way](given.file, (width, height))
    seconds, wall = time.process_time() - begin, time.perf_counter() - clock
    print(json.dumps([seconds, wall, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20]))
