"""The section `changing` of a params file: its defaults, and what does not go with the rest of the study."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from semcom.params.faults import Fault, Path, unknown
from semcom.params.sections import Changing, Component
from semcom.params.tasks import SCENE

if TYPE_CHECKING:
    from semcom.params.schema import Study


def filled(study: "Study", name: str) -> Changing:
    """The section `changing.NAME` with its defaults, which are the study's, filled in."""
    given = study.changing[name]
    return given.model_copy(
        update={
            "budgets": given.budgets or study.budgets,
            "methods": given.methods or tuple(study.methods),
            "start_budget": given.start_budget or study.budgets[-1],
            "labels": given.labels or next(iter(study.labels)),
        }
    )


def channels(study: "Study") -> dict[Path, Component]:
    """The channel of every state, by the state's place in the params file."""
    return {
        ("changing", name, "states", number): state.channel
        for name, changing in study.changing.items()
        for number, state in enumerate(changing.states)
    }


def lacking(study: "Study") -> Iterator[Fault]:
    """Links, methods, labels and budgets that the study does not have, or has not tuned."""
    rival = next((name for name, method in study.methods.items() if not method.pretrain), None)
    for name, given in study.changing.items():
        path: Path = ("changing", name)
        if given.link not in study.links:
            yield Fault((*path, "link"), unknown(given.link, study.links, "links"))
        elif (task := study.links[given.link].task.get("use")) != SCENE:
            text = f"{given.link} has the task {task}; a changing channel knows {SCENE} only"
            yield Fault((*path, "link"), f"{text}, so take a link of that task")
        if given.labels is not None and given.labels not in study.labels:
            yield Fault((*path, "labels"), unknown(given.labels, study.labels, "labels"))
        for method in given.methods or ():
            if method not in study.methods:
                yield Fault((*path, "methods"), unknown(method, study.methods, "methods"))
        if rival is None:
            text = "every method pre-trains; add one that does not: its accuracy is what is to be regained"
            yield Fault(path, text)
        elif rival not in (given.methods or study.methods):
            text = f"lacks {rival}, the rival, whose accuracy from scratch is what is to be regained; add it"
            yield Fault((*path, "methods"), text)
        asked = {"budgets": given.budgets or (), "start_budget": (given.start_budget or study.budgets[-1],)}
        for key, budgets in asked.items():
            for budget in budgets:
                if budget not in study.budgets:
                    listed = ", ".join(map(str, study.budgets))
                    text = f"{budget} is none of the study's budgets, {listed}, which alone are tuned"
                    yield Fault((*path, key), text)
