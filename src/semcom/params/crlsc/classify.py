"""Classification over links, the key `classify` of the section `crlsc`: what encoders see, a receiver names.

target's training images ─► encoder, frozen or trained on ─► vectors ─► way ─► head: class scores
ways: `direct`, without a link │ a link's analog symbols │ a digital link's bits, indices in codebooks
"""

from typing import Annotated, Literal

from annotated_types import Gt, MinLen
from pydantic import AfterValidator, BeforeValidator

from semcom.params.ranges import (
    ChannelUses,
    Draws,
    Fraction,
    Positive,
    PositiveFraction,
    PositiveInt,
    WholeNumber,
    WholeSnrDb,
    increasing,
    listed,
    unique,
)
from semcom.params.schema import Name
from semcom.params.sections import Component, Strict
from semcom.params.trainsnr import TrainSnr

DIRECT = "direct"
"""The way without a link: what heads are worth where nothing is lost."""
Indices = Literal["shared", "private"]
Chosen = Annotated[tuple[str, ...], MinLen(1), AfterValidator(unique)]


def _told_apart(shares: tuple[float, ...]) -> tuple[float, ...]:
    """Refuse shares whose folders would be one.

    Raises:
        ValueError: naming the text that two share.
    """
    unique(tuple(share(fraction) for fraction in shares))
    return increasing(shares)


def share(fraction: float) -> str:
    """A share of the labels as folders, tables and rules name it."""
    return f"{fraction:.6g}"


Targets = Annotated[
    tuple[str, ...], MinLen(1), AfterValidator(unique), BeforeValidator(listed), "a target or a list of some"
]
Shares = Annotated[
    tuple[PositiveFraction, ...], MinLen(1), AfterValidator(_told_apart), BeforeValidator(listed)
]


class ClassifyLink(Strict):
    """A wireless link that vectors go over as analog symbols."""

    channel: Component
    channel_uses: ChannelUses
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
    methods: Chosen | None = None
    """Those that use it; None: all that can."""


class Tuned(Strict):
    """A method's encoders, trained on with sender and head by the target's labels."""

    method: str
    """Whose encoders it begins with; those of a method that does not train are at their random start."""
    encoders: Chosen | None = None
    """Which of them; None: as of methods."""
    encoder_lr_scale: Positive = 0.1
    """Times the optimiser's rate."""


class Classify(Strict):
    """The key `classify`."""

    target: Targets
    links: Annotated[dict[Name, ClassifyLink], MinLen(1)]
    digital: dict[Name, ClassifyDigital] = {}
    methods: Chosen | None = None
    """None: all of the section."""
    encoders: Chosen | None = None
    """None: all that each method trains."""
    tuned: dict[Name, Tuned] = {}
    """Beside `methods`, whose encoders are frozen: those that train on, without digital links."""
    labels: Shares = (1.0,)
    """Shares of the labels of a target's training images, class by class."""
    sender: Component = {"use": "linear"}
    """From vectors to what channel uses carry."""
    head: Component = {"use": "mlp"}
    """The receiver's."""
    epochs: PositiveInt = 50
    """Of all senders and heads alike."""
    images: PositiveInt | None = None
    """In an epoch; None: all that have a label. Fewer are gone through again."""
    batch_size: Annotated[WholeNumber, Gt(1)] = 32
    optimiser: Component = {"use": "adamw"}
    warmup: Fraction = 0.05
    views: Component | None = {"use": "rgbd"}
    """Augmented views for encoders that train on; None: the images as they are."""
    snr_db: Annotated[tuple[WholeSnrDb, ...], MinLen(1), AfterValidator(increasing)] = (-5, 0, 5, 10, 15, 20)
    """Es/N0 in dB of the test."""
    draws: Draws = 10

    @property
    def ways(self) -> tuple[str, ...]:
        """All ways, by name."""
        return (DIRECT, *self.links, *self.digital)

    def ways_of(self, arm: str, base: str | None) -> tuple[str, ...]:
        """The ways that vectors of a method, or of one of `tuned`, go.

        Those that train on go as no bits, and without a base there are no indices in one.
        """

        def goes(way: str) -> bool:
            digital = self.digital.get(way)
            if digital is None:
                return True
            if arm in self.tuned or (digital.methods is not None and arm not in digital.methods):
                return False
            return base is not None or digital.indices == "private"

        return tuple(way for way in self.ways if goes(way))

    def link_of(self, way: str) -> str | None:
        """The link that a way goes over."""
        return self.digital[way].link if way in self.digital else None if way == DIRECT else way
