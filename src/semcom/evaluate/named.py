"""Anybody's function or class by its name, ready to be called as a channel."""

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import yaml

from semcom.files.errors import SemcomError
from semcom.params import options as typed
from semcom.params.component import imported, said


def find(reference: str, options: Mapping[str, str]) -> Callable[..., Any]:
    """The function at `package.module:function`, or one made of the class there.

    Args:
        reference: where it is.
        options: of a class, as texts by name; none: it is made without arguments.

    Raises:
        SemcomError: there is none, it cannot be called or made, or it takes no such options.
    """
    module, _, name = reference.partition(":")
    if not module or not name:
        raise SemcomError(f"{reference!r} is no PACKAGE.MODULE:FUNCTION, such as mypackage.channels:awgn")
    try:
        found = imported(reference)
    except SemcomError as error:
        if isinstance(error.__cause__, ModuleNotFoundError):
            raise SemcomError(f"{error}; install it, or run where its folder is") from error
        raise
    target = getattr(found, name, None)
    if target is None:
        near = get_close_matches(name, dir(found), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SemcomError(f"{module} has no {name}{hint}")
    if inspect.isclass(target):
        target = _made(target, reference, options)
    elif options:
        raise SemcomError(
            f"{reference} is no class, so it has no options (given: {', '.join(options)}); name a class, or "
            "a function that has its settings inside"
        )
    if not callable(target):
        raise SemcomError(f"{reference} cannot be called; name a function or a class with __call__")
    return target  # type: ignore[no-any-return]


def parameters(target: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The arguments of a function or class; none where it does not tell, as some of C do not."""
    try:
        return inspect.signature(target).parameters
    except (ValueError, TypeError):
        return {}


def _made(kind: type, reference: str, options: Mapping[str, str]) -> Any:
    """One of a class, made with the options given, as a study makes it."""
    values = _checked(reference, options) if options else {}
    try:
        return kind(**values)
    except (Exception, SystemExit) as error:
        needed = [
            name
            for name, given in parameters(kind).items()
            if given.default is given.empty
            and given.kind not in (given.VAR_POSITIONAL, given.VAR_KEYWORD)
            and name not in values
        ]
        if needed:
            raise SemcomError(
                f"{reference} wants {', '.join(needed)}; give each by `--option NAME=VALUE`, which must "
                "stand behind a `*` in __init__, or a default, or name a function that makes one and calls it"
            ) from error
        raise SemcomError(
            f"{reference} cannot be made: {said(error, reference.partition(':')[0])}"
        ) from error


def _checked(reference: str, options: Mapping[str, str]) -> dict[str, Any]:
    """The options in their own types, checked as those of a params file are.

    Raises:
        SemcomError: naming each that is unknown, of another type or out of its range.
    """
    given: dict[str, Any] = {name: yaml.safe_load(text) for name, text in options.items()}
    component, faults = typed.check("CHANNELS", {**given, "use": reference}, ("--option",))
    if faults:
        raise SemcomError(f"{reference}: " + "; ".join(map(str, faults)))
    return {name: value for name, value in component.items() if name != "use"}
