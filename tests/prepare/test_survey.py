"""Turned and mirrored frames are found in the real data; small or borderless sets pass."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.prepare.description import NYU_CROP
from semcom.prepare.source import open_source
from semcom.prepare.survey import survey


class Turned:
    """Every twelfth frame of a source, turned or mirrored."""

    def __init__(self, source, how: Literal["as it is", "mirrored", "upside down", "on its side"]) -> None:
        self.inner, self.how = source, how
        self.rows, self.where = source.rows[::12], source.where
        self.size = source.size[::-1] if how == "on its side" else source.size

    def pixels(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        pair = self.inner.pixels(12 * position)
        match self.how:
            case "mirrored":
                return tuple(image[:, ::-1] for image in pair)
            case "upside down":
                return tuple(np.rot90(image, 2) for image in pair)
            case "on its side":
                return tuple(np.swapaxes(image, 0, 1) for image in pair)
        return pair


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("as it is", None),
        ("mirrored", r"border is 2\.\d px wide at the left and .* the frames look mirrored"),
        ("upside down", r"look upside down"),
        ("on its side", r"144 wide and 192 high"),
    ],
)
def test_orientation_of_the_real_frames(real_pack: Path, how, message: str | None) -> None:
    with open_source(real_pack) as source:
        seen = survey(Turned(source, how))
    assert seen.crop() == NYU_CROP
    if message is None:
        seen.check_orientation()
        return
    with pytest.raises(SemcomError, match=message):
        seen.check_orientation()


def test_noise_has_no_border_and_few_frames_no_orientation(mat: Path) -> None:
    with open_source(mat) as source:
        seen = survey(source)
    assert seen.crop() is None
    seen.check_orientation()


def test_white_pictures_have_no_border(mat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_source(mat) as source:
        white = np.full((18, 24, 3), 255, np.uint8)
        monkeypatch.setattr(source, "pixels", lambda position: (white, np.ones((18, 24), np.float32)))
        assert survey(source).border is None
