"""The verbs of classification over links."""

from pathlib import Path
from typing import Annotated

import typer

from semcom.params.crlsc.classifyentries import ClassifyEntry, ClassifyTestEntry

EntryText = Annotated[
    str, typer.Argument(metavar="ENTRY", help="What to do, as the JSON text a rule hands over.")
]
Frames = Annotated[Path, typer.Option(help="Prepared images of the target.")]
Output = Annotated[Path, typer.Option(help="Output file.")]
Journal = Annotated[Path, typer.Option(help="Events for the tracking server.")]
Base = Annotated[Path | None, typer.Option(help="The shared base whose codebooks make bits.")]
Log = Annotated[Path | None, typer.Option(help="Log file, beside standard error.")]


def finetune(
    entry: EntryText,
    frames: Frames,
    encoder: Annotated[Path, typer.Option(help="A trained local encoder.")],
    receiver: Output,
    history: Output,
    journal: Journal,
    state: Annotated[Path, typer.Option(help="Folder of training states.")],
    base: Base = None,
    log: Log = None,
) -> None:
    """Train a receiver on what a frozen local encoder sends: sender or codebooks, and head."""
    from semcom.cli.stages import _read

    given = _read(ClassifyEntry, entry, log, "classify", "method", "encoder", "link_name")
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
    from semcom.cli.stages import _read

    given = _read(ClassifyTestEntry, entry, log, "classify", "method", "link_name")
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
