"""What tasks say of themselves, read from their source, and what of a study hangs on its links' tasks."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from semcom.files.errors import SemcomError
from semcom.params import classes
from semcom.params.component import family, reference
from semcom.params.reportentry import Claim, Measure
from semcom.params.sections import Component, Link

SCENE = "scene"
"""The task that digital links and knowledge bases know."""
FAMILY = "TASKS"


@dataclass(frozen=True)
class About:
    """What a task says of itself: its class attributes.

    Attributes:
        measure: what its runs are judged by.
        needs: fields of dataset.json that its data must have.
    """

    measure: Measure
    needs: tuple[str, ...]


def about(task: Component) -> About:
    """What the task that a component names says.

    Raises:
        SemcomError: there is no such class, or it does not say what it must.
    """
    return _about(reference(family(FAMILY), task["use"]))


@cache
def _about(named: str) -> About:
    lineage = classes.lineage(classes.find(named))
    found: dict[str, object] = {}
    for name, kind in {"measure": str, "title": str, "needs": tuple}.items():
        node = lineage.attribute(name)
        try:
            found[name] = None if node is None else ast.literal_eval(node)
        except ValueError:
            found[name] = None
        if not isinstance(found[name], kind):
            example = {"measure": '"accuracy"', "title": '"accuracy"', "needs": "()"}[name]
            raise SemcomError(
                f"{named} has no attribute {name} that is written out in its class, as a task must; such as "
                f"{name} = {example}; see docs/extending.md"
            )
    needs = found["needs"]
    assert isinstance(needs, tuple)
    return About(Measure(metric=str(found["measure"]), title=str(found["title"])), tuple(map(str, needs)))


def check_claims(claims: Mapping[str, Claim], links: Mapping[str, Link], file: Path) -> None:
    """Check that claims on the links of a study speak of what these are judged by.

    Args:
        claims: by name.
        links: by name; a claim on a link that is not there is not run, and the report says so.
        file: where the claims stand.

    Raises:
        SemcomError: naming claim, measure and what the link is judged by.
    """
    for name, claim in claims.items():
        for place in (claim.of, claim.against):
            link = place.partition("/")[2] or claim.link
            known = about(links[link].task).measure.metric if link in links else claim.measure
            if claim.measure not in ("cost", known):
                raise SemcomError(
                    f"{file}: claims.{name}.measure: {claim.measure!r}, but the link {link} has the task "
                    f"{links[link].task['use']}, which is judged by {known}; write that, or cost"
                )
