"""Reads which test images encoders were right about, and says how sure a difference is over seeds and images.

results/STUDY/crlsc/{probe,consensus}/…/seedS.npz ─► differences image by image ─► Effect
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics import outcomes
from semcom.metrics.drawn_images import over_seeds_and_images
from semcom.metrics.intervals import over_seeds
from semcom.metrics.outcomes import Outcomes
from semcom.report.claims import Effect

Floats = NDArray[np.float64]


class Question(NamedTuple):
    """What was asked of an encoder.

    Attributes:
        job: below `results/STUDY/crlsc`, without the seed: `probe/guided/resnet`.
        target: whose test images; None: the file's only one.
        asked: as `outcomes.asked` names it.
    """

    job: str
    target: str | None
    asked: str


@dataclass
class Kept:
    """The outcomes of a study.

    Attributes:
        folder: `results/STUDY/crlsc`.
        seeds: of the study.
    """

    folder: Path
    seeds: Sequence[int]
    files: dict[Path, dict[str, Outcomes]] = field(default_factory=dict)

    def of(self, job: str, seed: int) -> dict[str, Outcomes]:
        """All of a job's, by target.

        Raises:
            SemcomError: the file is missing or damaged.
        """
        path = self._path(job, seed)
        if path not in self.files:
            self.files[path] = outcomes.read(path)
        return self.files[path]

    def effect(self, pairs: Sequence[tuple[Question, Question]]) -> Effect:
        """Mean over pairs of how much oftener the first is right, over seeds and images, or seeds if wider.

        Raises:
            SemcomError: a file is missing or damaged, was not asked that, or is of other test images.
        """
        gaps, groups = zip(*(self._gap(pairs, seed) for seed in self.seeds), strict=True)
        both = over_seeds_and_images(gaps, groups)
        alone = over_seeds(np.array([gap.mean() for gap in gaps]))
        half = float(np.fmax(both.half_width(), alone.half_width()))
        value = float(both.mean)
        note = "no spread" if np.isnan(half) else ""
        return Effect(value, value - half, value + half, float(max(both.p_value(), alone.p_value())), note)

    def _gap(
        self, pairs: Sequence[tuple[Question, Question]], seed: int
    ) -> tuple[Floats, NDArray[np.integer]]:
        """Differences (N,) of one seed, and the groups of its test images."""
        first = self.outcomes(pairs[0][0], seed)
        gap = np.zeros(len(first.index))
        for pair in pairs:
            for question, sign in zip(pair, (1, -1), strict=True):
                found = self.outcomes(question, seed)
                if not np.array_equal(found.index, first.index):
                    a, b = (self._path(job, seed) for job in (question.job, pairs[0][0].job))
                    raise SemcomError(
                        f"{a} and {b} are not of the same test images; run snakemake, which measures anew "
                        "what is of other data"
                    )
                gap += sign / len(pairs) * found.right[question.asked]
        return gap, first.group

    def outcomes(self, question: Question, seed: int) -> Outcomes:
        """Those of the question's target.

        Raises:
            SemcomError: the file is missing or damaged, or was not asked that.
        """
        every, path = self.of(question.job, seed), self._path(question.job, seed)
        target = question.target or next(iter(every), "")
        if target not in every or question.asked not in every[target].right:
            raise SemcomError(
                f"{path} has nothing of {target} {question.asked}; remove it and run snakemake again"
            )
        return every[target]

    def _path(self, job: str, seed: int) -> Path:
        return self.folder / job / f"seed{seed}.npz"
