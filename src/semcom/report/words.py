"""Words and tables of report.md."""

from collections.abc import Collection, Sequence

import pandas as pd

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
