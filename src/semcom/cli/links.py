"""The verbs of digital links."""

from pathlib import Path
from typing import Annotated

import typer

from semcom import progress
from semcom.cli.entry import Log, read
from semcom.files.errors import SemcomError

REFERENCE = Path("results/reference/links")
"""Tables that come with the checkout."""

app = typer.Typer(help="Measure error tables of digital links.", no_args_is_help=True)


@app.command()
def table(
    entry: Annotated[
        str, typer.Argument(metavar="ENTRY", help="Scheme and channel, as the JSON text a rule hands over.")
    ],
    output: Annotated[
        Path, typer.Option(help="The CSV file; a folder gets one named by scheme and channel, unless there.")
    ],
    state: Annotated[Path, typer.Option(help="Folder of counts of runs under way.")],
    log: Log = None,
) -> None:
    """Measure block error rates of one scheme on one channel; a killed run goes on where it was."""
    from semcom.params.entries import TableEntry

    given = read(TableEntry, entry, log, "links", "scheme", "channel_uses", "channel")
    name = given.file  # a scheme that cannot be ends here
    if output.is_dir():
        output = output / name
        if output.exists():
            progress.log.info("%s is there already; remove it to measure it again", output)
            return
    from semcom.channel.digital.simulate import run

    run(given, output=output, state=state)


@app.command()
def show(
    tables: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Error tables, as `semcom links table` wrote them; those of the checkout if none."
        ),
    ] = None,
) -> None:
    """Show where each scheme works, beside capacity and the best that its block length allows."""
    from rich.console import Console

    from semcom.channel.digital.overview import overview
    from semcom.channel.digital.table import read

    found = tables or sorted(REFERENCE.glob("*.csv"))
    if not found:
        raise SemcomError(f"no error tables in {REFERENCE}; name files, or go to the folder of the checkout")
    Console().print(overview([read(path) for path in found]))
