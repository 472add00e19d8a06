"""Names for the ranges that options may take; a component annotates its keyword-only arguments with them.

The schema reads these names from source (nothing is imported), so an option's range is checked
before any job starts.
"""

import re
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError


def _no_boolean(value: Any) -> Any:
    """Refuse true and false, of which Python makes 1 and 0; a text may stand for a number."""
    if isinstance(value, bool):
        raise PydanticCustomError("boolean", "a boolean is no number")
    return value


Number = Annotated[float, BeforeValidator(_no_boolean)]
WholeNumber = Annotated[int, BeforeValidator(_no_boolean)]
Positive = Annotated[Number, Gt(0)]
NonNegative = Annotated[Number, Ge(0)]
Fraction = Annotated[Number, Ge(0), Le(1)]
UpToHalf = Annotated[Number, Ge(0), Le(0.5)]
PositiveFraction = Annotated[Number, Gt(0), Le(1)]
PositiveInt = Annotated[WholeNumber, Ge(1)]
NonNegativeInt = Annotated[WholeNumber, Ge(0)]
SnrDb = Annotated[Number, Ge(-30), Le(60)]
WholeSnrDb = Annotated[WholeNumber, Ge(-30), Le(60)]
Pixels = Annotated[WholeNumber, Ge(16), Le(4096)]
Quality = Annotated[WholeNumber, Ge(1), Le(100)]

# Upper limits far above what is of use: beyond them jobs would only die of memory, after hours perhaps.
ChannelUses = Annotated[WholeNumber, Ge(1), Le(100_000)]
ImageUses = Annotated[WholeNumber, Ge(1), Le(1_000_000)]
Draws = Annotated[WholeNumber, Ge(1), Le(1_000)]
Threads = Annotated[WholeNumber, Ge(1), Le(1_024)]
Width = Annotated[Number, Gt(0), Le(8)]

_N = r"[1-9]\d*"
_INDEX_PART = re.compile(
    rf"Flat|SQ(4|6|8|bf16|fp16)|PQ{_N}(x{_N})?(np|fs)?|OPQ{_N}(_{_N})?|PCAW?R?{_N}|IVF{_N}|HNSW{_N}|L2norm"
)


def listed(value: Any) -> Any:
    """One stands for a list of one."""
    return value if isinstance(value, (list, tuple)) else (value,)


def unique(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse an item that stands twice.

    Raises:
        ValueError: naming it.
    """
    twice = sorted({item for item in items if items.count(item) > 1})
    if twice:
        raise ValueError(f"{', '.join(map(str, twice))} stands twice; each item may stand once")
    return items


def increasing(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a list that does not rise from item to item.

    Raises:
        ValueError: naming the items.
    """
    for low, high in zip(items, items[1:], strict=False):
        if not low < high:
            raise ValueError(f"{high} follows {low}; the list must rise from item to item")
    return items


def index_factory(text: str) -> str:
    """Refuse what is no faiss factory string, such as `Flat`, `PQ16` or `IVF64,SQ8`.

    Raises:
        ValueError: naming the part.
    """
    for part in text.split(","):
        if not _INDEX_PART.fullmatch(part):
            raise ValueError(f"{part!r} is no part of a faiss index, such as Flat, SQ8, PQ16 or IVF64,Flat")
    return text
