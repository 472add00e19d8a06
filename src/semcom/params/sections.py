"""Sections of a params file from which its schema and the entries of jobs are made.

A component (`Component`) is a dict `{"use": name, **options}`; its options are the keyword-only
arguments of the class that its family lists under that name.
"""

from typing import Annotated, Any, Literal, Self

from annotated_types import Gt, Lt, MinLen
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from semcom.params import options
from semcom.params.ranges import (
    ChannelUses,
    Draws,
    Fraction,
    NonNegativeInt,
    Pixels,
    PositiveInt,
    Quality,
    SnrDb,
    Threads,
    WholeNumber,
    WholeSnrDb,
    increasing,
    index_factory,
    unique,
)
from semcom.params.trainsnr import TrainSnr, nominal_snr_db

Component = dict[str, Any]
Modality = Literal["rgb", "depth"]
Modalities = Annotated[tuple[Modality, ...], MinLen(1), AfterValidator(unique)]
Size = tuple[Pixels, Pixels]
Budgets = Annotated[tuple[PositiveInt, ...], MinLen(1), AfterValidator(increasing)]
DigitalBudgets = Annotated[tuple[NonNegativeInt, ...], MinLen(1), AfterValidator(increasing)]
"""0 stands for the encoders as pre-training left them, not fine-tuned."""
Epochs = Annotated[tuple[NonNegativeInt, ...], AfterValidator(increasing)]
Seeds = Annotated[tuple[Annotated[NonNegativeInt, Lt(2**32)], ...], MinLen(1), AfterValidator(unique)]


class Strict(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Compute(Strict):
    """Where and with how many threads a job computes."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: Threads = 1
    deterministic: bool = True
    """Deterministic algorithms on a GPU (on a CPU they always are)."""


class Encoder(Strict):
    """A device's encoder, one a modality."""

    backbone: Component
    precision: Literal["fp32", "bf16"] = "fp32"
    weights: str | None = None
    """Where encoders start: `imagenet`, a file of weights, or None for random initialisation."""


class Pretrain(Strict):
    """Label-free pre-training of a method's encoders."""

    loss: Component
    projector: Annotated[tuple[PositiveInt, ...], MinLen(1)] = (512, 512, 512)
    """Widths of the projector's layers; the last is the embedding's dimension."""
    shared_projector: bool = False
    """One projector for both modalities; False: each has its own."""
    epochs: PositiveInt = 300
    batch_size: Annotated[WholeNumber, Gt(1)] = 64
    devices: PositiveInt = 1
    """Processes that train together on one node, one GPU each; the batch is split among them."""
    optimiser: Component
    warmup: Fraction = 0.05
    """Share of the steps over which the learning rate rises from 0; a cosine to 0 follows."""
    views: Component
    neighbours: PositiveInt = 5
    """k of the validation k-NN accuracy logged over training."""
    validate_every: PositiveInt = 1
    """Epochs from one look at effective rank and k-NN accuracy to the next."""
    snapshots: Epochs = ()
    """Epochs after which encoders and projectors are kept, 0 being untrained; the last one always is."""

    @model_validator(mode="after")
    def _has(self) -> Self:
        for epoch in self.snapshots:
            if epoch > self.epochs:
                raise ValueError(
                    f"snapshots has epoch {epoch}, and there are {self.epochs} epochs; leave it out (the "
                    "last one is always kept)"
                )
        return self

    @model_validator(mode="after")
    def _splits(self) -> Self:
        if self.batch_size % self.devices:
            raise ValueError(
                f"batch_size {self.batch_size} cannot be split evenly among {self.devices} devices; take a "
                f"multiple of {self.devices}"
            )
        return self


class Finetune(Strict):
    """Joint fine-tuning of devices and server over a link."""

    sender: Component = {"use": "linear"}
    """From a device's features to what its channel uses carry."""
    head: Component
    """The server's head, on what it received."""
    fusion: Literal["concat", "average"] = "concat"
    """One head on the symbols of all devices side by side, or one a device, their class scores averaged."""
    batch_size: Annotated[WholeNumber, Gt(1)] = 32
    warmup: Fraction = 0.05
    views: Component


class Link(Strict):
    """One wireless link from each device to the server."""

    channel: Component
    channel_uses: ChannelUses
    """Complex channel uses a device and frame (k)."""
    train_snr_db: TrainSnr = 10.0
    """Es/N0 in dB while fine-tuning: one, `{"uniform": (low, high)}` or `{"choice": (…)}`, drawn a sample."""
    downlink_snr_db: SnrDb | None = None
    """Es/N0 in dB of the gradients' way back; None: they come without noise."""
    task: Component = {"use": "scene"}
    """What the server decides on what it receives."""

    @property
    def nominal_snr_db(self) -> float:
        """Es/N0 in dB of training, one figure: of a range the middle, of a list the median."""
        return nominal_snr_db(self.train_snr_db)


QUALITIES = {"avif": (0, 100), "webp": (0, 100), "jpeg": (1, 95), "jpeg2000": (10, 60)}
"""Lowest and highest quality of each image format; `semcom.codecs` has the same (a test)."""


class Upload(Strict):
    """All training images sent once over a digital link, as image files."""

    codec: Literal["avif", "webp", "jpeg", "jpeg2000"]
    quality: Annotated[tuple[Quality, ...], MinLen(1), AfterValidator(increasing)]
    """Each in the codec's own terms; of JPEG 2000 a target PSNR in dB."""

    @model_validator(mode="after")
    def _has(self) -> Self:
        low, high = QUALITIES[self.codec]
        for quality in self.quality:
            if not low <= quality <= high:
                raise ValueError(f"{self.codec} has qualities of {low} to {high}, not {quality}")
        return self


class Digital(Strict):
    """A digital link beside an analog one: quantised features, coded, in the same channel uses."""

    link: str
    """The analog link: its channel, channel uses, and the encoders trained over it."""
    schemes: Annotated[tuple[str, ...], MinLen(1), AfterValidator(unique)]
    """MODULATION_CODE_RATE, such as `qpsk_ldpc_1/2`; of several, the error tables choose at each Es/N0."""
    payload_bits: PositiveInt | None = None
    """Of a code word, for schemes without a rate."""
    objective: Literal["goodput", "reliable", "bler"] = "goodput"
    """What the choice goes by: most payload that arrives; most payload of those that lose at most 1 % of
    their blocks; or, of schemes of one payload, fewest lost blocks."""
    frames_per_block: PositiveInt = 1
    """Frames in one code word, which is as many times longer; they are lost together."""
    exact: bool = False
    """Code, send and decode each block, instead of drawing its fate from the error table."""
    head_epochs: PositiveInt = 50
    """Passes over the received training features in which the server trains its head."""
    methods: Annotated[tuple[str, ...], AfterValidator(unique)] | None = None
    """None: all of the study; without those that do not pre-train if `budgets` is 0 alone."""
    budgets: DigitalBudgets | None = None
    """None: all of the study, and 0 of methods that pre-train."""
    upload: Upload | None = None
    """What it costs to send all training images over this link instead; None: is not measured."""


class ChannelState(Strict):
    """What the world is for a while: the uplink's channel and its SNR."""

    channel: Component
    snr_db: SnrDb
    """Es/N0 in dB, of re-training and of the test."""

    @property
    def name(self) -> str:
        """`rayleigh 5 dB`, with options that are not the usual ones `rayleigh (csi none) 5 dB`."""
        usual, _ = options.check("CHANNELS", {"use": self.channel["use"]}, ())
        own = [f"{key} {value}" for key, value in self.channel.items() if usual.get(key) != value]
        kind = self.channel["use"].rpartition(":")[2]
        return " ".join([kind, *([f"({', '.join(own)})"] if own else []), f"{self.snr_db:g} dB"])


class Changing(Strict):
    """A link whose channel changes after its training: what it sends to be good again, state by state."""

    link: str
    """The link that was trained; its channel uses and its downlink stay."""
    states: Annotated[tuple[ChannelState, ...], MinLen(1)]
    """What the world then becomes, in turn."""
    budgets: Budgets | None = None
    """Epochs of re-training at each state; None: the study's."""
    methods: Annotated[tuple[str, ...], MinLen(1), AfterValidator(unique)] | None = None
    """None: all of the study."""
    start_budget: PositiveInt | None = None
    """Whose weights the link has when the world changes; None: the study's largest."""
    labels: str | None = None
    """None: the study's first."""


class Tune(Strict):
    """The grid from which optimiser and learning rate are chosen on validation data."""

    optimisers: Annotated[tuple[Component, ...], MinLen(1)]
    draws: Draws = 5
    """Channel draws averaged for each validation accuracy."""
    seeds: Annotated[PositiveInt, Field(exclude=True)] = 3
    """How many of the study's seeds, from the first on, it is chosen on: as many folds of validation data.
    Not in an entry, which names those seeds."""


class Evaluate(Strict):
    """The sweep of Es/N0 over the test frames."""

    snr_db: Annotated[tuple[WholeSnrDb, ...], MinLen(1), AfterValidator(increasing)]
    """Whole decibels, so that a tracked curve's step can be its SNR."""
    draws: Draws = 10


class PrivateBase(Strict):
    """The private knowledge base of a method's encoders."""

    index: Annotated[str, AfterValidator(index_factory)] = "Flat"
    """A faiss factory string."""
    neighbours: PositiveInt = 5


class Knowledge(PrivateBase):
    """Private knowledge bases, and whose."""

    methods: Annotated[tuple[str, ...], AfterValidator(unique)] | None = None
    """None: all that pre-train."""


class Learnt(Strict):
    """What pre-training has learnt, measured of the epochs that it kept."""

    methods: Annotated[tuple[str, ...], AfterValidator(unique)] | None = None
    """None: all that pre-train."""
