"""What is wrong with a params file, in words: key path, value, nearest valid key, allowed range."""

import types
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel, ValidationError

from semcom.files.errors import SemcomError

Path = tuple[str | int, ...]
_UNITS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", Any: "a value"}
_COMPONENT = "a component, {use: NAME, option: value, …}"


@dataclass(frozen=True)
class Fault:
    """One fault at one place of a params file."""

    path: Path
    text: str

    def __str__(self) -> str:
        """`methods.mmssl.pretrain.epochs: text`."""
        return f"{dotted(self.path)}: {self.text}" if self.path else self.text


def refuse(found: Iterable[Fault]) -> None:
    """Raise a SemcomError that lists every fault, if there is one."""
    lines = sorted({str(fault) for fault in found})
    if lines:
        raise SemcomError("\n  ".join([f"{len(lines)} fault{'s' * (len(lines) > 1)} in the params:", *lines]))


def dotted(path: Path) -> str:
    """`methods.mmssl.epochs`, `seeds[1]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".")


def shown(value: object) -> str:
    """A value for a message, cut after 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def unknown_key(path: Path, value: object, valid: Iterable[str]) -> Fault:
    """The last part of `path` is no valid key."""
    keys = sorted(valid)
    text = f"no such key (its value is {shown(value)}){nearest(path[-1], keys)}"
    return Fault(path, f"{text}; keys here: {', '.join(keys)}")


def nearest(word: object, valid: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing where no valid word is near."""
    match = get_close_matches(str(word), list(valid), n=1, cutoff=0.5)
    return f"; did you mean {match[0]!r}?" if match else ""


def unknown(name: str, valid: Iterable[str], section: str) -> str:
    """`name` names nothing of a section."""
    names = list(valid)
    return f"{shown(name)} is none of {section}{nearest(name, names)}; there are {', '.join(names) or 'none'}"


def missing(path: Path, annotation: Any) -> Fault:
    """A required key is not there."""
    return Fault(path, f"missing; it takes {describe(annotation)}")


def wrong(path: Path, value: object, annotation: Any) -> Fault:
    """A value is not of the kind or in the range that `annotation` allows."""
    choices = [str(choice) for choice in get_args(annotation)] if get_origin(annotation) is Literal else []
    return Fault(path, f"{shown(value)} is not {describe(annotation)}{nearest(value, choices)}")


def describe(annotation: Any) -> str:
    """A type as words: `a number > 0 and ≤ 1`, `one of cpu, cuda`, `a list of …`."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(args[0], args[1:])
    if origin is Literal:
        return "one of " + ", ".join(str(arg) for arg in args)
    if origin in (Union, types.UnionType):
        return " or ".join("null" if arg is type(None) else describe(arg) for arg in args)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return f"a list, each item {describe(args[0])}"
        return f"a list of {len(args)}: {', '.join(describe(arg) for arg in args)}"
    if annotation == dict[str, Any]:
        return _COMPONENT
    if origin is dict:
        return "a section of names"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"a section with the keys {', '.join(annotation.model_fields)}"
    return _UNITS.get(annotation, str(annotation))


def _annotated(base: Any, marks: Sequence[Any]) -> str:
    signs = {Gt: (">", "gt"), Ge: ("≥", "ge"), Lt: ("<", "lt"), Le: ("≤", "le")}
    bounds = [
        f"{sign} {getattr(mark, field):.7g}"
        for mark in marks
        for kind, (sign, field) in signs.items()
        if isinstance(mark, kind)
    ]
    least = [f"at least {mark.min_length} item" for mark in marks if isinstance(mark, MinLen)]
    words = [mark for mark in marks if isinstance(mark, str)]
    text = words[0] if words else describe(base)
    return " ".join([text, " and ".join(bounds)]).rstrip() + "".join(f" ({item})" for item in least)


def from_pydantic(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """The faults that pydantic found in a `model`, in our words. Keys are texts (`keys.texts_only`)."""
    faults = []
    items = error.errors()
    for item in items:
        path = tuple(part for part in item["loc"] if part != "[key]")
        if item["type"] == "too_short" and any(_within(other["loc"], item["loc"]) for other in items):
            continue  # pydantic counts the valid items only: the faulty ones are named already
        if item["type"] == "extra_forbidden":
            parent = bare(at(model, path[:-1]))
            faults.append(unknown_key(path, item["input"], parent.model_fields))
        elif item["type"] == "missing":
            faults.append(missing(path, at(model, path)))
        elif item["type"] == "value_error":
            faults.append(Fault(path, str(item["ctx"]["error"])))
        else:
            faults.append(wrong(path, item["input"], bare(at(model, path), keep_marks=True)))
    return faults


def _within(path: Path, outer: Path) -> bool:
    """Whether `path` is of something in what `outer` is of, however deep."""
    return len(path) > len(outer) and path[: len(outer)] == outer


def at(annotation: Any, path: Path) -> Any:
    """The type found by walking `path` down from `annotation`."""
    for part in path:
        kind = bare(annotation)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            annotation = get_type_hints(kind, include_extras=True)[str(part)]
        elif get_origin(kind) is tuple:
            args = get_args(kind)
            annotation = args[0] if args[-1] is Ellipsis else args[int(part)]
        else:
            annotation = get_args(kind)[1]
    return annotation


def bare(annotation: Any, *, keep_marks: bool = False) -> Any:
    """A type without `| None` and, unless `keep_marks`, without its ranges."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return bare(next(a for a in get_args(annotation) if a is not type(None)), keep_marks=keep_marks)
    if origin is Annotated and not keep_marks:
        return bare(get_args(annotation)[0])
    return annotation
