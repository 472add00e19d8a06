"""The verbs of images over links."""

import json
from pathlib import Path
from typing import Annotated

import typer

from semcom.cli.entry import EntryText, Journal, Log, Output, States, read, there
from semcom.files.errors import SemcomError
from semcom.params.crlsc.imageentries import (
    ClassifierEntry,
    EncodingEntry,
    GuidedImagesEntry,
    ImagesEntry,
    ImagesTestEntry,
)

Frames = Annotated[Path, typer.Option(help="Prepared images.", callback=there)]


def finetune(
    entry: EntryText,
    frames: Frames,
    network: Output,
    history: Output,
    journal: Journal,
    state: States,
    encoder: Annotated[
        Path | None,
        typer.Option(help="A trained local encoder in place of a VQ-VAE's own, if the entry has one."),
    ] = None,
    base: Annotated[Path | None, typer.Option(help="The shared knowledge base that guides.")] = None,
    embeddings: Annotated[
        Path | None, typer.Option(help="The mentor's embeddings, where they guide without a base.")
    ] = None,
    log: Log = None,
) -> None:
    """Train a network that sends images: an analog one over its link, or a VQ-VAE, perhaps under a guide."""
    name = ("images", "method", "link_name")
    if _guided(entry):
        under = read(GuidedImagesEntry, entry, log, *name)
        from semcom.finetune.guided import run as train

        train(
            under,
            frames=frames,
            encoder=encoder,
            base=base,
            embeddings=embeddings,
            network=network,
            history=history,
            journal=journal,
            states=state,
        )
        return
    given = read(ImagesEntry, entry, log, *name)
    if base or embeddings:
        raise SemcomError(f"{given.method} has no guide; leave --base and --embeddings out")
    from semcom.finetune.images import run

    run(
        given,
        frames=frames,
        encoder=encoder,
        network=network,
        history=history,
        journal=journal,
        states=state,
    )


def _guided(entry: str) -> bool:
    """Whether an entry has a guide."""
    try:
        return "guide" in json.loads(entry)
    except (ValueError, TypeError):
        return False  # said when it is read


def classifier(
    entry: EntryText,
    frames: Frames,
    classifier: Output,
    history: Output,
    journal: Journal,
    state: States,
    log: Log = None,
) -> None:
    """Train the classifier that tells the classes of images as they arrive, on original ones."""
    given = read(ClassifierEntry, entry, log, "classifier", "part")
    from semcom.finetune.classifier import run

    run(given, frames=frames, classifier=classifier, history=history, journal=journal, states=state)


def files(
    entry: EntryText,
    frames: Frames,
    files: Output,
    journal: Journal,
    state: Annotated[Path, typer.Option(help="Folder of what is encoded so far.")],
    log: Log = None,
) -> None:
    """Encode test images as image files at every quality, for sweeps to choose from."""
    given = read(EncodingEntry, entry, log, "files", "name")
    from semcom.evaluate.encoding import run

    run(given, frames=frames, files=files, journal=journal, states=state)


def sweep(
    entry: EntryText,
    frames: Annotated[
        list[Path],
        typer.Option(help="Prepared images of each data set, in the parts' order.", callback=there),
    ],
    table: Output,
    sheet: Annotated[Path, typer.Option(help="Output file: images as received over images as sent, PNG.")],
    journal: Journal,
    network: Annotated[Path | None, typer.Option(help="A trained network.")] = None,
    files: Annotated[Path | None, typer.Option(help="Test images as image files at every quality.")] = None,
    classifier: Annotated[
        Path | None, typer.Option(help="A trained classifier, if the entry has one.")
    ] = None,
    error_table: Annotated[
        list[Path] | None, typer.Option(help="Error table of a scheme with a code; one each.")
    ] = None,
    log: Log = None,
) -> None:
    """Sweep the SNR over test images that go over a link: PSNR, SSIM, and what a classifier tells."""
    given = read(ImagesTestEntry, entry, log, "images", "method", "link_name")
    from semcom.evaluate.images import run

    run(
        given,
        frames=frames,
        network=network,
        files=files,
        classifier=classifier,
        error_tables=error_table or (),
        table=table,
        sheet=sheet,
        journal=journal,
    )
