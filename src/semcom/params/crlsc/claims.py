"""Claims on the second system: params/claims/NAME.yaml, named by the section's key `claims`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from annotated_types import MinLen
from pydantic import AfterValidator, model_validator

from semcom.params import claims
from semcom.params.ranges import Number, PositiveFraction, WholeSnrDb, increasing, unique
from semcom.params.sections import Strict

MEAN, EACH = "mean", "each"
"""Over all encoders at once, or at each."""
OWN = "own"
"""Of a consensus: what guests get from their own heads."""
RIDGE = "ridge"
"""Of bytes: embeddings of shared images, sent both ways for a ridge map."""
SENT = ("psnr", "image_accuracy")
"""Measures of images over a link."""
CLASSIFIED = "link_accuracy"
"""Of classification over links."""
OVER_LINKS = (*SENT, CLASSIFIED)
RATIOS = ("labels", "computing", "bytes")
"""Measures whose effect is a ratio to the rival."""


class Claim(Strict):
    """One claim: what, against what, where, in which direction, by how much."""

    says: str
    """The claim in words."""
    measure: Literal[
        "accuracy",
        "labels",
        "computing",
        "retrieval",
        "consensus",
        "bytes",
        "psnr",
        "image_accuracy",
        "link_accuracy",
    ]
    """`accuracy` of linear heads; `labels`: L(A*); `computing`: multiply-adds of local training to A*;
    `retrieval` accuracy of the mentor's vectors as bases code them; `consensus`: accuracy of heads
    across encoders; `bytes` that are downloaded; of images that arrive `psnr` in dB, and
    `image_accuracy` of the classifier; `link_accuracy` of receivers on their own encoders."""
    of: str
    """A method, of `link_accuracy` also one of `classify.tuned`; of retrieval and bytes a base. METHOD/N of a
    consensus: through maps on N shared images."""
    against: str
    """Its rival, likewise; `raw` vectors; `own` heads of a consensus; `ridge/N`: bytes of a map."""
    targets: Annotated[tuple[str, ...], MinLen(1), AfterValidator(unique)] | None = None
    """The claim is for all of them; None: all that the study has."""
    encoder: str = MEAN
    """An encoder (of a consensus, the guest), `each`, or the `mean` over those that both methods have."""
    label_fraction: PositiveFraction = 1.0
    """Share of a target's labels, of accuracies."""
    head: Literal["linear", "class_mean", "knn"] = "linear"
    """What of a consensus its owner hands to guests."""
    link: str | None = None
    """Of images their link; of `link_accuracy` the way, a link, a digital one or `direct`."""
    snr_db: Annotated[tuple[WholeSnrDb, ...], AfterValidator(increasing)] = ()
    """Es/N0 in dB over it; the claim is for all of them."""
    direction: Literal["above", "below", "no_less"]
    """`above` or `below` the rival; `no_less`: not worse than it by `margin` or more."""
    margin: Number
    """Difference in 0..1, of psnr in dB; of labels, computing and bytes the ratio, of which `below` 1 is
    claimed."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ratio = self.measure in RATIOS
        if ratio and (self.direction != "below" or not 0 < self.margin <= 1):
            raise ValueError(f"{self.measure} are claimed below a ratio: direction: below, margin: 0.5")
        if {self.measure in OVER_LINKS} != {bool(self.link), bool(self.snr_db)}:
            every = f"{', '.join(OVER_LINKS[:-1])} and {OVER_LINKS[-1]}"
            raise ValueError(f"link: NAME and snr_db: [10] go with {every}, and these with both")
        if self.measure == "psnr":
            if self.direction == "below" or self.margin < 0:
                raise ValueError("psnr is claimed above a rival's, or no_less, by a margin of 0 dB or more")
        elif not ratio and not 0 <= self.margin < 1:
            raise ValueError(f"margin {self.margin:g} is no difference in 0..1 (0.03: 3 points)")
        if self.measure in ("consensus", "bytes", *SENT) and self.targets:
            raise ValueError(f"{self.measure} has no targets to choose; leave them out")
        if self.measure in ("retrieval", "bytes", *SENT) and self.encoder != MEAN:
            raise ValueError(f"{self.measure} is not of local encoders; leave encoder out")
        if self.measure not in ("accuracy", CLASSIFIED) and self.label_fraction != 1:
            raise ValueError(
                f"label_fraction goes with accuracy and {CLASSIFIED}, not with {self.measure}; leave it out"
            )
        if self.measure != "consensus" and self.head != "linear":
            raise ValueError(f"head goes with consensus, not with {self.measure}; leave it out")
        for place in (self.of, self.against):
            self._check_place(place)
        return self

    def _check_place(self, place: str) -> None:
        name, slash, images = place.partition("/")
        if slash and not (images.isdecimal() and int(images)):
            raise ValueError(f"{place!r}: behind the / stands a number of shared images, such as {name}/1000")
        mapped = self.measure == "consensus" or (self.measure == "bytes" and name == RIDGE)
        if slash and not mapped:
            raise ValueError(f"{place!r}: only a consensus goes through maps; write {name!r}")


class Claims(Strict):
    """A file of claims."""

    claims: Annotated[dict[str, Claim], MinLen(1)]


def load(path: Path) -> Mapping[str, Claim]:
    """The claims of a file.

    Raises:
        SemcomError: it cannot be read, or naming every fault in it.
    """
    way = "claims on the first system: name it by the key claims at the top, not in the section crlsc"
    return claims.read(path, Claims, other=claims.Claims, way=way).claims
