"""Figures without a block of test images: against the analysis of means, and by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic_crlsc import IMAGES, entry, write

from semcom.metrics import outcomes
from semcom.metrics.drawn_images import over_seeds_and_images
from semcom.metrics.intervals import over_seeds
from semcom.report.crlsc_left_out import BLOCKS, left_out, over_seeds_and_blocks
from semcom.report.crlsc_outcomes import Kept
from semcom.report.crlsc_results import read
from semcom.report.crlsc_tables import linear


def test_of_means_it_is_the_analysis_of_means() -> None:
    draws = np.random.default_rng(0)
    group = np.repeat(np.arange(20), 10)
    values = draws.normal(0, 0.1, (5, 1)) + draws.normal(0, 1, 20)[group] + draws.normal(0, 0.3, (5, 200))
    without = np.array([values[:, group != block].mean(1) for block in range(20)])
    found = over_seeds_and_blocks(values.mean(1), without)
    wanted = over_seeds_and_images(list(values), [group] * 5)
    assert found.mean == pytest.approx(wanted.mean)
    assert found.standard_error == pytest.approx(wanted.standard_error)
    assert found.standard_error > 2 * over_seeds(values.mean(1)).standard_error


def test_figures_that_no_image_moves_have_the_interval_over_seeds() -> None:
    values = np.array([0.1, 0.3, 0.2])
    found, wanted = over_seeds_and_blocks(values, np.tile(values, (20, 1))), over_seeds(values)
    assert found.half_width() == pytest.approx(wanted.half_width())
    assert found.df == wanted.df


def test_each_image_is_left_out_once_and_groups_stay_together(tmp_path: Path) -> None:
    said = entry()
    write(tmp_path, said)
    results, kept = read(tmp_path, said), Kept(tmp_path / "crlsc", said.seeds)
    tables = left_out(results, said, kept, lambda found, _: linear(found.probe))
    assert len(tables) == BLOCKS
    place = {"method": "guided", "encoder": "small", "seed": 1, "target": "far", "fraction": 0.5}

    def value(table: pd.DataFrame) -> float:
        return float(table.loc[(table[list(place)] == pd.Series(place)).all(axis=1), "value"].item())

    right = outcomes.read(tmp_path / "crlsc/probe/guided/small/seed1.npz")["far"].right["features/linear/0.5"]
    # Fifty groups of twenty: blocks of two or three, so that 960 or 940 images are left.
    left = [IMAGES - 20 * (2 + (block < 10)) for block in range(BLOCKS)]
    counts = [value(table) * images for table, images in zip(tables, left, strict=True)]
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-6)
    np.testing.assert_allclose(sum(right.sum() - count for count in counts), right.sum())
    mentor = [table.loc[table["method"] == "mentor", "value"].unique() for table in tables]
    assert all(list(values) == [0.8] for values in mentor), "only methods are measured anew"
