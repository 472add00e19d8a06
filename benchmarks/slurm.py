"""What the way through SLURM costs: one job alone, and eight side by side. Needs root and SLURM's packages.

One pre-training: `snakemake --cores 1` beside `snakemake --profile` with 3-s polling on a private cluster,
alternately. Then eight pre-trainings on a cluster of as many CPUs as this machine has: the cores' idle share
from the first job's start to the last one's end. Only the idle share is measured on a busy machine, too.

    python benchmarks/slurm.py [--rounds 2] [--epochs 60]
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import yaml

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "cluster")]

import slurm  # noqa: E402
from checkout import Site  # noqa: E402
from submitted import POLLING, PRETRAINED, TARGET, Submitted, profile, study  # noqa: E402

# Looks 3 s apart, the first one a second after the start.
POLLING["slurm-init-seconds-before-status-checks"] = 1

OVERHEAD_S = 10
IDLE = 0.1
"""At most: of one job more than local, and of the cores while eight jobs run."""
JOBS = 8


def ticks() -> tuple[int, int]:
    """Idle and all jiffies of this machine's cores."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)


def local(site: Site) -> float:
    """Seconds of one job on this machine."""
    begin = time.monotonic()
    site.snakemake(TARGET, "--cores", "1", "--forcerun", "pretrain")
    return time.monotonic() - begin


def remote(site: Site, cluster: slurm.Cluster) -> float:
    """Seconds of the same through SLURM."""
    begin = time.monotonic()
    with Submitted(site, cluster, TARGET, "--forcerun", "pretrain") as run:
        run.end(timeout=1200)
    return time.monotonic() - begin


def side_by_side(site: Site, cluster: slurm.Cluster, epochs: int) -> tuple[float, float]:
    """Idle share of the cores while eight trainings run, and their seconds."""
    params = site.root / "params/quickstart.yaml"
    config = yaml.safe_load(params.read_text()) | {"seeds": list(range(JOBS))}
    config["methods"]["mmssl"]["pretrain"]["epochs"] = epochs
    params.write_text(yaml.safe_dump(config, sort_keys=False))
    shutil.rmtree(site.root / PRETRAINED)
    targets = [TARGET.replace("seed0", f"seed{seed}") for seed in range(JOBS)]
    before = len(cluster.squeue())
    with Submitted(site, cluster, *targets) as run:
        run.running("pretrain")
        begin, (idle, total) = time.monotonic(), ticks()
        run.wait("eight jobs", lambda: len(cluster.squeue()) == before + JOBS)
        run.wait("the queue's end", lambda: not any(job.state == "PENDING" for job in run.jobs()), 3600)
        seconds, (idle_2, total_2) = time.monotonic() - begin, ticks()
        run.end(timeout=1200)
    return (idle_2 - idle) / (total_2 - total), seconds


def main() -> None:
    """Print both; exit 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    if why := slurm.missing():
        raise SystemExit(why)
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, slurm.cluster(nodes=1, cpus=cores) as cluster:
        site = study(Path(folder) / "site")
        site.snakemake("--cores", "1", TARGET)
        profile(site)
        pairs = [(local(site), remote(site, cluster)) for _ in range(options.rounds)]
        here, there = (min(column) for column in zip(*pairs, strict=True))
        print(f"one job: {here:.1f} s here, {there:.1f} s through SLURM, {there - here:.1f} s more")
        idle, seconds = side_by_side(site, cluster, options.epochs)
        print(f"{JOBS} jobs on {cores} cores: {100 * idle:.0f} % idle while all had work ({seconds:.0f} s)")
    raise SystemExit(there - here > OVERHEAD_S or idle > IDLE)


if __name__ == "__main__":
    main()
