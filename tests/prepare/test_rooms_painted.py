"""Rooms in a painter's style: the same rooms look another way, and make a set of images of their own."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_digits
from typer.testing import CliRunner

from semcom.cli import app
from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.prepare import bundled, rooms, rooms_painted
from semcom.prepare.classes import NYU10
from semcom.prepare.rooms_scenes import RECIPES, compose
from semcom.prepare.rooms_styles import INK, LINE, shown
from semcom.prepare.source import open_source

ROOT = Path(__file__).parents[2]
FEWEST = 2 * len(RECIPES)
MAKE = f"bundled.keep(rooms_painted.pictures(scenes={FEWEST}, frames=1), Path('x'))"


def frame(style: str) -> rooms.Frame:
    rng = np.random.default_rng([1, 2, 0])
    return rooms.view(compose(RECIPES["bathroom"], rng), rng, style=style)


def test_golden_frame() -> None:
    """A changed style changes the bundled data: make and version them anew, then this value."""
    assert hashlib.sha256(frame("painted").rgb.tobytes()).hexdigest()[:16] == "17bb0fc38b05b7b9"


def test_the_style_is_of_the_colour_alone() -> None:
    plain, painted = frame("plain"), frame("painted")
    for part in ("depth_mm", "labels", "instances"):
        np.testing.assert_array_equal(getattr(plain, part), getattr(painted, part))
    assert (plain.rgb != painted.rgb).any(axis=2).mean() > 0.9


def test_outlines_stand_where_an_object_ends_and_nowhere_else() -> None:
    thing = np.zeros((9, 30), dtype=np.int64)
    thing[:, 12:] = 5
    white = np.ones((3, *thing.shape), dtype=np.float32)
    inked = (shown(white, white, thing, "painted") == np.array(INK, np.float32)[:, None, None]).all(axis=0)
    wanted = np.zeros_like(inked)
    wanted[:, 12 - LINE : 12] = True
    np.testing.assert_array_equal(inked, wanted)


def test_light_comes_in_flat_tones() -> None:
    """Light that rises evenly is as bright as one of few steps; a stroke shades all of it by the same."""
    light = np.broadcast_to(np.linspace(0.01, 0.99, 600, dtype=np.float32), (3, 1, 600))
    grey = np.full((3, 1, 600), 0.5, dtype=np.float32)
    thing = np.zeros((1, 600), dtype=np.int64)
    strokes = shown(grey, np.full_like(light, 0.5), thing, "painted")
    tones = np.unique(np.round(shown(grey, light, thing, "painted") / strokes, 4))
    np.testing.assert_allclose(tones, [1 / 3, 1, 5 / 3], atol=1e-3)


def test_another_process_with_other_threads_writes_the_same_bytes(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from semcom.prepare import bundled, rooms_painted; {MAKE}"
    written = []
    for number in "12":
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, number), "PYTHONHASHSEED": number}
        place = tmp_path / number
        place.mkdir()
        subprocess.run([sys.executable, "-c", code], cwd=place, env=environment, check=True)
        written.append({path.name: sha256(path) for path in (place / "x").iterdir()})
    assert written[0] == written[1]
    with open_source(tmp_path / "1/x") as source:
        assert source.description.classes == NYU10
        assert {row.scene10 for row in source.rows} == set(NYU10)
        assert len({row.group for row in source.rows}) == len(source.rows) == FEWEST
        picture, depth = source.pixels(3)
    assert (picture.shape, depth) == ((48, 64, 3), None)


def test_no_room_of_the_bundled_set_is_cut_by_its_split() -> None:
    """Nor is one of its rooms in the set of the first style, whose seed is another."""
    given = rooms_painted.pictures()
    sides = {(one.group, one.split) for one in given.known.values()}
    assert len(given.known) == rooms_painted.SCENES * rooms.FRAMES
    assert len(sides) == rooms_painted.SCENES
    assert rooms_painted.SEED != 0


def test_the_bundled_digits_are_scikit_learns(tmp_path: Path) -> None:
    bundled.digits(tmp_path)
    outs = yaml.safe_load((ROOT / "data.dvc").read_text())["outs"]
    (entry,) = [out for out in outs if out["path"] == "data/digits"]
    assert entry["size"] == sum(path.stat().st_size for path in tmp_path.iterdir())
    with open_source(tmp_path) as source:
        digits = load_digits()
        assert [int(row.scene10) for row in source.rows] == digits.target.tolist()
        np.testing.assert_array_equal(source.pixels(7)[0][..., 0], np.rint(digits.images[7] * 255 / 16))


def test_a_set_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    arguments = ["data", "make", "digits", "--style", "painted", "--root", str(tmp_path)]
    with pytest.raises(SemcomError, match="'digits_painted' can be made: there are rooms, rooms_p"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
