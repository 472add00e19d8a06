"""Keys of a params file: each is a text and stands once in its section."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from semcom.files.errors import SemcomError
from semcom.params import faults
from semcom.params.faults import Fault

_MERGE = "tag:yaml.org,2002:merge"


def texts_only(value: Any, path: faults.Path = (), above: tuple[int, ...] = ()) -> tuple[Any, list[Fault]]:
    """A copy of `value` without the keys that are not texts, and a fault for each of them.

    Args:
        value: what YAML gave.
        path: where it stands.
        above: ids of the sections around it; an anchor may stand inside itself.
    """
    if id(value) in above or not isinstance(value, dict | list):
        return value, []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    kept: dict[Any, Any] = {}
    wrong = []
    for key, item in items:
        if isinstance(value, dict) and not isinstance(key, str):
            wrong.append(_not_a_text(key, path))
            continue
        kept[key], inside = texts_only(item, (*path, key), (*above, id(value)))
        wrong += inside
    return (kept if isinstance(value, dict) else list(kept.values())), wrong


def _not_a_text(key: object, path: faults.Path) -> Fault:
    """The fault of a key that YAML reads as another thing than a text."""
    spelt = {True: "true", False: "false"}[key] if isinstance(key, bool) else faults.shown(key)
    why = ""
    if isinstance(key, bool):
        why = " (YAML reads on and yes as true, off and no as false)"
    elif key is None:
        spelt, why = "null", " (YAML reads an empty key, ~ and null as null)"
    return Fault((*path, spelt), f"the key {spelt} is not a text; write it in quotes{why}")


def check_once(file: Path, name: str) -> None:
    """Check that no key stands twice in one section of `file`: YAML would keep the last without a word.

    A key beside `<<` that the merged section has too is no second one: it overrides.

    Raises:
        SemcomError: naming file, line and key of each second one.
    """
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return  # Snakemake has read the file already: it is JSON that is no YAML (tabs)
    twice = sorted(set(_twice(root, set())))
    if twice:
        lines = [f"{name}, line {line}: {key!r} stands in line {first} already" for line, key, first in twice]
        raise SemcomError("\n  ".join(["a key may stand once in a section; remove one:", *lines]))


def _twice(node: yaml.Node | None, seen: set[int]) -> Iterator[tuple[int, str, int]]:
    """Line, key and first line of each key that stands again in its mapping, in `node` and below."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _twice(item, seen)
    if isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                if (key.tag, key.value) in first:
                    yield line, key.value, first[key.tag, key.value]
                first.setdefault((key.tag, key.value), line)
            yield from _twice(value, seen)
