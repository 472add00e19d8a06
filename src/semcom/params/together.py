"""What sections of a params file do not go together; a key alone is checked where it is declared."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from semcom.files.errors import SemcomError
from semcom.params import changing, faults, options, tasks
from semcom.params.component import family, reference
from semcom.params.faults import Fault, Path, unknown
from semcom.params.sections import Component
from semcom.params.weights import weights_file

if TYPE_CHECKING:
    from semcom.params.schema import Study


def lacking(study: "Study", unknown_uses: set[Path]) -> Iterator[Fault]:
    """What does not go together; `unknown_uses`: places of components whose class has a fault of its own."""
    yield from _alike(study)
    yield from _modalities(study)
    yield from _projectors(study)
    yield from _weights(study)
    yield from _pilots(study)
    yield from _knowledge(study)
    yield from _learnt(study)
    yield from _digital(study, unknown_uses)
    yield from _conditions(study)
    yield from changing.lacking(study)
    yield from _decided(study, unknown_uses)


def _alike(study: "Study") -> Iterator[Fault]:
    """Names that differ in case only: on some disks their folders are one."""
    for sections in (("methods",), ("links", "digital"), ("changing",), ("labels",)):
        first: dict[str, Path] = {}
        for path in ((section, name) for section in sections for name in getattr(study, section)):
            other = first.setdefault(path[1].lower(), path)
            if other[1] != path[1]:
                text = (
                    f"differs from {faults.dotted(other)} in case only, and some disks make both one folder"
                )
                yield Fault(path, f"{text}; choose another name")


def _pilots(study: "Study") -> Iterator[Fault]:
    """Channels that are to estimate from nothing, or have pilots that nobody uses."""
    channels: dict[Path, Component] = {("links", name): link.channel for name, link in study.links.items()}
    channels |= changing.channels(study)
    for place, channel in channels.items():
        if not {"csi", "pilots"} <= channel.keys():
            continue  # the channel has neither, or one of them has a fault of its own
        csi, pilots = channel["csi"], channel["pilots"]
        path: Path = (*place, "channel", "pilots")
        if csi == "estimated" and not pilots:
            yield Fault(
                path, "missing; csi: estimated takes a whole number ≥ 1 of channel uses to estimate from"
            )
        if csi != "estimated" and pilots:
            text = f"{pilots} pilots go with csi: estimated only, here it is {csi}; leave them out"
            yield Fault(path, text)


def _knowledge(study: "Study") -> Iterator[Fault]:
    """Methods that are to have private bases and do not pre-train."""
    path: Path = ("knowledge", "methods")
    for name in study.knowledge_methods:
        if name not in study.methods:
            yield Fault(path, unknown(name, study.methods, "methods"))
        elif not study.methods[name].pretrain:
            yield Fault(path, f"{name} does not pre-train, so no base is built of it; leave it out")


def _learnt(study: "Study") -> Iterator[Fault]:
    """Methods that are to be looked into and do not pre-train."""
    path: Path = ("learnt", "methods")
    if study.learnt and study.learnt.methods is None and not study.pretrained:
        yield Fault(path[:1], "looks into pre-training, and no method pre-trains; leave it out")
    for name in study.learnt_methods:
        if name not in study.methods:
            yield Fault(path, unknown(name, study.methods, "methods"))
        elif not study.methods[name].pretrain:
            yield Fault(path, f"{name} does not pre-train, so there is nothing to look into; leave it out")


def _digital(study: "Study", unknown_uses: set[Path]) -> Iterator[Fault]:
    """Digital links whose names, channels, schemes, methods or budgets do not go with the rest."""
    for name, digital in study.digital.items():
        path: Path = ("digital", name)
        if name in study.links:
            yield Fault(path, "is the name of an analog link too; choose another one")
        if digital.link not in study.links:
            yield Fault((*path, "link"), unknown(digital.link, study.links, "links"))
            continue
        if ("links", digital.link, "channel") in unknown_uses:
            continue
        channel = study.links[digital.link].channel
        if channel["use"] not in ("awgn", "rayleigh") or channel.get("csi", "receiver") != "receiver":
            text = (
                f"{digital.link} is {channel['use']}, csi {channel.get('csi')}; there are error tables for "
                "awgn, and for rayleigh with csi: receiver"
            )
            yield Fault((*path, "link"), text)
            continue
        try:
            tables = study.error_tables(name)
        except SemcomError as error:
            yield Fault((*path, "schemes"), str(error))
            continue
        if digital.objective == "bler" and len({table.block.payload_bits for table in tables}) > 1:
            text = "bler compares schemes of one payload only, these have several; take goodput"
            yield Fault((*path, "objective"), text)
        for method in digital.methods or ():
            if method not in study.methods:
                yield Fault((*path, "methods"), unknown(method, study.methods, "methods"))
            elif not study.digital_budgets(method, name):
                text = f"{method} does not pre-train, so it has no budget 0, and there is no other"
                yield Fault((*path, "budgets"), text)
        if not study.digital_methods(name):
            yield Fault((*path, "budgets"), "budget 0 takes pre-trained encoders, and no method pre-trains")
        for budget in digital.budgets or ():
            if budget and budget not in study.budgets:
                text = f"{budget} is none of the study's, {', '.join(map(str, study.budgets))}, nor 0"
                yield Fault((*path, "budgets"), text)


def _conditions(study: "Study") -> Iterator[Fault]:
    """Conditions under which no method of the study can be tested."""
    for name, condition in study.evaluate.conditions.items():
        if not any(condition.concerns(method.modalities) for method in study.methods.values()):
            text = (
                f"no method of the study has {', '.join(condition.lost)} and another modality beside; leave "
                "the condition out, or add such a method"
            )
            yield Fault(("evaluate", "conditions", name, "lost"), text)


def _decided(study: "Study", unknown_uses: set[Path]) -> Iterator[Fault]:
    """Tasks that do not say what they are judged by, and digital links of what they cannot decide."""
    for name, link in study.links.items():
        path: Path = ("links", name, "task")
        if path not in unknown_uses:
            try:
                tasks.about(link.task)
            except SemcomError as error:
                yield Fault((*path, "use"), str(error))
    for name, digital in study.digital.items():
        analog = study.links.get(digital.link)
        if analog and analog.task.get("use") != tasks.SCENE:
            text = (
                f"{digital.link} has the task {analog.task.get('use')}; digital links know {tasks.SCENE} only"
            )
            yield Fault(("digital", name, "link"), f"{text}, so take a link of that task")


def _modalities(study: "Study") -> Iterator[Fault]:
    """Methods whose loss needs a modality that they do not have."""
    losses = family("LOSSES")
    for name, method in study.methods.items():
        use = method.pretrain and method.pretrain.loss.get("use")
        try:
            needed = options.modalities(reference(losses, use)) if isinstance(use, str) else ()
        except SemcomError:
            continue  # its name has a fault of its own
        if set(needed) - set(method.modalities):
            text = (
                f"{list(method.modalities)}, but the loss {use} needs {', '.join(needed)}; take another loss"
            )
            yield Fault(("methods", name, "modalities"), text)


def _projectors(study: "Study") -> Iterator[Fault]:
    """Methods whose loss reproduces a code with one projector, while they have several."""
    for name, method in study.methods.items():
        settings = method.pretrain
        if settings and settings.loss.get("decur_official") is True and not settings.shared_projector:
            text = (
                "false, but decur_official reproduces a code in which both modalities have one projector; "
                "make it true, or leave decur_official out"
            )
            yield Fault(("methods", name, "pretrain", "shared_projector"), text)


def _weights(study: "Study") -> Iterator[Fault]:
    """Weights to start from that are not there, or not for the backbone."""
    for name, method in study.methods.items():
        use = method.encoder.backbone.get("use")
        if method.encoder.weights is not None and isinstance(use, str):
            try:
                weights_file(method.encoder.weights, use)
            except SemcomError as error:
                yield Fault(("methods", name, "encoder", "weights"), str(error))
