"""`semcom track`: delivers journals to MLflow."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from semcom.files.errors import SemcomError

app = typer.Typer(help="Deliver the journals of a study to MLflow.", no_args_is_help=True)

Uri = Annotated[
    str | None,
    typer.Option(help="MLflow's URI.  [default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db]"),
]

Results = Annotated[Path, typer.Option(help="The folder of all results.")]


@app.command()
def init(*, uri: Uri = None) -> None:
    """Make MLflow's SQLite file, once, before anything writes to it in parallel."""
    from semcom.tracking import database

    database.init(database.choose(uri))


@app.command()
def follow(
    study: Annotated[str, typer.Argument(help="The study's name.")],
    *,
    uri: Uri = None,
    pid: Annotated[
        int | None, typer.Option(help="End with this process, the workflow's; else when interrupted.")
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 5.0,
    results: Results = Path("results"),
) -> None:
    """Deliver while jobs run, until they are done; one follower a study."""
    from semcom.tracking.follow import follow as run

    with contextlib.suppress(KeyboardInterrupt):
        run(study, results=results, uri=uri, pid=pid, every_s=every)


@app.command()
def sync(
    study: Annotated[str, typer.Argument(help="The study's name.")],
    *,
    uri: Uri = None,
    best_effort: Annotated[bool, typer.Option("--best-effort", help="Never fail, never take long.")] = False,
    end_follower: Annotated[
        bool, typer.Option("--end-follower", help="End the study's follower first: the workflow has ended.")
    ] = False,
    results: Results = Path("results"),
) -> None:
    """Deliver what is not there yet; a re-run's runs replace the old ones."""
    from semcom.tracking import follow as follower
    from semcom.tracking import sync as tracking

    if end_follower:
        with contextlib.suppress(OSError):
            follower.stop(study, results=results)
    if not best_effort:
        typer.echo(tracking.sync(study, results=results, uri=uri))
        return
    try:
        text = tracking.sync(study, results=results, uri=uri, patience=tracking.HASTY)
    except SemcomError as error:
        text = str(error)
    except Exception as error:  # best effort: whatever it is, it must not fail a finished study
        text = f"study {study} is not delivered: {type(error).__name__}: {error}"
    typer.echo(f"tracking: {text}", err=True)
