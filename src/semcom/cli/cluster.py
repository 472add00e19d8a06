"""`semcom cluster`: what a SLURM cluster can do, going on after an interruption, one batch job for all."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from semcom import progress

app = typer.Typer(help="Run studies on a SLURM cluster, from its login node.", no_args_is_help=True)
PASS_ON = {"ignore_unknown_options": True}
"""What is no option of ours is one of Snakemake's."""

Options = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SNAKEMAKE_OPTIONS",
        help="Options of your snakemake command, as they are; targets first: `--configfile` takes every word "
        "after it for a params file.",
    ),
]


@app.command(context_settings=PASS_ON)
def resume(
    options: Options = None,
    *,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Wait for the jobs of the killed run, do not cancel them.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be done.")] = False,
    patience: Annotated[float, typer.Option(help="Seconds that cancelled jobs may take to be gone.")] = 600.0,
) -> None:
    """Go on after the login session died: end the jobs of the old run, unlock, run Snakemake."""
    progress.start("resume", None)
    from semcom.cluster.resume import resume as run

    sys.exit(run(Path.cwd(), options or [], adopt=adopt, dry_run=dry_run, patience_s=patience))


@app.command()
def doctor(
    *,
    account: Annotated[str | None, typer.Option(help="Account to charge.")] = None,
    qos: Annotated[str | None, typer.Option(help="Quality of service to ask for.")] = None,
    partition: Annotated[str | None, typer.Option(help="Partition of jobs without a GPU.")] = None,
    gpu_partition: Annotated[str | None, typer.Option(help="Partition of jobs with a GPU.")] = None,
    patience: Annotated[
        float, typer.Option(help="Seconds that test jobs may take, their wait included.")
    ] = 300,
    write: Annotated[Path | None, typer.Option(help="Folder for a profile with the site values.")] = None,
) -> None:
    """See whether a study can run here: sends small test jobs, says what is in the way and what to do."""
    progress.start("doctor", None)
    from semcom.cluster import findings, sitevalues
    from semcom.cluster.doctor import Wishes
    from semcom.cluster.doctor import doctor as run

    found: list[findings.Finding] = []

    def say(finding: findings.Finding) -> None:
        found.append(finding)
        typer.echo(str(finding))

    root = Path.cwd()
    if write:
        sitevalues.ready(root, write)
    wishes = Wishes(account, qos, partition, gpu_partition, patience)
    values = run(root, wishes, sitevalues.TEMPLATE.parent, say)
    typer.echo(f"\n{findings.summary(found)}\n\nsite values, for a copy of {sitevalues.TEMPLATE}:")
    typer.echo("\n".join(sitevalues.lines(values)))
    if write:
        sitevalues.write(root, write, values)
        typer.echo(f"\n{sitevalues.written(write, values)}")
    if any(finding.level == "BLOCK" for finding in found):
        sys.exit(1)


@app.command(context_settings=PASS_ON)
def script(
    options: Options = None,
    *,
    account: Annotated[str, typer.Option(help="Account to charge.")] = "",
    qos: Annotated[str, typer.Option(help="Quality of service.")] = "",
    partition: Annotated[str, typer.Option(help="Partition.")] = "",
    gpus: Annotated[int, typer.Option(help="GPUs; 0 for `compute: {device: cpu}`.", min=0)] = 0,
    gpu_option: Annotated[str, typer.Option(help="How to ask for them: gpus or gres.")] = "gpus",
    gpu_type: Annotated[str, typer.Option(help="Their type, such as a100.")] = "",
    cpus: Annotated[int, typer.Option(help="CPUs.", min=1)] = 4,
    memory: Annotated[int, typer.Option(help="Memory in MB.", min=2000)] = 16000,
    time: Annotated[str, typer.Option(help="Walltime: MINUTES, HH:MM:SS or D-HH:MM:SS.")] = "12:00:00",
    warning: Annotated[int, typer.Option(help="Seconds before the walltime to stop in.", min=10)] = 300,
) -> None:
    """Print a batch script that runs the whole workflow in one allocation, and goes on in the next."""
    from semcom.cluster import batch

    ask = batch.Allocation(
        account=account,
        qos=qos,
        partition=partition,
        gpus=gpus,
        gpu_option=gpu_option,
        gpu_type=gpu_type,
        cpus=cpus,
        memory_mb=memory,
        time=time,
        warning_s=warning,
    )
    batch.check(Path.cwd(), ask)
    typer.echo(batch.script(ask, options or []), nl=False)


@app.callback()
def _cluster() -> None:
    """Run studies on a SLURM cluster, from its login node."""
