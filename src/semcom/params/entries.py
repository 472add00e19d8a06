"""What a rule hands to its verb: one entry a stage, as JSON, and nothing that the stage does not read."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt, MinLen
from pydantic import BaseModel

from semcom.params.ranges import (
    NonNegativeInt,
    Number,
    PositiveFraction,
    PositiveInt,
    SnrDb,
    WholeNumber,
)
from semcom.params.scheme import Scheme, parse
from semcom.params.sections import (
    Budgets,
    ChannelState,
    Component,
    Compute,
    Digital,
    DigitalBudgets,
    Encoder,
    Evaluate,
    Finetune,
    Link,
    Modalities,
    Pretrain,
    PrivateBase,
    Seeds,
    Size,
    Strict,
    Tune,
    Upload,
)


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
    weights_sha256: str | None = None
    """Of the file that `encoder.weights` names, where the job reads it."""


class LearntEntry(PretrainEntry):
    """`semcom evaluate learnt`: of one pre-training, which says what network it was and what it kept."""


class KnowledgeEntry(Entry):
    """`semcom knowledge private`; for the reference row the method is `random` and nothing is pre-trained."""

    method: str
    seed: NonNegativeInt
    modalities: Modalities
    encoder: Encoder
    knowledge: PrivateBase


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
    """`semcom tune`: the first link of a task, and the study's first seeds, as many as `tune.seeds`."""

    link_name: str
    fraction: PositiveFraction
    seeds: Seeds
    tune: Tune
    weights_sha256: str | None = None
    """Of the file that `encoder.weights` names, where the job reads it."""


class FinetuneEntry(TrainedEntry):
    """`semcom finetune`: all budgets of one (method, link, labels, seed) in turn."""

    link_name: str
    fraction: PositiveFraction
    seed: NonNegativeInt
    weights_sha256: str | None = None
    """Of the file that `encoder.weights` names, where the job reads it."""


class ChangingEntry(FinetuneEntry):
    """`semcom finetune changing`: all strategies, budgets and states of one (changing, method, seed)."""

    changing: str
    """Name of the section."""
    states: Annotated[tuple[ChannelState, ...], MinLen(1)]
    start_budget: PositiveInt
    draws: PositiveInt
    """Channel draws averaged for each test accuracy, the study's `evaluate.draws`."""


class EvaluateEntry(TrainedEntry):
    """`semcom evaluate sweep`."""

    link_name: str
    seed: NonNegativeInt
    evaluate: Evaluate


class DigitalEntry(TrainedEntry):
    """`semcom evaluate digital`: quantised features of one (method, digital link, labels, seed)."""

    link_name: str
    """Of the digital link."""
    digital: Digital
    tables: dict[str, str]
    """Error tables of the schemes: file name, and a digest of those measured beforehand."""
    fraction: PositiveFraction
    seed: NonNegativeInt
    budgets: DigitalBudgets
    neighbours: PositiveInt
    """k of retrieval in the private knowledge base."""
    evaluate: Evaluate


class UploadEntry(Strict):
    """`semcom evaluate upload`: the training images of a study over one of its digital links."""

    study: str
    link_name: str
    """Of the digital link."""
    data: str
    """Content hash of the data set."""
    code: str
    """Hash of the code that the job runs."""
    channel: Literal["awgn", "rayleigh"]
    snr_db: SnrDb
    """Es/N0 in dB of training, one figure (`Link.nominal_snr_db`)."""
    modalities: Modalities
    """Those that any method of the study uses."""
    upload: Upload
    tables: dict[str, str]
    """Error tables of the schemes, as in `DigitalEntry`."""


MOST_CODE_BITS = 20_480_000
"""Of an SNR of an error table: 20,000 blocks of 1,024, fewer of longer ones."""


class TableEntry(Strict):
    """`semcom links table`: one scheme on one channel; what decides the numbers, and nothing else."""

    scheme: str
    """MODULATION_CODE_RATE, such as `qpsk_ldpc_1/2`, or MODULATION_CODE with `payload_bits`."""
    channel_uses: PositiveInt
    """Complex channel uses of a block."""
    payload_bits: PositiveInt | None = None
    channel: Literal["awgn", "rayleigh"]
    """`rayleigh` is block Rayleigh fading, one gain a block, known to the receiver."""
    seed: NonNegativeInt = 0
    errors: PositiveInt = 100
    """Lost blocks after which an SNR is done."""
    most_blocks: Annotated[WholeNumber, Ge(100)] = 20_000
    """Blocks after which an SNR is done in any case; of long codes fewer, see `enough`."""
    target: Annotated[Number, Gt(0), Lt(0.5)] = 0.01
    """Block error rate down to which `errors` are counted."""
    code: str = ""
    """Hash of the code that the job runs."""

    @property
    def block(self) -> Scheme:
        """The scheme, checked.

        Raises:
            SemcomError: it is unknown, or its code cannot have this payload and rate.
        """
        return parse(self.scheme, channel_uses=self.channel_uses, payload_bits=self.payload_bits)

    @property
    def enough(self) -> int:
        """Blocks after which an SNR is done in any case, so that long codes do not take days."""
        return min(self.most_blocks, MOST_CODE_BITS // self.block.code_bits)

    @property
    def file(self) -> str:
        """Name of the table's file."""
        return f"{self.block.stem}_{self.channel}.csv"


class CalibrationEntry(Strict):
    """`semcom evaluate link`: a link of the study, whatever is sent over it."""

    study: str
    link_name: str
    channel: Component
    code: str
    threads: PositiveInt


def to_json(entry: BaseModel, *, in_order: bool = False) -> str:
    """One line of JSON: the same entry always gives the same text.

    Args:
        entry: of a job.
        in_order: whether names stand as in the params file, as a report shows them, or sorted, so that moving
            lines about in the file trains nothing anew.
    """
    import json

    return json.dumps(entry.model_dump(mode="json"), sort_keys=not in_order, separators=(",", ":"))
