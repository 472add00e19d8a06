"""Ways in which encoded test images go over a link, again and again.

    analog network:  images ─► symbols, once ─► channel, each Es/N0 and draw ─► decoder
    VQ-VAE, coded:   images ─► bits, once ─► a block an image, which arrives whole or is lost: the mean image
                     with `entropy` bits of unlike length: an image of more than a block's is lost, too
    VQ-VAE, uncoded: images ─► bits, once ─► each is sent; wrong ones make other indices ─► decoder

Nothing of a network changes meanwhile, its buffers neither.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from semcom.channel import CHANNELS
from semcom.channel.digital.link import DigitalLink
from semcom.channel.digital.table import Curve, read_all
from semcom.channel.digital.transceiver import Transceiver
from semcom.channel.snr import n0_from_db
from semcom.evaluate.judge import Judge
from semcom.files.errors import SemcomError
from semcom.frames.images import DeviceImages
from semcom.metrics.reconstruction import Floats, Pixels, pixels
from semcom.models import analog
from semcom.models import images as networks
from semcom.models.vqvae import VQVAE
from semcom.params.component import build
from semcom.params.crlsc.imageentries import ImagesTestEntry
from semcom.params.protocols import Channel
from semcom.params.scheme import Scheme, parse
from semcom.quantise.bits import from_bits, to_bits
from semcom.quantise.entropy import Huffman
from semcom.training import forms
from semcom.training.randomness import generator

BATCH = 256
COUNTED = 1 << 20
"""Indices that the shares of the codes are counts of."""
SHOWN = 8
"""Images that a sheet shows, at most."""


class Arrived(NamedTuple):
    """What arrived of N images.

    Attributes:
        images: some of them, for the sheet (`of_sheet`).
        measures: one value an image, by metric.
    """

    images: Pixels
    measures: Mapping[str, Floats]


class Transmission(Protocol):
    """Test images, encoded, and a link that they can be sent over again and again."""

    device: torch.device
    """Of the draws."""

    def send(self, snr_db: float, draws: Generator) -> Arrived:
        """Send all images once at an Es/N0 in dB; `draws` is on `device`."""
        ...


def transmission(
    entry: ImagesTestEntry,
    network: networks.Network,
    images: DeviceImages,
    index: Tensor,
    *,
    mean: Tensor,
    error_table: Path | None,
    judge: Judge,
) -> Transmission:
    """How the entry's network sends images at `index`; `mean` (C, H, W) stands for lost ones.

    Raises:
        SemcomError: an error table is missing or another's, or an analog network has another form.
    """
    if not isinstance(network, VQVAE):
        analog.check(network, images.take(index[: analog.CHECKED]), entry.channel_uses)
        return Analog(network, build(CHANNELS, entry.channel), images, index, judge=judge)
    scheme = parse(str(entry.scheme), channel_uses=entry.channel_uses)
    if scheme.code == "uncoded":
        shuffle = generator(entry.seed, "order", device=torch.device("cpu"))
        words = (
            torch.randperm(network.quantiser.codes, generator=shuffle) if entry.order == "random" else None
        )
        return Uncoded(network, scheme, entry.channel["use"], images, index, judge=judge, words=words)
    if error_table is None:
        raise SemcomError(f"{scheme} needs its error table; give --error-table")
    (curve,) = read_all([error_table], entry.table)
    code = huffman(network) if entry.entropy else None
    return Coded(network, curve, images, index, mean=mean, exact=entry.exact, judge=judge, code=code)


def huffman(network: VQVAE) -> Huffman:
    """A network's indices in bits of unlike length: both ends make the code of the shares in training."""
    share = network.quantiser.share.double().cpu().numpy()
    return Huffman.train(np.rint(COUNTED * share / share.sum()).astype(np.int64))


class Analog:
    """An analog network over a channel."""

    def __init__(
        self,
        network: analog.Analog,
        channel: Channel,
        images: DeviceImages,
        index: Tensor,
        *,
        judge: Judge,
    ) -> None:
        self.network, self.channel, self.device = network, channel, index.device
        self.judge = judge
        with torch.no_grad():
            self.symbols = torch.cat([network.encoder(batch) for batch in taken(images, index)])

    @torch.no_grad()
    def send(self, snr_db: float, draws: Generator) -> Arrived:
        """See `Transmission`."""
        n0 = n0_from_db(snr_db)
        through = (forms.received(self.channel, batch, n0, draws) for batch in self.symbols.split(BATCH))
        parts = [pixels(self.network.decoder(batch)) for batch in through]
        received = np.concatenate(parts)
        return Arrived(received[of_sheet(len(received))], self.judge(received))


class _Digital:
    """A VQ-VAE's test images as bits, which are sent on the CPU."""

    device = torch.device("cpu")

    def __init__(
        self,
        network: VQVAE,
        images: DeviceImages,
        index: Tensor,
        *,
        judge: Judge,
        words: Tensor | None = None,
    ) -> None:
        """`words` (K,) are what stands for each index; None: itself."""
        self.network, self.judge = network, judge
        self.width = network.quantiser.codes.bit_length() - 1
        words = torch.arange(network.quantiser.codes) if words is None else words
        self.meant = words.argsort()
        indices = torch.cat([network.encode(batch) for batch in taken(images, index)]).cpu()
        self.indices = indices.numpy()
        self.bits = torch.from_numpy(to_bits(words[indices].numpy(), width=self.width))

    def decoded(self, bits: NDArray[Any]) -> Pixels:
        """Images of bits (N, B) as they arrived."""
        device = next(self.network.parameters()).device
        indices = self.meant[torch.from_numpy(from_bits(bits, width=self.width))]
        return np.concatenate([pixels(self.network.decode(b.to(device))) for b in indices.split(BATCH)])


class Coded(_Digital):
    """A VQ-VAE over a link with a code: an image arrives whole, or the mean image stands for it."""

    def __init__(
        self,
        network: VQVAE,
        curve: Curve,
        images: DeviceImages,
        index: Tensor,
        *,
        mean: Tensor,
        exact: bool,
        judge: Judge,
        code: Huffman | None = None,
    ) -> None:
        super().__init__(network, images, index, judge=judge)
        self.link, self.exact = DigitalLink((curve,), outside="bound"), exact
        whole = self.decoded(self.bits.numpy())
        self.too_large = np.zeros(len(whole), bool)
        self.payload: dict[str, Floats] = {}
        if code is not None:
            self._unlike(code, room=curve.scheme.payload_bits)
        instead = np.broadcast_to(pixels(mean[None]), whole.shape)
        self.sheet = of_sheet(len(whole))
        self.shown = whole[self.sheet], instead[self.sheet]
        self.measures = judge(whole), judge(np.ascontiguousarray(instead))

    def _unlike(self, code: Huffman, *, room: int) -> None:
        """Bits of unlike length in place of fixed ones; of what has no room none are sent."""
        need = code.payload_bits(self.indices)
        self.too_large = need > room
        bits = np.zeros((len(need), room), np.uint8)
        for image in np.flatnonzero(~self.too_large):
            bits[image, : need[image]] = code.encode(self.indices[image])
        self.bits = torch.from_numpy(bits)
        self.payload = {
            "payload_bits": need.astype(np.float64),
            "too_large": self.too_large.astype(np.float64),
        }

    def send(self, snr_db: float, draws: Generator) -> Arrived:
        """See `Transmission`."""
        delivered = self.link.send(self.bits, snr_db=snr_db, generator=draws, exact=self.exact)
        lost = delivered.lost.numpy() | self.too_large
        (whole, instead), gone = self.measures, lost[self.sheet, None, None, None]
        values = {name: np.where(lost, instead[name], whole[name]) for name in whole}
        values |= self.payload | {"lost": lost.astype(np.float64)}
        return Arrived(np.where(gone, self.shown[1], self.shown[0]), values)


class Uncoded(_Digital):
    """A VQ-VAE over a link without a code: wrong bits make other indices."""

    def __init__(
        self,
        network: VQVAE,
        scheme: Scheme,
        channel: str,
        images: DeviceImages,
        index: Tensor,
        *,
        judge: Judge,
        words: Tensor | None = None,
    ) -> None:
        super().__init__(network, images, index, judge=judge, words=words)
        self.transceiver, self.channel = Transceiver(scheme), channel
        spare = scheme.payload_bits - self.bits.shape[1]
        self.payload = torch.nn.functional.pad(self.bits.float(), (0, spare))

    def send(self, snr_db: float, draws: Generator) -> Arrived:
        """See `Transmission`."""
        parts = self.payload.split(self.transceiver.batch)
        through = [
            self.transceiver.send(part, snr_db=snr_db, channel=self.channel, generator=draws).bits
            for part in parts
        ]
        bits = torch.cat(through)[:, : self.bits.shape[1]].numpy()
        received = self.decoded(bits)
        wrong = (bits != self.bits.numpy()).mean(1, dtype=np.float64)
        seen = {**self.judge(received), "bit_error_rate": wrong}
        return Arrived(received[of_sheet(len(received))], seen)


def of_sheet(count: int) -> slice:
    """Which of so many images a sheet shows: some, evenly spread, as files may stand class by class.

    Of fewer than twice as many the first ones.
    """
    step = max(1, count // SHOWN)
    return slice(0, SHOWN * step, step)


def taken(images: DeviceImages, index: Tensor) -> Iterator[Tensor]:
    """Batches (B, C, H, W) in 0…1 of the images at `index`."""
    yield from (images.take(batch) for batch in index.split(BATCH))
