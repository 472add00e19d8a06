"""What a rule hands to its verb: one entry a stage, as sorted JSON, and nothing that the stage does not read.

A component (`Component`) is a dict `{"use": name, **options}`; its options are the keyword-only
arguments of the class that its family lists under that name.
"""

from typing import Annotated, Any, Literal, Self

from annotated_types import Gt, MinLen
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from semcom.params.ranges import (
    Fraction,
    NonNegativeInt,
    Pixels,
    PositiveFraction,
    PositiveInt,
    SnrDb,
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
Seeds = Annotated[tuple[NonNegativeInt, ...], MinLen(1), AfterValidator(unique)]


class Strict(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Compute(Strict):
    """Where and with how many threads a job computes."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: PositiveInt = 1
    deterministic: bool = True
    """Deterministic algorithms on a GPU (on a CPU they always are)."""


class Encoder(Strict):
    """A device's encoder, one a modality."""

    backbone: Component
    precision: Literal["fp32", "bf16"] = "fp32"


class Pretrain(Strict):
    """Label-free pre-training of a method's encoders."""

    loss: Component
    projector: Annotated[tuple[PositiveInt, ...], MinLen(1)] = (512, 512, 512)
    """Widths of the projector's layers; the last is the embedding's dimension."""
    epochs: PositiveInt = 300
    batch_size: Annotated[int, Gt(1)] = 64
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
    """The server's head on the received symbols of all devices."""
    batch_size: Annotated[int, Gt(1)] = 32
    warmup: Fraction = 0.05
    views: Component


class Link(Strict):
    """One wireless link from each device to the server."""

    channel: Component
    channel_uses: PositiveInt
    """Complex channel uses a device and frame (k)."""
    train_snr_db: TrainSnr = 10.0
    """Es/N0 in dB while fine-tuning: one, `{"uniform": (low, high)}` or `{"choice": (…)}`, drawn a sample."""
    downlink_snr_db: SnrDb | None = None
    """Es/N0 in dB of the gradients' way back; None: they come without noise."""

    @property
    def nominal_snr_db(self) -> float:
        """Es/N0 in dB of training, one figure: of a range the middle, of a list the median."""
        return nominal_snr_db(self.train_snr_db)


class Tune(Strict):
    """The grid from which optimiser and learning rate are chosen on validation data."""

    optimisers: Annotated[tuple[Component, ...], MinLen(1)]
    draws: PositiveInt = 5
    """Channel draws averaged for each validation accuracy."""


class Evaluate(Strict):
    """The sweep of Es/N0 over the test frames."""

    snr_db: Annotated[tuple[WholeSnrDb, ...], MinLen(1), AfterValidator(increasing)]
    """Whole decibels, so that a tracked curve's step can be its SNR."""
    draws: PositiveInt = 10


class Knowledge(Strict):
    """The private knowledge base of a method's encoders."""

    index: Annotated[str, AfterValidator(index_factory)] = "Flat"
    """A faiss factory string."""
    neighbours: PositiveInt = 5


class Entry(Strict):
    """What every job knows: its place in the study, the versions of data and code, and how to compute."""

    study: str
    system: str = "mmssl"
    data: str
    """Content hash of the data set."""
    code: str
    """Hash of the code that the job runs."""
    compute: Compute


class PrepareEntry(Strict):
    """`semcom prepare`."""

    name: str
    size: Size
    """Width and height in pixels."""
    data: str
    code: str


class PretrainEntry(Entry):
    """`semcom pretrain`."""

    method: str
    seed: NonNegativeInt
    modalities: Modalities
    encoder: Encoder
    pretrain: Pretrain


class KnowledgeEntry(Entry):
    """`semcom knowledge private`; for the reference row the method is `random` and nothing is pre-trained."""

    method: str
    seed: NonNegativeInt
    modalities: Modalities
    encoder: Encoder
    knowledge: Knowledge


class TrainedEntry(Entry):
    """What tuning, fine-tuning and evaluation share."""

    method: str
    labels: str
    modalities: Modalities
    encoder: Encoder
    finetune: Finetune
    link: Link
    budgets: Budgets


class TuneEntry(TrainedEntry):
    """`semcom tune`: the study's first link and first three seeds."""

    fraction: PositiveFraction
    seeds: Seeds
    tune: Tune


class FinetuneEntry(TrainedEntry):
    """`semcom finetune`: all budgets of one (method, link, labels, seed) in turn."""

    link_name: str
    fraction: PositiveFraction
    seed: NonNegativeInt


class EvaluateEntry(TrainedEntry):
    """`semcom evaluate sweep`."""

    link_name: str
    seed: NonNegativeInt
    evaluate: Evaluate


class CalibrationEntry(Strict):
    """`semcom evaluate link`: a link of the study, whatever is sent over it."""

    study: str
    link_name: str
    channel: Component
    code: str
    threads: PositiveInt


class ReportEntry(Strict):
    """`semcom report`."""

    study: str
    report: str
    methods: tuple[str, ...]
    pretrained: tuple[str, ...] = ()
    """Those of `methods` that pre-train."""
    links: dict[str, Link]
    labels: dict[str, float]
    budgets: Budgets
    seeds: Seeds
    data_name: str
    data: str
    code: str
    params_file: str = ""
    params: dict[str, Any] = Field(default_factory=dict)
    """All of the params file but tracking, for the record."""


def to_json(entry: BaseModel) -> str:
    """One line of sorted JSON: the same entry always gives the same text."""
    import json

    return json.dumps(entry.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
