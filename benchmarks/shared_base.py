"""The shared base at scale, and its speed beside faiss called bare.

Scale: a base of embeddings in an HDF5 (512-d, made up: 1,000 clusters in 128 directions, noise in all), each
size in a process of its own, so that its peak memory is its own.

    python benchmarks/shared_base.py scale [--vectors 250000 500000 1000000] [--form PQ64] [--threads 2]

Speed: training, encoding and searching on vectors in memory; ours scales them to unit length and knows ids,
faiss gets them ready. Alternating in one process, best of several rounds; CPU time, in which other programs
have no part, where one thread is used.

    python benchmarks/shared_base.py speed [--vectors 50000] [--form PQ64] [--threads 1] [--rounds 3]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from semcom.params.form import parse
from semcom.quantise import index
from semcom.quantise.embeddings import Embeddings
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory
from semcom.quantise.store import write

DIM = 512
PIECE = 10_000
SECONDS, GIBIBYTES, SHARE = 600, 4.0, 0.9
Vectors = NDArray[np.float32]


def drawn(count: int, *, seed: int = 0) -> Iterator[Vectors]:
    """Made-up embeddings in pieces, of unlike lengths."""
    fixed = np.random.default_rng(99)
    turn = fixed.normal(size=(128, DIM)).astype(np.float32)
    centres = fixed.normal(size=(1000, 128)).astype(np.float32)
    mean = fixed.normal(size=DIM).astype(np.float32)
    draws = np.random.default_rng(seed)
    for start in range(0, count, PIECE):
        here = min(PIECE, count - start)
        within = centres[draws.integers(0, 1000, here)] + draws.normal(size=(here, 128)).astype(np.float32)
        yield within @ turn / 10 + mean + 0.2 * draws.normal(size=(here, DIM)).astype(np.float32)


def made(path: Path, count: int) -> None:
    """A file of embeddings."""
    columns = {"index": np.arange(count), "train": np.ones(count, np.uint8)}
    columns["pixels"] = np.arange(count, dtype=np.uint64)
    rows = (piece.astype(np.float16) for piece in drawn(count))
    write(path, rows, dim=DIM, columns=columns, mentor={"use": "made up"}, data="")


def build(file: Path, form: str, threads: int) -> None:
    """Build and save the base of a file; print what it took."""
    index.use_threads(threads)
    begin = time.perf_counter()
    base = SharedBase.build(Embeddings.open(file), form=form)
    base.save(file.with_suffix(".skb"))
    taken = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_SELF)
    said = {"seconds": taken, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024}
    print(json.dumps({**said, **base.sizes()}))


def scale(options: argparse.Namespace) -> bool:
    """Print one line a size; whether a bound is missed."""
    missed = False
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for count in options.vectors or [250_000, 500_000, 1_000_000]:
            file = Path(folder) / "embeddings.h5"
            made(file, count)
            command = [sys.executable, __file__, "build", "--file", str(file), "--form", options.form]
            done = subprocess.run(
                [*command, "--threads", str(options.threads)], capture_output=True, text=True, check=True
            )
            said = json.loads(done.stdout.splitlines()[-1])
            whole = file.with_suffix(".skb").stat().st_size
            missed |= said["seconds"] > SECONDS or said["peak"] / 2**30 > GIBIBYTES
            print(
                f"{options.form}, {count} × {DIM}, {options.threads} threads: {said['seconds']:.0f} s "
                f"({said['cpu']:.0f} s of CPU time), peak "
                f"{said['peak'] / 2**30:.2f} GiB, codes {said['codes'] / 2**20:.1f} MiB, file "
                f"{whole / 2**20:.1f} MiB (at most {SECONDS} s, {GIBIBYTES:g} GiB)",
                flush=True,
            )
    return missed


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Time of one call."""
    begin = clock()
    work()
    return clock() - begin


def speed(options: argparse.Namespace) -> bool:
    """Print one line a task; whether a bound is missed."""
    index.use_threads(options.threads)
    count = (options.vectors or [50_000])[0]
    raw = np.concatenate(list(drawn(count)))
    queries = np.concatenate(list(drawn(1000, seed=1)))
    ready, asked = raw.copy(), queries.copy()
    faiss.normalize_L2(ready)
    faiss.normalize_L2(asked)
    form = parse(options.form)
    source = InMemory.numbered(raw)

    def bare_trained() -> object:
        whole = faiss.index_factory(DIM, form.faiss)
        whole.train(ready)
        return whole

    bare = bare_trained()
    base = SharedBase.build(source, form=options.form)

    def bare_added() -> None:
        bare.reset()
        bare.add(ready)

    def ours_added() -> None:
        base.index.reset()
        base.ids = base.ids[:0]
        base.add(source)

    tasks = {
        "train": (lambda: index.train(form, ready, seed=1234), bare_trained),
        "encode": (ours_added, bare_added),
        "search": (lambda: base.search(queries, 10), lambda: bare.search(asked, 10)),
    }
    clock = time.process_time if options.threads == 1 else time.perf_counter
    missed = False
    for name, (ours, theirs) in tasks.items():
        times = [(seconds(ours, clock), seconds(theirs, clock)) for _ in range(options.rounds)]
        mine, other = (min(column) for column in zip(*times, strict=True))
        missed |= other / mine < SHARE
        print(
            f"{name}: {options.form}, {count} × {DIM}, {options.threads} threads: faiss {other:.2f} s, ours "
            f"{mine:.2f} s, share {other / mine:.3f} (at least {SHARE})",
            flush=True,
        )
    return missed


def main() -> None:
    """Exit 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["scale", "speed", "build"])
    parser.add_argument("--vectors", type=int, nargs="+")
    parser.add_argument("--form", default="PQ64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="for the files of embeddings (1 GB)")
    parser.add_argument("--file", type=Path, help="of embeddings, to build a base of")
    options = parser.parse_args()
    if options.what == "build":
        build(options.file, options.form, options.threads)
        return
    raise SystemExit({"scale": scale, "speed": speed}[options.what](options))


if __name__ == "__main__":
    main()
