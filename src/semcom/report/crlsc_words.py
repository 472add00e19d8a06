"""How the second system's page writes numbers: every word is read off an interval."""

import math
from collections.abc import Iterator, Sequence

import pandas as pd


def listed(head: Sequence[str], body: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table."""
    yield from (f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body))
    yield ""


def cell(rows: pd.DataFrame, value: str = "mean", *, factor: float = 100, form: str = ".1f") -> str:
    """Mean and half width of the one row; a dash where there is none."""
    if rows.empty:
        return "–"
    half = {"mean": "half_width", "difference": "difference_half_width"}[value]
    mean, width = rows[value].iloc[0], rows[half].iloc[0]
    return f"{factor * mean:{form}}" + (
        "" if math.isnan(width) else f" ± {factor * width:{form.lstrip('+')}}"
    )


def bars(seeds: Sequence[int]) -> str:
    """What the bars of a figure are, at its foot."""
    return f"Bars: 95 % Student-t intervals over {len(seeds)} seeds." if len(seeds) > 1 else "One seed."


def verdict(mean: float, half_width: float) -> str:
    """`above` or `below` where all of an interval around a difference lies on one side of 0, else `open`.

    One seed has no interval; nor have differences without any spread, which few test images can give.
    """
    if math.isnan(half_width):
        return "one seed"
    if half_width == 0:
        return "no spread"
    return "above" if mean > half_width else "below" if -mean > half_width else "open"


def points(mean: float, half_width: float) -> str:
    """`+3.1 ± 2.0 points (above)`."""
    width = "" if math.isnan(half_width) else f" ± {100 * half_width:.1f}"
    return f"{100 * mean:+.1f}{width} points ({verdict(mean, half_width)})"


def between(shared: float) -> str:
    """What lies between two encoders."""
    return f"map of {shared:,.0f} shared images" if shared else "no map"
