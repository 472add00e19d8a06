"""The verbs of classification over links."""

from pathlib import Path
from typing import Annotated

import typer

from semcom.cli.entry import EntryText, Journal, Log, Output, States, read, there
from semcom.params.crlsc.classifyentries import ClassifyEntry, ClassifyTestEntry

Frames = Annotated[Path, typer.Option(help="Prepared images of the target.", callback=there)]
Base = Annotated[Path | None, typer.Option(help="The shared base whose codebooks make bits.")]


def finetune(
    entry: EntryText,
    frames: Frames,
    encoder: Annotated[Path, typer.Option(help="A trained local encoder.")],
    receiver: Output,
    history: Output,
    journal: Journal,
    state: States,
    base: Base = None,
    log: Log = None,
) -> None:
    """Train a receiver on what a local encoder sends: sender or codebooks, and head; or the encoder, too."""
    given = read(
        ClassifyEntry, entry, log, "classify", "target_name", "labels", "method", "encoder", "link_name"
    )
    from semcom.finetune.classify import run

    run(
        given,
        frames=frames,
        encoder=encoder,
        base=base,
        receiver=receiver,
        history=history,
        journal=journal,
        states=state,
    )


def sweep(
    entry: EntryText,
    frames: Frames,
    encoder: Annotated[list[Path], typer.Option(help="Trained encoders, in the order of the entry.")],
    receiver: Annotated[list[Path], typer.Option(help="Their receivers, likewise.")],
    table: Output,
    journal: Journal,
    base: Base = None,
    error_table: Annotated[Path | None, typer.Option(help="Error table of the scheme of bits.")] = None,
    log: Log = None,
) -> None:
    """Sweep the SNR over test images classified from what arrives, each encoder with each receiver."""
    given = read(ClassifyTestEntry, entry, log, "classify", "target_name", "labels", "method", "link_name")
    from semcom.evaluate.classify import run

    run(
        given,
        frames=frames,
        encoders=encoder,
        receivers=receiver,
        base=base,
        error_table=error_table,
        table=table,
        journal=journal,
    )
