"""What the rules of the second system hand to their verbs."""

from semcom.params.crlsc.claims import Claim
from semcom.params.crlsc.classify import Classify
from semcom.params.crlsc.images import Images
from semcom.params.crlsc.section import Consensus, Form, Network, Probe, Target, Train
from semcom.params.entries import Component, Entry, Seeds, Size, Strict
from semcom.params.parts import InOrder
from semcom.params.ranges import NonNegativeInt, PositiveInt
from semcom.params.shared import KnownEntry


class PartsEntry(Entry):
    """Parts of prepared images, drawn by seed: those that are read, and those that draw before them."""

    system: str = "crlsc"
    seed: NonNegativeInt
    parts: InOrder


class LocalEntry(PartsEntry):
    """`semcom pretrain-local`: one local encoder by one method."""

    method: str
    encoder: str
    network: Network
    part: str
    """The part that it trains on."""
    share: tuple[NonNegativeInt, PositiveInt] = (0, 1)
    """Which of how many shares of the part."""
    guide: Component | None
    base: str | None
    simclr: float
    labels: bool
    after: str | None
    train: Train

    @property
    def trains(self) -> bool:
        """Whether there is anything to train by."""
        return bool(self.guide or self.simclr or self.labels)


class ProbeEntry(PartsEntry):
    """`semcom evaluate probe`: one local encoder, or for the method `mentor` a way to keep its embeddings."""

    method: str
    encoder: str
    """Of the mentor: `raw`, `int8`, or the base by which its embeddings are coded."""
    network: Network | None
    """None: the mentor."""
    hidden: tuple[PositiveInt, ...] = ()
    targets: dict[str, Target]
    probe: Probe


class PrivateEntry(KnownEntry, PartsEntry):
    """`semcom knowledge private` of a local encoder: the private base of one target's training images."""

    method: str
    encoder: str
    network: Network
    hidden: tuple[PositiveInt, ...] = ()
    """As the encoder was trained."""
    name: str
    """Of the target."""
    target: Target
    form: Form = "Flat"
    """Of the base, which has codebooks of its own."""
    neighbours: PositiveInt = 10


class ConsensusEntry(PartsEntry):
    """`semcom evaluate consensus`: all encoders of a method."""

    method: str
    networks: dict[str, Network]
    hidden: tuple[PositiveInt, ...] = ()
    target: Target
    shared: str
    consensus: Consensus
    neighbours: PositiveInt


class MethodSaid(Strict):
    """What the report says of a method."""

    encoders: tuple[str, ...]
    trains: bool
    part: str
    base: str | None
    guide: str | None
    simclr: float
    labels: bool
    disjoint: bool = False
    after: str | None = None
    like: str | None = None
    """The first method that differs from it in its epochs alone; None: there is none before it."""


class CrlscReportEntry(Strict):
    """`semcom report crlsc`."""

    study: str
    report: str
    data_name: str
    data: str
    code: str
    seeds: Seeds
    size: Size
    mentor: str
    mentor_int8: bool = False
    bases: dict[str, Form]
    base_parts: dict[str, str] = {}
    """The public part whose images each base holds."""
    methods: dict[str, MethodSaid]
    targets: tuple[str, ...]
    label_fractions: tuple[float, ...]
    consensus: tuple[str, ...]
    """Methods whose encoders are compared."""
    images: Images | None = None
    classify: Classify | None = None
    classified: dict[str, tuple[str, ...]] = {}
    """Methods that are classified over links, and their encoders."""
    claims: dict[str, Claim] = {}
    params_file: str = ""
    params: dict[str, object] = {}
    """All of the section, for the record."""
