"""The report of a study, and comparisons of its runs."""

from pathlib import Path
from typing import Annotated

import typer

from semcom import progress
from semcom.cli import crlsc, stages
from semcom.cli.short import entry_is_for
from semcom.files.errors import SemcomError

app = typer.Typer(
    cls=entry_is_for("study"), help="Draw figures, write tables, compare runs.", no_args_is_help=True
)
app.command("study")(stages.report)
app.command("crlsc")(crlsc.report)


@app.command()
def compare(
    study: Annotated[str, typer.Argument(help="A finished study: a folder of results/.")],
    a: Annotated[
        str, typer.Argument(metavar="A", help="A method, a link, or METHOD/LINK/LABELS, as far as needed.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="Its rival, named likewise.")],
    budget: Annotated[
        list[int] | None, typer.Option(help="Budget in epochs; repeat; all if left out.")
    ] = None,
    snr: Annotated[
        list[str] | None,
        typer.Option(help="Es/N0 in dB of the comparisons made, or `all`; repeat; training's if left out."),
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seed; repeat; all if left out.")] = None,
    results: Annotated[Path, typer.Option(help="Folder of all studies.")] = Path("results"),
    output: Annotated[
        Path | None,
        typer.Option(help="Folder; results/STUDY/compare/A_vs_B and what is chosen, if left out."),
    ] = None,
) -> None:
    """Say how sure the difference between two runs on the test frames is, and draw it over Es/N0.

    For example: `semcom report compare quickstart mmssl supervised --snr 10`, or
    `semcom report compare nyuv2 mmssl/awgn_k32 mmssl/awgn_k8`.
    """
    progress.start("compare", None)
    from semcom.report.compare import run

    text, folder = run(
        results, study, a, b, budgets=budget or (), snr_db=_snr(snr or []), seeds=seed or (), output=output
    )
    typer.echo(text)
    progress.log.info("written to %s", folder)


def _snr(words: list[str]) -> list[int] | None:
    """Whole decibels; None for `all`."""
    if "all" in words:
        return None
    try:
        return [int(word) for word in words]
    except ValueError as error:
        raise SemcomError(f"--snr {' '.join(words)}: give whole decibels of the sweep, or `all`") from error
