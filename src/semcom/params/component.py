"""Components: classes that a params file names, `{use: name, option: value, …}`, one dict of names a family.

A family is a dict of strings in its room's `__init__.py`, for example
`LOSSES = {"mmssl": "semcom.losses.mmssl:MMSSL"}`. Adding a member is one new file and one new line there.
A class that no family lists is named in full, `{use: mylab.losses:MyLoss, option: value, …}`.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from semcom.files.errors import SemcomError
from semcom.params import source
from semcom.params.families import FAMILIES


@cache
def family(name: str) -> dict[str, str]:
    """The members of a family, read from source.

    Raises:
        SemcomError: the module that should list the family does not.
    """
    path = source.find(FAMILIES[name])
    for node in source.parse(path).body if path else ():
        found = source.family_dict(node)
        if found is not None and found[0] == name:
            return found[1]
    raise SemcomError(
        f"{FAMILIES[name]} lists no family {name}: it needs {name} = {{'name': 'package.module:Class'}}"
    )


def reference(members: Mapping[str, str], use: str) -> str:
    """`package.module:Class` of the class that `use` names: a member of a family, or any class in full.

    Raises:
        SemcomError: it is neither.
    """
    if use in members:
        return members[use]
    if source.is_reference(use):
        return use
    raise SemcomError(f"use: {use!r} is none of {', '.join(members)}, and no package.module:Class")


def module_of(name: str, component: Mapping[str, Any]) -> str:
    """The module of the class that `component` names, in the family `name` or in full."""
    return reference(family(name), component["use"]).partition(":")[0]


def build(members: Mapping[str, str], component: Mapping[str, Any], *args: object) -> Any:
    """Import the class that `component` names and make one.

    Args:
        members: the family, `{"name": "package.module:Class"}`.
        component: `{"use": name, **options}` as checked by the schema (lists stand for tuples).
        *args: what the code gives, before the options.

    Raises:
        SemcomError: there is no such class, or its module does not import.
    """
    options = {key: _tuples(value) for key, value in component.items() if key != "use"}
    return load(reference(members, str(component.get("use"))))(*args, **options)


def load(named: str) -> Any:
    """Import the class at `package.module:Class`, from the working directory too.

    Raises:
        SemcomError: the module does not import, with its own error and the line; or it has no such class.
    """
    module, _, name = named.partition(":")
    found = imported(named)
    if not hasattr(found, name):
        raise SemcomError(f"{named}: {module} has no {name}")
    return getattr(found, name)


def imported(named: str) -> ModuleType:
    """Import the module of `package.module:name`, from the working directory too.

    Raises:
        SemcomError: the module does not import, with its own error and the line.
    """
    module = named.partition(":")[0]
    if os.getcwd() not in sys.path:  # `semcom` in place of `python -m semcom`
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise SemcomError(f"{named}: {module} does not import: {said(error, module)}") from error


def said(error: BaseException, module: str) -> str:
    """Kind and text of an error, and the last line of the module's own package on the way to it."""
    file, folders = source.place(module.split(".")[0])
    own = tuple(folders) or (str(file),)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(own)]
    at = f" ({frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line})" if frames else ""
    return f"{type(error).__name__}: {error}{at}"


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
