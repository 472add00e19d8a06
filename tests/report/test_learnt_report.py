"""What was learnt, in the report: its table, the page's section, the figure; only where it was asked for."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from synthetic_study import Study, make_study, write

from semcom import report
from semcom.files.errors import SemcomError
from semcom.report import learnt

BLOCKS = {"mmssl": ("features", "embedding", "shared", "unique"), "intra_only": ("features", "embedding")}
EPOCHS = (0, 10, 100)


def value(method: str, epoch: int, modality: str, block: str, measure: str, seed: int) -> float:
    """Rises with the epoch, differs by all else, varies with the seed."""
    level = 0.02 * (method == "mmssl") + 0.1 * (modality == "depth") + 0.05 * len(block) / 9
    return level + 0.003 * epoch + 0.01 * seed + 0.2 * (measure == "probe_accuracy")


def rows(method: str, seed: int) -> list[dict]:
    place = {"study": "demo", "system": "mmssl", "method": method, "seed": seed}
    found = []
    for epoch in EPOCHS:
        for block in BLOCKS[method]:
            names = [(m, name) for m in ("rgb", "depth") for name in ("cross_modal_r2", "effective_rank")]
            names += [(m, "probe_accuracy") for m in ("rgb", "depth", "both")]
            names += [(m, "cross_modal_r2_from_features") for m in ("rgb", "depth") if block != "features"]
            names += [("both", "matching_correlation")] if block != "features" else []
            for modality, measure in names:
                where = {"epoch": epoch, "modality": modality, "block": block, "measure": measure}
                of = value(method, epoch, modality, block, measure, seed)
                found.append(place | where | {"value": of})
    return found


def asking(root: Path, methods: tuple[str, ...] = ("mmssl", "intra_only"), **options: object) -> Study:
    study = make_study(root, **options)
    for method in methods:
        for seed in study.entry.seeds:
            write(study.folder / f"learnt/{method}/seed{seed}.csv", rows(method, seed))
    return Study(study.folder, study.frames, study.entry.model_copy(update={"learnt": methods}))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return asking(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def made(study: Study) -> Path:
    folder = study.folder / "report" / "out"
    report.run(study.folder, study.entry, study.frames, folder)
    return folder


def test_the_table_has_means_and_intervals_over_seeds(made: Path) -> None:
    table = pd.read_csv(made / "learnt.csv", comment="#")
    assert len(table) == len(rows("mmssl", 0)) + len(rows("intra_only", 0))
    place = ("intra_only", 10, "depth", "embedding", "probe_accuracy")
    row = table.set_index(["method", "epoch", "modality", "block", "measure"]).loc[place]
    values = np.array([value("intra_only", 10, "depth", "embedding", "probe_accuracy", s) for s in (0, 1, 2)])
    half = stats.t.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
    assert row["mean"] == pytest.approx(values.mean())
    assert row["half_width"] == pytest.approx(half)
    assert row["seeds"] == 3


def test_the_page_says_it_for_each_method_untrained_and_at_the_end(made: Path) -> None:
    page = (made / "report.md").read_text()
    section = page.partition("## What was learnt\n")[2].partition("\n## ")[0]
    for title in (
        "**mmssl, untrained**",
        "**mmssl, after 100 epochs**",
        "**intra_only, untrained**",
        "**intra_only, after 100 epochs**",
    ):
        assert title in section
    assert "10 epochs**" not in section
    last = section.partition("**mmssl, after 100 epochs**")[2].partition("**intra")[0]
    (line,) = [line for line in last.splitlines() if line.startswith("| unique |")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    expected = 100 * value("mmssl", 100, "rgb", "unique", "cross_modal_r2", 1)
    assert cells[1].startswith(f"{expected:.1f} ± ")
    assert "; " in cells[1], "explained by the features of the other modality, behind it"
    assert len(cells) == len(learnt.NAMES)
    (line,) = [line for line in last.splitlines() if line.startswith("| features |")]
    assert line.strip("|").split("|")[-1].strip() == "–"
    assert "; " not in line


def test_the_figure_has_two_panels_a_method_and_a_line_a_block_and_modality(study: Study, made: Path) -> None:
    for name in ("learnt.png", "learnt.pdf"):
        assert (made / name).stat().st_size > 5000
    table = learnt.learnt(study.folder, study.entry)
    figure = learnt.figure(table, study.entry, chance=0.3, foot="f")
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in panels] == [
        "mmssl: R² across", "mmssl: probe", "intra_only: R² across", "intra_only: probe"
    ]  # fmt: skip
    for axes, blocks in zip(panels, (4, 4, 2, 2), strict=True):
        containers = {c.get_label(): c for c in axes.containers}
        assert len(containers) == 2 * blocks
        x, y = containers["embedding, depth"].lines[0].get_data()
        assert list(x) == list(EPOCHS)
        assert (np.diff(y) > 0).all()
    measured = value("mmssl", 100, "rgb", "unique", "cross_modal_r2", 1)
    line = next(c for c in panels[0].containers if c.get_label() == "unique, colour").lines[0]
    assert line.get_data()[1][-1] == pytest.approx(100 * measured)
    assert [float(tick) for tick in panels[0].get_xticks()] == list(EPOCHS)
    words = " ".join(text.get_text() for text in figure.texts)
    assert "0: untrained" in words
    assert "over 3 seeds" in words


def test_a_method_with_one_modality_has_one_panel_and_long_names_a_line(study: Study) -> None:
    long = "mmssl_with_a_long_name"
    entry = study.entry.model_copy(update={"learnt": (long, "intra_only")})
    table = learnt.learnt(study.folder, study.entry).replace({"method": {"mmssl": long}})
    table = table[(table["method"] != "intra_only") | (table["measure"] == "probe_accuracy")]
    figure = learnt.figure(table, entry, chance=0.3, foot="f")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[:3] == [f"{long}:\nR² across", f"{long}:\nprobe", "intra_only:\nprobe"]
    assert not any(titles[3:])


def test_one_seed_and_one_method(tmp_path: Path) -> None:
    alone = asking(tmp_path, ("intra_only",), seeds=(0,))
    table = learnt.learnt(alone.folder, alone.entry)
    assert table["half_width"].isna().all()
    figure = learnt.figure(table, alone.entry, chance=0.3, foot="f")
    assert "One seed." in " ".join(" ".join(text.get_text() for text in figure.texts).split())
    ((title, body), *_) = learnt.parts(table, alone.entry)
    assert title == "intra_only, untrained"
    assert "±" not in "".join(body[0])


def test_a_study_that_does_not_ask_has_none_of_it(study: Study) -> None:
    folder = study.folder / "report" / "silent"
    report.run(study.folder, study.entry.model_copy(update={"learnt": ()}), study.frames, folder)
    assert not list(folder.glob("learnt*"))
    assert "What was learnt" not in (folder / "report.md").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.assign(seed=1), "has seed 1 where its place says 0"),
        (lambda t: t.drop(columns="block"), "lacks the columns block"),
        (lambda t: pd.concat([t, t.head(1)]), "says epoch 0, modality rgb, block features, measure cross"),
        (None, "is missing"),
    ],
)
def test_a_damaged_table_is_named(tmp_path: Path, change: object, said: str) -> None:
    study = asking(tmp_path)
    path = study.folder / "learnt/mmssl/seed0.csv"
    if change is None:
        path.unlink()
    else:
        change(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(SemcomError, match=said) as caught:
        learnt.learnt(study.folder, study.entry)
    assert "learnt/mmssl/seed0.csv" in str(caught.value)


def test_what_a_seed_could_not_measure_is_left_out(tmp_path: Path) -> None:
    study = asking(tmp_path)
    path = study.folder / "learnt/mmssl/seed0.csv"
    found = pd.read_csv(path)
    found.loc[0, "value"] = float("nan")
    found.to_csv(path, index=False, na_rep="nan")
    table = learnt.learnt(study.folder, study.entry)
    key = ["method", "epoch", "modality", "block", "measure"]
    row = table.set_index(key).loc[("mmssl", *found.loc[0, key[1:]])]
    assert row["seeds"] == 2
    assert sorted(table["seeds"].unique()) == [2, 3]
