"""A changing channel in the report: accuracies, channel uses to regain them, the page, the figure."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from synthetic_study import Study, make_study, write

from semcom import report
from semcom.files.errors import SemcomError
from semcom.params.sections import Changing
from semcom.report import changing, changing_figure, changing_page, results

USES = 2 * 19 * 32 * 2 * 32
"""Channel uses of an epoch of training, up and down; budgets are 1, 4 and 10 epochs."""
METHODS = ("mmssl", "supervised")
BUDGETS = (1, 4, 10)
WORLD = Changing(
    link="awgn_k32",
    states=({"channel": {"use": "rayleigh"}, "snr_db": 5}, {"channel": {"use": "awgn"}, "snr_db": 0}),
    budgets=BUDGETS,
    methods=METHODS,
    start_budget=4,
    labels="all",
)
NAMES = ("awgn_k32", "rayleigh 5 dB", "awgn 0 dB")

CURVES = {
    "own": ((0.30, 0.40, 0.50), (0.46, 0.47, 0.48)),
    "head": ((0.30, 0.31, 0.32), (0.30, 0.35, 0.40)),
    "encoders": ((0.20, 0.40, 0.50), (0.20, 0.39, 0.41)),
    "scratch": ((0.20, 0.30, 0.46), (0.20, 0.30, 0.41)),
    "all_states": ((0.40, 0.50, 0.50), (0.20, 0.45, 0.55)),
}
"""Test accuracies of each strategy by state and budget; what is to be reached is 0.49, 0.45 and 0.40."""


def rows(method: str, seed: int, *, as_is=(0.5, 0.35, 0.35), curves=None) -> list[dict]:
    place = {
        "changing": "world", "study": "demo", "system": "mmssl", "method": method, "link": "awgn_k32",
        "labels": "all", "seed": seed,
    }  # fmt: skip
    found = []

    def add(strategy: str, state: int, budget: int, accuracy: float, sent: float) -> None:
        where = {
            "strategy": strategy,
            "state": state,
            "state_name": NAMES[state],
            "snr_db": (10, 5, 0)[state],
        }
        down = 0 if strategy == "head" else sent / 2
        uses = {"uplink_uses": sent - sent / 2, "downlink_uses": down}
        for metric in ("test_accuracy", "validation_accuracy"):
            value = {"metric": metric, "value": accuracy if metric == "test_accuracy" else 0.5}
            found.append(place | where | {"budget_epochs": budget} | value | uses)

    for state, accuracy in enumerate(as_is):
        add("none", state, 0, accuracy, 0)
    for strategy, by_state in (CURVES | (curves or {})).items():
        if strategy == "encoders" and method == "supervised":
            continue
        for budget_number, budget in enumerate(BUDGETS):
            if strategy == "all_states":
                add(strategy, 0, budget, (0.45, 0.48, 0.50)[budget_number], USES * budget)
            for state, accuracies in enumerate(by_state, start=1):
                sent = 0 if strategy == "all_states" else USES * budget
                add(strategy, state, budget, accuracies[budget_number], sent)
    return found


def changing_study(root: Path, *, seeds=(0, 1, 2), **of_mmssl) -> Study:
    """The synthetic study with a changing channel; `of_mmssl`: what `rows` takes, by seed."""
    study = make_study(root, methods=METHODS, seeds=seeds)
    for method in METHODS:
        for seed in seeds:
            own = {
                name: given[seed] for name, given in of_mmssl.items() if method == "mmssl" and seed in given
            }
            write(study.folder / f"changing/world/{method}/seed{seed}/adapt.csv", rows(method, seed, **own))
    return Study(study.folder, study.frames, study.entry.model_copy(update={"changing": {"world": WORLD}}))


def regained(study: Study) -> pd.DataFrame:
    found = results.read(study.folder, study.entry, study.frames)
    table = changing.regain(changing.read(study.folder, study.entry), found, study.entry)
    return table[table.method == "mmssl"].set_index(["seed", "strategy", "state"])


def made(study: Study) -> Path:
    folder = study.folder / "report/out"
    report.run(study.folder, study.entry, study.frames, folder)
    return folder


def test_uses_to_regain_and_their_sum_by_hand(tmp_path):
    table = regained(changing_study(tmp_path))
    for seed in (0, 1, 2):
        own = table.loc[seed]
        assert own.target.loc["own"].tolist() == pytest.approx([0.49, 0.45, 0.40])
        # own: halfway between 4 and 10 epochs, then at once; its link was trained for 4 epochs before
        halfway = math.sqrt(4 * 10) * USES
        assert own.uses.loc["own"].tolist() == pytest.approx([4 * USES, halfway, USES])
        assert own.bound.loc["own"].tolist() == ["", "", "at most"]
        assert own.running_low.loc["own"].tolist() == pytest.approx(
            [4 * USES, 4 * USES + halfway, 4 * USES + halfway]
        )
        assert own.running_high.loc["own", 2] == pytest.approx(5 * USES + halfway)
        # head: half the uses; never at the first state, at 10 epochs exactly at the second
        assert own.uses.loc["head"].tolist() == pytest.approx([4 * USES, 5 * USES, 5 * USES])
        assert own.bound.loc["head"].tolist() == ["", "more than", ""]
        assert own.running_low.loc["head", 2] == pytest.approx(14 * USES)
        assert own.running_high.loc["head", 2] == math.inf
        assert own.uses.loc["encoders", 1] == pytest.approx(halfway)
        assert own.uses.loc["encoders", 2] == pytest.approx(4 * USES * 2.5**0.5)
        # all at once: halfway between 4 and 10 epochs at the start; less at the others, which does not count
        assert own.uses.loc["all_states"].tolist() == pytest.approx([halfway, 2 * USES, USES * 4**0.8])
        for end in ("running_low", "running_high"):
            assert own[end].loc["all_states"].tolist() == pytest.approx([halfway] * 3)


def test_weights_that_are_good_enough_send_nothing(tmp_path):
    table = regained(changing_study(tmp_path, as_is={1: (0.5, 0.45, 0.39), 2: (0.5, 0.2, 0.40)}))
    for strategy in ("own", "head", "encoders", "scratch"):
        assert table.uses[1, strategy, 1] == table.uses[2, strategy, 2] == 0
        assert table.bound[1, strategy, 1] == ""
        assert table.uses[0, strategy, 1] > 0 < table.uses[1, strategy, 2]
    assert table.running_high[1, "scratch", 1] == 4 * USES
    assert table.uses[1, "all_states", 1] > 0, "it has no weights before its training"


def test_the_accuracy_to_reach_is_a_mean_over_the_rivals_seeds(tmp_path):
    study = changing_study(tmp_path)
    curves = {"scratch": ((0.2, 0.3, 0.52), (0.2, 0.3, 0.41))}
    path = study.folder / "changing/world/supervised/seed1/adapt.csv"
    write(path, rows("supervised", 1, curves=curves))
    assert regained(study).target.loc[0, "own", 1] == pytest.approx((0.46 * 2 + 0.52) / 3 - 0.01)


def test_the_table_has_means_intervals_and_uses(tmp_path):
    study = changing_study(tmp_path, curves={0: {"own": ((0.3, 0.4, 0.56), (0.1, 0.2, 0.3))}})
    table = pd.read_csv(made(study) / "changing.csv", comment="#")
    rows = table[table.metric == "test_accuracy"].set_index(["method", "strategy", "state", "budget_epochs"])
    assert len(table) == 2 * len(rows) == 2 * (2 * (3 + 2 * 3 * 3 + 3 * 3) + 2 * 3)
    cell = rows.loc["mmssl", "own", 1, 10]
    assert (cell["mean"], cell.seeds) == (pytest.approx(0.52), 3)
    assert cell.half_width == pytest.approx(4.302653 * 0.02 * 3**0.5 / 3**0.5, rel=1e-6)
    assert cell.uplink_uses + cell.downlink_uses == 10 * USES
    assert rows.downlink_uses["mmssl", "head", 1, 10] == 0


def test_the_page_has_what_is_reached_and_what_it_takes(tmp_path):
    folder = made(changing_study(tmp_path))
    page = (folder / "report.md").read_text()
    section = re.search(r"## A changing channel: world\n.*?(?=\n## )", page, re.DOTALL)[0]
    assert "trained for 4 epochs, meets another channel: rayleigh 5 dB; then awgn 0 dB." in section
    assert "**mmssl: test accuracy in % at each state, after 10 epochs**" in section
    assert "|  | 0: awgn_k32 | 1: rayleigh 5 dB | 2: awgn 0 dB |" in section
    assert "| as it is | 50.0 ± 0.0 | 35.0 ± 0.0 | 35.0 ± 0.0 |" in section
    assert "| own weights |  | 50.0 ± 0.0 | 48.0 ± 0.0 |" in section
    assert "| *accuracy to reach, %* | 49.0 | 45.0 | 40.0 |  |  |" in section
    begun, halfway = 4 * USES, math.sqrt(40) * USES
    own = f"| own weights | {begun:,} | {halfway:,.0f} | 0 to {USES:,} | "
    own += f"{halfway:,.0f} to {halfway + USES:,.0f} | "
    assert own + f"{begun + halfway:,.0f} to {begun + halfway + USES:,.0f} |" in section
    assert f"| server alone | {begun:,} | more than {5 * USES:,} | {5 * USES:,} | more than" in section
    uses = f"{halfway:,.0f} | {USES * 2:,} | {USES * 4**0.8:,.0f} |  | {halfway:,.0f} |"
    assert f"| all states at once | {uses}" in section
    assert section.count("pre-trained encoders |") == 2, "supervised has none"


def test_the_figure_draws_the_running_totals(tmp_path):
    study = changing_study(tmp_path)
    found = results.read(study.folder, study.entry, study.frames)
    table = changing.regain(changing.read(study.folder, study.entry), found, study.entry)
    sheet = changing_figure.running_total(table, "world", study.entry, foot="")
    assert [axes.get_title("left") for axes in sheet.axes] == ["mmssl", "supervised"]
    (legend,) = sheet.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "own weights",
        "server alone",
        "pre-trained encoders",
        "from scratch",
        "all states at once",
    ]
    lines = [line for line in sheet.axes[0].lines if len(line.get_xdata()) == 3]
    own, at_once = lines[0].get_ydata(), lines[-1].get_ydata()
    halfway = math.sqrt(40) * USES
    assert own.tolist() == pytest.approx([4 * USES, 4 * USES + halfway, 4 * USES + halfway])
    assert at_once.tolist() == pytest.approx([halfway] * 3)
    hollow = [line for line in sheet.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [len(line.get_xdata()) for line in hollow] == [1, 1], "the head at both states"
    # The axes are shared, and every point lies on them, those of a later and higher panel, too.
    higher = 3 * table["running_low"].where(table["method"] == "supervised", table["running_low"] / 3)
    sheet = changing_figure.running_total(table.assign(running_low=higher), "world", study.entry, foot="")
    for axes in sheet.axes:
        points = [point for line in axes.lines for point in line.get_xydata()]
        (left, bottom), (right, top) = zip(axes.get_xlim(), axes.get_ylim(), strict=True)
        assert points
        assert all(left < x < right and bottom <= y < top for x, y in points)
    assert sheet.axes[0].get_ylim() == pytest.approx((0, 1.05 * higher.max()))
    # Totals that lie close together have room above them, too, and the axis begins at 0.
    near = 1000.0 - 100 * (table["strategy"] == "own")
    alike = table.assign(running_low=near, running_high=near)
    sheet = changing_figure.running_total(alike, "world", study.entry, foot="")
    assert sheet.axes[0].get_ylim() == pytest.approx((0, 1050))


def test_its_files_are_there_and_without_it_none(tmp_path):
    with_it = made(changing_study(tmp_path / "with", seeds=(0,)))
    assert {path.name for path in with_it.glob("*") if "chang" in path.name or "regain" in path.name} == {
        "changing.csv",
        "regain.csv",
        "changing_world.png",
        "changing_world.pdf",
    }
    without = made(make_study(tmp_path / "without", methods=METHODS, seeds=(0,)))
    assert not list(without.glob("*chang*")) + list(without.glob("regain*"))
    assert "changing" not in (without / "report.md").read_text()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda t: t[t.state != 2], "of all_states, state 2, budget 1"),
        (lambda t: t[t.budget_epochs != 4], "of all_states, state 0, budget 4"),
        (lambda t: t[t.strategy != "head"], "of head, state 1, budget 1"),
        (lambda t: t.assign(method="other"), "has method other where its place says mmssl"),
        (lambda t: t.assign(value=1.5), "has a share of 1.5"),
        (lambda t: pd.concat([t, t.head(1)]), "twice"),
        (lambda t: t.drop(columns="state"), "lacks the columns state"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, damage, said):
    study = changing_study(tmp_path, seeds=(0,))
    path = study.folder / "changing/world/mmssl/seed0/adapt.csv"
    damage(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(SemcomError, match=re.escape(said)) as caught:
        changing.read(study.folder, study.entry)
    assert "adapt.csv" in str(caught.value)


def test_long_names_of_states_lie_within_the_figure(tmp_path):
    study = changing_study(tmp_path)
    states = (*WORLD.states[:1], {"channel": {"use": "rayleigh", "csi": "none"}, "snr_db": 10})
    world = Changing.model_validate(WORLD.model_dump() | {"states": states})
    entry = study.entry.model_copy(update={"changing": {"world": world}})
    found = results.read(study.folder, study.entry, study.frames)
    table = changing.regain(changing.read(study.folder, study.entry), found, study.entry)
    sheet = changing_figure.running_total(table, "world", entry, foot="")
    FigureCanvasAgg(sheet).draw()
    labels = sheet.axes[-1].get_xticklabels()
    assert [label.get_text() for label in labels][1:] == ["rayleigh\n5 dB", "rayleigh\n(csi none)\n10 dB"]
    below = next(text for text in sheet.texts if text.get_text() == "state of the channel")
    last = labels[-1].get_window_extent()
    assert last.x1 < sheet.axes[-1].get_window_extent().x1
    assert last.y0 > below.get_window_extent().y1


def test_one_epoch_is_said_as_one(tmp_path):
    world = WORLD.model_copy(update={"start_budget": 1})
    study = changing_study(tmp_path, seeds=(0,))
    entry = study.entry.model_copy(update={"changing": {"world": world}})
    assert "trained for 1 epoch, meets" in changing_page.intro("world", entry)
    found = results.read(study.folder, study.entry, study.frames)
    table = changing.regain(changing.read(study.folder, study.entry), found, study.entry)
    sheet = changing_figure.running_total(table, "world", entry, foot="")
    assert any("The training of the link (1 epoch), then" in text.get_text() for text in sheet.texts)
