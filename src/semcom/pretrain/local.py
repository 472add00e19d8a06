"""Training of one local encoder: under a shared knowledge base, by a rival method, or not at all.

    part ─► two augmented views ─► backbone ─┬► projection ─► guide: the base, or the mentor's embeddings
                                             ├► SimCLR's projector ─► NT-Xent
                                             └► classifier ─► labels (the supervised rival)

Every method sees as many images in as many steps. At the end BatchNorm statistics are those of the part's
images as they are, for all methods alike, the untrained one too.
"""

import resource
from pathlib import Path

import torch
from torch import Tensor

from semcom.files.hashes import digest, sha256
from semcom.files.tables import write_rows
from semcom.frames.images import DrawnParts
from semcom.metrics.representation import effective_rank
from semcom.models.cost import BACKWARD, multiply_adds
from semcom.models.local import embed, load_into, saved
from semcom.params.crlsc.entries import LocalEntry
from semcom.params.entries import to_json
from semcom.pretrain.trainee import Trainee, objective, prepare
from semcom.progress import Progress, log
from semcom.tracking.journal import Journal
from semcom.training import forms, weights
from semcom.training.batchnorm import recompute
from semcom.training.compute import set_up
from semcom.training.loop import Clock, Epoch, Plan, fit, minibatches
from semcom.training.state import State, state

LOOKED_AT = 512
"""Images whose embeddings' effective rank is logged."""
MEASURED_ON = 4096
"""Images that BatchNorm statistics are taken of, at most."""


def run(
    entry: LocalEntry,
    *,
    frames: Path,
    base: Path | None,
    embeddings: Path | None,
    after: Path | None,
    encoder: Path,
    history: Path,
    cost: Path,
    journal: Path,
    states: Path,
) -> None:
    """Train and write the encoder, what was logged, and what it took.

    Args:
        entry: what to train and how.
        frames: prepared images of the part's data set.
        base: the shared knowledge base that guides, if one does.
        embeddings: the mentor's embeddings of those images, where it guides without a base.
        after: an encoder to go on from.
        encoder: output, {"dim": of the space, 0 for none; "weights": of backbone and projection}.
        history: output, one row an epoch and metric.
        cost: output, one row: seconds, peak memory, multiply-adds.
        journal: events for the tracking server.
        states: folder of training states.
    """
    device = set_up(entry.compute)
    drawn = DrawnParts.open([frames], entry.parts, seed=entry.seed, device=device)
    trainee = prepare(entry, *drawn.of(entry.part), base=base, embeddings=embeddings, device=device)
    if after is not None:
        load_into(trainee.network, after)
    tags = {"study": entry.study, "system": entry.system, "method": entry.method}
    tags |= {"encoder": entry.encoder, "seed": str(entry.seed)}
    read = [sha256(file) for file in (base, embeddings, after) if file]
    named = {**tags, "method": f"{entry.method} {entry.encoder}", "stage": "local"}
    named.pop("encoder")
    with (
        state(states, digest("local", to_json(entry), trainee.images.content, *read)) as held,
        Journal.open(journal, named, entry.model_dump(), fresh=not held.resumed) as events,
    ):
        epochs, seconds = _train(trainee, held, events)
        recompute(trainee.network, trainee.images.plain(_evenly(trainee.index, MEASURED_ON)))
        weights.save(encoder, saved(trainee.network))
        first = 1 if entry.trains else 0
        rows = [
            {**tags, "epoch": epoch, "metric": metric, "value": value}
            for epoch, means in enumerate(epochs, start=first)
            for metric, value in means.items()
        ]
        write_rows(history, rows)
        spent = _spent(trainee, seconds)
        events.metrics({f"local/{key}": value for key, value in spent.items()}, step=len(epochs))
        write_rows(cost, [{**tags, **spent}])


def _train(trainee: Trainee, held: State, events: Journal) -> tuple[list[Epoch], float]:
    """What was logged, an untrained encoder's one look included, and the seconds that it took."""
    entry, train = trainee.entry, trainee.entry.train
    if not entry.trains:
        return [_look(trainee) | {"multiply_adds": 0.0}], 0.0
    progress = Progress(train.epochs)
    per_epoch = _multiply_adds(trainee)

    def after(epoch: int, means: Epoch) -> Epoch:
        more = {"multiply_adds": (epoch + 1) * per_epoch} | _look(trainee)
        events.metrics({f"local/{key}": value for key, value in (means | more).items()}, step=epoch + 1)
        rank = more["effective_rank_features"]
        progress.step(
            epoch + 1, f"epoch {epoch + 1}/{train.epochs}  loss {means['loss']:.4f}  rank {rank:.1f}"
        )
        return more

    log.info("%d images, %d steps of %d an epoch", len(trainee.index), trainee.steps, train.batch_size)
    positions = torch.arange(len(trainee.index), device=trainee.index.device)
    clock = Clock()
    epochs = fit(
        trainee.whole,
        forms.optimiser(train.optimiser, trainee.whole),
        batches=lambda draws: minibatches(
            positions, steps=trainee.steps, batch_size=train.batch_size, draws=draws
        ),
        loss=objective(trainee),
        plan=Plan(train.epochs, trainee.steps, train.warmup, entry.seed, "local"),
        held=held,
        after=after,
        clock=clock,
        whence=_whence(entry),
    )
    return epochs, clock.seconds


def _whence(entry: LocalEntry) -> str:
    """What computes the loss."""
    guide = {"guide": entry.guide} if entry.guide else {}
    return forms.whence(**guide, views=entry.train.views, backbone=entry.network.encoder.backbone)


def _look(trainee: Trainee) -> Epoch:
    """Effective rank of features and, where there is a base, of embeddings in its space.

    With BatchNorm statistics of now: after a few steps the running ones are still those of the start.
    """
    index = _evenly(trainee.index, LOOKED_AT)
    recompute(trainee.network, trainee.images.plain(index))
    features, space = embed(trainee.network, trainee.images.plain(index))
    seen = {"effective_rank_features": effective_rank(features.cpu().numpy())}
    if trainee.guidance:
        seen["effective_rank_space"] = effective_rank(space.cpu().numpy())
    return seen


def _evenly(index: Tensor, most: int) -> Tensor:
    """At most `most` of the images at `index`, evenly chosen."""
    return index[:: max(1, -(-len(index) // most))]


def _multiply_adds(trainee: Trainee) -> float:
    """Of an epoch, forward and backward, both views."""
    (one,) = trainee.images.plain(trainee.index[:1])
    forward = multiply_adds(trainee.network, one)
    if "classifier" in trainee.whole:
        features = torch.zeros(1, trainee.network.encoders.dims["rgb"], device=trainee.index.device)
        forward += multiply_adds(trainee.whole["classifier"], features)
    return float((1 + BACKWARD) * forward * 2 * trainee.steps * trainee.entry.train.batch_size)


def _spent(trainee: Trainee, seconds: float) -> dict[str, float]:
    """What the training took: its seconds, peak memory of the process or GPU, and its size."""
    device, entry = trainee.index.device, trainee.entry
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
    (one,) = trainee.images.plain(trainee.index[:1])
    parameters = sum(p.numel() for name, p in trainee.network.named_parameters() if "contrast." not in name)
    seen = 2 * trainee.steps * entry.train.batch_size * entry.train.epochs if entry.trains else 0
    return {
        "images_seen": seen / 2,
        "multiply_adds": _multiply_adds(trainee) * entry.train.epochs if entry.trains else 0.0,
        "forward_multiply_adds": float(multiply_adds(trainee.network, one)),
        "parameters": float(parameters),
        "seconds": seconds,
        "peak_bytes": float(peak),
    }
