"""Whether a study can run on this cluster, what stands in its way, and the site values to use."""

import platform
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from semcom.cluster import clients, controller, judge, node, probe, sitevalues
from semcom.cluster.findings import Finding
from semcom.cluster.texts import Partition

TEST_JOB = ("--ntasks=1", "--cpus-per-task=1", "--mem=2000")
LATENCY_WAIT_S = 5.0
"""Snakemake's own."""


@dataclass(frozen=True)
class Wishes:
    """What the user wants used; None is for the doctor to choose."""

    account: str | None
    qos: str | None
    partition: str | None
    gpu_partition: str | None
    patience_s: float


def doctor(
    root: Path, wishes: Wishes, profile: Path, say: Callable[[Finding], None]
) -> dict[str, str | int | float]:
    """Look at everything from the checkout `root`, say each finding as soon as it is made; the site values.

    Raises:
        SemcomError: no SLURM here, its controller is silent, or a wanted partition does not exist.
    """
    clients.require()
    say(controller.version())
    facts, found = controller.ask()
    account, of_accounts = controller.accounts(facts, wishes.account)
    settings = profile_settings(profile)
    interval_s = max(int(settings.get(name, controller.INTERVAL_S)) for name in controller.INTERVALS)
    for finding in [
        *found,
        controller.job_age(facts.settings, interval_s),
        *of_accounts,
        *map(controller.partition, facts.partitions),
        controller.disk(root),
    ]:
        say(finding)
    cpu = controller.choose(facts, account, wishes.partition, gpu=False)
    gpu = controller.choose(facts, account, wishes.gpu_partition, gpu=True)
    ask = [*([f"--account={account}"] if account else []), *([f"--qos={wishes.qos}"] if wishes.qos else [])]
    first, styles = _probes(ask, cpu, gpu)
    probe.run(root, [first, *(p for _, p in styles)], patience_s=wishes.patience_s)
    for finding in [*_of_first(first, float(settings.get("latency-wait", LATENCY_WAIT_S))), *of_gpus(styles)]:
        say(finding)
    return sitevalues.values(account=account, qos=wishes.qos or "", cpu=cpu, gpu=gpu, styles=styles)


def _of_first(first: probe.Probe, wait_s: float) -> list[Finding]:
    if first.seen is None:
        return [judge.unseen(first)]
    here = {
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "versions": node.versions(),
    }
    return judge.of_node(first.seen, here, wait_s)


def _probes(
    ask: list[str], cpu: Partition | None, gpu: Partition | None
) -> tuple[probe.Probe, list[tuple[str, probe.Probe]]]:
    """The test jobs: one to look around, and one for each style of asking for a GPU."""
    where = [f"--partition={cpu.name}"] if cpu else []
    first = probe.Probe((*TEST_JOB, *ask, *where))
    if not gpu:
        return first, []
    where = [f"--partition={gpu.name}"]
    return first, [
        ("gpus", probe.Probe(("--gpus=1", *TEST_JOB, *ask, *where))),
        ("gres", probe.Probe(("--gres=gpu:1", *TEST_JOB, *ask, *where))),
    ]


def of_gpus(styles: list[tuple[str, probe.Probe]]) -> list[Finding]:
    """What was found of GPUs."""
    if styles:
        return [judge.of_gpu(asked) for _, asked in styles]
    return [
        Finding(
            "warn",
            "GPUs",
            "no partition has a usable node with one",
            "keep `compute: {device: cpu}` in the params, or name the place: --gpu-partition NAME",
        )
    ]


def profile_settings(profile: Path) -> dict[str, Any]:
    """The plain entries of a profile, not those that its template engine makes; {} if there is none."""
    try:
        lines = (profile / "config.yaml").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    plain = [line for line in lines if line[:1].isalpha() and "?" not in line]
    try:
        read = yaml.safe_load("\n".join(plain))
    except yaml.YAMLError:
        return {}
    return read if isinstance(read, dict) else {}
