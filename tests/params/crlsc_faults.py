"""A section `crlsc` with one value changed, and what is said of it."""

import copy
from typing import Any

import pytest

from semcom.files.errors import SemcomError
from semcom.params.crlsc.schema import load


def changed(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at a dotted path below `crlsc` set."""
    copied = copy.deepcopy(config)
    *above, last = path.split(".")
    place = copied["crlsc"]
    for key in above:
        place = place[key]
    place[last] = value
    return copied


def faults(config: dict[str, Any]) -> list[str]:
    """The lines of the one message that refuses it; images of the data set `rooms` are of two classes."""
    with pytest.raises(SemcomError) as caught:
        load(config, {"rooms": ("kitchen", "office")})
    return [line.strip() for line in str(caught.value).splitlines()[1:]]
