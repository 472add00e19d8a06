"""Training of a receiver on what one encoder sends over one way: sender or codebooks, and head.

    target's images ─► encoder ─► vectors, four fifths to train on, whole groups
    analog:   sender ─► channel at the training's Es/N0, drawn image by image ─► head: cross-entropy
    digital:  codebooks ─► vectors as the receiver looks them up ─► head: cross-entropy
    direct:   vectors ─► head: cross-entropy

Every way trains a head of one kind for as many steps. Nothing is chosen on the fifth that is left; accuracy
on it is logged. Digital heads train on vectors that arrived. Own codebooks are k-means of all the target's
training vectors, whose labels that does not take.

The encoder is frozen, or trains on with sender and head, on views of labelled images, at a rate of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from semcom.channel import CHANNELS
from semcom.channel.snr import n0_from_db
from semcom.channel.training_snr import draw_snr_db
from semcom.files.errors import SemcomError
from semcom.files.hashes import digest, sha256
from semcom.finetune import histories
from semcom.finetune.vectors import Trained, VectorsOf, optimiser_of
from semcom.frames.folds import Indices, labelled, validation_fold
from semcom.frames.images import DeviceImages, DrawnParts
from semcom.frames.parts import Part
from semcom.metrics.heads import Vectors, centre
from semcom.models import local
from semcom.models.classify import Ends, Receiver, looked, save, scaled
from semcom.models.local import LocalEncoder
from semcom.params.component import build
from semcom.params.crlsc.classify import share
from semcom.params.crlsc.classifyentries import ClassifyEntry
from semcom.params.entries import to_json
from semcom.progress import Progress, log
from semcom.quantise.codes import BaseCodes
from semcom.quantise.index import use_threads
from semcom.quantise.product import ProductQuantiser
from semcom.tracking.journal import Journal
from semcom.training import forms
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
        encoder: a local encoder.
        base: the shared base whose codebooks make bits, if they do.
        receiver: output, weights, the encoder's mean, own codebooks, an encoder that trained on.
        history: output, one row an epoch and metric.
        journal: events for the tracking server.
        states: folder of training states.

    Raises:
        SemcomError: a file is missing or damaged, the target has too few images for codebooks or folds, or
            an encoder that trains on is to send indices.
    """
    if entry.indices and entry.encoder_lr_scale is not None:
        raise SemcomError("an encoder that trains on has no codebooks: those are of vectors that stand still")
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
    tags |= {"encoder": entry.encoder, "link": entry.link_name, "target": entry.target_name}
    tags |= {"labels": share(entry.labels), "seed": str(entry.seed)}
    named = {key: tags[key] for key in ("study", "system", "link", "seed")}
    named |= {"method": f"{entry.method} {entry.encoder}", "stage": "classify"}
    named |= {"labels": f"{entry.target_name} {share(entry.labels)}"}
    with (
        state(states, digest("classify", to_json(entry), images.content, *read)) as held,
        Journal.open(journal, named, entry.model_dump(), fresh=not held.resumed) as events,
    ):
        seen = looked(network, images, part.index)
        made, data = _begin(entry, part, seen, base, device)
        if entry.encoder_lr_scale is not None:
            data = replace(data, vectors=_trained(entry, network, images, part, made))
        epochs = _train(entry, made.ends, data, held, events)
        save(receiver, made, network if entry.encoder_lr_scale is not None else None)
        histories.write(history, tags, epochs)


@dataclass(frozen=True, eq=False)
class _Data:
    """Vectors (B, D) as they go into the ends, scaled, and classes (N,); which train, and which validate."""

    vectors: VectorsOf
    y: Tensor
    train: Tensor
    validation: Tensor


def _trained(
    entry: ClassifyEntry, network: LocalEncoder, images: DeviceImages, part: Part, made: Receiver
) -> Trained:
    """Vectors of an encoder that trains."""
    index = torch.from_numpy(part.index).to(images.rgb.device)
    return Trained(network, images, index, centre=made.centre, views=entry.views)


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
    classes = torch.from_numpy(np.asarray(part.labels, np.int64)).to(device)
    data = _Data(lambda where, draws: x[where], classes, *places)
    return Receiver(ends, plain.centre, lost, books), data


def _fold(entry: ClassifyEntry, part: Part) -> tuple[Indices, Indices, Indices]:
    """Images that train, those of them with a label, and those that validate."""
    groups = part.group
    assert groups is not None  # only public parts have none
    train, validation = validation_fold(part.labels, groups, np.ones(len(part), bool), seed=entry.seed)
    return train, labelled(train, part.labels, fraction=entry.labels, seed=entry.seed), validation


def _train(entry: ClassifyEntry, ends: Ends, data: _Data, held: State, events: Journal) -> list[Epoch]:
    """Train the ends, and an encoder that trains on, in place; returns what was logged."""
    encoder = data.vectors.network if isinstance(data.vectors, Trained) else None
    whole = nn.ModuleDict({"ends": ends, "encoder": encoder}) if encoder else ends
    size = min(entry.batch_size, len(data.train))
    steps = max((entry.images or len(data.train)) // size, 1)
    arrived = _way(entry, ends)
    progress = Progress(entry.epochs)

    def loss(batch: Tensor, draws: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        received = arrived(data.vectors(batch, draws), draws)
        return functional.cross_entropy(ends.decide(received), data.y[batch]), {}

    def after(epoch: int, means: Epoch) -> Epoch:
        last = epoch + 1 == entry.epochs
        # Of an encoder that trains on, each look takes a pass over all images.
        more = {"validation_accuracy": _validated(entry, whole, ends, data)} if last or not encoder else {}
        events.metrics({f"classify/{key}": value for key, value in (means | more).items()}, step=epoch + 1)
        shown = "".join(f"  validation {value:.3f}" for value in more.values())
        progress.step(epoch + 1, f"epoch {epoch + 1}/{entry.epochs}  loss {means['loss']:.3f}{shown}")
        return more

    log.info("%d labelled images, %d steps of %d an epoch", len(data.train), steps, size)
    epochs = fit(
        whole,
        optimiser_of(entry.optimiser, ends, encoder, encoder_lr_scale=entry.encoder_lr_scale or 1.0),
        batches=lambda draws: minibatches(data.train, steps=steps, batch_size=size, draws=draws),
        loss=loss,
        plan=Plan(entry.epochs, steps, entry.warmup, entry.seed, "classify"),
        held=held,
        after=after,
    )
    whole.eval()
    return epochs


def _way(entry: ClassifyEntry, ends: Ends) -> Callable[[Tensor, Generator], Tensor]:
    """What arrives of vectors (B, D)."""
    link = entry.link
    if link is None:
        return lambda vectors, draws: vectors
    channel = build(CHANNELS, link.channel)

    def over(vectors: Tensor, draws: Generator) -> Tensor:
        snr_db = draw_snr_db(link.train_snr_db, len(vectors), generator=draws, device=vectors.device)
        symbols = ends.encode(vectors, snr_db if ends.needs_snr else None)
        return forms.received(channel, symbols, n0_from_db(snr_db).view(-1, 1), draws)

    return over


@torch.no_grad()
def _validated(entry: ClassifyEntry, whole: nn.Module, ends: Ends, data: _Data) -> float:
    """Accuracy on validation images, over the training's link."""
    draws = generator(entry.seed, "classify", "validation", device=data.y.device)
    if isinstance(data.vectors, Trained):
        data.vectors.settle()
    whole.eval()
    received = _way(entry, ends)(data.vectors(data.validation, None), draws)
    found = ends.decide(received).argmax(-1)
    whole.train()
    return float((found == data.y[data.validation]).double().mean())
