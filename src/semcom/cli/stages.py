"""The verbs of the stages. Rules call them; by hand they work the same way.

ENTRY is the JSON text that a rule hands to its verb (`semcom.params.entries`).
"""

from pathlib import Path
from typing import Annotated

import typer

from semcom.cli import classify, crlsc, images
from semcom.cli.calibrate import calibrate
from semcom.cli.entry import EntryText, Journal, Log, Output, States, read, there
from semcom.cli.private import private
from semcom.cli.shared import embed, shared
from semcom.cli.short import entry_is_for
from semcom.params import entries
from semcom.params.conditions import ConditionsEntry
from semcom.params.reportentry import ReportEntry

Source = Annotated[Path, typer.Option(help="Folder of the raw data set.")]
Frames = Annotated[Path, typer.Option(help="Prepared frames.", callback=there)]
Folder = Annotated[Path, typer.Option(help="Output folder.")]
Weights = Annotated[Path | None, typer.Option(help="Weights of pre-trained encoders.")]

knowledge = typer.Typer(help="Build knowledge bases.", no_args_is_help=True)
finetuning = typer.Typer(
    cls=entry_is_for("link"), help="Train over a link; again when its channel changes.", no_args_is_help=True
)
evaluate = typer.Typer(help="Measure trained links.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the stages' verbs to the command line."""
    app.command()(prepare)
    app.command()(pretrain)
    app.command("pretrain-local")(crlsc.pretrain_local)
    app.add_typer(knowledge, name="knowledge")
    app.command()(tune)
    app.add_typer(finetuning, name="finetune")
    app.add_typer(evaluate, name="evaluate")


def prepare(entry: EntryText, source: Source, output: Output, log: Log = None) -> None:
    """Turn a raw data set into one file of frames at one size."""
    given = read(entries.PrepareEntry, entry, log, "prepare", "name")
    from semcom.prepare import run

    run(source, given, output)


def pretrain(
    entry: EntryText,
    frames: Frames,
    encoders: Output,
    learner: Output,
    history: Output,
    journal: Journal,
    state: States,
    log: Log = None,
) -> None:
    """Pre-train a method's encoders without labels."""
    given = read(entries.PretrainEntry, entry, log, "pretrain", "method")
    from semcom.pretrain.stage import run

    run(frames, given, encoders=encoders, learner=learner, history=history, journal=journal, states=state)


def tune(
    entry: EntryText,
    frames: Frames,
    choice: Output,
    grid: Output,
    journal: Journal,
    state: States,
    encoders: Annotated[list[Path] | None, typer.Option(help="Pre-trained weights, one a seed.")] = None,
    log: Log = None,
) -> None:
    """Choose optimiser and learning rate for every budget on validation frames."""
    given = read(entries.TuneEntry, entry, log, "tune", "method", "link_name", "labels")
    from semcom.finetune.tune import run

    run(frames, given, encoders=encoders or [], choice=choice, grid=grid, journal=journal, states=state)


@finetuning.command("link")
def finetune(
    entry: EntryText,
    frames: Frames,
    choice: Annotated[Path, typer.Option(help="Optimisers that tuning chose.")],
    models: Output,
    history: Output,
    communication: Output,
    journal: Journal,
    state: States,
    encoders: Weights = None,
    log: Log = None,
) -> None:
    """Train devices and server jointly over a link, at every budget."""
    given = read(entries.FinetuneEntry, entry, log, "finetune", "method", "link_name", "labels")
    from semcom.finetune.stage import run

    run(
        frames,
        given,
        encoders=encoders,
        choice=choice,
        models=models,
        history=history,
        communications=communication,
        journal=journal,
        states=state,
    )


@finetuning.command()
def changing(
    entry: EntryText,
    frames: Frames,
    choice: Annotated[Path, typer.Option(help="Optimisers that tuning chose.")],
    models: Annotated[Path, typer.Option(help="Weights of the link by budget.")],
    output: Output,
    journal: Journal,
    state: States,
    encoders: Weights = None,
    log: Log = None,
) -> None:
    """Train a link again at each state of a changing channel, by every strategy, at every budget."""
    given = read(entries.ChangingEntry, entry, log, "changing", "changing", "method")
    from semcom.finetune.changing import run

    run(
        frames,
        given,
        encoders=encoders,
        choice=choice,
        models=models,
        output=output,
        journal=journal,
        states=state,
    )


@evaluate.command()
def sweep(
    entry: EntryText,
    frames: Frames,
    models: Annotated[Path, typer.Option(help="Weights by budget.")],
    sweep: Output,
    predictions: Output,
    journal: Journal,
    log: Log = None,
) -> None:
    """Sweep the SNR over the test frames."""
    given = read(entries.EvaluateEntry, entry, log, "evaluate", "method", "link_name", "labels")
    from semcom.evaluate.sweep import run

    run(frames, given, models=models, sweep=sweep, predictions=predictions, journal=journal)


@evaluate.command()
def conditions(
    entry: EntryText,
    frames: Frames,
    models: Annotated[Path, typer.Option(help="Weights by budget.")],
    table: Output,
    journal: Journal,
    log: Log = None,
) -> None:
    """Sweep the SNR over the test frames with a device lost, or its sensor degraded."""
    given = read(ConditionsEntry, entry, log, "conditions", "method", "link_name", "labels")
    from semcom.evaluate.conditions import run

    run(frames, given, models=models, table=table, journal=journal)


@evaluate.command()
def digital(
    entry: EntryText,
    frames: Frames,
    models: Annotated[Path, typer.Option(help="Weights by budget.")],
    table: Annotated[list[Path], typer.Option(help="Error table of each scheme, in their order.")],
    sweep: Output,
    predictions: Output,
    communication: Output,
    journal: Journal,
    state: States,
    encoders: Weights = None,
    log: Log = None,
) -> None:
    """Sweep the SNR over the test frames, their features quantised and sent over a digital link."""
    given = read(entries.DigitalEntry, entry, log, "digital", "method", "link_name", "labels")
    from semcom.evaluate.digital import run

    run(
        frames,
        given,
        models=models,
        encoders=encoders,
        tables=table,
        sweep=sweep,
        predictions=predictions,
        communication=communication,
        journal=journal,
        states=state,
    )


@evaluate.command()
def upload(
    entry: EntryText,
    frames: Frames,
    table: Annotated[list[Path], typer.Option(help="Error table of each scheme, in their order.")],
    output: Output,
    journal: Journal,
    log: Log = None,
) -> None:
    """Measure what it costs to send all training images once over a digital link."""
    given = read(entries.UploadEntry, entry, log, "upload", "link_name")
    from semcom.evaluate.upload import run

    run(frames, given, tables=table, output=output, journal=journal)


@evaluate.command()
def learnt(
    entry: EntryText,
    frames: Frames,
    learner: Annotated[Path, typer.Option(help="Weights of encoders and projectors by epoch.")],
    table: Output,
    journal: Journal,
    log: Log = None,
) -> None:
    """Measure what pre-training has learnt, block by block."""
    given = read(entries.LearntEntry, entry, log, "learnt", "method")
    from semcom.evaluate.learnt import run

    run(frames, given, learner=learner, table=table, journal=journal)


@evaluate.command()
def link(
    entry: EntryText,
    table: Output,
    mark: Annotated[
        Path | None, typer.Option(help="File that is made if the link is in tolerance, or unchecked.")
    ] = None,
    log: Log = None,
) -> None:
    """Measure what a study's link really delivers; exit code 1 if out of tolerance."""
    given = read(entries.CalibrationEntry, entry, log, "calibration", "link_name")
    from semcom.evaluate.links import run

    run(given, table=table, mark=mark)


evaluate.command()(calibrate)
evaluate.command()(crlsc.probe)
evaluate.command()(crlsc.consensus)
evaluate.command("images")(images.sweep)
evaluate.command("files")(images.files)
finetuning.command("images")(images.finetune)
finetuning.command("classifier")(images.classifier)
evaluate.command("classify")(classify.sweep)
finetuning.command("classify")(classify.finetune)
knowledge.command()(private)
knowledge.command()(embed)
knowledge.command()(shared)


@evaluate.callback()
def _evaluate() -> None:
    """Measure trained links."""


@knowledge.callback()
def _knowledge() -> None:
    """Build knowledge bases."""


def report(
    entry: EntryText,
    results: Annotated[Path, typer.Option(help="The study's results folder.")],
    frames: Frames,
    output: Folder,
    log: Log = None,
) -> None:
    """Draw figures and write tables from a study's results."""
    given = read(ReportEntry, entry, log, "report", "study", "report")
    from semcom.report import run

    run(results, given, frames, output)
