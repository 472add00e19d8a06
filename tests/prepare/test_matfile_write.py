"""The writer of the .mat layout: round trip as MATLAB's readers do it, reproducible bytes, errors."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import h5py
import numpy as np
import pytest
from scipy.io import loadmat

from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.prepare.matfile_write import write_labeled_mat, write_splits

H, W, N = 6, 8, 5
NAMES = ["wall", "floor", "Stühle"]


def frames(count: int = N) -> Iterator[dict[str, object]]:
    rng = np.random.default_rng(7)
    for i in range(count):
        yield {
            "rgb": rng.integers(0, 256, (H, W, 3), dtype=np.uint8),
            "depth_m": (rng.integers(300, 10_000, (H, W)) / 1000).astype(np.float32),
            "labels": rng.integers(0, 4, (H, W)).astype(np.uint16),
            "instances": rng.integers(0, 3, (H, W)).astype(np.uint8),
            "scene": f"home_office_{i // 2:04d}",
            "scene_type": "home_office",
        }


def text(file: h5py.File, cell: str, i: int) -> str:
    """As the loaders of the real file read a string."""
    return "".join(chr(c) for c in file[file[cell][0, i]][:, 0])


def test_round_trip_in_the_layout_of_the_real_file(tmp_path: Path) -> None:
    path = tmp_path / "rooms labeled.mat"
    write_labeled_mat(path, frames(), NAMES)
    with h5py.File(path) as file:
        assert {k: (v.shape, v.dtype) for k, v in file.items() if isinstance(v, h5py.Dataset)} == {
            "accelData": ((4, N), np.float32),
            "depths": ((N, W, H), np.float32),
            "images": ((N, 3, W, H), np.uint8),
            "instances": ((N, W, H), np.uint8),
            "labels": ((N, W, H), np.uint16),
            "names": ((1, 3), np.object_),
            "rawDepthFilenames": ((1, N), np.object_),
            "rawDepths": ((N, W, H), np.float32),
            "rawRgbFilenames": ((1, N), np.object_),
            "sceneTypes": ((1, N), np.object_),
            "scenes": ((1, N), np.object_),
        }
        for i, frame in enumerate(frames()):
            np.testing.assert_array_equal(file["images"][i].transpose(2, 1, 0), frame["rgb"])
            for name, key in {"depths": "depth_m", "rawDepths": "depth_m", "labels": "labels"}.items():
                np.testing.assert_array_equal(file[name][i].T, frame[key])
            np.testing.assert_array_equal(file["instances"][i].T, frame["instances"])
            assert text(file, "scenes", i) == frame["scene"]
            assert text(file, "sceneTypes", i) == "home_office"
            assert text(file, "rawRgbFilenames", i) == f"{frame['scene']}/r-{i + 1:05d}.ppm"
        assert [text(file, "names", i) for i in range(3)] == NAMES
        assert file["images"].chunks == (1, 3, W, H)
        assert file["depths"].attrs["MATLAB_class"] == b"single"
        assert file["names"].attrs["MATLAB_class"] == b"cell"
        target = file[file["names"][0, 0]]
        assert (target.name.split("/")[1], target.shape, target.dtype) == ("#refs#", (4, 1), np.uint16)
        assert (target.attrs["MATLAB_class"], target.attrs["MATLAB_int_decode"]) == (b"char", 2)


def test_header_is_matlabs(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    write_labeled_mat(path, frames(1), NAMES)
    head = path.read_bytes()[:520]
    assert head.startswith(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: ")
    assert head[116:128] == bytes(8) + b"\x00\x02IM"
    assert head[128:512] == bytes(384)
    assert head[512:] == b"\x89HDF\r\n\x1a\n"
    if which("file"):
        kind = subprocess.run(["file", "-b", path], capture_output=True, text=True, check=True).stdout
        assert kind.startswith("Matlab v7.3 mat-file")
        assert "version 0x200" in kind


def test_raw_depth_is_kept_beside_the_filled_one(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    raw = np.zeros((H, W), dtype=np.float32)
    write_labeled_mat(path, [{**frame, "raw_depth_m": raw} for frame in frames(2)], NAMES)
    with h5py.File(path) as file:
        assert not file["rawDepths"][:].any()
        assert file["depths"][:].all()


def test_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_labeled_mat(tmp_path / name / "x.mat", frames(), NAMES)
        write_splits(tmp_path / name / "splits.mat", [1, 3, 5], [2, 4])
    for file in ("x.mat", "splits.mat"):
        assert sha256(tmp_path / "a" / file) == sha256(tmp_path / "b" / file)


def test_splits_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "splits.mat"
    write_splits(path, [1, 3, 1320], [2, 4])
    assert len(path.read_bytes().split(b"Created")[0]) < 116
    loaded = loadmat(path)
    assert (loaded["trainNdxs"].dtype, loaded["trainNdxs"].shape) == (np.uint16, (3, 1))
    assert loaded["trainNdxs"][:, 0].tolist() == [1, 3, 1320]
    assert loaded["testNdxs"][:, 0].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth_m": np.ones((H, W + 1))}, r"frame 2: depth_m has shape \(6, 9\), but the first.*\(6, 8\)"),
        ({"labels": np.full((H, W), 4)}, "frame 2: label 4 has no name"),
        ({"scene": ""}, "empty string"),
    ],
)
def test_a_bad_frame_leaves_no_file(tmp_path: Path, change: dict[str, object], message: str) -> None:
    good, bad = frames(2)
    with pytest.raises(SemcomError, match=message):
        write_labeled_mat(tmp_path / "x.mat", [good, {**bad, **change}], NAMES)
    assert list(tmp_path.iterdir()) == []


def test_no_frame_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SemcomError, match="at least one frame"):
        write_labeled_mat(tmp_path / "x.mat", [], NAMES)


def test_split_index_zero_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SemcomError, match="1-based"):
        write_splits(tmp_path / "splits.mat", [0, 1], [2])
