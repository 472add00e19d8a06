"""The Es/N0 of training in a params file: a number, `{uniform: [low, high]}` or `{choice: [a, b, …]}`."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from semcom.params.faults import nearest, shown
from semcom.params.ranges import SnrDb, unique

WAYS = ("uniform", "choice")
_SNRS_DB: TypeAdapter[tuple[float, ...]] = TypeAdapter(
    tuple[SnrDb, ...], config=ConfigDict(allow_inf_nan=False)
)
_SECTION = "{uniform: [low, high]} or {choice: [first, second, …]}"


def checked(value: Any) -> float | dict[str, tuple[float, ...]]:
    """`value` in its own types.

    Raises:
        ValueError: it is none of the three, with what is allowed.
    """
    if not isinstance(value, Mapping):
        if (one := _numbers([value])) is None:
            raise ValueError(f"{shown(value)} is not a number ≥ -30 and ≤ 60, nor {_SECTION}")
        return one[0]
    for key in value:
        if key not in WAYS:
            raise ValueError(f"no such key {key!r}{nearest(key, WAYS)}; give a number, {_SECTION}")
    if len(value) != 1:
        raise ValueError(f"{len(value)} keys; give a number, {_SECTION}")
    ((way, items),) = value.items()
    given = _numbers(items)
    if given is None or len(given) < 2 or (way == "uniform" and len(given) > 2):
        raise ValueError(f"{way}: {shown(items)} is not a list of {_LISTS[way]}, each ≥ -30 and ≤ 60")
    if way == "uniform" and not given[0] < given[1]:
        raise ValueError(f"uniform: {items!r} does not rise; give [low, high] with low < high")
    return {way: unique(given)}


_LISTS = {"uniform": "two numbers", "choice": "two or more numbers"}

TrainSnr = Annotated[float | dict[str, tuple[float, ...]], BeforeValidator(checked)]
"""Its type in a params file."""


def nominal_snr_db(train_snr_db: float | Mapping[str, Sequence[float]]) -> float:
    """The one figure that stands for it: the number, the middle of the range, the median of the list.

    Raises:
        ValueError: it has not the form that `checked` gives.
    """
    if isinstance(train_snr_db, Mapping):
        (values,) = train_snr_db.values()
        return float(median(values))
    return float(train_snr_db)


def _numbers(values: Any) -> tuple[float, ...] | None:
    try:
        return _SNRS_DB.validate_python(values)
    except ValidationError:
        return None
