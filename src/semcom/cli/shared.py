"""The verbs of the shared knowledge base."""

from pathlib import Path
from typing import Annotated

import typer

from semcom.cli.entry import Journal, Log, read, there
from semcom.params.shared import EmbedEntry, SharedEntry


def embed(
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="The mentor, as the JSON text of a rule.")],
    frames: Annotated[Path, typer.Option(help="Prepared images.", callback=there)],
    output: Annotated[Path, typer.Option(help="The embeddings; what is there already is used.")],
    journal: Journal,
    state: Annotated[Path, typer.Option(help="Folder of states.")],
    earlier: Annotated[list[Path] | None, typer.Option(help="Embeddings that may have some images.")] = None,
    log: Log = None,
) -> None:
    """Embed all images of a prepared file by a mentor, each image once; a killed run goes on where it was."""
    given = read(EmbedEntry, entry, log, "embed", "name")
    from semcom.knowledge.embed import run

    run(frames, given, output=output, journal=journal, states=state, earlier=earlier or ())


def shared(
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="The form, as the JSON text of a rule.")],
    embeddings: Annotated[Path, typer.Option(help="Embeddings of the public images.")],
    base: Annotated[Path, typer.Option(help="Output file: the base.", dir_okay=False)],
    table: Annotated[
        Path, typer.Option(help="Output file: its size and what is left of directions.", dir_okay=False)
    ],
    journal: Journal,
    extends: Annotated[
        Path | None, typer.Option(help="An earlier base, to which what is new is added.")
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(help="Prepared images, where the entry names a public part.", callback=there),
    ] = None,
    pictures: Annotated[Path | None, typer.Option(help="Archive of the images' files, to count.")] = None,
    log: Log = None,
) -> None:
    """Build a shared knowledge base of a mentor's embeddings."""
    given = read(SharedEntry, entry, log, "shared", "name")
    from semcom.knowledge.shared import run

    run(
        embeddings,
        given,
        base=base,
        table=table,
        journal=journal,
        extends=extends,
        frames=frames,
        pictures=pictures,
    )
