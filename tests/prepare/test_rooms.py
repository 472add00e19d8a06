"""The rooms set: reproducible bytes, the split, what the frames hold; the smallest set serves all tests."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import loadmat

from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.prepare import description
from semcom.prepare.classes import NYU10, label
from semcom.prepare.rooms import FRAMES, SCENES, make, scene_types, split, view
from semcom.prepare.rooms_pieces import NAMES
from semcom.prepare.rooms_scenes import RECIPES, compose
from semcom.prepare.source import open_source

FEWEST = 2 * len(RECIPES)
VIEWS = 2
FILES = ("rooms_labeled.mat", "splits.mat", "objects.mat", "dataset.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms")
    make(folder, scenes=FEWEST, frames=VIEWS)
    return folder


def texts(file: h5py.File, cell: str) -> list[str]:
    return ["".join(map(chr, file[reference][:, 0])) for reference in file[cell][0]]


def test_another_process_with_other_threads_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    call = f"make(Path('x'), scenes={FEWEST}, frames={VIEWS})"
    code = f"from pathlib import Path; from semcom.prepare.rooms import make; {call}"
    threads = {name: "2" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, **threads, "PYTHONHASHSEED": "3"},
        check=True,
    )
    for name in FILES:
        assert sha256(tmp_path / "x" / name) == sha256(folder / name), name


def test_golden_frame() -> None:
    """A changed renderer changes the bundled data: make and version them anew, then this value."""
    rng = np.random.default_rng([0, 2, 0])
    frame = view(compose(RECIPES["living_room"], rng), rng)
    parts = (frame.rgb, frame.depth_mm, frame.labels, frame.instances)
    digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    assert digest[:16] == "831c025e3654992f"


def test_frames_hold_what_they_should(folder: Path) -> None:
    with h5py.File(folder / "rooms_labeled.mat") as file:
        depth, labels = file["depths"][:], file["labels"][:]
        raw = file["rawDepths"][:]
        assert file["images"].shape == (FEWEST * VIEWS, 3, 64, 48)
        assert texts(file, "names") == list(NAMES)
        assert file["images"][:].std(axis=(1, 2, 3)).min() > 10
    mm = np.rint(depth.astype(np.float64) * 1000)
    np.testing.assert_array_equal((mm / 1000).astype(np.float32), depth)
    assert (mm % 5 == 0).all()
    assert 300 <= mm.min() <= mm.max() <= 10_000
    assert 1 <= labels.min() <= labels.max() <= len(NAMES)
    # Raw depth: zero on glass and screens, elsewhere within half a step of a Kinect's disparity (and 1 mm).
    glass = np.isin(labels, [NAMES.index(n) + 1 for n in ("window", "mirror", "monitor", "television")])
    np.testing.assert_array_equal(raw == 0, glass)
    assert (np.abs(raw - depth)[~glass] < 1.5e-3 * depth[~glass] ** 2 * 1.02 + 1e-3).all()


def test_frames_of_a_scene_differ_but_share_its_type(folder: Path) -> None:
    with h5py.File(folder / "rooms_labeled.mat") as file:
        scenes, types, images = texts(file, "scenes"), texts(file, "sceneTypes"), file["images"][:]
    assert len({image.tobytes() for image in images}) == len(images)
    assert set(Counter(scenes).values()) == {VIEWS}
    assert all(scene.rsplit("_", 1)[0] == kind for scene, kind in zip(scenes, types, strict=True))
    assert {label(kind) for kind in types} == set(range(len(NYU10)))


def test_the_split_keeps_scenes_whole_and_shares_every_class(folder: Path) -> None:
    loaded = loadmat(folder / "splits.mat")
    train, test = (loaded[name][:, 0].astype(int) - 1 for name in ("trainNdxs", "testNdxs"))
    with h5py.File(folder / "rooms_labeled.mat") as file:
        scenes, types = np.array(texts(file, "scenes")), np.array(texts(file, "sceneTypes"))
    assert sorted([*train, *test]) == list(range(len(scenes)))
    assert not set(scenes[train]) & set(scenes[test])
    assert set(types[train]) == set(types[test]) == set(RECIPES)
    described = description.read(folder)
    assert (described.mat, described.splits, described.crop) == ("rooms_labeled.mat", "splits.mat", None)


def test_frames_say_which_objects_they_show(folder: Path) -> None:
    with open_source(folder) as source, h5py.File(folder / "rooms_labeled.mat") as file:
        assert source.object_names == NAMES
        for position in (0, 7, len(source.rows) - 1):
            counts = np.bincount(file["labels"][position].ravel(), minlength=len(NAMES) + 1)[1:]
            np.testing.assert_array_equal(source.objects(position), counts > 0.01 * 64 * 48)


def test_the_full_set_has_its_size() -> None:
    types = scene_types(SCENES)
    train, test = split(types)
    assert len(types) == SCENES
    assert len(train) + len(test) == SCENES * FRAMES >= 1200
    assert 0.38 < len(test) / (SCENES * FRAMES) < 0.42
    counts = Counter(label(kind) for kind in types)
    assert min(counts.values()) > SCENES / 20
    assert max(counts.values()) < SCENES / 6


def test_too_few_scenes_are_refused() -> None:
    with pytest.raises(SemcomError, match=f"scenes = 9.*{FEWEST} or more"):
        scene_types(9)
