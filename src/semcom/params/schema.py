"""The typed schema of params/*.yaml. `load` checks a whole file and names every fault in it at once."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import MinLen
from pydantic import AfterValidator, ValidationError

from semcom.files.errors import SemcomError
from semcom.params import faults, filling, keys, together
from semcom.params.conditions import Condition
from semcom.params.entries import TableEntry
from semcom.params.ranges import PositiveFraction
from semcom.params.sections import (
    Budgets,
    Changing,
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
    Tune,
)

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
    def pretrained(self) -> tuple[str, ...]:
        """The methods that pre-train."""
        return tuple(name for name, method in self.methods.items() if method.pretrain)

    @property
    def knowledge_methods(self) -> tuple[str, ...]:
        """The methods whose encoders get private knowledge bases."""
        return self.pretrained if self.knowledge.methods is None else self.knowledge.methods

    @property
    def learnt_methods(self) -> tuple[str, ...]:
        """The methods whose pre-training is looked into."""
        if self.learnt is None:
            return ()
        return self.pretrained if self.learnt.methods is None else self.learnt.methods

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
        wrong += together.lacking(study, unknown_uses)
    faults.refuse(wrong)
    return study


def own_classes(study: Study) -> dict[str, str]:
    """The classes that no family lists: `package.module:Class` by their place in the params file."""
    return filling.own_classes(study.model_dump(mode="json"), _FAMILY_AT)  # lists, not tuples
