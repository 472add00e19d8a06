"""What the description of a data set (`data/NAME/dataset.json`) tells before anything of it is read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from semcom.params import tasks
from semcom.params.faults import Fault
from semcom.params.schema import Study

IMAGES = "images"
"""The format of sets without depth."""


@dataclass(frozen=True)
class DataFacts:
    """What is known of a data set."""

    depth: bool
    """Whether its frames have depth."""
    classes: tuple[str, ...]
    """In label order."""
    fields: frozenset[str]
    """Those of its description that say something."""


def facts(root: Path, name: str) -> DataFacts | None:
    """Of the data set `name` below `root`; None where its folder is not here yet, or is damaged."""
    try:
        said = json.loads((root / "data" / name / "dataset.json").read_text(encoding="utf-8"))
        return DataFacts(
            depth=said["format"] != IMAGES,
            classes=tuple(map(str, said["classes"])),
            fields=frozenset(name for name, value in said.items() if value),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def lacking(study: Study, root: Path) -> Iterator[Fault]:
    """What the methods and tasks of a study need and its data set does not have."""
    known = facts(root, study.data)
    if known is None:
        return
    for name, link in study.links.items():
        if absent := [field for field in tasks.about(link.task).needs if field not in known.fields]:
            text = (
                f"{link.task['use']} needs the {', '.join(absent)} of each frame, which the data set "
                f"{study.data} does not tell; add it with them (docs/data.md, Objects), take another set, or "
                "leave the link out"
            )
            yield Fault(("links", name, "task"), text)
    if known.depth:
        return
    why = f"the data set {study.data} has no depth"
    for name, method in study.methods.items():
        path = ("methods", name, "modalities")
        if "depth" in method.modalities:
            text = f"{why}; methods with modality depth cannot use it: take a set of RGB-D frames"
            yield Fault(path, f"{list(method.modalities)}, but {text}")
        else:
            yield Fault(path, f"{why}, and studies of this kind read frames of colour and depth; take those")
