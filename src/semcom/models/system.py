"""Devices, channel and server as one network.

rgb ──► backbone ─► linear 2k ─► power 1 ─┐                     ┌─► class scores
                                          ├─► channel ─► server ┘
depth ► backbone ─► linear 2k ─► power 1 ─┘
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from semcom.channel import CHANNELS
from semcom.channel.power import normalise
from semcom.channel.symbols import to_complex, to_real
from semcom.frames.device import DeviceFrames
from semcom.models import HEADS
from semcom.models.encoder import Encoders
from semcom.params.component import build
from semcom.params.entries import Component, Encoder, EvaluateEntry, FinetuneEntry, Link, TuneEntry

Channel = Callable[[Tensor, Tensor, torch.Generator], Tensor]


class System(nn.Module):
    """Devices that send k complex symbols a frame each, and a server that decides on what it receives.

    Args:
        modalities: the devices.
        size: width and height of the frames in pixels.
        classes: number of class scores.
        encoder: backbone and precision of the devices.
        link: channel and channel uses k a device and frame.
        head: the server's head.
    """

    def __init__(
        self,
        modalities: Sequence[str],
        *,
        size: tuple[int, int],
        classes: int,
        encoder: Encoder,
        link: Link,
        head: Component,
    ) -> None:
        super().__init__()
        self.encoders = Encoders(modalities, size, encoder)
        k = link.channel_uses
        self.jscc = nn.ModuleDict({name: nn.Linear(dim, 2 * k) for name, dim in self.encoders.dims.items()})
        self.channel: Channel = build(CHANNELS, link.channel)
        self.server: nn.Module = build(HEADS, head, 2 * k * len(self.jscc), classes)

    def encode(self, views: Mapping[str, Tensor]) -> Tensor:
        """Complex symbols (N, devices, k), average power 1 a channel use for every device and frame."""
        features = self.encoders(views)
        sent = [normalise(to_complex(head(features[name]))) for name, head in self.jscc.items()]
        return torch.stack(sent, dim=1)

    def decide(self, received: Tensor) -> Tensor:
        """Class scores (..., classes) of received complex symbols (..., devices, k)."""
        scores: Tensor = self.server(to_real(received).flatten(-2))
        return scores

    def forward(self, views: Mapping[str, Tensor], n0: Tensor, generator: torch.Generator) -> Tensor:
        """Class scores (N, classes) after one use of the link with noise variance `n0` a complex symbol."""
        return self.decide(self.channel(self.encode(views), n0, generator))


def system_for(entry: FinetuneEntry | TuneEntry | EvaluateEntry, frames: DeviceFrames) -> System:
    """The system that `entry` describes, for frames of this size and these classes, on their device."""
    return System(
        entry.modalities,
        size=frames.size,
        classes=len(frames.prepared.scene_names),
        encoder=entry.encoder,
        link=entry.link,
        head=entry.finetune.head,
    ).to(frames.rgb.device)


@torch.no_grad()
def encode_frames(system: System, batches: Iterable[Mapping[str, Tensor]]) -> Tensor:
    """All symbols (N, devices, k) of batches of views, in evaluation mode: encode once, sweep often."""
    system.eval()
    return torch.cat([system.encode(views) for views in batches])


@torch.no_grad()
def transmit(
    system: System, symbols: Tensor, n0: Tensor, *, draws: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Send encoded frames over the link at every noise variance, `draws` times each.

    All variances see the same draws (common random numbers: paired, smoother curves).

    Args:
        system: a trained system; its channel and its server are used.
        symbols: (N, devices, k) complex.
        n0: (S,) noise variance a complex symbol.
        draws: number of channel draws.
        generator: of the draws.

    Returns:
        Class scores (S, draws, N, classes) and received symbols (S, draws, N, devices, k).
    """
    system.eval()
    sent = symbols.expand(draws, *symbols.shape)
    first = generator.get_state()
    received = []
    for variance in n0:
        generator.set_state(first)
        received.append(system.channel(sent, variance, generator))
    arrived = torch.stack(received)
    return system.decide(arrived), arrived
