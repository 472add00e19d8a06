"""Label-free pre-training of a method's encoders, on the devices alone (arXiv 2503.13940, stage 1).

    frames ─► two augmented views ─► backbones ─► projectors ─► loss over both modalities

No label of a training frame is used, no validation or test frame is seen, and nothing crosses the link.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.files.hashes import digest
from semcom.files.tables import write_rows
from semcom.frames import VIEWS
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import Indices, validation_fold
from semcom.losses import LOSSES
from semcom.metrics.classification import knn_accuracy
from semcom.metrics.representation import effective_rank
from semcom.models.cost import BACKWARD, multiply_adds
from semcom.models.encoder import encode_features
from semcom.models.learner import Learner
from semcom.models.pretrained import initialise
from semcom.params.component import build
from semcom.params.entries import PretrainEntry, to_json
from semcom.progress import Progress, log
from semcom.tracking.journal import Journal
from semcom.training import forms, weights
from semcom.training.compute import set_up
from semcom.training.launch import together
from semcom.training.loop import Epoch, Plan, fit, minibatches
from semcom.training.parallel import Team
from semcom.training.randomness import seeded
from semcom.training.state import State, state


def run(
    frames_file: Path,
    entry: PretrainEntry,
    *,
    encoders: Path,
    learner: Path,
    history: Path,
    journal: Path,
    states: Path,
) -> None:
    """Pre-train and write the encoders' weights, snapshots of the whole learner, and what was logged.

    Args:
        frames_file: prepared frames.
        entry: what to train and how.
        encoders: output, weights of the encoders, which is what goes on to the link.
        learner: output, {epoch: weights of encoders and projectors}: the snapshots and the last epoch.
        history: output, one row an epoch and metric.
        journal: events for the tracking server.
        states: folder of training states.
    """
    with together(entry.pretrain.devices, entry.compute.device) as team:
        device = set_up(entry.compute, index=team.rank)
        frames = DeviceFrames.open(frames_file, device)
        tags = {"study": entry.study, "system": entry.system, "method": entry.method, "seed": str(entry.seed)}
        with state(states, _state_name(entry, frames), first=team.first) as held:
            if not team.first:
                _train(frames, entry, held, team, None)
                return
            started = {**tags, "stage": "pretrain"}
            with Journal.open(journal, started, entry.model_dump(), fresh=not held.resumed) as events:
                trained, epochs = _train(frames, entry, held, team, events)
                weights.save(encoders, trained.encoders.state_dict())
                weights.save(learner, _snapshots(trained, entry, held))
                rows = [
                    {**tags, "epoch": epoch, "metric": metric, "value": value}
                    for epoch, means in enumerate(epochs, start=1)
                    for metric, value in means.items()
                ]
                write_rows(history, rows)


def _state_name(entry: PretrainEntry, frames: DeviceFrames) -> str:
    """The same for any number of devices: what one left, another number of them takes up."""
    alone = entry.model_copy(update={"pretrain": entry.pretrain.model_copy(update={"devices": 1})})
    return digest("pretrain", to_json(alone), frames.content)


def _train(
    frames: DeviceFrames, entry: PretrainEntry, held: State, team: Team, events: Journal | None
) -> tuple[Learner, list[Epoch]]:
    """The trained learner and what was logged; `events` is None in all processes but the first."""
    settings, prepared, device = entry.pretrain, frames.prepared, frames.rgb.device
    train, validation = validation_fold(prepared.scene, prepared.group, prepared.train, seed=entry.seed)
    steps = len(train) // settings.batch_size
    if steps == 0:
        raise SemcomError(
            f"pretrain.batch_size {settings.batch_size} is more than the {len(train)} training frames; "
            "lower it"
        )
    with seeded(entry.seed, "pretrain", "init"):
        learner = Learner(entry, frames.size).to(device)
    initialise(learner.encoders, entry.encoder, frames, planned=entry.weights_sha256)
    team.share_batchnorm(learner)
    indices = torch.from_numpy(train).to(device)
    progress = Progress(settings.epochs)
    spent = _cost(learner, frames, entry, steps)
    if team.first:
        _keep(0, learner, entry, held)

    def after(epoch: int, means: Epoch) -> Epoch:
        if events is None:
            return {}  # the first process looks and logs, the others wait for it in the next step
        _keep(epoch + 1, learner, entry, held)
        more: Epoch = {name: (epoch + 1) * value for name, value in spent.items()}
        if (epoch + 1) % settings.validate_every == 0 or epoch + 1 == settings.epochs:
            more |= _look(learner, frames, train, validation, settings.neighbours)
        events.metrics({f"pretrain/{key}": value for key, value in (means | more).items()}, step=epoch + 1)
        seen = "".join(f"  {key} {value:.3f}" for key, value in more.items() if "knn" in key)
        progress.step(epoch + 1, f"epoch {epoch + 1}/{settings.epochs}  loss {means['loss']:.4f}{seen}")
        return more

    log.info(
        "%d frames to train on, %d to validate on, %d steps an epoch", len(train), len(validation), steps
    )
    epochs = fit(
        learner,
        forms.optimiser(settings.optimiser, learner),
        batches=lambda draws: minibatches(indices, steps=steps, batch_size=settings.batch_size, draws=draws),
        loss=_objective(learner, frames, entry, team),
        plan=Plan(settings.epochs, steps, settings.warmup, entry.seed, "pretrain"),
        held=held,
        after=after,
        team=team,
        whence=forms.whence(loss=settings.loss, views=settings.views, backbone=entry.encoder.backbone),
    )
    return learner, epochs


def _keep(epoch: int, learner: Learner, entry: PretrainEntry, held: State) -> None:
    """Keep the learner as it is after `epoch`, if that is a snapshot.

    In the state folder: a job that goes on does not come by here again. One that goes on at a checkpoint
    before the snapshot does, and writes the same again.
    """
    if epoch in entry.pretrain.snapshots:
        held.save(_snapshot(epoch), learner.state_dict())


def _snapshots(learner: Learner, entry: PretrainEntry, held: State) -> dict[str, dict[str, Tensor]]:
    """Weights by epoch, the last one of `learner` itself."""
    kept = {str(epoch): held.load(_snapshot(epoch)) for epoch in entry.pretrain.snapshots}
    return kept | {str(entry.pretrain.epochs): learner.state_dict()}


def _snapshot(epoch: int) -> str:
    """Name in the state folder; in a folder of its own, since a snapshot is no place to go on from."""
    return f"snapshots/{epoch}"


def _objective(
    learner: Learner, frames: DeviceFrames, entry: PretrainEntry, team: Team
) -> Callable[[Tensor, torch.Generator], tuple[Tensor, dict[str, Tensor]]]:
    """The loss of a batch of frames: of all of it, wherever its views are encoded."""
    objective, views = build(LOSSES, entry.pretrain.loss), build(VIEWS, entry.pretrain.views)

    def loss(batch: Tensor, draws: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        rgb, depth = frames.take(batch)
        drawn = (frames.normalise(*forms.views(views, rgb, depth, draws)) for _ in range(2))
        first, second = (learner(team.part(seen)) for seen in drawn)
        pairs = [embeddings[name] for name in entry.modalities for embeddings in (first, second)]
        whole = iter(team.gather(pairs))
        given = objective({name: (next(whole), next(whole)) for name in entry.modalities})
        return forms.loss("loss", objective, given)

    return loss


def _cost(learner: Learner, frames: DeviceFrames, entry: PretrainEntry, steps: int) -> Epoch:
    """What an epoch costs the devices; over the link to the server nothing goes.

    Multiply-adds of every device, forward and backward, both views. And `side_link_uses`: complex channel
    uses between the sensors if they are not one node, as is assumed: for a loss across modalities one device
    sends its embeddings of both views to the other and gets their gradients back, two real values a use.
    """
    settings = entry.pretrain
    views = 2 * steps * settings.batch_size
    (one,) = frames.plain(np.zeros(1, np.int64))
    costs: Epoch = {}
    for name, projector_name in learner.projector_of.items():
        feature = torch.zeros(1, learner.encoders.dims[name], device=frames.rgb.device)
        forward = multiply_adds(learner.encoders.backbones[name], one[name])
        forward += multiply_adds(learner.projectors[projector_name], feature)
        costs[f"multiply_adds_{name}"] = float((1 + BACKWARD) * forward * views)
    across = len(entry.modalities) > 1 and bool(getattr(build(LOSSES, settings.loss), "across", False))
    costs["side_link_uses"] = float(views * settings.projector[-1]) if across else 0.0
    return costs


def _look(learner: Learner, frames: DeviceFrames, train: Indices, validation: Indices, k: int) -> Epoch:
    """Effective rank of the training features, and how well validation frames find their class by k-NN."""
    base = encode_features(learner.encoders, frames.plain(train))
    queries = encode_features(learner.encoders, frames.plain(validation))
    scene = frames.prepared.scene
    seen: Epoch = {}
    for name, features in base.items():
        seen[f"effective_rank_{name}"] = effective_rank(features.cpu().numpy())
        seen[f"knn_accuracy_{name}"] = knn_accuracy(
            features.cpu().numpy(), scene[train], queries[name].cpu().numpy(), scene[validation], neighbours=k
        )
    return seen
