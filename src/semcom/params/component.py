"""Components: classes that a params file names, `{use: name, option: value, …}`, one dict of names a family.

A family is a dict of strings in its room's `__init__.py`, for example
`LOSSES = {"mmssl": "semcom.losses.mmssl:MMSSL"}`. Adding a member is one new file and one new line there.
"""

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from semcom.files.errors import SemcomError
from semcom.params import source

FAMILIES = {
    "LOSSES": "semcom.losses",
    "BACKBONES": "semcom.models",
    "SENDERS": "semcom.models",
    "HEADS": "semcom.models",
    "CHANNELS": "semcom.channel",
    "VIEWS": "semcom.frames",
    "OPTIMISERS": "semcom.training",
}
"""Every family and the module that lists it."""


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


def module_of(name: str, component: Mapping[str, Any]) -> str:
    """The module of the class that `component` names in the family `name`."""
    return family(name)[component["use"]].partition(":")[0]


def build(members: Mapping[str, str], component: Mapping[str, Any], *args: object) -> Any:
    """Import the class that `component` names among a family's `members` and make one.

    Args:
        members: the family, `{"name": "package.module:Class"}`.
        component: `{"use": name, **options}` as checked by the schema (lists stand for tuples).
        *args: what the code gives, before the options.

    Raises:
        SemcomError: the family has no such member.
    """
    use = str(component.get("use"))
    if use not in members:
        raise SemcomError(f"use: {use!r} is none of {', '.join(members)}")
    module, _, name = members[use].partition(":")
    options = {key: _tuples(value) for key, value in component.items() if key != "use"}
    return getattr(importlib.import_module(module), name)(*args, **options)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
