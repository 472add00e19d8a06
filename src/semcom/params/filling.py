"""The components of a params file, wherever they stand: checked, their options filled in."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from semcom.params import faults, options
from semcom.params.component import family
from semcom.params.faults import Fault, Path

Pattern = tuple[str, ...]
"""Keys from the top of the file to a component; `*` is any key or index."""


def fill(values: dict[str, Any], families: Mapping[Pattern, str], model: type[BaseModel]) -> Iterator[Fault]:
    """Replace each component in `values` by its checked, completed form; yield what is wrong.

    Args:
        values: the content of the file; changed in place.
        families: by place, the family that a component is of.
        model: the schema, for the components that are left out and have a default.
    """
    _add_defaults(values, families, model)
    for pattern, name in families.items():
        for path, holder in places(values, pattern):
            component = holder[path[-1]]
            if name == "TASKS" and isinstance(component, str):
                component = {"use": component}  # few have options: a name will do
            if isinstance(component, dict):
                holder[path[-1]], wrong = options.check(name, component, path)
                yield from wrong


def own_classes(values: dict[str, Any], families: Mapping[Pattern, str]) -> dict[str, str]:
    """The classes in a checked file that no family lists: `package.module:Class` by their place."""
    return {
        faults.dotted((*path, "use")): holder[path[-1]]["use"]
        for pattern, name in families.items()
        for path, holder in places(values, pattern)
        if holder[path[-1]] is not None and holder[path[-1]]["use"] not in family(name)
    }


def _add_defaults(values: dict[str, Any], families: Mapping[Pattern, str], model: type[BaseModel]) -> None:
    """Put components that are left out, and have a default, where they belong."""
    for *section, key in families:
        fields = getattr(faults.bare(faults.at(model, tuple(section))), "model_fields", {})
        default = fields[key].default if key in fields else None
        if isinstance(default, dict):
            for path, holder in places(values, tuple(section)):
                if isinstance(holder[path[-1]], dict):
                    holder[path[-1]].setdefault(key, dict(default))


def places(values: Any, pattern: Pattern, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each place that `pattern` matches: its path, and the dict or list that holds it."""
    if isinstance(values, dict):
        found: list[str | int] = list(values)
    elif isinstance(values, list):
        found = list(range(len(values)))
    else:
        return
    for key in found:
        if pattern[0] in ("*", key):
            if len(pattern) == 1:
                yield (*path, key), values
            else:
                yield from places(values[key], pattern[1:], (*path, key))
