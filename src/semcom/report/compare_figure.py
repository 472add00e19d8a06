"""The figure of a comparison: the difference over Es/N0 with its bands, a panel for each budget."""

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from semcom.report.compare_table import Comparison
from semcom.report.figures import COLOURS, SNR_LABEL
from semcom.report.sheet import GREY, STYLE, Sheet


def draw(made: Comparison) -> Figure:
    """Difference in points; inner band over seeds, outer one over seeds and scenes, both of 95 %."""
    a, b = made.names
    budgets = list(dict.fromkeys(made.table["budget_epochs"]))
    colour = COLOURS[0]
    name = f"{a} minus {b}"
    name = name if len(name) <= 30 else "A minus B"  # the legend has no room for more
    with mpl.rc_context(STYLE):
        sheet = Sheet(len(budgets), columns=min(3, len(budgets)))
        for axes, budget in zip(sheet.panels, budgets, strict=True):
            rows = made.table[made.table["budget_epochs"] == budget]
            x, middle = rows["snr_db"], 100 * rows["difference"]
            for band, half, alpha in (
                ("over seeds and scenes", 100 * rows["half_width"], 0.12),
                ("over seeds", 100 * rows["seeds_half_width"], 0.25),
            ):
                axes.fill_between(
                    x, middle - half, middle + half, color=colour, alpha=alpha, linewidth=0, label=band
                )
            axes.plot(x, middle, color=colour, linewidth=1.4, label=name)
            family = rows[rows["in_family"]]
            axes.plot(
                family["snr_db"], 100 * family["difference"], "o", color=colour, markersize=3.5,
                markeredgecolor="white", markeredgewidth=0.4, label="in Holm's family",
            )  # fmt: skip
            axes.axhline(0, color=GREY, linewidth=0.8)
            axes.set_title(f"{budget} epoch{'s' * (budget != 1)} of fine-tuning")
            if len(rows) <= 8:
                axes.xaxis.set_major_locator(FixedLocator(sorted(x)))
        note = (
            f"Bands: 95 % at each Es/N0 by itself, {len(made.seeds)} paired seeds, {made.frames} test frames "
            f"in {made.scenes} scenes; channel draws averaged first. Above zero {a} is ahead."
        )
        seeds = " ".join(map(str, made.seeds))
        foot = f"study {made.study} · A {made.a} · B {made.b} · seeds {seeds} · {made.origin}"
        sheet.finish(
            SNR_LABEL, note, foot, y_label=f"difference in test {made.title} (points)", limits=(-100, 100)
        )
    return sheet.figure
