"""What the rules of classification over links hand to their verbs."""

from typing import Annotated

from annotated_types import MinLen

from semcom.params.crlsc.classify import ClassifyLink, Indices
from semcom.params.crlsc.entries import PartsEntry
from semcom.params.crlsc.section import Network, Target
from semcom.params.ranges import Fraction, Positive, PositiveFraction, PositiveInt, WholeSnrDb
from semcom.params.sections import Component


class WayEntry(PartsEntry):
    """One way of one method's vectors, on one target, at one share of its labels."""

    method: str
    """Of `tuned`, the name there."""
    link_name: str
    """Of the way."""
    target_name: str
    labels: PositiveFraction
    hidden: tuple[PositiveInt, ...] = ()
    target: Target
    channel_uses: PositiveInt | None
    """Complex channel uses an image of analog symbols; None: bits, or no link."""
    indices: Indices | None
    """Whose codebooks make bits; None: no bits are sent."""
    bits: PositiveInt | None
    """That there is room for, of an image."""
    sender: Component | None
    """Of symbols."""
    head: Component


class ClassifyEntry(WayEntry):
    """`semcom finetune classify`: sender or codebooks, and head, of one encoder."""

    encoder: str
    network: Network
    link: ClassifyLink | None
    """That analog symbols train over."""
    encoder_lr_scale: Positive | None
    """Of an encoder that trains on, times the optimiser's rate; None: it is frozen."""
    views: Component | None
    """Of an encoder that trains on."""
    epochs: PositiveInt
    images: PositiveInt | None
    """In an epoch; None: all that have a label."""
    batch_size: PositiveInt
    optimiser: Component
    warmup: Fraction


class ClassifyTestEntry(WayEntry):
    """`semcom evaluate classify`: each encoder's receiver on what each encoder sends."""

    networks: dict[str, Network]
    tuned: bool
    """Whether each receiver's training has changed its encoder."""
    channel: Component | None
    """None: no link."""
    scheme: str | None
    """Of bits."""
    scheme_uses: PositiveInt | None
    """Complex channel uses of a block of bits."""
    exact: bool
    table: dict[str, str]
    """Error table of the scheme: file name, and a digest if it was measured beforehand."""
    snr_db: Annotated[tuple[WholeSnrDb, ...], MinLen(1)]
    draws: PositiveInt
