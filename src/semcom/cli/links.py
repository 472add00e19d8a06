"""The verbs of digital links."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Measure error tables of digital links.", no_args_is_help=True)


@app.callback()
def links() -> None:
    """Digital links."""


@app.command()
def table(
    entry: Annotated[
        str, typer.Argument(metavar="ENTRY", help="Scheme and channel, as the JSON text a rule hands over.")
    ],
    output: Annotated[
        Path, typer.Option(help="The CSV file; in a folder it gets the name of its scheme and channel.")
    ],
    state: Annotated[Path, typer.Option(help="Folder of counts of runs under way.")],
    log: Annotated[Path | None, typer.Option(help="Log file, beside standard error.")] = None,
) -> None:
    """Measure block error rates of one scheme on one channel; a killed run goes on where it was."""
    from semcom.channel.digital.entry import TableEntry
    from semcom.cli.stages import _read

    given = _read(TableEntry, entry, log, "links", "scheme", "channel_uses", "channel")
    name = f"{given.block.stem}_{given.channel}.csv"  # a scheme that cannot be ends here
    from semcom.channel.digital.simulate import run

    run(given, output=output / name if output.is_dir() else output, state=state)
