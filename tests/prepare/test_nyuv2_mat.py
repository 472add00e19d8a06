import hashlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from semcom.files.errors import SemcomError
from semcom.prepare import nyuv2_mat
from semcom.prepare.source import frame, frames, open_source


def test_pixels_upright_and_unmirrored(mat: Path, raw) -> None:
    with open_source(mat) as source:
        seen = list(frames(source))
    assert source.size == (24, 18)
    for one, rgb, depth in zip(seen, raw.rgb, raw.depth, strict=True):
        np.testing.assert_array_equal(one.rgb, rgb)
        np.testing.assert_array_equal(one.depth, depth)
        assert (one.rgb.dtype, one.depth.dtype) == (np.uint8, np.float32)


def test_rows_with_scenes_as_groups(mat: Path, raw) -> None:
    with open_source(mat) as source:
        rows = source.rows
    assert [row.index for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.split for row in rows] == raw.splits
    assert [row.scene27 for row in rows] == raw.types
    assert [row.scene10 for row in rows] == ["kitchen"] * 3 + ["others"] * 2 + ["bedroom", "kitchen"]
    assert [row.group for row in rows][:5] == [
        "kitchen_0000", "kitchen_0000", "kitchen_0001", "cafe_0001", "cafe_0002",
    ]  # fmt: skip


def test_chunks_that_span_frames_and_double_depth(mat: Path, raw) -> None:
    """The chunks of the original file are not known: any give the same frames."""
    with h5py.File(mat / "labeled.mat", "r+") as file:
        images, depths = file["images"][()], file["depths"][()]
        del file["images"], file["depths"]
        file.create_dataset("images", data=images, chunks=(4, 1, 7, 5), compression="gzip")
        file.create_dataset("depths", data=depths.astype(np.float64), chunks=(3, 8, 18))
    with open_source(mat) as source:
        for i in (0, 6, 3):
            np.testing.assert_array_equal(frame(source, i).rgb, raw.rgb[i])
            np.testing.assert_array_equal(frame(source, i).depth, raw.depth[i])


def fails(folder: Path, message: str) -> None:
    with pytest.raises(SemcomError, match=message), open_source(folder) as source:
        for _ in frames(source):
            pass


def test_truncated(mat: Path) -> None:
    whole = (mat / "labeled.mat").read_bytes()
    for keep in (len(whole) - 1, len(whole) // 2, 3000):
        (mat / "labeled.mat").write_bytes(whole[:keep])
        fails(mat, f"labeled.mat is truncated, it ends after {keep} bytes")
    (mat / "labeled.mat").write_bytes(whole[:100])
    fails(mat, "is no HDF5 file")


def test_not_hdf5_and_version_5(mat: Path) -> None:
    (mat / "labeled.mat").write_bytes(b"hello" * 1000)
    fails(mat, "is no HDF5 file, so no whole .mat of version 7.3")
    savemat(mat / "labeled.mat", {"images": np.zeros(3)})
    fails(mat, "version 5, not 7.3")


def test_a_damaged_frame(mat: Path) -> None:
    with h5py.File(mat / "labeled.mat") as file:
        chunk = file["depths"].id.get_chunk_info_by_coord((2, 0, 0))
    data = bytearray((mat / "labeled.mat").read_bytes())
    # HDF5's offsets begin behind the user block of 512 bytes, h5py's chunk info counts it in.
    for place in (chunk.byte_offset, chunk.byte_offset + 512):
        data[place + 20 : place + 40] = bytes(20)
    (mat / "labeled.mat").write_bytes(data)
    with open_source(mat) as source:
        frame(source, 1)
        with pytest.raises(SemcomError, match=r"frame 3 in .*labeled.mat is damaged"):
            frame(source, 2)


@pytest.mark.parametrize("member", ["images", "depths", "sceneTypes", "scenes"])
def test_a_missing_member(mat: Path, member: str) -> None:
    with h5py.File(mat / "labeled.mat", "r+") as file:
        del file[member]
    fails(mat, f"lacks {member}; it has .*Needed are images, depths, sceneTypes, scenes")


def replaced(folder: Path, member: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    with h5py.File(folder / "labeled.mat", "r+") as file:
        values = change(file[member][()])
        del file[member]
        file[member] = values


@pytest.mark.parametrize(
    ("member", "change", "message"),
    [
        ("depths", lambda x: x[:-1], "7 images but `depths` of shape"),
        ("depths", lambda x: x.transpose(0, 2, 1), r"is \(7, 18, 24\); these images need \(7, 24, 18\)"),
        ("depths", lambda x: np.rint(x * 1000).astype(np.uint16), "`depths` .* is uint16; .*millimetres"),
        (
            "depths",
            lambda x: x * 1000,
            r"frame 1 of .* reaches .*metres end at 10.5 .*looks like millimetres",
        ),
        ("depths", lambda x: np.where(x > 9, np.nan, x), "is not finite at"),
        ("depths", lambda x: np.where(x > 9, np.inf, x), "is not finite at"),
        ("depths", lambda x: x - 5, "must not be negative"),
        ("images", lambda x: x.transpose(0, 3, 2, 1), "MATLAB's axes reversed"),
        ("images", lambda x: x.astype(np.float32), "is float32"),
    ],
)
def test_wrong_pixels(
    mat: Path, member: str, change: Callable[[np.ndarray], np.ndarray], message: str
) -> None:
    replaced(mat, member, change)
    fails(mat, message)


def test_wrong_count_of_scene_names(mat: Path) -> None:
    with h5py.File(mat / "labeled.mat", "r+") as file:
        references = file["scenes"][:, :-1]
        del file["scenes"]
        file.create_dataset("scenes", data=references, dtype=h5py.ref_dtype)
    fails(mat, "7 images but 6 `scenes`")


def test_scene_names_that_are_no_references(mat: Path) -> None:
    replaced(mat, "sceneTypes", lambda x: np.zeros((1, 7)))
    fails(mat, "`sceneTypes` in .* is no cell array of texts")


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ([1, 2, 5, 6, 8], [3, 4, 7], r"trainNdxs .* has the index 8, but the .mat has the frames 1..7"),
        ([0, 1, 2, 5, 6, 7], [3, 4], r"has the index 0, but"),
        ([1, 2, 5, 6, 7], [3, 4, 7], "frame 7 stands in both lists"),
        ([1, 1, 2, 5, 6, 7], [3, 4], "frame 1 stands twice in trainNdxs"),
        ([1, 2, 5], [3, 4, 7], r"leaves 1 of 7 frames out \(the first is 6\)"),
    ],
)
def test_wrong_splits(mat: Path, train: list[int], test: list[int], message: str) -> None:
    savemat(mat / "splits.mat", {"trainNdxs": np.array(train)[:, None], "testNdxs": np.array(test)[:, None]})
    fails(mat, message)


def test_splits_that_cut_a_room(mat: Path) -> None:
    """Frames 1 and 2 are kitchen_0000."""
    savemat(mat / "splits.mat", {"trainNdxs": [[1, 5, 6, 7]], "testNdxs": [[2, 3, 4]]})
    fails(mat, r"splits.mat: the group 'kitchen_0000' is train in frame 1 and test in frame 2; frames of one")


def test_the_official_split_is_taken_as_it_is(
    mat: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    savemat(mat / "splits.mat", {"trainNdxs": [[1, 5, 6, 7]], "testNdxs": [[2, 3, 4]]})
    monkeypatch.setattr(nyuv2_mat, "OFFICIAL", hashlib.sha256(b"1,5,6,7").hexdigest()[:16])
    with caplog.at_level("WARNING", logger="semcom"), open_source(mat):
        pass
    assert "'kitchen_0000' is train in frame 1 and test in frame 2" in caplog.text
    assert "official split" in caplog.text


def test_splits_without_a_list_or_damaged(mat: Path) -> None:
    whole = (mat / "splits.mat").read_bytes()
    (mat / "splits.mat").write_bytes(whole[:150])
    fails(mat, "splits.mat cannot be read")
    savemat(mat / "splits.mat", {"trainNdxs": np.arange(1, 8)})
    fails(mat, "splits.mat lacks testNdxs")
