"""Training of a network that sends images, under a knowledge base, to which it draws what is sent.

    image ─► encoder ─► map ─┬► link, or nearest codes ─► image: the loss as without a guide
                             └► head ─► the base's space: weight times the guide's loss

The map is an analog network's before the power constraint, a VQ-VAE's vectors before the codebook. All else
is as without a guide: start, batches, channel draws, steps. The head is thrown away.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from semcom.files.errors import SemcomError
from semcom.finetune.images import BATCH, Job, Loss, begin, optimiser, steps_of, usage_of
from semcom.frames.images import DeviceImages, DrawnParts
from semcom.frames.parts import Part
from semcom.losses import GUIDES
from semcom.losses.guidance import Guidance, of_base, raw
from semcom.losses.guided import Guided
from semcom.losses.known import SAME
from semcom.metrics.representation import effective_rank
from semcom.models import images as networks
from semcom.models.analog import evaluating
from semcom.models.guidehead import GuideHead
from semcom.models.vqvae import VQVAE
from semcom.params.component import build
from semcom.params.crlsc.imageentries import GuidedImagesEntry
from semcom.progress import Progress, log
from semcom.tracking.journal import Journal
from semcom.training import forms
from semcom.training.compute import set_up
from semcom.training.loop import Epoch, Plan, fit, minibatches
from semcom.training.randomness import seeded
from semcom.training.state import State

LOOKED_AT = 512
"""Images whose embeddings are looked at after each epoch, at most."""


def run(
    entry: GuidedImagesEntry,
    *,
    frames: Path,
    encoder: Path | None = None,
    base: Path | None,
    embeddings: Path | None,
    network: Path,
    history: Path,
    journal: Path,
    states: Path,
) -> None:
    """Train a network under a guide; write it and what was logged.

    Args:
        entry: what to train and how.
        frames: prepared images of the part's data set.
        encoder: the local encoder in place of a VQ-VAE's own, if the entry has one.
        base: the shared knowledge base that guides, if one does.
        embeddings: the mentor's embeddings of those images, where it guides without a base.
        network: output, weights and the mean training image, as of a network without a guide.
        history: output, one row an epoch and metric.
        journal: events for the tracking server.
        states: folder of training states.

    Raises:
        SemcomError: there is nothing to guide, it is of another mentor or of other images, or the network
            has no map that could be guided.
    """
    device = set_up(entry.compute)
    images, part = DrawnParts.open([frames], entry.parts, seed=entry.seed, device=device).of(entry.part)
    index = torch.from_numpy(part.index).to(device)
    trained = begin(entry, images, index, encoder)
    under = Under.of(entry, trained, (images, part), base=base, embeddings=embeddings)
    read = [file for file in (encoder, base, embeddings) if file]
    job = Job(entry, trained, images, index, read=read)
    with job.held(journal, states) as (held, events):
        epochs = _train(entry, under, held, events)
        under.hook.remove()
        job.write(network, history, epochs)


@dataclass(frozen=True, eq=False)
class Under:
    """A network, what guides it, and the way between.

    Attributes:
        network: sends images.
        images: of the prepared file.
        index: (n,) images to train on.
        guidance: what the guide is given of them.
        head: from the network's map to the base's space.
        maps: those that the network's encoder gave and that were not embedded yet.
        hook: keeps them, until it is removed.
    """

    network: networks.Network
    images: DeviceImages
    index: Tensor
    guidance: Guidance
    head: GuideHead
    maps: list[Tensor]
    hook: RemovableHandle

    @classmethod
    def of(
        cls,
        entry: GuidedImagesEntry,
        network: networks.Network,
        data: tuple[DeviceImages, Part],
        *,
        base: Path | None,
        embeddings: Path | None,
    ) -> "Under":
        """The network under its guide, with a head at random initialisation.

        Raises:
            SemcomError: see `run`.
        """
        (images, part), file = data, base if entry.base else embeddings
        if file is None or (base and embeddings):
            what = f"the base {entry.base}" if entry.base else "the mentor's embeddings"
            options = ("--base", "--embeddings") if entry.base else ("--embeddings", "--base")
            raise SemcomError(f"{entry.method} is guided by {what}: give {options[0]}, and no {options[1]}")
        vectors = (of_base if entry.base else raw)(file, images, part, mentor=entry.mentor)
        index = torch.from_numpy(part.index).to(images.rgb.device)
        guidance = Guidance(build(GUIDES, entry.guide), vectors, torch.arange(len(index)), index.device)
        maps: list[Tensor] = []
        hook = _sending(network).register_forward_hook(lambda *given: maps.append(given[-1]))
        with torch.no_grad(), evaluating(network):
            _encode(network, images.take(index[:1]))
        if len(maps) != 1 or maps[0].ndim != 4:
            raise _no_map(network)
        with seeded(entry.seed, "images", "head"):
            _, *shape = maps.pop().shape
            head = GuideHead((shape[0], shape[1], shape[2]), guidance.dim).to(index.device)
        return cls(network, images, index, guidance, head, maps, hook)

    def embed(self) -> Tensor:
        """Embeddings (N, D) of all images that the encoder was given since the last call."""
        space: Tensor = self.head(torch.cat(self.maps).float())
        self.maps.clear()
        return space

    @torch.no_grad()
    def look(self) -> Epoch:
        """Whether guidance took, on some of the images.

        Returns:
            Effective rank of their embeddings, 1 having collapsed; and the share of them to which, of all
            their entries, the own one or a copy of it is nearest (by chance one in so many images).
        """
        some = torch.arange(len(self.index), device=self.index.device)
        some = some[:: -(-len(some) // LOOKED_AT)]
        with evaluating(self.network):
            for batch in some.split(BATCH):
                _encode(self.network, self.images.take(self.index[batch]))
        space = functional.normalize(self.embed())
        found = {"effective_rank_space": effective_rank(space.cpu().numpy())}
        own = self.guidance.own[some]
        if (own < 0).any():
            return found
        entries = functional.normalize(self.guidance.all[own])
        nearest = entries[(space @ entries.T).argmax(1)]
        right = ((nearest * entries).sum(1) >= SAME).float().mean()
        return found | {"retrieval_accuracy": float(right)}


def _sending(network: networks.Network) -> nn.Module:
    """The layers whose map is sent.

    Raises:
        SemcomError: an analog network says of none that they are.
    """
    if isinstance(network, VQVAE):
        return network.encoder
    layers = getattr(network.encoder, "layers", None)
    if not isinstance(layers, nn.Module):
        raise _no_map(network)
    return layers


def _no_map(network: nn.Module) -> SemcomError:
    return SemcomError(
        f"{forms.name_of(network)} cannot be guided: its encoder has no module `layers` that "
        "gives the maps (N, c, h, w) that are sent, once a batch; name it so, or leave `guide` out"
    )


def _encode(network: networks.Network, images: Tensor) -> None:
    """Through the encoder alone."""
    network.latent(images) if isinstance(network, VQVAE) else network.encoder(images)


def _train(entry: GuidedImagesEntry, under: Under, held: State, events: Journal) -> list[Epoch]:
    """What was logged."""
    steps = steps_of(entry, len(under.index))
    progress = Progress(entry.epochs)
    whole = nn.ModuleDict({"network": under.network, "head": under.head})

    def after(epoch: int, means: Epoch) -> Epoch:
        more = {"images_seen": float((epoch + 1) * steps * entry.batch_size)} | usage_of(under.network)
        more |= under.look()
        events.metrics({f"images/{key}": value for key, value in (means | more).items()}, step=epoch + 1)
        rank = f"rank {more['effective_rank_space']:.1f}"
        said = f"squared error {means['mse']:.5f}  guide {means['guide']:.3f}  {rank}"
        progress.step(epoch + 1, f"epoch {epoch + 1}/{entry.epochs}  {said}")
        return more

    log.info("%d images, %d steps of %d an epoch", len(under.index), steps, entry.batch_size)
    positions = torch.arange(len(under.index), device=under.index.device)
    return fit(
        whole,
        optimiser(entry, under.network, under.head),
        batches=lambda draws: minibatches(positions, steps=steps, batch_size=entry.batch_size, draws=draws),
        loss=_GuidedLoss(entry, under),
        plan=Plan(entry.epochs, steps, entry.warmup, entry.seed, "images"),
        held=held,
        after=after,
    )


class _GuidedLoss:
    """The loss of a batch of positions among the images trained on, and terms to log."""

    def __init__(self, entry: GuidedImagesEntry, under: Under) -> None:
        self.under, self.weight = under, entry.weight
        self.own = Loss(entry, under.network, under.images, under.index)
        self.guided = Guided(build(GUIDES, entry.guide))

    def __call__(self, batch: Tensor, draws: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        under = self.under
        own, terms = self.own(under.index[batch], draws)
        space = under.embed()
        guide, more = self.guided([space], under.guidance.known(batch, [space]))
        return own + self.weight * guide, {**more, **terms, "guide": guide.detach()}
