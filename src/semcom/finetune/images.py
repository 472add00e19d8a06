"""Training of a network that sends images: an analog one over its link, or a VQ-VAE, whose bits know no link.

    analog:    image ─► symbols ─► link at the training's Es/N0, drawn image by image ─► image: squared error
    VQ-VAE:    image ─► nearest codes ─► image: squared error by the pixels' variance, commitment loss

All networks of a study see as many images in as many steps. The loss has no weights to choose. A local
encoder in place of a VQ-VAE's own is frozen, or trains on at a rate of its own.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from semcom.channel import CHANNELS
from semcom.channel.snr import n0_from_db
from semcom.channel.training_snr import draw_snr_db
from semcom.files.errors import SemcomError
from semcom.files.hashes import digest, sha256
from semcom.finetune import histories
from semcom.finetune.vectors import MEASURED_ON, optimiser_of
from semcom.frames.images import DeviceImages, DrawnParts, mean_image
from semcom.models import analog, local
from semcom.models import images as networks
from semcom.models.mapencoder import MapEncoder
from semcom.models.vqvae import VQVAE
from semcom.params.component import build
from semcom.params.crlsc.imageentries import ImagesEntry
from semcom.params.entries import to_json
from semcom.progress import Progress, log
from semcom.quantise.ordering import ordered
from semcom.tracking.journal import Journal
from semcom.training import forms
from semcom.training.batchnorm import recompute
from semcom.training.compute import set_up
from semcom.training.loop import Epoch, Plan, fit, minibatches
from semcom.training.randomness import seeded
from semcom.training.state import State, state

VECTORS_A_CODE = 64
"""That the codebook starts from, where there are so many."""
ORDERED_FOR = 0.01
"""Bit error rate that a codebook is ordered for; what is good at one is good at others."""
BATCH = 256


def run(
    entry: ImagesEntry,
    *,
    frames: Path,
    encoder: Path | None = None,
    network: Path,
    history: Path,
    journal: Path,
    states: Path,
) -> None:
    """Train a network; write it and what was logged.

    Args:
        entry: what to train and how.
        frames: prepared images of the part's data set.
        encoder: the local encoder in place of a VQ-VAE's own, if the entry has one.
        network: output, weights and the mean training image.
        history: output, one row an epoch and metric.
        journal: events for the tracking server.
        states: folder of training states.

    Raises:
        SemcomError: images of another size than the entry's, fewer vectors than codes, a local encoder that
            is missing or makes no map of the indices' size, or an analog network of another form.
    """
    device = set_up(entry.compute)
    images, part = DrawnParts.open([frames], entry.parts, seed=entry.seed, device=device).of(entry.part)
    index = torch.from_numpy(part.index).to(device)
    trained = begin(entry, images, index, encoder)
    job = Job(entry, trained, images, index, read=[encoder] if encoder else [])
    with job.held(journal, states) as (held, events):
        job.write(network, history, _train(job, held, events))


@dataclass(frozen=True, eq=False)
class Job:
    """A training, whatever its loss.

    Attributes:
        entry: what to train and how.
        network: changed in place.
        images: of the prepared file.
        index: (n,) images to train on.
        read: other files that decide the result.
    """

    entry: ImagesEntry
    network: networks.Network
    images: DeviceImages
    index: Tensor
    read: Sequence[Path]

    @property
    def tags(self) -> dict[str, str]:
        """Whose figures these are."""
        entry = self.entry
        tags = {"study": entry.study, "system": entry.system, "method": entry.method}
        return tags | {"link": entry.link_name, "seed": str(entry.seed)}

    @contextmanager
    def held(self, journal: Path, states: Path) -> Iterator[tuple[State, Journal]]:
        """The state folder and the journal, of this job alone meanwhile."""
        read = [sha256(file) for file in self.read]
        with (
            state(states, digest("images", to_json(self.entry), self.images.content, *read)) as held,
            Journal.open(
                journal, self.tags | {"stage": "images"}, self.entry.model_dump(), fresh=not held.resumed
            ) as events,
        ):
            yield held, events

    def write(self, network: Path, history: Path, epochs: list[Epoch]) -> None:
        """The trained network with the mean training image, its codebook in order if that is asked for."""
        self.network.eval()
        if isinstance(self.network.encoder, MapEncoder) and not self.network.encoder.frozen:
            some = self.index[:: -(-len(self.index) // MEASURED_ON)]
            recompute(self.network.encoder, map(self.images.take, some.split(BATCH)))
        if isinstance(self.network, VQVAE) and self.entry.ordered:
            put_in_order(self.network)
        networks.save(network, self.network, mean_image(self.images, self.index))
        histories.write(history, self.tags, epochs)


def begin(
    entry: ImagesEntry, images: DeviceImages, index: Tensor, encoder: Path | None = None
) -> networks.Network:
    """The network at its start; a codebook begins with what the encoder gives before training.

    Raises:
        SemcomError: see `run`.
    """
    if (encoder is None) != (entry.encoder is None):
        raise SemcomError(
            f"{entry.method} has an encoder of its own: leave --encoder out"
            if encoder
            else f"{entry.method} goes on from a local encoder; give --encoder"
        )
    with seeded(entry.seed, "images", "init"):
        uses = entry.link.channel_uses if entry.link else None
        network = networks.made(entry.size, entry.vqvae, uses, entry.encoder, network=entry.network)
        network.to(index.device)
    if entry.precision == "bf16":
        network.to(memory_format=torch.channels_last)
    if encoder is not None and isinstance(network.encoder, MapEncoder):
        local.load_backbone(network.encoder.encoders, encoder)
    if isinstance(network, VQVAE):
        wanted = math.ceil(VECTORS_A_CODE * network.quantiser.codes / network.places)
        some = index[:: max(1, len(index) // wanted)]
        vectors = networks.latent(network, images.take(some))
        network.quantiser.start(vectors, seed=entry.seed)
    elif uses is not None:
        with torch.autocast(index.device.type, torch.bfloat16, enabled=entry.precision == "bf16"):
            analog.check(network, images.take(index[: analog.CHECKED]), uses)
    return network


def _train(job: Job, held: State, events: Journal) -> list[Epoch]:
    """What was logged."""
    entry, network, index = job.entry, job.network, job.index
    steps = steps_of(entry, len(index))
    progress = Progress(entry.epochs)

    def after(epoch: int, means: Epoch) -> Epoch:
        more = {"images_seen": float((epoch + 1) * steps * entry.batch_size)} | usage_of(network)
        events.metrics({f"images/{key}": value for key, value in (means | more).items()}, step=epoch + 1)
        psnr = -10 * math.log10(max(means["mse"], 1e-12))
        progress.step(epoch + 1, f"epoch {epoch + 1}/{entry.epochs}  PSNR of training {psnr:.2f} dB")
        return more

    log.info("%d images, %d steps of %d an epoch", len(index), steps, entry.batch_size)
    return fit(
        network,
        optimiser(entry, network),
        batches=lambda draws: minibatches(index, steps=steps, batch_size=entry.batch_size, draws=draws),
        loss=Loss(entry, network, job.images, index),
        plan=Plan(entry.epochs, steps, entry.warmup, entry.seed, "images"),
        held=held,
        after=after,
    )


def steps_of(entry: ImagesEntry, part: int) -> int:
    """Steps an epoch, of a part of so many images.

    Raises:
        SemcomError: an epoch has no step.
    """
    images = entry.images or part
    if images < entry.batch_size:
        raise SemcomError(
            f"batch_size: {entry.batch_size} images a step, and an epoch has {images}; take at most those"
        )
    return images // entry.batch_size


def optimiser(entry: ImagesEntry, network: networks.Network, *more: nn.Module) -> torch.optim.Optimizer:
    """Of all that trains, the network and `more`; a local encoder at a rate of its own, or frozen."""
    scale = entry.encoder.borrowed.encoder_lr_scale if entry.encoder else None
    if scale is None or not isinstance(network.encoder, MapEncoder):
        return forms.optimiser(entry.optimiser, nn.ModuleList([network, *more]))
    assert isinstance(network, VQVAE)
    rest = nn.ModuleList([network.encoder.project, network.quantiser, network.decoder, *more])
    return optimiser_of(entry.optimiser, rest, network.encoder.encoders, encoder_lr_scale=scale)


def usage_of(network: networks.Network) -> Epoch:
    """Of the codebook over the epoch that ends; the count for the next one begins."""
    if not isinstance(network, VQVAE):
        return {}
    usage = network.quantiser.usage()
    network.quantiser.begin_epoch()
    return {"codes_used": usage.used, "perplexity": usage.perplexity}


class Loss:
    """The loss of a batch, and terms to log."""

    def __init__(
        self, entry: ImagesEntry, network: networks.Network, images: DeviceImages, index: Tensor
    ) -> None:
        self.network, self.images, self.bf16 = network, images, entry.precision == "bf16"
        self.link = entry.link
        self.channel = build(CHANNELS, entry.link.channel) if entry.link else None
        some = images.take(index[:: max(1, len(index) // BATCH)])
        self.variance = float(some.var().clamp(min=1e-6))

    def __call__(self, batch: Tensor, draws: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Of the images at places `batch` (B,); `draws` are those of link and codebook."""
        images = self.images.take(batch)
        if self.bf16:
            images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.bf16):
            return self._of(images, draws)

    def _of(self, images: Tensor, draws: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        if not isinstance(self.network, VQVAE):
            assert self.link is not None
            assert self.channel is not None
            snr_db = draw_snr_db(self.link.train_snr_db, len(images), generator=draws, device=images.device)
            n0 = n0_from_db(snr_db).view(-1, 1)
            received = analog.over(self.network, images, self.channel, n0, draws)
            error = functional.mse_loss(received, images)
            return error, {"mse": error.detach()}
        out = self.network(images, draws)
        error = functional.mse_loss(out.images, images)
        terms = {"mse": error.detach(), "commitment": out.loss.detach()}
        return error / self.variance + out.loss, terms


def put_in_order(network: VQVAE) -> None:
    """Give the codes indices under which bit errors hurt little."""
    quantiser = network.quantiser
    share = quantiser.share.double().cpu().numpy()
    order = ordered(quantiser.codebook.cpu().numpy(), ber=ORDERED_FOR, weights=share)
    quantiser.reorder(torch.from_numpy(order).to(quantiser.codebook.device))
