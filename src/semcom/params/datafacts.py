"""What the description of a data set (`data/NAME/dataset.json`) tells before anything of it is read."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from semcom.params import tasks
from semcom.params.faults import Fault
from semcom.params.schema import Study

IMAGES = "images"
"""The format of sets without depth."""
TABLES = {"nyuv2_pack": "meta.csv", "converted": "meta.csv", "rgbd": "pairs.csv"}
"""The table of a format that has a line a frame with its `split`; a .mat is not read here."""


@dataclass(frozen=True)
class DataFacts:
    """What is known of a data set."""

    depth: bool
    """Whether its frames have depth."""
    classes: tuple[str, ...]
    """In label order."""
    fields: frozenset[str]
    """Those of its description that say something."""
    train: int | None
    """Frames of the training part, those of the validation folds among them; None where no table tells."""


def facts(root: Path, name: str) -> DataFacts | None:
    """Of the data set `name` below `root`; None where its folder is not here yet, or is damaged."""
    try:
        said = json.loads((root / "data" / name / "dataset.json").read_text(encoding="utf-8"))
        return DataFacts(
            depth=said["format"] != IMAGES,
            classes=tuple(map(str, said["classes"])),
            fields=frozenset(name for name, value in said.items() if value),
            train=_train(root / "data" / name, said["format"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _train(folder: Path, kind: str) -> int | None:
    """Lines of the table with the split `train`."""
    if kind not in TABLES:
        return None
    try:
        with open(folder / TABLES[kind], newline="", encoding="utf-8") as file:
            return [row["split"] for row in csv.DictReader(file)].count("train")
    except (OSError, ValueError, KeyError, csv.Error):
        return None  # prepare says what is wrong with it


def lacking(study: Study, root: Path) -> Iterator[Fault]:
    """What the methods and tasks of a study need and its data set does not have."""
    known = facts(root, study.data)
    if known is None:
        return
    yield from _too_large(study, known)
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


def _too_large(study: Study, known: DataFacts) -> Iterator[Fault]:
    """Batches of pre-training that are larger than the whole training part.

    What a seed's validation fold leaves of it is known to the job alone, which checks once more.
    """
    for name, method in study.methods.items():
        if method.pretrain and known.train is not None and method.pretrain.batch_size > known.train:
            text = (
                f"{method.pretrain.batch_size} is more than the {known.train} training frames of "
                f"{study.data}, about a fifth of which are kept for validation; lower it"
            )
            yield Fault(("methods", name, "pretrain", "batch_size"), text)
