"""Tables anew without some of the test images, a twentieth at a time: how sure is what is read off curves?

outcomes ─► accuracies without one block of images ─► the same table ─► covariance of seeds' values
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics.intervals import Estimate, over_seeds
from semcom.metrics.outcomes import asked
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.report.crlsc_outcomes import Kept, Question
from semcom.report.crlsc_results import CrlscResults
from semcom.report.crlsc_tables import linear

BLOCKS = 20
"""At most; of few groups each is a block."""
Floats = NDArray[np.float64]
Make = Callable[[CrlscResults, CrlscReportEntry], pd.DataFrame]


def left_out(results: CrlscResults, entry: CrlscReportEntry, kept: Kept, make: Make) -> list[pd.DataFrame]:
    """What `make` gives of accuracies of linear heads without each block of test images.

    Blocks are of whole groups, the same ones for all seeds and methods.

    Args:
        results: of the study.
        entry: what the report covers.
        kept: which test images were right.
        make: a table of the results, such as `crlsc_needs.labels`.

    Raises:
        SemcomError: a file of outcomes is missing or damaged, or a target's images are of one group.
    """
    rows = linear(results.probe)
    rows = rows[rows["method"].isin(entry.methods)]
    groups = {target: _groups(rows, kept, target) for target in entry.targets}
    count = min(BLOCKS, *map(len, groups.values()))
    if count < 2:
        raise SemcomError("test images of one group do not say how groups differ: at least 2 are needed")
    values = np.empty((len(rows), count))
    for at, row in enumerate(rows.itertuples()):
        target, name = str(row.target), asked("features", "linear", float(str(row.fraction)))
        question = Question(f"probe/{row.method}/{row.encoder}", target, name)
        found = kept.outcomes(question, int(str(row.seed)))
        of = np.array([groups[target][int(group)] % count for group in found.group])
        values[at] = _without(found.right[name], of, count)
    made = []
    for block in range(count):
        probe = results.probe.copy()
        probe.loc[rows.index, "value"] = values[:, block]
        made.append(make(replace(results, probe=probe), entry))
    return made


def _groups(rows: pd.DataFrame, kept: Kept, target: str) -> dict[int, int]:
    """The place of each group of test images that any seed has, in a random order."""
    jobs = rows.loc[rows["target"] == target].drop_duplicates("seed")
    columns = jobs[["method", "encoder", "fraction", "seed"]]
    groups = [
        kept.outcomes(
            Question(f"probe/{method}/{encoder}", target, asked("features", "linear", fraction)), seed
        ).group
        for method, encoder, fraction, seed in columns.itertuples(index=False)
    ]
    every = np.random.default_rng(0).permutation(np.unique(np.concatenate(groups)))
    return {int(group): place for place, group in enumerate(every)}


def _without(right: NDArray[np.bool_], block: NDArray[np.integer], count: int) -> Floats:
    """Share of right ones (count,) among the images of all other blocks."""
    images = len(block) - np.bincount(block, minlength=count)
    return np.asarray((right.sum() - np.bincount(block, right, minlength=count)) / images)


def over_seeds_and_blocks(values: Floats, without: Floats) -> Estimate:
    """Mean over seeds of a figure that is no mean over images, for other seeds and other test images.

    As `metrics.drawn_images`: to the variance over seeds comes the covariance of two seeds' figures that test
    images make, here by the delete-a-group jackknife, (B - 1) / B times the sum over blocks of the products
    of deviations.

    Args:
        values: (S,) of each seed.
        without: (B, S) without each block of images.

    Returns:
        Estimate of shape ().
    """
    by_seed, seeds, blocks = over_seeds(values), len(values), len(without)
    apart = without - without.mean(0)
    products = (blocks - 1) / blocks * apart.T @ apart
    covariance = max((products.sum() - np.trace(products)) / (seeds * (seeds - 1)), 0.0)
    of_seeds = by_seed.standard_error**2
    variance = of_seeds + covariance
    if variance == 0:
        return by_seed
    spread = of_seeds**2 / (seeds - 1) + covariance**2 / (blocks - 1)
    df = np.maximum(variance**2 / spread, min(seeds, blocks) - 1)
    return Estimate(by_seed.mean, np.sqrt(variance), df)
