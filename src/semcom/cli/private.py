"""The verb of private knowledge bases: of a method's encoders, or of a local one."""

import json
from pathlib import Path
from typing import Annotated

import typer

from semcom.cli.entry import EntryText, Journal, Log, read, there
from semcom.files.errors import SemcomError
from semcom.params.crlsc.entries import PrivateEntry
from semcom.params.entries import KnowledgeEntry

LOCAL = ("network", "parts", "target")
"""Keys of which an entry of a local encoder has some, and one of the first system none."""


def private(
    entry: EntryText,
    frames: Annotated[
        list[Path],
        typer.Option(help="Prepared frames; of a local encoder a file for each data set.", callback=there),
    ],
    base: Annotated[Path, typer.Option(help="Output file: the private base.", dir_okay=False)],
    retrieval: Annotated[
        Path, typer.Option(help="Output file: accuracy, precision and bytes.", dir_okay=False)
    ],
    journal: Journal,
    encoders: Annotated[
        Path | None,
        typer.Option(
            help="Pre-trained encoders of the first system, whose entry has modalities; none at random."
        ),
    ] = None,
    encoder: Annotated[Path | None, typer.Option(help="A trained local encoder; this or --encoders.")] = None,
    shared: Annotated[
        Path | None, typer.Option(help="The shared base it learnt under, to be searched as well.")
    ] = None,
    log: Log = None,
) -> None:
    """Build the private knowledge base of a method's encoders, or of a local one, and measure retrieval."""
    if encoder is not None or _is_local(entry):
        local = read(PrivateEntry, entry, log, "private", "method", "encoder", "name")
        if encoder is None or encoders is not None:
            raise SemcomError("an entry with a network is of a local encoder; give its file as --encoder")
        from semcom.knowledge.party import run

        run(
            local,
            frames=frames,
            encoder=encoder,
            shared=shared,
            base=base,
            retrieval=retrieval,
            journal=journal,
        )
        return
    given = read(KnowledgeEntry, entry, log, "knowledge", "method")
    if shared is not None:
        raise SemcomError(
            "--shared is for entries of a local encoder, which have a network; this one takes --encoders"
        )
    if len(frames) != 1:
        raise SemcomError(f"{len(frames)} prepared files for one set of frames; give one --frames")
    from semcom.knowledge.private import run as build

    build(frames[0], given, encoders_file=encoders, base=base, retrieval=retrieval, journal=journal)


def _is_local(entry: str) -> bool:
    """Whether an entry is of a local encoder; what is no JSON is told when it is read."""
    try:
        said = json.loads(entry)
    except ValueError:
        return False
    return isinstance(said, dict) and not said.keys().isdisjoint(LOCAL)
