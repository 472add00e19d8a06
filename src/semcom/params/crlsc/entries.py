"""What the rules of the second system hand to their verbs."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar, Self

from pydantic import model_validator

from semcom.params import faults, filling
from semcom.params.crlsc.claims import Claim
from semcom.params.crlsc.classify import Classify
from semcom.params.crlsc.images import Images
from semcom.params.crlsc.section import Consensus, Form, Network, Probe, Target, Train
from semcom.params.parts import InOrder
from semcom.params.ranges import NonNegativeInt, PositiveInt
from semcom.params.sections import Component, Seeds, Size, Strict
from semcom.params.shared import KnownEntry


class PartsEntry(KnownEntry):
    """Parts of prepared images, drawn by seed: those that are read, and those that draw before them.

    At the command line they may stand as a params file has them, `{"public": {…}, …}`, and what has a default
    may be left out; a rule says all of it.
    """

    COMPONENTS: ClassVar[Mapping[filling.Pattern, str]] = {}
    """By place, the family of each component whose options are checked and filled in."""

    seed: NonNegativeInt = 0
    parts: InOrder

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, given: Any) -> Any:
        """The same with each component checked and completed."""
        if not isinstance(given, dict):
            return given
        values = deepcopy(given)
        if isinstance(values.get("parts"), dict):
            values["parts"] = list(values["parts"].items())
        for section, *inside in cls.COMPONENTS:
            if inside and not cls.model_fields[section].is_required():
                values.setdefault(section, {})
        wrong = list(filling.fill(values, cls.COMPONENTS, cls))
        if wrong:
            raise ValueError("; ".join(map(str, wrong)))
        return values

    def _check_parts(self, **named: str) -> None:
        """Refuse names, by key, of parts that are not there."""
        known = dict(self.parts)
        for key, name in named.items():
            if name not in known:
                raise ValueError(f"{key}: {faults.unknown(name, known, 'the parts')}")


class LocalEntry(PartsEntry):
    """`semcom pretrain-local`: one local encoder by one method."""

    COMPONENTS = {
        ("network", "backbone"): "BACKBONES",
        ("guide",): "GUIDES",
        ("train", "optimiser"): "OPTIMISERS",
        ("train", "views"): "VIEWS",
    }

    method: str
    encoder: str
    network: Network
    part: str
    """The part that it trains on."""
    share: tuple[NonNegativeInt, PositiveInt] = (0, 1)
    """Which of how many shares of the part."""
    guide: Component | None = None
    base: str | None = None
    """Its name; the file is an option of the verb, as is that of `after`."""
    simclr: float = 0.0
    labels: bool = False
    after: str | None = None
    train: Train = Train()

    @model_validator(mode="after")
    def _there(self) -> Self:
        self._check_parts(part=self.part)
        return self

    @property
    def trains(self) -> bool:
        """Whether there is anything to train by."""
        return bool(self.guide or self.simclr or self.labels)


class ProbeEntry(PartsEntry):
    """`semcom evaluate probe`: one local encoder, or for the method `mentor` a way to keep its embeddings."""

    COMPONENTS = {("network", "backbone"): "BACKBONES"}

    method: str
    encoder: str
    """Of the mentor: `raw`, `int8`, or the base by which its embeddings are coded."""
    network: Network | None
    """None: the mentor."""
    hidden: tuple[PositiveInt, ...] = ()
    targets: dict[str, Target]
    probe: Probe = Probe()

    @model_validator(mode="after")
    def _there(self) -> Self:
        for name, target in self.targets.items():
            self._check_parts(**{f"targets.{name}.train": target.train, f"targets.{name}.test": target.test})
        return self


class PrivateEntry(PartsEntry):
    """`semcom knowledge private` of a local encoder: the private base of one target's training images."""

    COMPONENTS = {("network", "backbone"): "BACKBONES"}

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

    @model_validator(mode="after")
    def _there(self) -> Self:
        self._check_parts(**{"target.train": self.target.train, "target.test": self.target.test})
        return self


class ConsensusEntry(PartsEntry):
    """`semcom evaluate consensus`: all encoders of a method."""

    COMPONENTS = {("networks", "*", "backbone"): "BACKBONES"}

    method: str
    networks: dict[str, Network]
    hidden: tuple[PositiveInt, ...] = ()
    target: Target
    shared: str
    consensus: Consensus
    neighbours: PositiveInt = Probe().neighbours

    @model_validator(mode="after")
    def _there(self) -> Self:
        named = {"target.train": self.target.train, "target.test": self.target.test, "shared": self.shared}
        self._check_parts(**named)
        return self


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
