"""Both ends of a way over which an encoder's vectors are classified.

    direct:   vector ────────────────────────────────────────────────► head ─► class scores
    analog:   vector ─► sender ─► power 1 ─► k channel uses ─► 2k reals ─► head
    digital:  vector ─► codebooks ─► bits ─► link ─► vector, or the mean one if lost ─► head

A vector is in the base's space, of an encoder that has one, else the backbone's features: of unit length,
less the encoder's own mean over images without labels, of unit length again (`metrics.heads`), times √D, so
that a value has mean square 1 whatever the encoder. One that trains on keeps the mean that it began with.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from semcom.channel.symbols import to_real
from semcom.files.errors import SemcomError
from semcom.frames.folds import Indices
from semcom.frames.images import DeviceImages
from semcom.metrics.heads import Vectors, centred
from semcom.models import HEADS, SENDERS
from semcom.models.fusion import scores
from semcom.models.local import LocalEncoder, embed
from semcom.models.senders import send
from semcom.params.sections import Component
from semcom.quantise.product import ProductQuantiser
from semcom.training import forms, weights


class Ends(nn.Module):
    """Sender, where symbols are sent, and head.

    Args:
        dim: D of the vectors.
        classes: number of class scores.
        channel_uses: complex channel uses of analog symbols; None: the head is on vectors.
        sender: from vectors to 2k reals; None: the head is on vectors.
        head: the receiver's.

    Raises:
        SemcomError: a sender without channel uses, or the other way round.
    """

    def __init__(
        self, dim: int, classes: int, *, channel_uses: int | None, sender: Component | None, head: Component
    ) -> None:
        super().__init__()
        self.dim, self.classes, self.channel_uses = dim, classes, channel_uses
        reals = None if channel_uses is None else 2 * channel_uses
        if (sender is None) != (reals is None):
            raise SemcomError("a sender goes with channel uses of symbols: give both, or neither")
        self.sender: nn.Module | None = forms.module(SENDERS, sender, dim, reals) if sender else None
        self.head: nn.Module = forms.module(HEADS, head, reals or dim, classes)

    @property
    def needs_snr(self) -> bool:
        """Whether what is sent depends on the SNR."""
        return bool(getattr(self.sender, "needs_snr", False))

    def encode(self, vectors: Tensor, snr_db: Tensor | None = None) -> Tensor:
        """Complex symbols (N, k), average power 1 a channel use for every vector (N, D).

        Args:
            vectors: as `scaled` gives them.
            snr_db: Es/N0 in dB, (N,) or a scalar for all; asked for by senders that see it.
        """
        assert self.sender is not None
        assert self.channel_uses is not None
        return send(self.sender, vectors, snr_db, channel_uses=self.channel_uses)

    def decide(self, received: Tensor) -> Tensor:
        """Class scores (…, classes) of complex symbols (…, k), or of vectors (…, D)."""
        return scores(self.head, to_real(received) if received.is_complex() else received, self.classes)


def looked(network: LocalEncoder, images: DeviceImages, index: Indices) -> Vectors:
    """Vectors (N, D) of the images at `index`: in the base's space where the encoder has one."""
    features, space = embed(network, images.plain(index))
    found: Vectors = (space if network.dim else features).cpu().numpy()
    return found


def width(network: LocalEncoder) -> int:
    """D of these."""
    return network.dim or network.encoders.dims["rgb"]


def scaled(vectors: Vectors, device: torch.device) -> Tensor:
    """Centred unit vectors (N, D) as senders and heads take them."""
    found: Tensor = torch.from_numpy(vectors).float().to(device) * vectors.shape[1] ** 0.5
    return found


def standard(vectors: Tensor, centre: Tensor) -> Tensor:
    """Vectors (N, D) of an encoder, of any length, as senders and heads take them, with their gradients.

    Args:
        vectors: as the encoder gives them.
        centre: (D,) its mean direction.
    """
    unit = functional.normalize(functional.normalize(vectors) - centre)
    found: Tensor = unit * vectors.shape[1] ** 0.5
    return found


@dataclass(frozen=True, eq=False)
class Receiver:
    """What a party's training leaves.

    Attributes:
        ends: sender and head.
        centre: (D,) the encoder's own mean direction.
        lost: (D,) of bits, the mean received training vector, scaled: it stands for a lost one.
        codebooks: the party's own, where bits are indices in them.
    """

    ends: Ends
    centre: Vectors
    lost: Vectors | None = None
    codebooks: ProductQuantiser | None = None

    def own(self, vectors: Vectors) -> Vectors:
        """Centred unit vectors (N, D) of this party's (N, D)."""
        found: Vectors = centred(vectors, self.centre).astype("float32")
        return found


def save(path: Path, receiver: Receiver, encoder: LocalEncoder | None = None) -> None:
    """Write what a training left, with the encoder where that has changed."""
    books = receiver.codebooks
    content = {
        "ends": receiver.ends.state_dict(),
        "centre": torch.from_numpy(receiver.centre).float(),
        "lost": None if receiver.lost is None else torch.from_numpy(receiver.lost),
        "codebooks": None if books is None else [torch.from_numpy(book) for book in books.codebooks],
        "code_mean": None if books is None else torch.from_numpy(books.mean),
        "encoder": None if encoder is None else encoder.state_dict(),
    }
    weights.save(path, content)


def trained_on(network: LocalEncoder, path: Path) -> None:
    """Give an encoder the weights that a training left with its receiver.

    Raises:
        SemcomError: the file is missing or damaged, or its encoder was frozen or is another network.
    """
    weights.load_into(network, path, part="encoder")


def read(path: Path, ends: Ends) -> Receiver:
    """What `save` wrote; `ends` gets the weights.

    Raises:
        SemcomError: the file is missing, damaged, or of another network.
    """
    weights.load_into(ends, path, part="ends")
    content = weights.load(path)
    try:
        books = content["codebooks"]
        own = None
        if books is not None:
            own = ProductQuantiser(tuple(b.numpy() for b in books), content["code_mean"].numpy())
        lost = content["lost"]
        return Receiver(ends, content["centre"].numpy(), None if lost is None else lost.numpy(), own)
    except (KeyError, AttributeError, TypeError) as error:
        raise SemcomError(f"{path} is no receiver; remove it and run its job again") from error
