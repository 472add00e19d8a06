"""Frames from a function of the user's own: what is kept, and what is refused."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.params.dataversion import data_version, registered
from semcom.prepare.add import add_converted
from semcom.prepare.convert import Picture, store
from semcom.prepare.source import open_source

MODULE = """
import numpy as np
from semcom.prepare.convert import Picture

LICENCE = "ours"


def pictures(paths):
    with np.load(paths[0]) as raw:
        for number, (rgb, depth) in enumerate(zip(raw["rgb"], raw["depth"])):
            yield Picture(rgb, depth, "ab"[number % 2], "train" if number < 4 else "test", f"g{number // 2}")
"""
DRAWS = np.random.default_rng(0)
RGB = DRAWS.integers(0, 256, (6, 18, 24, 3), dtype=np.uint8)
DEPTH = (DRAWS.integers(0, 10_000, (6, 18, 24)) / 1000).astype(np.float32)


@pytest.fixture
def lab(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The raw file of a converter that lies in the working directory, the repository."""
    monkeypatch.chdir(clone)
    Path("mylab").mkdir()
    Path("mylab/data.py").write_text(MODULE)
    np.savez(tmp_path / "raw.npz", rgb=RGB, depth=DEPTH)
    yield tmp_path / "raw.npz"
    for name in [name for name in sys.modules if name.split(".")[0] == "mylab"]:
        del sys.modules[name]
    sys.path[:] = [path for path in sys.path if path != str(clone)]


def test_frames_are_kept_bit_for_bit(clone, lab):
    add_converted(clone, "mylab.data:pictures", [lab], name="own")
    with open_source(clone / "data/own") as source:
        assert source.size == (24, 18)
        assert source.description.classes == ("a", "b")
        assert (source.description.licence, source.description.title) == ("ours", "own")
        assert [(r.index, r.split, r.scene10, r.group) for r in source.rows] == [
            (n + 1, "train" if n < 4 else "test", "ab"[n % 2], f"g{n // 2}") for n in range(6)
        ]
        for position in range(6):
            rgb, depth = source.pixels(position)
            assert (rgb == RGB[position]).all()
            np.testing.assert_allclose(depth, DEPTH[position], atol=1e-6)
    assert "own" in registered(clone)
    assert [path.name for path in (clone / "data").glob(".*")] == [".gitignore"]
    first = data_version(clone, "own")
    add_converted(clone, "mylab.data:pictures", [lab], name="own", replace=True)
    assert data_version(clone, "own") == first  # the same pictures are the same bytes


def test_a_name_that_is_taken_or_leads_nowhere_adds_nothing(clone, lab):
    for function, name, said in (
        ("mylab.data:pictures", "rooms", "bundled data set"),
        ("mylab.data.pictures", "own", "write package.module:function"),
        ("mylab.nothing:pictures", "own", "does not import: ModuleNotFoundError"),
        ("mylab.data:nothing", "own", "mylab.data has no nothing"),
    ):
        with pytest.raises(SemcomError, match=said):
            add_converted(clone, function, [lab], name=name)
    with pytest.raises(SemcomError, match="there is no"):
        add_converted(clone, "mylab.data:pictures", [lab.parent / "gone"], name="own")
    assert sorted(path.name for path in (clone / "data").iterdir()) == [".gitignore"]


GOOD = Picture(RGB[0], DEPTH[0], "a", "train", "g0")
OTHER = Picture(RGB[1], DEPTH[1], "b", "test", "g1")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ((RGB[0], DEPTH[0]), r"frame 2 of here is a tuple; yield semcom\.prepare\.convert\.Picture"),
        (replace(OTHER, depth_m=DEPTH[1] * 1000), "frame 2 of here reaches .* looks like millimetres"),
        (replace(OTHER, depth_m=DEPTH[1] - 20), "falls to .* must not be negative"),
        (replace(OTHER, depth_m=np.full((18, 24), np.nan)), "is not finite at 432 of 432 pixels"),
        (replace(OTHER, depth_m=DEPTH[1].T), r"rgb is uint8 \(18, 24, 3\), depth_m \(24, 18\)"),
        (replace(OTHER, rgb=RGB[1] / 255), "rgb is float64"),
        (replace(OTHER, rgb=RGB[1][:9], depth_m=DEPTH[1][:9]), r"is \(9, 24\), the first one \(18, 24\)"),
        (replace(OTHER, split="validation"), "split 'validation' is neither train nor test"),
        (replace(OTHER, group=""), "both must be named"),
        (replace(OTHER, group="g0"), "the group 'g0' is in train and in test"),
        (replace(OTHER, scene="a"), "gave 2 frames of 1 classes"),
        (replace(OTHER, split="train"), "in the splits train; two classes, train and test are needed"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path, second, said):
    with pytest.raises(SemcomError, match=said):
        store([GOOD, second], tmp_path, where="here")


def test_a_damaged_set_is_named(clone, lab):
    add_converted(clone, "mylab.data:pictures", [lab], name="own")
    table = clone / "data/own/meta.csv"
    table.chmod(0o644)
    table.write_text("\n".join(table.read_text().splitlines()[:-1]))
    with pytest.raises(SemcomError, match="meta.csv and the archives name other frames"):
        with open_source(clone / "data/own"):
            pass
