"""Starts the processes of one training on one node, by Lightning Fabric, and ends them together.

Under `srun` with as many tasks as devices, SLURM has started them. Elsewhere the first process starts the
others: each runs the same command line with LOCAL_RANK in its environment.
"""

import ctypes
import logging
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from semcom.files.errors import SemcomError, Stopped
from semcom.progress import log

if TYPE_CHECKING:
    from semcom.training.parallel import Team

PATIENCE = timedelta(hours=1)
"""How long the others wait for the first process, which alone validates and writes checkpoints."""

END_S = 10.0
"""How long the first process waits for the others to end, in seconds."""

_PARENT = "SEMCOM_FIRST_PROCESS"
"""Environment variable with the process id of the one that started the others."""


def rank() -> int:
    """Number of this process among those of its job on this node, by its environment; 0 if it is alone."""
    return int(os.environ.get("LOCAL_RANK") or os.environ.get("SLURM_LOCALID") or 0)


@contextmanager
def together(devices: int, device: str) -> Iterator["Team"]:
    """Start `devices` processes on `device` (`cpu` or `cuda`, one GPU each); they end together.

    Raises:
        SemcomError: there are fewer GPUs, or another process ended before its time.
    """
    if devices == 1:
        from semcom.training.parallel import ALONE

        yield ALONE
        return
    children = _launch(devices, device)
    team = _team(devices)
    try:
        yield team
        _join(children)
    except Stopped:
        if team.first:
            _join(children)
            raise
        # No error here: where another one fails, Fabric kills the first process, perhaps at its checkpoint.
    except RuntimeError as error:
        codes = [child.wait(END_S) for child in children if _ends(child)]
        if not any(codes):
            raise
        raise SemcomError(
            f"another process of this job ended with code {max(codes, key=abs)}; its message is on standard "
            "error, above. Run the same command again: it goes on at the last checkpoint"
        ) from error
    finally:
        for child in children:
            child.kill()


def _launch(devices: int, device: str) -> Sequence["subprocess.Popen[bytes]"]:
    """Start or join the others; the child processes that were started."""
    import torch
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    if device == "cuda" and torch.cuda.device_count() < devices:
        raise SemcomError(
            f"pretrain.devices is {devices}, but this process sees {torch.cuda.device_count()} GPUs; lower "
            "it, or run the job where there are more (on a cluster, see docs/cluster.md)"
        )
    environment: Any = SLURMEnvironment() if _under_srun(devices) else LightningEnvironment()
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # no look-up of a host name that may have no address
    strategy = DDPStrategy(cluster_environment=environment, timeout=PATIENCE)
    if not environment.creates_processes_externally or "LOCAL_RANK" in os.environ:
        _die_with_parent()
    Fabric(accelerator=device, devices=devices, strategy=strategy).launch()
    log.info("%d processes train together", devices)
    children: Sequence[subprocess.Popen[bytes]] = getattr(strategy.launcher, "procs", [])
    return children


def _under_srun(devices: int) -> bool:
    """Whether SLURM started one task a device; all are on this node, so they meet on its loopback."""
    if os.environ.get("SLURM_STEP_NUM_TASKS") != str(devices) or devices == 1:
        return False
    job, step = (int(os.environ.get(name, "0")) for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    # Below the ports that systems hand out; several steps of one job may run side by side.
    os.environ.setdefault("MASTER_PORT", str(12000 + (101 * job + step) % 20000))
    return True


def _team(devices: int) -> "Team":
    from torch import distributed

    from semcom.training.parallel import Team

    talk = distributed.new_group(backend="gloo", timeout=PATIENCE)
    return Team(distributed.get_rank(), devices, talk)


def _die_with_parent() -> None:
    """Let the kernel end a process that another one started when that one dies, however it does."""
    parent = os.environ.setdefault(_PARENT, str(os.getpid()))
    if parent == str(os.getpid()):
        return
    set_signal_at_parents_death = 1
    ctypes.CDLL(None).prctl(set_signal_at_parents_death, signal.SIGKILL)
    if parent != str(os.getppid()):  # it has died already
        raise SystemExit(1)


def _join(children: Sequence["subprocess.Popen[bytes]"]) -> None:
    for child in children:
        _ends(child)


def _ends(child: "subprocess.Popen[bytes]") -> bool:
    try:
        child.wait(END_S)
    except subprocess.TimeoutExpired:
        return False
    return True
