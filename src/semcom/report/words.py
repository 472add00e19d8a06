"""Words and tables of report.md."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
import pandas as pd

from semcom.metrics.cost import Ratio
from semcom.params.reportentry import ReportEntry


def percent(value: float, half_width: float, sign: str = "") -> str:
    """`45.1 ± 2.3`, without the second where there is but one seed; a dash for no value."""
    if pd.isna(value):
        return "–"
    text = f"{100 * value:{sign}.1f}"
    return text if pd.isna(half_width) else f"{text} ± {100 * half_width:.1f}"


def seeds(entry: ReportEntry) -> str:
    """`3 seeds`."""
    return f"{len(entry.seeds)} seed{'s' * (len(entry.seeds) > 1)}"


def epochs(count: int) -> str:
    """`1 epoch`, `2 epochs`."""
    return f"{count} {'epoch' if count == 1 else 'epochs'}"


def table_of(
    names: Sequence[str], body: Sequence[Sequence[str]], *, right: bool = True, text: Collection[str] = ()
) -> list[str]:
    """Lines of a Markdown table; all columns but the first and those named in `text` at the `right`."""
    rule = ["---", *("---:" if right and name not in text else "---" for name in names[1:])]
    return [f"| {' | '.join(line)} |" for line in (names, rule, *body)]


def whole(value: float) -> str:
    """`12,345`."""
    return f"{value:,.0f}"


def needed(
    values: "pd.Series[float]", bounds: "pd.Series[str]", *, never: str, say: Callable[[float], str] = whole
) -> str:
    """What is needed to reach something: a geometric mean over seeds, or the ranges that bounds leave."""

    def ranging(some: "pd.Series[float]") -> str:
        ends = dict.fromkeys(say(float(end)) for end in (some.min(), some.max()))
        return " to ".join(ends)

    measured = values[bounds == ""]
    if len(measured) == len(values):
        return say(float(np.exp(np.log(values).mean())))
    kinds = {"at most": "at most", "more than": never}
    said = [
        f"{len(some)} of {len(values)} seed{'s' * (len(values) > 1)} {word} {ranging(some)}"
        for bound, word in kinds.items()
        if len(some := values[bounds == bound])
    ]
    if len(measured):
        said.append(f"the other{'s' if len(measured) > 1 else ' one'} {ranging(measured)}")
    return "; ".join(said)


def ratio(made: Ratio) -> str:
    """`0.31 (0.20 to 0.48)`, `median 0.37 (up to 0.47)`, `median at most 0.37 (no interval)`."""
    if np.isnan(made.value):
        return "bounds alone"
    if made.kind == "mean":
        return f"{made.value:.2f}" + ("" if np.isnan(made.low) else f" ({made.low:.2f} to {made.high:.2f})")
    match (np.isnan(made.low), np.isnan(made.high)):
        case (False, False):
            ends = f"{made.low:.2f} to {made.high:.2f}"
        case (True, False):
            ends = f"up to {made.high:.2f}"
        case (False, True):
            ends = f"at least {made.low:.2f}"
        case _:
            ends = "no interval"
    return f"median {'' if made.kind == 'median' else made.kind + ' '}{made.value:.2f} ({ends})"
