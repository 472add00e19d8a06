"""Training of the classifier that tells the classes of images as they arrive: on originals, by their labels.

    image, or an augmented view ─► backbone ─► linear head ─► cross-entropy

At the end BatchNorm statistics are those of the training images as they are.
"""

from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.nn import functional

from semcom.files.errors import SemcomError
from semcom.files.hashes import digest
from semcom.finetune import histories
from semcom.frames import VIEWS
from semcom.frames.images import DeviceImages, DrawnParts, scaled
from semcom.frames.parts import Part
from semcom.models import classifier as classifiers
from semcom.params.component import build
from semcom.params.crlsc.imageentries import ClassifierEntry
from semcom.params.entries import to_json
from semcom.progress import Progress, log
from semcom.tracking.journal import Journal
from semcom.training import forms
from semcom.training.batchnorm import recompute
from semcom.training.compute import set_up
from semcom.training.loop import Epoch, Plan, fit, minibatches
from semcom.training.randomness import seeded
from semcom.training.state import State, state

PURPOSE = "classifier"
MEASURED_ON = 4096
"""Images that BatchNorm statistics are taken of, at most."""


def run(
    entry: ClassifierEntry, *, frames: Path, classifier: Path, history: Path, journal: Path, states: Path
) -> None:
    """Train the classifier; write it and what was logged.

    Args:
        entry: what to train and how.
        frames: prepared images of the part's data set.
        classifier: output, weights and class names.
        history: output, one row an epoch and metric.
        journal: events for the tracking server.
        states: folder of training states.

    Raises:
        SemcomError: the part has no labels, or fewer images than a batch.
    """
    device = set_up(entry.compute)
    images, part = DrawnParts.open([frames], entry.parts, seed=entry.seed, device=device).of(entry.part)
    if len(part.class_names) < 2:
        part.labels  # noqa: B018 (says why there are none)
        raise SemcomError(f"the part {part.name} has one class; a classifier needs at least two")
    tags = {"study": entry.study, "system": entry.system, "method": "classifier", "seed": str(entry.seed)}
    with (
        state(states, digest("classifier", to_json(entry), images.content)) as held,
        Journal.open(
            journal, {**tags, "stage": "images"}, entry.model_dump(), fresh=not held.resumed
        ) as events,
    ):
        with seeded(entry.seed, PURPOSE, "init"):
            network = classifiers.Classifier(entry.size, entry.classifier.backbone, len(part.class_names))
        epochs = _train(entry, network.to(device), (images, part), held, events)
        index = torch.from_numpy(part.index)
        recompute(network, images.plain(index[:: max(1, -(-len(index) // MEASURED_ON))]))
        classifiers.save(classifier, network, part.class_names)
        histories.write(history, tags, epochs)


def _train(
    entry: ClassifierEntry,
    network: classifiers.Classifier,
    data: tuple[DeviceImages, Part],
    held: State,
    events: Journal,
) -> list[Epoch]:
    """What was logged."""
    given, (images, part) = entry.classifier, data
    steps = len(part) // given.batch_size
    if steps == 0:
        raise SemcomError(
            f"classifier.batch_size {given.batch_size} is more than the {len(part)} images of {part.name}; "
            "lower it"
        )
    progress = Progress(given.epochs)

    def after(epoch: int, means: Epoch) -> Epoch:
        events.metrics({f"classifier/{key}": value for key, value in means.items()}, step=epoch + 1)
        right = f"right of {100 * means['train_accuracy']:.1f} % in training"
        progress.step(epoch + 1, f"epoch {epoch + 1}/{given.epochs}  {right}")
        return {}

    log.info("%d images of %d classes, %d steps an epoch", len(part), len(part.class_names), steps)
    positions = torch.arange(len(part), device=images.rgb.device)
    return fit(
        network,
        forms.optimiser(given.optimiser, network),
        batches=lambda draws: minibatches(positions, steps=steps, batch_size=given.batch_size, draws=draws),
        loss=_Loss(entry, network, images, part),
        plan=Plan(given.epochs, steps, given.warmup, entry.seed, PURPOSE),
        held=held,
        after=after,
    )


class _Loss:
    """Cross-entropy of a batch of positions in the part, and the share that is told right."""

    def __init__(
        self, entry: ClassifierEntry, network: classifiers.Classifier, images: DeviceImages, part: Part
    ) -> None:
        device = images.rgb.device
        self.network, self.images = network, images
        self.index = torch.from_numpy(part.index).to(device)
        self.classes = torch.from_numpy(part.labels).to(device)
        self.views = build(VIEWS, entry.classifier.views) if entry.classifier.views else None

    def __call__(self, batch: Tensor, draws: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        rgb, wanted = self.images.take(self.index[batch]), self.classes[batch]
        scores = self.network(self.images.view(rgb, self.views, draws) if self.views else scaled(rgb))
        right = (scores.detach().argmax(1) == wanted).float().mean()
        return functional.cross_entropy(scores, wanted), {"train_accuracy": right}
