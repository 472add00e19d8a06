"""A comparison in words: what is decided, what is not, and what would decide it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from semcom.report.compare_read import ACCURACY
from semcom.report.compare_table import CHANCE, ERROR, Comparison

MOST_LINES = 12
"""Lines of the table of all Es/N0."""
COVERAGE = {2: "87 to 98 %", 3: "92 to 97 %", 4: "93 to 97 %"}
"""What nominal 95 % intervals over few seeds and 30 scenes or more cover (docs/statistics.md)."""


def page(made: Comparison) -> str:
    """The comparison in Markdown, to be read in a terminal too."""
    a, b = made.names
    parts = [
        [
            f"# {made.study}: {a} minus {b}\n",
            f"- A: {made.a}",
            f"- B: {made.b}",
            f"- seeds: {' '.join(map(str, made.seeds))}, paired",
            f"- test: {made.frames} frames in {made.scenes} scenes, {made.title} in %",
            f"- made of: {made.origin}",
        ],
        ["## In words\n", *(f"- {sentence(made, row)}" for row in made.family.itertuples())],
        ["## In figures\n", *_family(made)],
        ["## What this rests on\n", *(f"- {note}" for note in notes(made))],
        ["## At every Es/N0\n", *_everywhere(made)],
    ]
    return "\n".join("\n".join(part) + "\n" for part in parts)


def sentence(made: Comparison, row: Any) -> str:
    """What one row of the family allows to say, and no more."""
    a, b = made.names
    ahead, behind = (a, b) if row.difference > 0 else (b, a)
    where = f"{_epochs(row.budget_epochs)}, {row.snr_db:g} dB:"
    size = f"{100 * abs(row.difference):.1f} points"
    over_both = _range(row.difference, row.half_width, flip=row.difference < 0)
    over_seeds = _range(row.difference, row.seeds_half_width, flip=row.difference < 0)
    if row.p_holm < ERROR:
        return (
            f"{where} {ahead} is ahead of {behind} by {size}, {over_both} over seeds and scenes (Holm p "
            f"{_p(row.p_holm)}): more than the luck of seeds and of these test scenes explains."
        )
    if row.seeds_p_holm < ERROR:
        return (
            f"{where} on these {made.scenes} test scenes {ahead} is ahead of {behind} by {size}, "
            f"{over_seeds} over seeds (Holm p {_p(row.seeds_p_holm)}). Whether it would be on other scenes "
            f"is undecided: {over_both}. {_plan(made, row)}"
        )
    if np.isnan(row.half_width):
        return (
            f"{where} undecided. All seeds and scenes give the same difference, {size}: there is no spread "
            "to judge by."
        )
    seen = f"{ahead} scores {size} more than {behind}" if row.difference else f"{a} and {b} score the same"
    return (
        f"{where} undecided. {seen}, but seeds and scenes allow {over_both}, so that either may be ahead, "
        f"or neither. {_plan(made, row)}"
    )


def notes(made: Comparison) -> Iterator[str]:
    """How to read the figures, and what they do not say."""
    count, family = len(made.seeds), len(made.family)
    yield (
        f"{made.at} "
        + (
            f"These {family} comparisons are one family"
            if family > 1
            else "This comparison is a family of one"
        )
        + ", and Holm's p-values count them all; choose them before looking, not after."
    )
    yield (
        "*over seeds*: paired Student t; it speaks of other seeds on these test scenes. *over seeds and "
        "scenes*: both vary; it speaks of other scenes of the kind too. Each interval is of 95 % for itself. "
        "A method is called ahead where both, adjusted, say so."
    )
    yield (
        f"Numbers of seeds are a plan, not a finding: they take the difference and the spreads seen for the "
        f"true ones, for a chance of {100 * CHANCE:.0f} % at Holm's strictest step. After few seeds they are "
        "rough, and too small where the difference is large by luck."
    )
    yield from few_seeds(count)
    if made.scenes < 30:
        yield (
            f"{made.scenes} test scenes are few: how much scenes differ is known roughly, and the bootstrap "
            "over scenes in the CSV is somewhat narrow."
        )
    if made.metric != ACCURACY:
        yield (
            f"{made.title.capitalize()} is no mean over frames: intervals take it as linear in what each "
            "frame adds (infinitesimal jackknife). In simulations those over seeds and scenes hold the truth "
            "in 90 to 93 % of cases, not in 95 % (docs/statistics.md)."
        )
    yield "Channel draws are averaged first. Nothing here speaks of other data sets, links or params."


def _plan(made: Comparison, row: Any) -> str:
    """What would decide it."""
    if np.isfinite(row.seeds_to_decide):
        return f"If all is as it looks now, about {row.seeds_to_decide:.0f} seeds would decide it."
    if abs(row.difference) < row.least_decidable:
        return (
            f"If all is as it looks now, no number of seeds would decide it: with {made.scenes} test scenes "
            f"a true difference below {100 * row.least_decidable:.1f} points stays hidden; only more scenes "
            "would show it."
        )
    return "If all is as it looks now, not even 1000 seeds would decide it."


def _family(made: Comparison) -> list[str]:
    a, b = made.names
    names = [
        "budget in epochs", "Es/N0 in dB", f"{a} %", f"{b} %", "difference in points", "over seeds",
        "over seeds and scenes", "Holm p", "verdict", "seeds to decide",
    ]  # fmt: skip
    body = []
    for row in made.family.itertuples():
        decided = row.p_holm < ERROR
        verdict = "ahead" if decided else "these scenes only" if row.seeds_p_holm < ERROR else "undecided"
        seeds = f"{row.seeds_to_decide:.0f}" if np.isfinite(row.seeds_to_decide) else "none suffices"
        body.append(
            [
                str(row.budget_epochs), f"{row.snr_db:g}", f"{100 * row.value_a:.1f}",
                f"{100 * row.value_b:.1f}", f"{100 * row.difference:+.1f}",
                _range(row.difference, row.seeds_half_width), _range(row.difference, row.half_width),
                _p(row.p_holm), verdict, "" if decided else seeds,
            ]
        )  # fmt: skip
    return _table(names, body)


def _everywhere(made: Comparison) -> list[str]:
    table = made.table
    budgets, swept = list(dict.fromkeys(table["budget_epochs"])), sorted(set(table["snr_db"]))
    shown = swept[:: -(-len(swept) // MOST_LINES)]
    cells = table.set_index(["snr_db", "budget_epochs"])
    body = [[f"{snr:g}", *(_plus_minus(cells.loc[(snr, budget)]) for budget in budgets)] for snr in shown]
    text = (
        "Difference in points ± half the 95 % interval over seeds and scenes. Each stands for itself: among "
        "many some exclude zero by luck. [PNG](difference.png), [PDF](difference.pdf), "
        "[CSV](difference.csv)\n"
    )
    return [text, *_table(["Es/N0 in dB", *(_epochs(budget) for budget in budgets)], body)]


def _plus_minus(row: "pd.Series[float]") -> str:
    text = f"{100 * row['difference']:+.1f}"
    return text if np.isnan(row["half_width"]) else f"{text} ± {100 * row['half_width']:.1f}"


def _range(middle: float, half: float, *, flip: bool = False) -> str:
    """`+0.3 to +5.1`, in points; seen from the other side where `flip`."""
    if np.isnan(half):
        return "no interval"
    middle = -middle if flip else middle
    # After two seeds an interval may reach beyond what accuracies can differ by.
    low, high = max(middle - half, -1), min(middle + half, 1)
    return f"{100 * low:+.1f} to {100 * high:+.1f}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _epochs(budget: int) -> str:
    return f"{budget} epoch{'s' * (budget != 1)}"


def _table(names: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Markdown with columns of equal width, so that a terminal shows a table too."""
    widths = [max(len(line[i]) for line in (names, *body)) for i in range(len(names))]
    rule = ["-" * (width - 1) + ":" for width in widths]
    lines = [names, *body]
    padded = [[cell.rjust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return [f"| {' | '.join(line)} |" for line in (padded[0], rule, *padded[1:])]


def few_seeds(count: int) -> Iterator[str]:
    """What intervals over so few seeds are worth; nothing where they are enough."""
    if count in COVERAGE:
        yield (
            f"{count} seeds are few: in simulations such intervals over seeds and scenes hold the truth in "
            f"{COVERAGE[count]} of cases, not in 95 % (docs/statistics.md)."
        )
