"""The typed schema of params/*.yaml. `load` checks a whole file and names every fault in it at once."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from annotated_types import MinLen
from pydantic import AfterValidator, ValidationError

from semcom.files.errors import SemcomError
from semcom.params import changing, faults, filling, keys, options, tasks
from semcom.params.component import family, reference
from semcom.params.conditions import Condition
from semcom.params.entries import (
    Budgets,
    Changing,
    Component,
    Compute,
    Digital,
    Encoder,
    Evaluate,
    Finetune,
    Knowledge,
    Learnt,
    Link,
    Modalities,
    Pretrain,
    Seeds,
    Size,
    Strict,
    TableEntry,
    Tune,
)
from semcom.params.faults import Fault, Path, unknown
from semcom.params.ranges import PositiveFraction
from semcom.params.weights import weights_file

RANDOM = "random"
"""Name of the reference row of knowledge bases: a method's encoders as they are at random initialisation."""

_FAMILY_AT = {
    ("methods", "*", "encoder", "backbone"): "BACKBONES",
    ("methods", "*", "pretrain", "loss"): "LOSSES",
    ("methods", "*", "pretrain", "optimiser"): "OPTIMISERS",
    ("methods", "*", "pretrain", "views"): "VIEWS",
    ("methods", "*", "finetune", "sender"): "SENDERS",
    ("methods", "*", "finetune", "head"): "HEADS",
    ("methods", "*", "finetune", "views"): "VIEWS",
    ("links", "*", "channel"): "CHANNELS",
    ("changing", "*", "states", "*", "channel"): "CHANNELS",
    ("links", "*", "task"): "TASKS",
    ("tune", "optimisers", "*"): "OPTIMISERS",
    ("evaluate", "conditions", "*", "degraded"): "VIEWS",
}


def plain_name(text: str) -> str:
    """Names become folders, file names and wildcards: refuse what is not plain everywhere.

    Raises:
        ValueError: naming the name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", text):
        raise ValueError(
            f"{text!r} is not a plain name: letters, digits, _ and -, at most 60, a letter or digit first"
        )
    return text


def study_name(text: str) -> str:
    """A plain name that is no folder of results/ already.

    Raises:
        ValueError: naming the name.
    """
    if text.lower() in ("reference", "data"):
        raise ValueError(f"{text!r} is taken: results/{text.lower()} holds other things; choose another name")
    return plain_name(text)


def method_name(text: str) -> str:
    """A plain name, and not that of the reference row.

    Raises:
        ValueError: naming the name.
    """
    if text.lower() == RANDOM:
        raise ValueError(f"{text!r} is the name of untrained encoders' knowledge bases; choose another name")
    return plain_name(text)


Name = Annotated[str, AfterValidator(plain_name)]
StudyName = Annotated[str, AfterValidator(study_name)]
MethodName = Annotated[str, AfterValidator(method_name)]


class Tracking(Strict):
    """Delivery of results to MLflow, after the jobs and never in their way."""

    enabled: bool = True
    uri: str | None = None
    """Where MLflow is; None leaves it to MLFLOW_TRACKING_URI, else sqlite:///mlflow.db."""


class Method(Strict):
    """How encoders come about and how they are fine-tuned."""

    modalities: Modalities = ("rgb", "depth")
    encoder: Encoder
    pretrain: Pretrain | None = None
    """None: encoders start at random (the supervised baseline)."""
    finetune: Finetune


class Testing(Evaluate):
    """The sweep, and what it does not read: conditions that have jobs of their own."""

    conditions: dict[Name, Condition] = {}


class Study(Strict):
    """A params file."""

    study: StudyName
    report: Name
    data: Name
    size: Size
    """Width and height in pixels of the prepared frames."""
    seeds: Seeds
    compute: Compute = Compute()
    tracking: Tracking = Tracking()
    methods: Annotated[dict[MethodName, Method], MinLen(1)]
    links: Annotated[dict[Name, Link], MinLen(1)]
    digital: dict[Name, Digital] = {}
    """Digital links, each beside one of `links`."""
    changing: dict[Name, Changing] = {}
    """Links whose channel changes after their training."""
    labels: Annotated[dict[Name, PositiveFraction], MinLen(1)]
    """Share of the training labels that fine-tuning may use."""
    budgets: Budgets
    """Training budgets in epochs of the fully labelled set."""
    tune: Tune
    evaluate: Testing
    knowledge: Knowledge = Knowledge()
    learnt: Learnt | None = None
    """What pre-training has learnt; None: is not measured."""
    claims: Name | None = None
    """The file params/claims/NAME.yaml, whose claims the report judges."""

    def digital_budgets(self, method: str, digital: str) -> tuple[int, ...]:
        """Budgets of a method's quantised features; 0 where it pre-trains."""
        budgets = self.digital[digital].budgets or (0, *self.budgets)
        return tuple(budget for budget in budgets if budget or self.methods[method].pretrain)

    def digital_methods(self, digital: str) -> tuple[str, ...]:
        """The methods that a digital link names, else all that have a budget on it."""
        every = (method for method in self.methods if self.digital_budgets(method, digital))
        return self.digital[digital].methods or tuple(every)

    @property
    def learnt_methods(self) -> tuple[str, ...]:
        """The methods whose pre-training is looked into."""
        every = tuple(name for name, method in self.methods.items() if method.pretrain)
        return (self.learnt.methods or every) if self.learnt else ()

    def error_tables(self, digital: str) -> list[TableEntry]:
        """The error tables of a digital link's schemes, in their order.

        Raises:
            SemcomError: a scheme is unknown, or its code cannot have its payload and rate.
        """
        chosen = self.digital[digital]
        analog = self.links[chosen.link]
        tables = [
            TableEntry(
                scheme=scheme,
                channel_uses=analog.channel_uses * chosen.frames_per_block,
                payload_bits=chosen.payload_bits,
                channel=analog.channel["use"],
            )
            for scheme in chosen.schemes
        ]
        seen: dict[str, str] = {}
        for table in tables:
            if table.block.payload_bits < chosen.frames_per_block:
                raise SemcomError(f"{table.block} has less than one payload bit a frame")
            if (other := seen.setdefault(table.file, table.scheme)) != table.scheme:
                raise SemcomError(f"{other} and {table.scheme} are the same scheme; leave one out")
        return tables


def load(config: Mapping[str, Any]) -> Study:
    """Check the content of a params file and fill in every default.

    Raises:
        SemcomError: listing every fault: key path, value, nearest valid key and what is allowed.
    """
    values, wrong = keys.texts_only(dict(config))
    shrunk = {fault.path[:-1] for fault in wrong}
    wrong += filling.fill(values, _FAMILY_AT, Study)
    unknown_uses = {fault.path[:-1] for fault in wrong if fault.path[-1:] == ("use",)}
    try:
        study = Study.model_validate(values)
    except ValidationError as error:
        # a section that lost keys is not also said to be empty
        wrong += [fault for fault in faults.from_pydantic(error, Study) if fault.path not in shrunk]
    else:
        wrong += _lacking(study, unknown_uses)
    faults.refuse(wrong)
    return study


def own_classes(study: Study) -> dict[str, str]:
    """The classes that no family lists: `package.module:Class` by their place in the params file."""
    return filling.own_classes(study.model_dump(mode="json"), _FAMILY_AT)  # lists, not tuples


def _lacking(study: Study, unknown_uses: set[Path]) -> Iterator[Fault]:
    """What does not go together; `unknown_uses`: places of components whose class has a fault of its own."""
    yield from _alike(study)
    yield from _modalities(study)
    yield from _projectors(study)
    yield from _weights(study)
    yield from _pilots(study)
    yield from _learnt(study)
    yield from _digital(study, unknown_uses)
    yield from _conditions(study)
    yield from changing.lacking(study)
    yield from _decided(study, unknown_uses)


def _alike(study: Study) -> Iterator[Fault]:
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


def _pilots(study: Study) -> Iterator[Fault]:
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


def _learnt(study: Study) -> Iterator[Fault]:
    """Methods that are to be looked into and do not pre-train."""
    path: Path = ("learnt", "methods")
    if study.learnt and not study.learnt_methods:
        yield Fault(path[:1], "looks into pre-training, and no method pre-trains; leave it out")
    for name in study.learnt_methods:
        if name not in study.methods:
            yield Fault(path, unknown(name, study.methods, "methods"))
        elif not study.methods[name].pretrain:
            yield Fault(path, f"{name} does not pre-train, so there is nothing to look into; leave it out")


def _digital(study: Study, unknown_uses: set[Path]) -> Iterator[Fault]:
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


def _conditions(study: Study) -> Iterator[Fault]:
    """Conditions under which no method of the study can be tested."""
    for name, condition in study.evaluate.conditions.items():
        if not any(condition.concerns(method.modalities) for method in study.methods.values()):
            text = (
                f"no method of the study has {', '.join(condition.lost)} and another modality beside; leave "
                "the condition out, or add such a method"
            )
            yield Fault(("evaluate", "conditions", name, "lost"), text)


def _decided(study: Study, unknown_uses: set[Path]) -> Iterator[Fault]:
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


def _modalities(study: Study) -> Iterator[Fault]:
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


def _projectors(study: Study) -> Iterator[Fault]:
    """Methods whose loss reproduces a code with one projector, while they have several."""
    for name, method in study.methods.items():
        settings = method.pretrain
        if settings and settings.loss.get("decur_official") is True and not settings.shared_projector:
            text = (
                "false, but decur_official reproduces a code in which both modalities have one projector; "
                "make it true, or leave decur_official out"
            )
            yield Fault(("methods", name, "pretrain", "shared_projector"), text)


def _weights(study: Study) -> Iterator[Fault]:
    """Weights to start from that are not there, or not for the backbone."""
    for name, method in study.methods.items():
        use = method.encoder.backbone.get("use")
        if method.encoder.weights is not None and isinstance(use, str):
            try:
                weights_file(method.encoder.weights, use)
            except SemcomError as error:
                yield Fault(("methods", name, "encoder", "weights"), str(error))
