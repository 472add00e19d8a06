"""One batch job that runs the whole workflow, for sites where nothing may run long on a login node."""

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from semcom.cluster.jobs import WHOLE
from semcom.files.errors import SemcomError

TIMES = 50
"""After so many restarts something else is wrong than the walltime."""
TIME = re.compile(r"\d+(:\d{1,2}){0,2}|\d+-\d{1,2}(:\d{1,2}){0,2}")
LOGS = Path("logs")
"""Not the executor's logs/slurm, which it clears of old logs, and removes when it is empty."""


@dataclass(frozen=True)
class Allocation:
    """What the batch job asks for; "" leaves a thing to the cluster."""

    account: str
    qos: str
    partition: str
    gpus: int
    gpu_option: str
    gpu_type: str
    cpus: int
    memory_mb: int
    time: str
    warning_s: int


def check(root: Path, ask: Allocation) -> None:
    """See that sbatch will take it, and make the folder of its log, without which the job would end unheard.

    Raises:
        SemcomError: a time that is none of SLURM's, a style of GPUs that is none, or no checkout in `root`.
    """
    if ask.gpu_option not in ("gpus", "gres"):
        raise SemcomError(f"--gpu-option {ask.gpu_option}: gpus (--gpus=1) or gres (--gres=gpu:1)")
    if not TIME.fullmatch(ask.time):
        raise SemcomError(
            f"--time {ask.time}: one of MINUTES, MM:SS, HH:MM:SS, D-HH, D-HH:MM, D-HH:MM:SS, such as "
            "12:00:00 for twelve hours"
        )
    if not (root / "Snakefile").is_file():
        raise SemcomError(f"no Snakefile in {root}: go to the folder of the checkout")
    (root / LOGS).mkdir(exist_ok=True)


def script(ask: Allocation, options: Sequence[str]) -> str:
    """The text to give to sbatch.

    Args:
        ask: the allocation.
        options: of the snakemake command, without cores and resources, which are the allocation's.
    """
    given = shlex.join(options)
    return TEMPLATE.format(
        directives="\n".join(f"#SBATCH --{line}" for line in _directives(ask)),
        python=shlex.quote(sys.executable),
        gpus=ask.gpus,
        cpus=ask.cpus,
        memory_mb=ask.memory_mb,
        times=TIMES,
        logs=LOGS,
        options=f" {given}" if given else "",
    )


def _directives(ask: Allocation) -> list[str]:
    named = {"account": ask.account, "qos": ask.qos, "partition": ask.partition}
    gpu = f"{ask.gpu_type}:{ask.gpus}" if ask.gpu_type else str(ask.gpus)
    style = {"gpus": f"gpus={gpu}", "gres": f"gres=gpu:{gpu}"}[ask.gpu_option]
    return [
        f"job-name={WHOLE}",
        *(f"{name}={value}" for name, value in named.items() if value),
        "nodes=1",
        "ntasks=1",
        f"cpus-per-task={ask.cpus}",
        f"mem={ask.memory_mb}",
        *([style] if ask.gpus else []),
        f"time={ask.time}",
        f"signal=B:USR1@{ask.warning_s}",
        "requeue",
        "open-mode=append",
        f"output={LOGS}/{WHOLE}-%j.log",
    ]


TEMPLATE = """\
#!/bin/bash
# The whole workflow inside one allocation. From the checkout's folder: mkdir -p {logs} && sbatch THIS_FILE
{directives}

cd "$SLURM_SUBMIT_DIR" || exit 1
unset SLURM_CPU_BIND SRUN_CPUS_PER_TASK
restarts=${{SLURM_RESTART_COUNT:-0}}
echo "job $SLURM_JOB_ID on $(hostname), restart $restarts, $(date)"

# `resume` unlocks what a killed run left, and makes sure that nobody else works in this folder.
{python} -m semcom cluster resume{options} --cores {cpus} --resources gpu={gpus} mem_mb={memory_mb} &
child=$!

# SLURM sends USR1 to this shell ahead of the walltime, and TERM to everything on scancel or preemption.
trap 'told=1; near_end=1; kill -TERM $child 2>/dev/null' USR1
trap 'told=1; kill -TERM $child 2>/dev/null' TERM
wait $child; code=$?
while [ -n "$told" ]; do  # a trap ends `wait` early
    told=
    wait $child; again=$?
    [ $again -eq 127 ] || code=$again
done

# 75: stopped as asked. 143: so early that it could not say so.
if [ -n "$near_end" ] && {{ [ $code -eq 75 ] || [ $code -eq 143 ]; }}; then
    if [ "$restarts" -ge {times} ]; then
        echo "restarted $restarts times: no more; look at the log, then sbatch it again"
        exit 1
    fi
    echo "out of time: this job goes back into the queue and goes on where it was"
    scontrol requeue "$SLURM_JOB_ID" || echo "not possible here; go on with: sbatch THIS_FILE"
    sleep 60
fi
exit $code
"""
