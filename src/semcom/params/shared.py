"""Entries of the verbs that build a shared knowledge base."""

from typing import Annotated, Literal

from annotated_types import Ge
from pydantic import AfterValidator, field_validator

from semcom.params import options
from semcom.params.entries import Entry
from semcom.params.form import whole
from semcom.params.formfit import TooFew
from semcom.params.parts import InOrder
from semcom.params.ranges import NonNegativeInt, PositiveInt, WholeNumber
from semcom.params.sections import Component, Compute, Strict


class KnownEntry(Entry):
    """What a rule fills in and a user at the command line may leave out."""

    study: str = ""
    system: str = "crlsc"
    data: str = ""
    code: str = ""
    compute: Compute = Compute()


class EmbedEntry(KnownEntry):
    """`semcom knowledge embed`: all images of a prepared file through a mentor."""

    name: str
    """Of the mentor."""
    mentor: Component
    weights_sha256: str | None = None
    """What the mentor's file had when the run was planned; None asks for none."""
    precision: Literal["fp32", "bf16"] = "fp32"
    int8: bool = False
    """Its weights in 8 bits, as they would be shipped."""
    batch_size: PositiveInt = 32

    @field_validator("mentor")
    @classmethod
    def _checked(cls, mentor: Component) -> Component:
        """The mentor with the defaults of its options filled in."""
        filled, wrong = options.check("MENTORS", mentor, ())
        if wrong:
            raise ValueError("; ".join(map(str, wrong)))
        return filled


class PublicPart(Strict):
    """A public part of the images, drawn by the entry's seed."""

    parts: InOrder
    """It, and those that draw before it from the same images."""
    name: str


class SharedEntry(KnownEntry):
    """`semcom knowledge shared`: a base of a mentor's embeddings."""

    name: str
    """Of the base."""
    seed: NonNegativeInt = 0
    form: Annotated[str, AfterValidator(whole)]
    """A faiss factory string, or `ClustersK`."""
    sample: Annotated[WholeNumber, Ge(2)] | None = None
    """Most vectors to train on; None: what is enough for the form, 65,536 or more."""
    too_few: TooFew = "fewer_bits"
    """With too few vectors for a codebook: a smaller one, or an error."""
    part: Literal["train", "test", "all"] = "train"
    """Images whose vectors are in the base."""
    public: PublicPart | None = None
    """A part whose images' vectors are in the base, in place of `part`."""
