"""The verbs of the second system's local encoders and what they are worth."""

from pathlib import Path
from typing import Annotated

import typer

from semcom.cli.entry import EntryText, Journal, Log, Output, States, read, there
from semcom.params.crlsc.entries import ConsensusEntry, CrlscReportEntry, LocalEntry, ProbeEntry

Frames = Annotated[
    list[Path],
    typer.Option(help="Prepared images, a file for each data set in their order.", callback=there),
]
Outcomes = Annotated[
    Path, typer.Option(help="Output file: which test images are classified rightly.", dir_okay=False)
]
Base = Annotated[Path | None, typer.Option(help="A shared knowledge base.")]


def pretrain_local(
    entry: EntryText,
    frames: Annotated[Path, typer.Option(help="Prepared images.", callback=there)],
    encoder: Output,
    history: Output,
    cost: Output,
    journal: Journal,
    state: States,
    base: Base = None,
    embeddings: Annotated[Path | None, typer.Option(help="The mentor's embeddings of the images.")] = None,
    after: Annotated[Path | None, typer.Option(help="A trained encoder to go on from.")] = None,
    log: Log = None,
) -> None:
    """Train a local encoder under a shared knowledge base, or by a rival method."""
    given = read(LocalEntry, entry, log, "local", "method", "encoder")
    from semcom.pretrain.local import run

    run(
        given,
        frames=frames,
        base=base,
        embeddings=embeddings,
        after=after,
        encoder=encoder,
        history=history,
        cost=cost,
        journal=journal,
        states=state,
    )


def probe(
    entry: EntryText,
    frames: Frames,
    table: Output,
    outcomes: Outcomes,
    journal: Journal,
    encoder: Annotated[Path | None, typer.Option(help="A trained encoder; none for the mentor.")] = None,
    embeddings: Annotated[
        list[Path] | None, typer.Option(help="The mentor's embeddings, a file for each data set.")
    ] = None,
    base: Base = None,
    log: Log = None,
) -> None:
    """Measure what an encoder's frozen features are worth on targets."""
    given = read(ProbeEntry, entry, log, "probe", "method", "encoder")
    from semcom.evaluate.probe import run

    run(
        given,
        frames=frames,
        encoder=encoder,
        embeddings=embeddings or [],
        base=base,
        table=table,
        outcomes=outcomes,
        journal=journal,
    )


def consensus(
    entry: EntryText,
    frames: Frames,
    encoder: Annotated[list[Path], typer.Option(help="Trained encoders, in the entry's order.")],
    table: Output,
    outcomes: Outcomes,
    journal: Journal,
    log: Log = None,
) -> None:
    """Measure whether encoders of one method understand each other."""
    given = read(ConsensusEntry, entry, log, "consensus", "method")
    from semcom.evaluate.consensus import run

    run(given, frames=frames, encoders=encoder, table=table, outcomes=outcomes, journal=journal)


def report(
    entry: EntryText,
    results: Annotated[Path, typer.Option(help="The study's results folder.")],
    output: Annotated[Path, typer.Option(help="Output folder.")],
    log: Log = None,
) -> None:
    """Draw figures and write tables of the second system."""
    given = read(CrlscReportEntry, entry, log, "report crlsc", "study", "report")
    from semcom.report.crlsc import run

    run(results, given, output)
