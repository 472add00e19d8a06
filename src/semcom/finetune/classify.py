"""Training of a receiver on what one frozen encoder sends over one way: sender or codebooks, and head.

    target's images ─► frozen encoder ─► vectors, four fifths to train on, whole groups
    analog:   sender ─► channel at the training's Es/N0, drawn image by image ─► head: cross-entropy
    digital:  codebooks ─► vectors as the receiver looks them up ─► head: cross-entropy
    direct:   vectors ─► head: cross-entropy

Every way trains a head of one kind for as many steps. Nothing is chosen on the fifth that is left; accuracy
on it is logged. Digital heads train on vectors that arrived. Own codebooks are k-means of all the target's
training vectors, whose labels that does not take.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional

from semcom.channel import CHANNELS
from semcom.channel.snr import n0_from_db
from semcom.channel.training_snr import draw_snr_db
from semcom.files.hashes import digest, sha256
from semcom.files.tables import write_rows
from semcom.frames.folds import Indices, labelled, validation_fold
from semcom.frames.images import DrawnParts
from semcom.frames.parts import Part
from semcom.metrics.heads import Vectors, centre
from semcom.models import local
from semcom.models.classify import Ends, Receiver, looked, save, scaled
from semcom.params.component import build
from semcom.params.crlsc.classifyentries import ClassifyEntry
from semcom.params.entries import to_json
from semcom.progress import Progress, log
from semcom.quantise.codes import BaseCodes
from semcom.quantise.index import use_threads
from semcom.quantise.product import ProductQuantiser
from semcom.tracking.journal import Journal
from semcom.training import OPTIMISERS
from semcom.training.compute import set_up
from semcom.training.loop import Epoch, Plan, fit, minibatches
from semcom.training.randomness import generator, seeded
from semcom.training.state import State, state


def run(
    entry: ClassifyEntry,
    *,
    frames: Path,
    encoder: Path,
    base: Path | None,
    receiver: Path,
    history: Path,
    journal: Path,
    states: Path,
) -> None:
    """Train the ends of a way; write them and what was logged.

    Args:
        entry: encoder, target, way, and how to train.
        frames: prepared images of the target's training part.
        encoder: a trained local encoder.
        base: the shared base whose codebooks make bits, if they do.
        receiver: output, weights, the encoder's mean, own codebooks.
        history: output, one row an epoch and metric.
        journal: events for the tracking server.
        states: folder of training states.

    Raises:
        SemcomError: a file is missing or damaged, or the target has too few images for codebooks or folds.
    """
    device = set_up(entry.compute)
    use_threads(entry.compute.threads)
    images, part = DrawnParts.open([frames], entry.parts, seed=entry.seed, device=device).of(
        entry.target.train
    )
    network = local.read(
        encoder, size=images.size, encoder=entry.network.encoder, hidden=entry.hidden, device=device
    )
    read = [sha256(file) for file in (encoder, base) if file]
    tags = {"study": entry.study, "system": entry.system, "method": entry.method}
    tags |= {"encoder": entry.encoder, "link": entry.link_name, "seed": str(entry.seed)}
    named = {key: value for key, value in tags.items() if key != "encoder"}
    named |= {"method": f"{entry.method} {entry.encoder}", "stage": "classify"}
    with (
        state(states, digest("classify", to_json(entry), images.content, *read)) as held,
        Journal.open(journal, named, entry.model_dump(), fresh=not held.resumed) as events,
    ):
        seen = looked(network, images, part.index)
        made, data = _begin(entry, part, seen, base, device)
        epochs = _train(entry, made.ends, data, held, events)
        save(receiver, made)
        rows = [
            {**tags, "epoch": epoch, "metric": metric, "value": value}
            for epoch, means in enumerate(epochs, start=1)
            for metric, value in means.items()
        ]
        write_rows(history, rows)


@dataclass(frozen=True, eq=False)
class _Data:
    """Vectors (N, D) as they go into the ends, scaled, and classes (N,); which train, and which validate."""

    x: Tensor
    y: Tensor
    train: Tensor
    validation: Tensor


def _begin(
    entry: ClassifyEntry, part: Part, seen: Vectors, base: Path | None, device: torch.device
) -> tuple[Receiver, _Data]:
    """What there is before the head trains: its start, the encoder's mean, codebooks; and what it sees."""
    train, chosen, validation = _fold(entry, part)
    with seeded(entry.seed, "classify", "init"):
        ends = Ends(
            seen.shape[1],
            len(part.class_names),
            channel_uses=entry.channel_uses,
            sender=entry.sender,
            head=entry.head,
        ).to(device)
    plain = Receiver(ends, centre(seen).astype("float32"))
    vectors = plain.own(seen)
    books = None
    if entry.indices == "private":
        assert entry.bits is not None
        books = ProductQuantiser.train(vectors, bits=entry.bits, seed=entry.seed)
        vectors = books.decode(books.encode(vectors))
    elif entry.indices == "shared":
        codes = BaseCodes.load(base)
        vectors = codes.decode(codes.encode(vectors))
    x = scaled(vectors, device)
    lost = x[torch.from_numpy(train)].mean(0).cpu().numpy() if entry.indices else None
    places = (torch.from_numpy(which).to(device) for which in (chosen, validation))
    data = _Data(x, torch.from_numpy(np.asarray(part.labels, np.int64)).to(device), *places)
    return Receiver(ends, plain.centre, lost, books), data


def _fold(entry: ClassifyEntry, part: Part) -> tuple[Indices, Indices, Indices]:
    """Images that train, those of them with a label, and those that validate."""
    groups = part.group
    assert groups is not None  # only public parts have none
    train, validation = validation_fold(part.labels, groups, np.ones(len(part), bool), seed=entry.seed)
    return train, labelled(train, part.labels, fraction=entry.labels, seed=entry.seed), validation


def _train(entry: ClassifyEntry, ends: Ends, data: _Data, held: State, events: Journal) -> list[Epoch]:
    """Train the ends in place; returns what was logged."""
    size = min(entry.batch_size, len(data.train))
    steps = len(data.train) // size
    arrived = _way(entry, ends, data)
    progress = Progress(entry.epochs)

    def loss(batch: Tensor, draws: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        return functional.cross_entropy(ends.decide(arrived(batch, draws)), data.y[batch]), {}

    def after(epoch: int, means: Epoch) -> Epoch:
        more = {"validation_accuracy": _validated(entry, ends, data, arrived)}
        events.metrics({f"classify/{key}": value for key, value in (means | more).items()}, step=epoch + 1)
        shown = f"loss {means['loss']:.3f}  validation {more['validation_accuracy']:.3f}"
        progress.step(epoch + 1, f"epoch {epoch + 1}/{entry.epochs}  {shown}")
        return more

    log.info("%d labelled images, %d steps of %d an epoch", len(data.train), steps, size)
    epochs = fit(
        ends,
        build(OPTIMISERS, entry.optimiser)(ends),
        batches=lambda draws: minibatches(data.train, steps=steps, batch_size=size, draws=draws),
        loss=loss,
        plan=Plan(entry.epochs, steps, entry.warmup, entry.seed, "classify"),
        held=held,
        after=after,
    )
    ends.eval()
    return epochs


def _way(entry: ClassifyEntry, ends: Ends, data: _Data) -> Callable[[Tensor, Generator], Tensor]:
    """What arrives of the images at places (B,)."""
    link = entry.link
    if link is None:
        return lambda batch, draws: data.x[batch]
    channel = build(CHANNELS, link.channel)

    def over(batch: Tensor, draws: Generator) -> Tensor:
        snr_db = draw_snr_db(link.train_snr_db, len(batch), generator=draws, device=batch.device)
        symbols = ends.encode(data.x[batch], snr_db if ends.needs_snr else None)
        received: Tensor = channel(symbols, n0_from_db(snr_db).view(-1, 1), draws)
        return received

    return over


@torch.no_grad()
def _validated(
    entry: ClassifyEntry, ends: Ends, data: _Data, arrived: Callable[[Tensor, Generator], Tensor]
) -> float:
    """Accuracy on validation images, over the training's link."""
    draws = generator(entry.seed, "classify", "validation", device=data.x.device)
    ends.eval()
    found = ends.decide(arrived(data.validation, draws)).argmax(-1)
    ends.train()
    return float((found == data.y[data.validation]).double().mean())
