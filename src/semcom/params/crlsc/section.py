"""What the section `crlsc` of a params file holds.

public images ─► mentor ─► bases ─► methods × encoders ─► probes on targets, consensus
"""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, MinLen
from pydantic import AfterValidator

from semcom.params.crlsc.classify import Classify
from semcom.params.crlsc.images import Images
from semcom.params.form import whole
from semcom.params.formfit import TooFew
from semcom.params.parts import Parts
from semcom.params.ranges import (
    Fraction,
    NonNegative,
    Positive,
    PositiveFraction,
    PositiveInt,
    WholeNumber,
    increasing,
    unique,
)
from semcom.params.schema import Name, plain_name
from semcom.params.sections import Component, Encoder, Size, Strict

MENTOR = "mentor"
"""Name of the reference rows: what the mentor's own embeddings, raw or coded, are worth."""
RAW, INT8 = "raw", "int8"
"""Of these rows: embeddings as they are, and those of the mentor as it would be shipped."""
Form = Annotated[str, AfterValidator(whole)]
Names = Annotated[tuple[str, ...], MinLen(1), AfterValidator(unique)]
Widths = tuple[PositiveInt, ...]
Fractions = Annotated[tuple[PositiveFraction, ...], MinLen(1), AfterValidator(increasing)]
Counts = Annotated[tuple[Annotated[WholeNumber, Ge(10)], ...], MinLen(1), AfterValidator(increasing)]


def method_name(text: str) -> str:
    """A plain name, and not that of the reference rows.

    Raises:
        ValueError: naming the name.
    """
    if text.lower() == MENTOR:
        raise ValueError(f"{text!r} is the name of the mentor's own rows; choose another name")
    return plain_name(text)


class Base(Strict):
    """A shared knowledge base."""

    form: Form
    """A faiss factory string, or `ClustersK`."""
    of: str | None = None
    """The public part whose images it holds; None: the first one."""
    sample: Annotated[WholeNumber, Ge(2)] | None = None
    """Most vectors to train it on; None: what is enough for the form."""
    too_few: TooFew = "fewer_bits"
    """With too few vectors for a codebook: a smaller one, or an error."""


class Network(Strict):
    """A local encoder, at random initialisation."""

    backbone: Component
    precision: Literal["fp32", "bf16"] = "fp32"

    @property
    def encoder(self) -> Encoder:
        """As models take it."""
        return Encoder(backbone=self.backbone, precision=self.precision)


class Train(Strict):
    """How local encoders train; every method as many steps, and every image in two views."""

    epochs: PositiveInt = 20
    images: PositiveInt | None = None
    """In an epoch; None: the `count` of the first public part. A smaller part is gone through again."""
    batch_size: Annotated[WholeNumber, Gt(1)] = 128
    optimiser: Component = {"use": "adamw"}
    warmup: Fraction = 0.05
    """Share of the steps over which the learning rate rises from 0; a cosine to 0 follows."""
    views: Component = {"use": "rgbd"}
    hidden: Widths = ()
    """Widths inside the projection into the base's space; none: it is linear."""
    contrast: Annotated[Widths, MinLen(1)] = (512, 128)
    """Widths of SimCLR's projector; the last is its embedding's."""
    temperature: Positive = 0.2
    """Of SimCLR's term."""


class Local(Strict):
    """How a method trains the local encoders; with none of guide, simclr and labels they stay as drawn."""

    part: str | None = None
    """The part that it trains on; None: its base's, or the first public one. One that does not train has its
    BatchNorm statistics of it, and where there is no public part of the first private one."""
    guide: Component | None = None
    base: str | None = None
    """The shared knowledge base that guides; None: the mentor's embeddings as they are."""
    simclr: NonNegative = 0.0
    """Weight of the SimCLR term."""
    labels: bool = False
    """Train by the part's labels."""
    disjoint: bool = False
    """Each encoder trains on a share of its own of the part."""
    after: str | None = None
    """A method from whose trained encoders this one goes on."""
    encoders: Names | None = None
    """None: all."""
    train: Train | None = None
    """Keys that differ from `crlsc.train`."""

    @property
    def trains(self) -> bool:
        """Whether there is anything to train by."""
        return bool(self.guide or self.simclr or self.labels)


class Target(Strict):
    """A task on which frozen encoders are measured."""

    train: str
    """A private part: heads are fitted on four fifths of it, their penalty is chosen on the fifth."""
    test: str


class Probe(Strict):
    """What frozen features are asked."""

    label_fractions: Fractions = (1.0,)
    """Shares of the labels of a target's training images, for the linear head."""
    neighbours: PositiveInt = 10
    """k of k-NN, and of precision at k in the private knowledge base."""
    private: Form = "Flat"
    """Form of the private knowledge base, which has codebooks of its own."""


class Consensus(Strict):
    """Heads of one encoder on the features of another."""

    target: str
    shared: str | None = None
    """Images that all parties have seen, for the ridge maps; None: the first public part."""
    maps: Counts = (100, 1000)
    """Numbers of shared images that maps are fitted on."""


class Section(Strict):
    """The section `crlsc`."""

    size: Size
    """Width and height in pixels of the prepared images."""
    parts: Parts
    mentor: Component = {"use": "efficientnet_lite0"}
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the mentor."""
    mentor_int8: bool = False
    """Measure the mentor with weights of 8 bits, too: what it takes to ship it, and what it is worth then."""
    bases: dict[Name, Base] = {}
    encoders: dict[Name, Network] = {}
    train: Train = Train()
    methods: dict[Annotated[str, AfterValidator(method_name)], Local] = {}
    targets: dict[Name, Target] = {}
    """With encoders and methods empty: the study is of `images` alone."""
    probe: Probe | None = Probe()
    """None: targets are for classification over links and for consensus alone."""
    consensus: Consensus | None = None
    """None: is not measured."""
    images: Images | None = None
    """Images over links; None: none are sent."""
    classify: Classify | None = None
    """Classification over links; None: is not measured."""
    claims: Name | None = None
    """The file params/claims/NAME.yaml, whose claims the report judges."""

    @property
    def public(self) -> str | None:
        """The first public part."""
        return self._first("public")

    def part_of(self, method: str) -> str | None:
        """The part that a method trains on."""
        chosen = self.methods[method]
        base = self.bases.get(chosen.base) if chosen.base else None
        found = chosen.part or (base and base.of) or self.public
        return found if chosen.trains else found or self._first("private")

    def _first(self, role: str) -> str | None:
        return next((name for name, part in self.parts.items() if part.role == role), None)

    def encoders_of(self, method: str) -> tuple[str, ...]:
        """The encoders that a method trains."""
        return self.methods[method].encoders or tuple(self.encoders)

    @property
    def arms(self) -> dict[str, str]:
        """What is classified over links, frozen encoders first, and the method that made each."""
        if self.classify is None:
            return {}
        frozen = {name: name for name in self.classify.methods or self.methods}
        return frozen | {name: tuned.method for name, tuned in self.classify.tuned.items()}

    def classified(self, arm: str) -> tuple[str, ...]:
        """Those encoders of a method, or of one of `classify.tuned`, that are classified over links."""
        tuned = self.classify.tuned.get(arm) if self.classify else None
        chosen = (tuned and tuned.encoders) or (self.classify.encoders if self.classify else None)
        trained = self.encoders_of(self.arms[arm])
        return tuple(name for name in trained if chosen is None or name in chosen)

    def ways_of(self, arm: str) -> tuple[str, ...]:
        """The ways that vectors go in classification over links."""
        if self.classify is None:
            return ()
        return self.classify.ways_of(arm, self.methods[self.arms[arm]].base)

    def like(self, method: str) -> str | None:
        """The first method before it that trains in the same way for another number of epochs."""

        def way(name: str) -> tuple[object, ...]:
            chosen = self.methods[name]
            said = chosen.model_copy(update={"encoders": None, "train": None, "part": self.part_of(name)})
            shares = self.encoders_of(name) if chosen.disjoint else None
            return said, shares, self.train_of(name).model_copy(update={"epochs": 1})

        before = list(self.methods)[: list(self.methods).index(method)]
        return next((name for name in before if way(name) == way(method)), None)

    def train_of(self, method: str) -> Train:
        """How a method trains, `images` filled in."""
        chosen = self.methods[method].train or self.train
        public = self.parts[self.public].count if self.public else None
        return chosen.model_copy(update={"images": chosen.images or public})
