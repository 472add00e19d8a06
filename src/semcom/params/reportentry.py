"""What `semcom report` is handed: runs to read, and claims to judge."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from semcom.params.ranges import (
    Number,
    WholeSnrDb,
)
from semcom.params.sections import Budgets, Changing, Digital, DigitalBudgets, Link, Seeds, Strict


class Claim(Strict):
    """One claim: what, against what, where, in which direction, by how much."""

    says: str
    """The claim in words."""
    measure: str
    """What the link is judged by, on test frames at each of `budgets`: `accuracy`, or what its task says (of
    objects `map`); or `cost`: C(A*), the channel uses of training to be good enough."""
    of: str
    """METHOD, or METHOD/LINK where the rival has another link."""
    against: str
    """Its rival, likewise."""
    link: str
    """Of both, where they name none."""
    labels: str = "all"
    budgets: DigitalBudgets | None = None
    """In epochs; needed but for a cost, and the claim is for all of them."""
    snr_db: WholeSnrDb | None = None
    """Es/N0 in dB of the test; None: training's."""
    direction: Literal["above", "below", "no_less"]
    """`above` or `below` the rival; `no_less`: not worse than it by `margin` or more."""
    margin: Number
    """Difference in 0..1; of a cost the ratio, of which `below` 1 is claimed."""
    family: str | None = None
    """Claims of one family are counted together in their p-values; None: each claim by itself."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.measure != "cost" and not self.budgets:
            raise ValueError(f"{self.measure} is claimed at budgets; name them: budgets: [5, 10]")
        if self.measure == "cost" and (self.budgets or self.direction != "below" or not 0 < self.margin <= 1):
            raise ValueError("a cost is claimed below a ratio: direction: below, margin: 0.5, no budgets")
        if self.measure != "cost" and not 0 <= self.margin < 1:
            raise ValueError(f"margin {self.margin:g} is no difference in 0..1 (0.03: 3 points)")
        return self


class Measure(Strict):
    """What the runs over a link are judged by."""

    metric: str
    """As sweeps name it; in 0..1, more is better."""
    title: str
    """In words."""


class ReportEntry(Strict):
    """`semcom report`."""

    study: str
    report: str
    methods: tuple[str, ...]
    pretrained: tuple[str, ...] = ()
    """Those of `methods` that pre-train."""
    bases: tuple[str, ...] = ()
    """Those with private knowledge bases, and `random` beside them."""
    links: dict[str, Link]
    measures: dict[str, Measure] = Field(default_factory=dict)
    """By link; accuracy where there is none."""
    tuned_on: dict[str, str] = Field(default_factory=dict)
    """The link that a link's optimisers were chosen on, where it is another one."""
    digital: dict[str, Digital] = Field(default_factory=dict)
    """With methods filled in."""
    conditions: dict[str, str] = Field(default_factory=dict)
    """Conditions at test time, in words."""
    conditions_of: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Those that concern a method, for methods that have any."""
    learnt: tuple[str, ...] = ()
    """Those whose pre-training is looked into."""
    changing: dict[str, Changing] = Field(default_factory=dict)
    """With all defaults filled in."""
    labels: dict[str, float]
    budgets: Budgets
    seeds: Seeds
    claims: dict[str, Claim] = Field(default_factory=dict)
    data_name: str
    data: str
    code: str
    params_file: str = ""
    params: dict[str, Any] = Field(default_factory=dict)
    """All of the params file but tracking, for the record."""

    def measure(self, link: str) -> Measure:
        """What the runs over a link are judged by; over a digital one as over its analog one."""
        analog = self.digital[link].link if link in self.digital else link
        return self.measures.get(analog, Measure(metric="accuracy", title="accuracy"))
