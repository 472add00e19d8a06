"""Claims that a study is to decide: params/claims/NAME.yaml, named by the study's key `claims`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from annotated_types import MinLen
from pydantic import ValidationError

from semcom.files.errors import SemcomError
from semcom.params import faults, keys
from semcom.params.reportentry import Claim
from semcom.params.sections import Strict

Of = TypeVar("Of", bound=Strict)


class Claims(Strict):
    """A file of claims."""

    claims: Annotated[dict[str, Claim], MinLen(1)]


def load(path: Path) -> dict[str, Claim]:
    """The claims of a file.

    Raises:
        SemcomError: it cannot be read, or naming every fault in it.
    """
    from semcom.params.crlsc.claims import Claims as Second  # which imports this module

    way = "claims on the second system: name it in that section, crlsc: {claims: …}, not at the top"
    return read(path, Claims, other=Second, way=way).claims


def read(path: Path, model: type[Of], *, other: type[Strict], way: str) -> Of:
    """A file of claims, as `model` has them.

    Args:
        path: the file.
        model: the system's.
        other: that of the other system.
        way: what a file of the other one is, and where to name it.

    Raises:
        SemcomError: it cannot be read, or naming every fault in it.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        near = faults.nearest(path.stem, [p.stem for p in path.parent.glob("*.yaml")])
        raise SemcomError(f"claims: cannot read {path} ({error.strerror}){near}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SemcomError(f"claims: {path} is no YAML: {error}") from error
    if not isinstance(content, Mapping):
        raise SemcomError(f"claims: {path} holds no section claims")
    keys.check_once(path, str(path))
    values, found = keys.texts_only(dict(content))
    made = None
    try:
        made = model.model_validate(values)
    except ValidationError as error:
        found += faults.from_pydantic(error, model)
    if made is None and _is(values, other):
        raise SemcomError(f"{path} has {way}")
    if made is None or found:
        raise SemcomError("\n  ".join([f"{path}:", *map(str, found)]))
    return made


def _is(values: Mapping[str, Any], model: type[Strict]) -> bool:
    try:
        model.model_validate(values)
    except ValidationError:
        return False
    return True
