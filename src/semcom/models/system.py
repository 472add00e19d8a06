"""Devices, channel and server as one network.

rgb ──► backbone ─► sender 2k ─► power 1 ─┐
                                          ├─► channel ─► server ─► class scores
depth ► backbone ─► sender 2k ─► power 1 ─┘
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from semcom.channel import CHANNELS
from semcom.channel.downlink import noisy_downlink
from semcom.channel.snr import db_from_n0
from semcom.channel.symbols import to_real
from semcom.files.errors import SemcomError
from semcom.frames.device import DeviceFrames
from semcom.models import SENDERS
from semcom.models.encoder import Encoders
from semcom.models.fusion import Averaged, Fusion, scores, server
from semcom.models.senders import send
from semcom.params.component import build
from semcom.params.entries import TrainedEntry
from semcom.params.sections import Component, Encoder, Link
from semcom.tasks import TASKS
from semcom.training import forms

Channel = Callable[[Tensor, Tensor, torch.Generator], Tensor]


class System(nn.Module):
    """Devices that send k complex symbols a frame each, and a server that decides on what it receives.

    Args:
        modalities: the devices.
        size: width and height of the frames in pixels.
        classes: number of scores.
        encoder: backbone and precision of the devices.
        link: channel and channel uses k a device and frame.
        sender: of every device, from features to 2k real values; every device has its own weights.
        head: the server's head.
        fusion: `concat`: one head on what all devices sent; `average`: one a device, their scores averaged.
    """

    def __init__(
        self,
        modalities: Sequence[str],
        *,
        size: tuple[int, int],
        classes: int,
        encoder: Encoder,
        link: Link,
        sender: Component,
        head: Component,
        fusion: Fusion = "concat",
    ) -> None:
        super().__init__()
        self.encoders = Encoders(modalities, size, encoder)
        self.channel_uses, self.classes = link.channel_uses, classes
        k = self.channel_uses
        self.jscc = nn.ModuleDict(
            {name: forms.module(SENDERS, sender, dim, 2 * k) for name, dim in self.encoders.dims.items()}
        )
        self.channel: Channel = build(CHANNELS, link.channel)
        self.server = server(fusion, head, [2 * k] * len(self.jscc), classes)

    @property
    def needs_snr(self) -> bool:
        """Whether what the devices send depends on the SNR: then each one is encoded for on its own."""
        return any(getattr(sender, "needs_snr", False) for sender in self.jscc.values())

    def encode(self, views: Mapping[str, Tensor], snr_db: Tensor | None = None) -> Tensor:
        """Complex symbols (N, devices, k), average power 1 a channel use for every device and frame.

        Args:
            views: by modality.
            snr_db: Es/N0 in dB, (N,) or a scalar for all; asked for by senders that see it.
        """
        features = self.encoders(views)
        k = self.channel_uses
        sent = [send(net, features[name], snr_db, channel_uses=k) for name, net in self.jscc.items()]
        return torch.stack(sent, dim=1)

    def decide(self, received: Tensor, *, lost: Collection[str] = ()) -> Tensor:
        """Class scores (..., classes) of received complex symbols (..., devices, k).

        Args:
            received: what the channel gave.
            lost: devices of which nothing arrived. One head gets zeros in their place; of averaged heads
                theirs are left out of the mean.
        """
        reals = to_real(received)
        heard = [name not in lost for name in self.jscc]
        if isinstance(self.server, Averaged):
            averaged: Tensor = self.server(reals.flatten(-2), heard)
            return averaged
        if lost:
            silent = ~torch.tensor(heard, device=reals.device).unsqueeze(-1)
            reals = reals.masked_fill(silent, 0)
        return scores(self.server, reals.flatten(-2), self.classes)

    def forward(
        self,
        views: Mapping[str, Tensor],
        n0: Tensor,
        generator: torch.Generator,
        *,
        downlink_n0: Tensor | None = None,
    ) -> Tensor:
        """Class scores (N, classes) after one use of the link.

        Args:
            views: by modality.
            n0: noise variance a complex channel use, a scalar or (N, 1, 1): one a sample.
            generator: of the channel's draws, and of the downlink's in the backward pass.
            downlink_n0: noise variance of the gradients' way back to the devices; None: without noise.
        """
        sent = self.encode(views, db_from_n0(n0).flatten() if self.needs_snr else None)
        if downlink_n0 is not None:
            sent = noisy_downlink(sent, downlink_n0, generator)
        return self.decide(forms.received(self.channel, sent, n0, generator))


def system_for(entry: TrainedEntry, frames: DeviceFrames) -> System:
    """The system that `entry` describes, for frames of this size and its link's task, on their device."""
    task = build(TASKS, entry.link.task, frames)
    return System(
        entry.modalities,
        size=frames.size,
        classes=task.scores,
        encoder=entry.encoder,
        link=entry.link,
        sender=entry.finetune.sender,
        head=entry.finetune.head,
        fusion=entry.finetune.fusion,
    ).to(frames.rgb.device)


@torch.no_grad()
def encode_frames(
    system: System, batches: Iterable[Mapping[str, Tensor]], snr_db: Tensor | None = None
) -> Tensor:
    """All symbols (N, devices, k) of batches of views, in evaluation mode: encode once, sweep often.

    Args:
        system: whose devices encode.
        batches: of views.
        snr_db: Es/N0 in dB, (N,) or a scalar for all; a must where senders see it.

    Raises:
        SemcomError: a sender sees the SNR and none is given.
    """
    if system.needs_snr and snr_db is None:
        raise SemcomError(
            "what this sender sends depends on the SNR, so one encoding does not serve a sweep: encode anew "
            "at each SNR, encode_frames(…, snr_db=…), or take a sender that does not see it"
        )
    system.eval()
    symbols: list[Tensor] = []
    done = 0
    for views in batches:
        count = len(next(iter(views.values())))
        own = snr_db if snr_db is None or snr_db.ndim == 0 else snr_db[done : done + count]
        symbols.append(system.encode(views, own))
        done += count
    return torch.cat(symbols)


@torch.no_grad()
def transmit(
    system: System,
    symbols: Tensor,
    n0: Tensor,
    *,
    draws: int,
    generator: torch.Generator,
    lost: Collection[str] = (),
) -> tuple[Tensor, Tensor]:
    """Send encoded frames over the link at every noise variance, `draws` times each.

    All variances see the same draws (common random numbers: paired, smoother curves).

    Args:
        system: a trained system; its channel and its server are used.
        symbols: (N, devices, k) complex.
        n0: noise variances a complex symbol, (S,), or (S, N, 1, 1) with one a frame.
        draws: number of channel draws.
        generator: of the draws.
        lost: devices of which the server hears nothing; the others' draws stay as they are.

    Returns:
        Class scores (S, draws, N, classes) and symbols (S, draws, N, devices, k) behind the channel.
    """
    system.eval()
    sent = symbols.expand(draws, *symbols.shape)
    first = generator.get_state()
    received = []
    for variance in n0:
        generator.set_state(first)
        received.append(forms.received(system.channel, sent, variance, generator))
    arrived = torch.stack(received)
    return system.decide(arrived, lost=lost), arrived
