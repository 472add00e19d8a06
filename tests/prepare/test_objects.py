"""Objects of a frame from label maps and from the pack's counts, and holes in depth up to the models."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from scipy.io import savemat

from semcom.files.errors import SemcomError
from semcom.frames.device import DeviceFrames
from semcom.frames.prepared import Prepared
from semcom.frames.views import RGBD
from semcom.params.entries import PrepareEntry
from semcom.prepare import run
from semcom.prepare.description import FILE, Description, read, write
from semcom.prepare.identify import identify
from semcom.prepare.objects import CSV_PIXELS, read_counts, read_mapping
from semcom.prepare.source import frame, open_source
from semcom.prepare.survey import survey

ENTRY = PrepareEntry(name="set", size=(24, 18), data="0" * 32, code="1" * 16)
CLASSES = ("wall", "night stand", "otherprop", "bag")


def mapping(path: Path, classes: list[int]) -> Path:
    names = np.array([[np.array([name]) for name in CLASSES]], dtype=object)
    savemat(path, {"mapClass": np.array([classes], np.uint8), "className": names})
    return path


def edit(folder: Path, **changes: object) -> None:
    write(folder, read(folder).model_copy(update=changes))


@pytest.fixture
def labelled(mat: Path) -> Path:
    """The .mat with label maps: frame i has i + 1 % of label 1, the rest unlabelled, and one of label 4."""
    with h5py.File(mat / "labeled.mat", "r+") as file:
        for i in range(7):
            flat = np.zeros(24 * 18, np.uint16)
            flat[: round((i + 1) * 4.32)] = 1
            flat[-200:] = (0, 2, 3, 4, 4, 4, 0)[i]
            file["labels"][i] = flat.reshape(24, 18)
    mapping(mat / "classMapping40.mat", [1, 2, 3, 4])
    edit(mat, objects="classMapping40.mat")
    return mat


def test_from_label_maps_to_the_prepared_file(labelled: Path, tmp_path: Path) -> None:
    run(labelled, ENTRY, tmp_path / "out.h5")
    prepared = Prepared.open(tmp_path / "out.h5")
    prepared.verify()
    assert prepared.object_names == ("wall", "night_stand", "bag")
    assert prepared.objects is not None
    # 4 of 432 pixels are under a hundredth, 9 are over it; "otherprop" and what has no label are no object.
    np.testing.assert_array_equal(prepared.objects[:, 0], [False] + [True] * 6)
    np.testing.assert_array_equal(prepared.objects[:, 1], [False, True] + [False] * 5)
    np.testing.assert_array_equal(prepared.objects[:, 2], [False] * 3 + [True] * 3 + [False])
    with h5py.File(tmp_path / "out.h5", "r+") as file:
        file["objects"][0, 0] = 1
    with pytest.raises(SemcomError, match="it is damaged"):
        Prepared.open(tmp_path / "out.h5").verify()


def test_without_a_mapping_nothing_is_said(mat: Path, tmp_path: Path) -> None:
    run(mat, ENTRY, tmp_path / "out.h5")
    prepared = Prepared.open(tmp_path / "out.h5")
    assert (prepared.objects, prepared.object_names) == (None, ())
    with h5py.File(tmp_path / "out.h5") as file:
        assert "objects" not in file
    assert "objects" not in (mat / FILE).read_text()


def fails(folder: Path, message: str) -> None:
    with pytest.raises(SemcomError, match=message):
        run(folder, ENTRY, folder / "out.h5")


def test_faults_of_label_maps_and_mapping(labelled: Path) -> None:
    whole = (labelled / "classMapping40.mat").read_bytes()
    mapping(labelled / "classMapping40.mat", [1, 2, 3])
    fails(labelled, r"frame 4 in .*labeled.mat has the label 4, but .*classMapping40.mat maps 1\.\.3")
    mapping(labelled / "classMapping40.mat", [1, 2, 3, 5])
    fails(labelled, r"must name classes 1\.\.4")
    (labelled / "classMapping40.mat").write_bytes(whole[:100])
    fails(labelled, "cannot be read as classMapping40.mat")
    (labelled / "classMapping40.mat").write_bytes(whole)
    with h5py.File(labelled / "labeled.mat", "r+") as file:
        del file["labels"]
        file["labels"] = np.zeros((7, 12, 9), np.uint16)
    fails(labelled, r"`labels` in .* is uint16 \(7, 12, 9\); these images need unsigned \(7, 24, 18\)")
    with h5py.File(labelled / "labeled.mat", "r+") as file:
        del file["labels"]
    fails(labelled, "lacks labels, which objects need: add it without classMapping40.mat")


def test_adding_looks_at_the_objects_of_every_frame(labelled: Path) -> None:
    with open_source(labelled) as source:
        assert survey(source).count == 7
    with h5py.File(labelled / "labeled.mat", "r+") as file:
        file["labels"][6, 0, 0] = 5
    with (
        open_source(labelled) as source,
        pytest.raises(SemcomError, match=r"frame 7 .* has the label 5, but"),
    ):
        survey(source)


def test_the_packs_counts(pack: Path, tmp_path: Path) -> None:
    one = CSV_PIXELS // 100
    lines = [f"{i},{one + i - 4},{7 * one}" for i in (3, 1, 2, 4, 5, 7, 6)]
    (pack / "objects40.csv").write_text("\n".join(["index,wall,bag", *lines]) + "\n")
    edit(pack, objects="objects40.csv")
    run(pack, ENTRY, tmp_path / "out.h5")
    prepared = Prepared.open(tmp_path / "out.h5")
    prepared.verify()
    assert prepared.objects is not None
    np.testing.assert_array_equal(prepared.objects[:, 0], [False] * 4 + [True] * 3)
    assert prepared.objects[:, 1].all()
    assert prepared.object_names == ("wall", "bag")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("index,wall\n1,2\n", r"1 lines that are not the 2 frames of meta\.csv"),
        ("index,wall\n1,2\n3,4\n", "2 lines that are not the 2 frames"),
        ("number,wall\n1,2\n2,4\n", "first line must be `index`"),
        ("index,wall\n1,2\n2,-4\n", "a count of pixels a class"),
        ("index,wall\n1,2\n2,x\n", "no table of labelled pixels"),
        ("index,wall\n1,2\n2\n", "no table of labelled pixels"),
        ("", "no table of labelled pixels"),
    ],
)
def test_faulty_counts(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "objects40.csv").write_text(text)
    with pytest.raises(SemcomError, match=message):
        read_counts(tmp_path / "objects40.csv", [1, 2])


def test_the_real_mapping_and_counts_name_the_same_classes(real: Path) -> None:
    found = read_mapping(real / "nyuv2_meta" / "classMapping40.mat")
    names, present = read_counts(real / "nyuv2_192x144" / "objects40.csv", range(1, 1450))
    assert found.names == names
    assert len(found.column) == 895
    # The pack's README: 31 classes in 40 to 660 training and 30 or more test frames.
    lines = (real / "nyuv2_192x144" / "meta.csv").read_text().splitlines()[1:]
    train = np.array([line.split(",")[1] == "train" for line in lines])
    seen, held = present[train].sum(0), present[~train].sum(0)
    assert int(((seen >= 40) & (seen <= 660) & (held >= 30)).sum()) == 31


def test_which_files_are_there(labelled: Path, pack: Path, real: Path) -> None:
    (labelled / "class13Mapping.mat").write_bytes((real / "nyuv2_meta" / "class13Mapping.mat").read_bytes())
    (pack / "objects40.csv").write_text("index,wall\n")
    for paths in ([labelled], [labelled / "labeled.mat"]):
        files, description = identify(paths, depth="raw")
        assert list(files) == ["nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat"]
        assert files["classMapping40.mat"] == labelled / "classMapping40.mat"
        assert (description.objects, description.depth_array) == ("classMapping40.mat", "rawDepths")
    assert identify([pack])[1].objects == "objects40.csv"
    with pytest.raises(SemcomError, match="1 other files"):
        identify([labelled / name for name in ("labeled.mat", "splits.mat", "class13Mapping.mat")])
    with pytest.raises(SemcomError, match="the small pack has the filled-in depth only"):
        identify([pack], depth="raw")


@pytest.fixture
def holed(mat: Path) -> Path:
    """The .mat with raw depths in which the left third of each frame was not measured."""
    with h5py.File(mat / "labeled.mat", "r+") as file:
        raw = file["depths"][()]
        raw[:, :8] = 0
        file["rawDepths"][...] = raw
    edit(mat, depth_array="rawDepths")
    return mat


def test_holes_stay_out_of_the_statistics(holed: Path, raw, tmp_path: Path) -> None:
    run(holed, ENTRY, tmp_path / "out.h5")
    prepared = Prepared.open(tmp_path / "out.h5")
    assert (prepared.depth_mm[:, :, :8] == 0).all()
    measured = prepared.depth_mm[prepared.train][:, :, 8:].astype(float) / 1000
    assert measured.min() > 0
    assert prepared.attributes["depth_mean_m"] == pytest.approx(measured.mean(), rel=1e-12)
    assert prepared.attributes["depth_std_m"] == pytest.approx(measured.std(), rel=1e-9)
    with open_source(holed) as source:
        np.testing.assert_array_equal(frame(source, 2).depth[:, 8:], raw.depth[2][:, 8:])


@pytest.mark.parametrize("independent", [False, True])
def test_models_see_the_mean_where_nothing_was_measured(
    holed: Path, tmp_path: Path, independent: bool
) -> None:
    """Plain and in augmented views, whose scale and noise must not make depth out of a hole."""
    run(holed, ENTRY, tmp_path / "out.h5")
    frames = DeviceFrames.open(tmp_path / "out.h5", torch.device("cpu"))
    (plain,) = frames.plain(np.arange(7))
    assert (plain["depth"][..., :8] == 0).all()
    assert (plain["depth"][..., 8:] != 0).all()
    rgb, depth = frames.take(torch.arange(7))
    view = RGBD(crop=1.0, flip=0.0, independent=independent)
    seen = frames.normalise(*view(rgb, depth, torch.Generator().manual_seed(0)))
    assert torch.isfinite(seen["depth"]).all()
    hole = (seen["depth"] == 0).float().mean((1, 2, 3))
    # A full-size crop may still be stretched by its ratio, but never loses its third of holes.
    assert ((hole > 0.2) & (hole < 0.5)).all()
    cropped = frames.normalise(*RGBD()(rgb, depth, torch.Generator().manual_seed(0)))
    assert torch.isfinite(cropped["depth"]).all()


def test_nothing_measured_at_all(mat: Path, tmp_path: Path) -> None:
    with h5py.File(mat / "labeled.mat", "r+") as file:
        file["rawDepths"][...] = 0
    edit(mat, depth_array="rawDepths")
    with pytest.raises(SemcomError, match="no training frame has a measured depth"):
        run(mat, ENTRY, tmp_path / "out.h5")


def test_a_mat_without_raw_depths(mat: Path) -> None:
    with h5py.File(mat / "labeled.mat", "r+") as file:
        del file["rawDepths"]
    edit(mat, depth_array="rawDepths")
    with pytest.raises(SemcomError, match="lacks rawDepths; it has"), open_source(mat):
        pass


def test_descriptions_of_other_formats() -> None:
    with pytest.raises(ValueError, match="is for the format nyuv2_mat"):
        Description(
            format="nyuv2_pack", title="x", licence="", citation="", depth="", depth_array="rawDepths"
        )
