"""The second system's part of a params file. `load` checks it and names every fault at once."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from semcom.params import faults, filling, keys
from semcom.params.crlsc import classifyfaults, imagefaults, together
from semcom.params.crlsc.section import Section
from semcom.params.faults import Fault
from semcom.params.schema import Name, StudyName, Tracking
from semcom.params.sections import Compute, Seeds, Strict

KEY = "crlsc"
FAMILIES = {
    (KEY, "mentor"): "MENTORS",
    (KEY, "encoders", "*", "backbone"): "BACKBONES",
    (KEY, "train", "optimiser"): "OPTIMISERS",
    (KEY, "train", "views"): "VIEWS",
    (KEY, "methods", "*", "guide"): "GUIDES",
    (KEY, "images", "links", "*", "channel"): "CHANNELS",
    (KEY, "images", "methods", "*", "network"): "NETWORKS",
    (KEY, "images", "methods", "*", "guide"): "GUIDES",
    (KEY, "images", "optimiser"): "OPTIMISERS",
    (KEY, "images", "classifier", "backbone"): "BACKBONES",
    (KEY, "images", "classifier", "optimiser"): "OPTIMISERS",
    (KEY, "images", "classifier", "views"): "VIEWS",
    (KEY, "classify", "links", "*", "channel"): "CHANNELS",
    (KEY, "classify", "sender"): "SENDERS",
    (KEY, "classify", "head"): "HEADS",
    (KEY, "classify", "optimiser"): "OPTIMISERS",
    (KEY, "classify", "views"): "VIEWS",
    (KEY, "methods", "*", "train", "optimiser"): "OPTIMISERS",
    (KEY, "methods", "*", "train", "views"): "VIEWS",
}


class Asked(Section):
    """The section, and what its jobs are not told: each has one seed."""

    seeds: Seeds | None = None
    """None: those of the study."""


class Study(Strict):
    """What a params file says of the second system: the keys that both share, and the section."""

    study: StudyName
    report: Name
    seeds: Seeds
    compute: Compute = Compute()
    tracking: Tracking = Tracking()
    crlsc: Asked


SHARED = tuple(name for name in Study.model_fields if name != KEY)
"""Keys that both systems read."""


def load(config: Mapping[str, Any], classes: Mapping[str, tuple[str, ...] | None] | None = None) -> Study:
    """Check the second system's part of a params file and fill in every default.

    Args:
        config: the shared keys and the section.
        classes: class names of data sets, as far as they are known.

    Raises:
        SemcomError: listing every fault: key path, value, nearest valid key and what is allowed.
    """
    values, wrong = keys.texts_only(dict(config))
    shrunk = {fault.path[:-1] for fault in wrong}
    inherited = _inherit(values)
    found = [*wrong, *filling.fill(values, FAMILIES, Study)]
    try:
        study = Study.model_validate(values)
    except ValidationError as error:
        found += [fault for fault in faults.from_pydantic(error, Study) if fault.path not in shrunk]
    else:
        section, known = study.crlsc, classes or {}
        apart = [*together.lacking(section, known), *imagefaults.lacking(section, known)]
        apart += classifyfaults.lacking(section)
        found += [Fault((KEY, *fault.path), fault.text) for fault in apart]
    # What a method inherits is wrong once, where it stands.
    faults.refuse(fault for fault in found if fault.path not in inherited)
    return study


def own_classes(study: Study) -> dict[str, str]:
    """The classes that no family lists: `package.module:Class` by their place in the params file."""
    return filling.own_classes(study.model_dump(mode="json"), FAMILIES)


def _inherit(values: dict[str, Any]) -> set[faults.Path]:
    """Fill what a method's `train` leaves out from the section's; return the places of what was filled in."""
    section = values.get(KEY)
    methods = section.get("methods") if isinstance(section, dict) else None
    common = section.get("train", {}) if isinstance(section, dict) else None
    if not isinstance(methods, dict) or not isinstance(common, dict):
        return set()
    filled: set[faults.Path] = set()
    for name, method in methods.items():
        if isinstance(method, dict) and isinstance(method.get("train"), dict):
            new = {key: common[key] for key in common if key not in method["train"]}
            filled |= {(KEY, "methods", name, "train", key) for key in new}
            methods[name] = {**method, "train": {**new, **method["train"]}}
    return filled


def data_sets(section: Section) -> tuple[str, ...]:
    """The data sets that the parts are of, in their order."""
    return tuple(dict.fromkeys(part.data for part in section.parts.values()))


def named(section: Any) -> Iterator[str]:
    """The data sets that a section names, before it is checked."""
    parts = section.get("parts") if isinstance(section, dict) else None
    for part in parts.values() if isinstance(parts, dict) else ():
        if isinstance(part, dict) and isinstance(part.get("data"), str):
            yield part["data"]
