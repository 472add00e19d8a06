"""What may be wrong when a trained link is used: a device falls silent, or its sensor is worse than it was.

`evaluate.conditions` names them. They have jobs of their own, so that one more re-runs no sweep.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Self, get_args

from pydantic import AfterValidator, model_validator

from semcom.params.entries import EvaluateEntry
from semcom.params.ranges import unique
from semcom.params.sections import Component, Modality, Strict


class Condition(Strict):
    """One condition at test time: either key, not both."""

    lost: Annotated[tuple[Modality, ...], AfterValidator(unique)] = ()
    """Devices of which nothing arrives at the server."""
    degraded: Component | None = None
    """Views, applied to the test frames before the devices encode them."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.lost) == (self.degraded is not None):
            raise ValueError("takes lost: [depth] or degraded: {use: sensors, …}, one of them")
        if set(self.lost) == set(get_args(Modality)):
            raise ValueError("loses every modality, and the server would hear nothing; leave one")
        return self

    def __str__(self) -> str:
        """In words: `depth lost`, `sensors, dark 0.7, holes 0.5`; options that do nothing are left out."""
        if self.degraded is None:
            return f"{' and '.join(self.lost)} lost"
        options = [f"{key} {value}" for key, value in self.degraded.items() if key != "use" and value]
        return ", ".join([self.degraded["use"], *options])

    def concerns(self, modalities: Collection[str]) -> bool:
        """Whether a method of these modalities has all that is lost, and another one that is not."""
        return set(self.lost) < set(modalities)


class ConditionsEntry(EvaluateEntry):
    """`semcom evaluate conditions`: the sweep again under each condition that concerns the method."""

    conditions: dict[str, Condition]


def concerning(conditions: Mapping[str, Condition], modalities: Collection[str]) -> dict[str, Condition]:
    """Those of `conditions` that concern a method of these modalities."""
    return {name: condition for name, condition in conditions.items() if condition.concerns(modalities)}
