import errno
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from PIL import Image

import semcom.prepare.write
from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.frames.prepared import Prepared
from semcom.params.entries import PrepareEntry
from semcom.prepare import run
from semcom.prepare.description import NYU_CROP, Crop
from semcom.prepare.shrink import GAP, shrink
from semcom.prepare.source import Frame, Row

ROW = Row(index=1, split="train", scene27="kitchen", scene10="kitchen", group="kitchen_1")


def entry(width: int, height: int) -> PrepareEntry:
    return PrepareEntry(name="set", size=(width, height), data="0" * 32, code="1" * 16)


def test_at_the_source_size_every_pixel_is_kept(mat: Path, raw, tmp_path: Path) -> None:
    run(mat, entry(24, 18), tmp_path / "out.h5")
    prepared = Prepared.open(tmp_path / "out.h5")
    prepared.verify()
    np.testing.assert_array_equal(prepared.rgb, np.stack(raw.rgb))
    np.testing.assert_allclose(prepared.depth_mm, 1000 * np.stack(raw.depth), atol=0.5)
    assert prepared.scene_names[prepared.scene[3]] == "others"
    assert [prepared.group_names[g] for g in prepared.group[:3]] == ["kitchen_0000"] * 2 + ["kitchen_0001"]
    np.testing.assert_array_equal(prepared.train, [split == "train" for split in raw.splits])
    np.testing.assert_array_equal(prepared.index, np.arange(1, 8))


def test_both_formats_give_the_same_content(mat: Path, pack: Path, tmp_path: Path) -> None:
    made = []
    for folder in (mat, pack):
        run(folder, entry(20, 16), tmp_path / f"{folder.name}.h5")
        made.append(Prepared.open(tmp_path / f"{folder.name}.h5"))
    for name in ("rgb", "depth_mm", "scene", "train", "index"):
        np.testing.assert_array_equal(getattr(made[0], name), getattr(made[1], name))


def test_the_same_input_gives_the_same_bytes(pack: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("a.h5", "b ü/c.h5")]
    for output in outputs:
        run(pack, entry(20, 16), output)
    assert sha256(outputs[0]) == sha256(outputs[1])


def test_attributes_describe_the_file(pack: Path, raw, tmp_path: Path) -> None:
    run(pack, entry(24, 18), tmp_path / "out.h5")
    attributes = Prepared.open(tmp_path / "out.h5").attributes
    train = [i for i, split in enumerate(raw.splits) if split == "train"]
    rgb = np.stack(raw.rgb)[train] / 255
    depth = np.rint(1000 * np.stack(raw.depth)[train]).astype(float) / 1000
    np.testing.assert_allclose(attributes["rgb_mean"], rgb.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(attributes["rgb_std"], rgb.std(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(attributes["depth_mean_m"], depth.mean(), rtol=1e-12)
    np.testing.assert_allclose(attributes["depth_std_m"], depth.std(), rtol=1e-9)
    files = ("rgb.zip", "depth.zip", "meta.csv")
    assert json.loads(attributes["source_sha256"]) == {name: sha256(pack / name) for name in files}
    assert list(attributes["class_names"])[:2] == ["bedroom", "kitchen"]
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["depth_mm"].attrs["units"] == "millimetre"
        for name in ("rgb", "depth_mm"):
            assert file[name].chunks is None
            assert file[name].id.get_offset() % 4096 == 0


def test_the_border_is_cropped_before_resizing() -> None:
    """A white border whose light must not leak into the picture, and far depth under it."""
    rgb, depth = np.full((48, 64, 3), 255, np.uint8), np.full((48, 64), 9, np.float32)
    rows, columns = NYU_CROP.slices(64, 48)
    rgb[rows, columns], depth[rows, columns] = 40, 2
    colour, millimetres = shrink(Frame(rgb, depth, ROW), crop=NYU_CROP, size=(16, 12))
    assert np.unique(colour).tolist() == [40]
    assert np.unique(millimetres).tolist() == [2000]


def test_depth_is_picked_and_never_mixed() -> None:
    depth = np.where(np.arange(40) < 21, 1.0, 8.0).astype(np.float32) * np.ones((30, 1), np.float32)
    _, millimetres = shrink(Frame(np.zeros((30, 40, 3), np.uint8), depth, ROW), crop=None, size=(7, 5))
    assert np.unique(millimetres).tolist() == [1000, 8000]
    # Oracle: Pillow's nearest neighbour.
    picture = Image.fromarray(depth).resize((7, 5), Image.Resampling.NEAREST)
    np.testing.assert_array_equal(millimetres, np.rint(1000 * np.asarray(picture)))


def test_colour_is_averaged_over_all_pixels() -> None:
    """Stripes of one pixel become grey: without antialiasing they would stay black or white."""
    rgb = np.zeros((30, 40, 3), np.uint8)
    rgb[:, ::2] = 255
    frame = Frame(rgb, np.ones((30, 40), np.float32), ROW)
    colour, _ = shrink(frame, crop=Crop(rows=(1, 30), columns=(5, 36), size=(40, 30)), size=(4, 3))
    assert 120 <= colour[:, 1:3].min() <= colour.max() <= 135


@pytest.mark.parametrize(
    ("source", "size"),
    [((561, 427), (64, 48)), ((168, 128), (64, 48)), ((427, 561), (33, 20)), ((48, 36), (47, 36))],
)
def test_colour_is_resized_as_by_pillow(source: tuple[int, int], size: tuple[int, int]) -> None:
    """Also out of MATLAB's planes, and bit for bit."""
    rgb = np.random.default_rng(0).integers(0, 256, (source[1], source[0], 3), dtype=np.uint8)
    want = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS, reducing_gap=GAP)
    planes = np.ascontiguousarray(rgb.transpose(2, 1, 0)).transpose(2, 1, 0)
    for view in (rgb, planes):
        colour, _ = shrink(Frame(view, np.ones(rgb.shape[:2], np.float32), ROW), crop=None, size=size)
        np.testing.assert_array_equal(colour, np.asarray(want))


@pytest.mark.parametrize("missing", ["train", "test"])
def test_an_empty_split_and_nothing_left_behind(pack: Path, tmp_path: Path, missing: str) -> None:
    other = {"train": "test", "test": "train"}[missing]
    text = (pack / "meta.csv").read_text()
    (pack / "meta.csv").write_text(text.replace(f",{missing},", f",{other},"))
    with pytest.raises(SemcomError, match=f"has no {missing} frame among 7"):
        run(pack, entry(20, 16), tmp_path / "out" / "out.h5")
    assert not (tmp_path / "out").exists()


def test_a_fault_in_the_last_frame_leaves_the_old_file(mat: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "frames.h5"
    run(mat, entry(20, 16), output)
    before = sha256(output)
    with h5py.File(mat / "labeled.mat", "r+") as file:
        file["depths"][-1] = 1000 * file["depths"][-1]
    with pytest.raises(SemcomError, match=r"frame 7 of .*labeled.mat reaches .*looks like millimetres"):
        run(mat, entry(20, 16), output)
    assert sha256(output) == before
    assert list(output.parent.iterdir()) == [output]


def test_the_real_pack(real_pack: Path, tmp_path: Path) -> None:
    run(real_pack, entry(64, 48), tmp_path / "nyuv2.h5")
    prepared = Prepared.open(tmp_path / "nyuv2.h5")
    prepared.verify()
    assert prepared.rgb.shape == (1449, 48, 64, 3)
    assert (int(prepared.train.sum()), len(prepared.group_names)) == (795, 269)
    # No white is left at any rim: the darkest tenth of each side's pixels is dark.
    for side in (prepared.rgb[:, 0], prepared.rgb[:, -1], prepared.rgb[:, :, 0], prepared.rgb[:, :, -1]):
        assert np.percentile(side, 10) < 60


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_full_disk_is_said_in_one_line(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def full(*_: object) -> None:
        inner = "Can't close file (file write failed: time = Fri Nov 27\n, errno = 28, buf = 0x5)"
        raise OSError(errno.ENOSPC, inner)

    if when == "before":
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    else:
        monkeypatch.setattr(semcom.prepare.write, "_write_columns", full)
    with pytest.raises(SemcomError) as caught:
        run(pack, entry(24, 18), tmp_path / "out.h5")
    needed = " (0.0 MB are needed, 0.0 MB are free)" if when == "before" else ""
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'out.h5'}: No space left on device{needed}; make its folder writable and "
        "free some space, then run the same command again"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pack"]
