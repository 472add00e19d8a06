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
    typer.Argument(metavar="SNAKEMAKE_OPTIONS", help="Options of your snakemake command, as they are."),
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


@app.callback()
def _cluster() -> None:
    """Run studies on a SLURM cluster, from its login node."""
