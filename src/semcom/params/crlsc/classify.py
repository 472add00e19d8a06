"""Classification over links, the key `classify` of the section `crlsc`: what encoders see, a receiver names.

target's training images ─► frozen encoder ─► vectors ─► way ─► head: class scores
ways: `direct`, without a link │ a link's analog symbols │ a digital link's bits, indices in codebooks
"""

from typing import Annotated, Literal

from annotated_types import Gt, MinLen
from pydantic import AfterValidator

from semcom.params.entries import Component, Strict
from semcom.params.ranges import (
    Fraction,
    PositiveFraction,
    PositiveInt,
    WholeNumber,
    WholeSnrDb,
    increasing,
    unique,
)
from semcom.params.schema import Name
from semcom.params.trainsnr import TrainSnr

DIRECT = "direct"
"""The way without a link: what heads are worth where nothing is lost."""
Indices = Literal["shared", "private"]
Chosen = Annotated[tuple[str, ...], MinLen(1), AfterValidator(unique)]


class ClassifyLink(Strict):
    """A wireless link that vectors go over as analog symbols."""

    channel: Component
    channel_uses: PositiveInt
    """Complex channel uses an image (k), pilots not counted."""
    train_snr_db: TrainSnr = 10.0
    """Es/N0 in dB while sender and head train over it."""


class ClassifyDigital(Strict):
    """A digital link beside an analog one: indices in a base's codebooks, coded, in the same channel uses."""

    link: str
    """The analog link: its channel and channel uses."""
    scheme: str
    """MODULATION_CODE_RATE, such as `qpsk_ldpc_1/2`."""
    indices: Indices = "shared"
    """In the codebooks of the shared base that the encoder learnt under, or in a party's own ones."""
    exact: bool = False
    """Code, send and decode each block, instead of drawing its fate from the error table."""


class Classify(Strict):
    """The key `classify`."""

    target: str
    links: Annotated[dict[Name, ClassifyLink], MinLen(1)]
    digital: dict[Name, ClassifyDigital] = {}
    methods: Chosen | None = None
    """None: all of the section."""
    encoders: Chosen | None = None
    """None: all that each method trains."""
    labels: PositiveFraction = 1.0
    """Share of the labels of the target's training images, class by class."""
    sender: Component = {"use": "linear"}
    """From vectors to what channel uses carry."""
    head: Component = {"use": "mlp"}
    """The receiver's."""
    epochs: PositiveInt = 50
    """Passes over the labelled training images, of all senders and heads alike."""
    batch_size: Annotated[WholeNumber, Gt(1)] = 32
    optimiser: Component = {"use": "adamw"}
    warmup: Fraction = 0.05
    snr_db: Annotated[tuple[WholeSnrDb, ...], MinLen(1), AfterValidator(increasing)] = (-5, 0, 5, 10, 15, 20)
    """Es/N0 in dB of the test."""
    draws: PositiveInt = 10

    @property
    def ways(self) -> tuple[str, ...]:
        """All ways, by name."""
        return (DIRECT, *self.links, *self.digital)

    def link_of(self, way: str) -> str | None:
        """The link that a way goes over."""
        return self.digital[way].link if way in self.digital else None if way == DIRECT else way
