"""Sets of images from their files to the prepared format."""

import csv
import io
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from picture_files import numbered, picture, pixels, write_tree
from PIL import Image
from rich.console import Console

from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.frames.device import DeviceFrames
from semcom.frames.prepared import Prepared
from semcom.params.entries import PrepareEntry
from semcom.prepare import run
from semcom.prepare.add import add, add_converted
from semcom.prepare.add_images import add_images
from semcom.prepare.description import IMAGES, Description, write
from semcom.prepare.image_options import Options, none_given
from semcom.prepare.images_store import Known, PictureSet, store
from semcom.prepare.layouts import layout
from semcom.prepare.overview import contact_sheet, details, listing
from semcom.prepare.shrink import middle, shrink
from semcom.prepare.source import Frame, Row, open_source
from semcom.prepare.trees import open_trees

NAMES = [
    f"{split}/{label}/{n}.png" for split in ("train", "test") for label in ("cat", "dog") for n in range(3)
]


def entry(name: str, width: int, height: int) -> PrepareEntry:
    return PrepareEntry(name=name, size=(width, height), data="0" * 32, code="1" * 16)


def given(known: Mapping[str, Known], contents: Mapping[str, bytes | np.ndarray], **changes) -> PictureSet:
    return PictureSet(title="made up", known=known, pictures=contents.items(), **changes)


def prepared(folder: Path, *, size: tuple[int, int] = (16, 16)) -> Prepared:
    run(folder, entry(folder.name, *size), folder.with_suffix(".h5"))
    opened = Prepared.open(folder.with_suffix(".h5"))
    opened.verify()
    return opened


def kept(folder: Path, pictures: PictureSet, *, fit: str = "crop", **options) -> Path:
    """The raw format without a DVC around it."""
    folder.mkdir()
    done = store(pictures, folder, **options)
    texts = {"title": "t", "licence": "l", "citation": "c", "depth": "none"}
    write(folder, Description(format=IMAGES, classes=done.classes, fit=fit, **texts))
    return folder


def table(folder: Path, name: str = "images.csv") -> list[dict[str, str]]:
    with open(folder / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def text(shown: object) -> str:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(shown)
    return console.export_text()


def test_from_class_folders_to_frames(clone, tmp_path, caplog):
    files = numbered(*NAMES)
    files["train/dog/1.png"] = picture(99, size=(30, 9))  # another shape
    write_tree(tmp_path / "raw ü", files)
    with caplog.at_level(logging.INFO, "semcom"):
        add_images(clone, "images", [str(tmp_path / "raw ü")], name="pets", options=Options())
    assert "data/pets: 12 images (6 train, 6 test; the set's own split), 2 classes" in caplog.text
    assert "12x9 pixels and 1 other sizes; no depth" in caplog.text
    data = clone / "data/pets"
    assert sorted(p.name for p in data.iterdir()) == [
        "dataset.json",
        "images.csv",
        "images.zip",
        "left_out.csv",
    ]
    assert [path.name for path in (clone / "data").glob(".*")] == [".gitignore"]
    with open_source(data) as source:
        assert source.size == (12, 9)
    output = tmp_path / "pets.h5"
    run(data, entry("pets", 32, 24), output)
    opened = Prepared.open(output)
    opened.verify()
    assert opened.depth_mm is None
    assert (opened.objects, opened.scene_names) == (None, ("cat", "dog"))
    assert opened.attributes["format_version"] == 2
    assert "depth_mean_m" not in opened.attributes
    names = sorted(files)
    assert opened.scene.tolist() == ["dog" in name for name in names]
    assert opened.train.tolist() == ["train" in name for name in names]
    assert len(set(opened.group)) == 12
    for position, name in enumerate(names):
        with Image.open(io.BytesIO(files[name])) as image:
            wanted = image.crop((9, 0, 21, 9)) if image.width == 30 else image
            resized = np.asarray(wanted.resize((32, 24), Image.Resampling.LANCZOS))
        np.testing.assert_array_equal(opened.rgb[position], resized)
    train = opened.rgb[opened.train] / 255
    np.testing.assert_allclose(opened.attributes["rgb_mean"], train.mean(axis=(0, 1, 2)), rtol=1e-12)
    with pytest.raises(
        SemcomError, match="the data set 'pets' has no depth; methods with modality depth cannot"
    ):
        DeviceFrames.open(output, torch.device("cpu"))
    again = tmp_path / "again.h5"
    run(data, entry("pets", 32, 24), again)
    assert sha256(again) == sha256(output)
    line, _ = [line for line in text(listing(clone)).splitlines() if "pets" in line]
    assert "6 + 6" in line
    shown = text(details(clone, "pets"))
    for part in ("12 of 12x9 pixels", "depth", "none", "brought to the prepared size by crop"):
        assert part in shown
    contact_sheet(data, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height < 500  # two classes, a line each


def test_by_the_command_line_with_a_table_and_a_drawn_split(clone, tmp_path):
    write_tree(tmp_path / "raw", numbered(*(f"{n}.png" for n in range(20))))
    lines = [f"{n}.png,{'ab'[n % 2]},p{n // 2},{n % 3 == 0:d}" for n in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["image,class,group,blue", *lines]))
    command = [sys.executable, "-m", "semcom", "data", "add", "images", str(tmp_path / "raw")]
    options = [
        "--name",
        "mine",
        "--table",
        str(tmp_path / "t.csv"),
        "--test-share",
        "0.4",
        "--split-seed",
        "3",
    ]
    done = subprocess.run([*command, *options, "--fit", "squash"], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "split drawn, 40 % test, seed 3" in done.stderr
    opened = prepared(clone / "data/mine")
    assert opened.object_names == ("blue",)
    assert opened.objects is not None
    numbers = [int(row["name"].removesuffix(".png")) for row in table(clone / "data/mine")]
    np.testing.assert_array_equal(opened.objects[:, 0], np.array(numbers) % 3 == 0)
    assert not set(opened.group[opened.train]) & set(opened.group[~opened.train])
    assert opened.attributes["resize"].startswith("rgb: all of the picture")
    done = subprocess.run([*command, "--label", "x"], cwd=clone, capture_output=True, text=True)
    assert (done.returncode, "--label x" in done.stderr) == (1, True)


def test_the_colour_half_of_an_rgbd_set_has_its_pixels(clone, pack, tmp_path):
    add(clone, "nyuv2", [pack], name="rooms2")
    add_images(clone, "rgb", ["rooms2"], name="rooms2_rgb", options=Options())
    for size in ((20, 16), (16, 16)):
        made = []
        for name in ("rooms2", "rooms2_rgb"):
            run(clone / "data" / name, entry(name, *size), tmp_path / f"{name}.h5")
            made.append(Prepared.open(tmp_path / f"{name}.h5"))
        whole, half = made
        half.verify()
        for column in ("rgb", "train", "index"):
            np.testing.assert_array_equal(getattr(half, column), getattr(whole, column))
        for frames in made:
            assert [frames.scene_names[s] for s in frames.scene][:2] == ["kitchen"] * 2
        assert [half.group_names[g] for g in half.group] == [whole.group_names[g] for g in whole.group]
    assert half.scene_names == ("bedroom", "kitchen", "others")  # those that occur, in their order
    assert half.depth_mm is None
    with pytest.raises(SemcomError, match="rooms2_rgb is a set of images already"):
        add_images(clone, "rgb", ["rooms2_rgb"], name="x", options=Options())
    with pytest.raises(SemcomError, match="no data set 'roms2'"):
        add_images(clone, "rgb", ["roms2"], name="x", options=Options())


MODULE = """
import numpy as np
from semcom.prepare.convert_images import ColourPicture

TITLE, LICENCE = "ours", "free"


def images(paths):
    with np.load(paths[0]) as raw:
        for number, rgb in enumerate(raw["rgb"]):
            yield ColourPicture(rgb, "ab"[number % 2], "train" if number < 4 else "test", f"g{number // 2}")
"""


def test_by_a_function_of_ones_own(clone, tmp_path, monkeypatch):
    monkeypatch.chdir(clone)
    monkeypatch.setattr(sys, "path", [str(clone), *sys.path])
    Path("ourlab.py").write_text(MODULE)
    rgb = np.stack([pixels(n) for n in range(6)])
    np.savez(tmp_path / "raw.npz", rgb=rgb)
    raw = [tmp_path / "raw.npz"]
    add_converted(clone, "ourlab:images", raw, name="own")
    add_converted(clone, "ourlab:images", raw, name="half", options=Options(test_share=0.5, fit="squash"))
    del sys.modules["ourlab"]
    with open_source(clone / "data/half") as source:
        assert source.description.fit == "squash"
        assert sum(row.split == "test" for row in source.rows) == 4  # two groups, drawn anew
    with open_source(clone / "data/own") as source:
        assert (source.description.title, source.description.licence) == ("ours", "free")
        assert [(r.split, r.scene10, r.group) for r in source.rows] == [
            ("train" if n < 4 else "test", "ab"[n % 2], f"g{n // 2}") for n in range(6)
        ]
        for n in range(6):
            np.testing.assert_array_equal(source.pixels(n)[0], rgb[n])
    assert [path.name for path in (clone / "data").glob(".*")] == [".gitignore"]


def test_digits_are_scikit_learns(clone):
    from sklearn.datasets import load_digits

    add_images(clone, "digits", [], name="digits", options=Options())
    with open_source(clone / "data/digits") as source:
        assert source.description.classes == tuple("0123456789")
        labels = [int(row.scene10) for row in source.rows]
        np.testing.assert_array_equal(labels, load_digits().target)
        for n in (0, 1796):
            want = np.rint(load_digits().images[n] * 255 / 16)
            np.testing.assert_array_equal(source.pixels(n)[0], np.repeat(want[..., None], 3, axis=2))
        test = np.array([row.split == "test" for row in source.rows])
    counts = np.bincount(labels)
    np.testing.assert_array_equal(np.bincount(np.array(labels)[test]), np.rint(counts * 0.2))
    with pytest.raises(SemcomError, match="digits are scikit-learn's own: leave out x"):
        add_images(clone, "digits", ["x"], name="x", options=Options())


TEN = {f"{n}.png": Known("ab"[n % 2], "train" if n < 6 else "test") for n in range(10)}
GOOD = {name: picture(n) for n, name in enumerate(TEN)}


def test_bad_pictures_are_named_counted_and_left_out_up_to_a_limit(tmp_path, caplog):
    contents = GOOD | {"2.png": b"nothing", "3.png": picture(3, size=(5, 5))}
    del contents["4.png"]
    with pytest.raises(SemcomError) as caught:
        store(given(TEN, contents), tmp_path)
    assert str(caught.value) == (
        "3 of 10 pictures cannot be kept, over the limit of 1 %: 2.png (no picture of a known format); 3.png "
        "(too small: 5x5 pixels, at least 8x8 are needed); 4.png (promised, but not there). Mend or remove "
        "them, or let more of them be left out by --most-bad"
    )
    with caplog.at_level(logging.INFO, "semcom"):
        folder = kept(tmp_path / "some", given(TEN, contents), most_bad=0.3)
    assert "3 of 10 pictures left out, all named in left_out.csv" in caplog.text
    assert [row["name"] for row in table(folder, "left_out.csv")] == ["2.png", "3.png", "4.png"]
    opened = prepared(folder)
    # Numbers count those left out too, so they name the same picture whatever else is bad.
    assert opened.index.tolist() == [1, 2, 6, 7, 8, 9, 10]
    for position, index in enumerate(opened.index):
        whole = shrink(Frame(pixels(index - 1), None, ROW), crop=None, size=(16, 16), fit="crop")[0]
        np.testing.assert_array_equal(opened.rgb[position], whole)


ROW = Row(1, "train", "a", "a", "g")


@pytest.mark.parametrize(
    ("known", "changes", "options", "said"),
    [
        ({"0.png": Known("a", None)}, {}, {}, "some pictures have a split and some have none"),
        ({n: Known("a", k.split) for n, k in TEN.items()}, {}, {}, "all 10 pictures are of one class, 'a'"),
        (
            {n: Known(k.label, "train") for n, k in TEN.items()},
            {},
            {},
            "no picture of 10 is in test: give it a",
        ),
        ({"9.png": Known("B", "test")}, {}, {}, "test has 1 classes that train lacks, 'B' among them"),
        (
            {"0.png": Known("a", "train", "g"), "1.png": Known("a", "test", "g")},
            {},
            {},
            "the group 'g' is in train and in test",
        ),
        ({}, {"classes": ("a", "b", "c")}, {}, "no picture of the class 'c' is whole"),
        ({}, {}, {"test_share": 0.01}, "no test part of 1 % can be drawn from 10 pictures"),
    ],
)
def test_sets_that_do_not_go_together(known, changes, options, said, tmp_path):
    with pytest.raises(SemcomError, match=said):
        store(given(TEN | known, GOOD, **changes), tmp_path, **options)


def test_a_class_whose_pictures_are_all_bad_is_named(tmp_path):
    contents = {name: data if TEN[name].label == "a" else b"" for name, data in GOOD.items()}
    with pytest.raises(SemcomError, match="no picture of the class 'b' is whole: get it anew"):
        store(given(TEN, contents), tmp_path, most_bad=0.5)


def test_numbers_are_classes_in_their_order_and_a_drawn_split_replaces_the_own_one(tmp_path):
    known = {f"{n}.png": Known(str(n % 11), "train") for n in range(110)}
    folder = kept(tmp_path / "n", given(known, {name: picture(0) for name in known}), test_share=0.5, seed=1)
    opened = prepared(folder)
    assert opened.scene_names == tuple(map(str, range(11)))
    assert np.bincount(opened.scene[~opened.train]).tolist() == [5] * 11


def test_a_set_without_classes(tmp_path):
    known = {f"{n}.png": Known("unlabelled") for n in range(10)}
    opened = prepared(kept(tmp_path / "n", given(known, {name: picture(0) for name in known})))
    assert opened.scene_names == ("unlabelled",)
    assert int((~opened.train).sum()) == 2


@pytest.mark.parametrize(
    ("old", "new", "rows", "columns"),
    [
        ((30, 9), (16, 16), (0, 9), (10, 19)),
        ((9, 30), (16, 16), (10, 19), (0, 9)),
        ((64, 48), (32, 24), (0, 48), (0, 64)),
        ((561, 427), (64, 48), (3, 424), (0, 561)),
        ((10, 1000), (1000, 10), (499, 500), (0, 10)),
    ],
)
def test_the_middle_part_is_the_largest_of_the_shape(old, new, rows, columns):
    assert middle(old, new) == (slice(*rows), slice(*columns))


def test_what_is_damaged_later_is_named(tmp_path):
    folder = kept(tmp_path / "n", given(TEN, GOOD))
    whole = (folder / "images.csv").read_text()
    for change, said in (
        (whole.rsplit("\n", 2)[0], "images.csv and images.zip name other pictures"),
        (whole.replace("train", "trian", 1), "picture 1 is of the split 'trian'"),
        (whole.replace(",a,", ",c,", 1), "of the split 'train' and the class 'c'"),
        ("", "is damaged"),
    ):
        (folder / "images.csv").write_text(change)
        with pytest.raises(SemcomError, match=said), open_source(folder):
            pass
    (folder / "images.csv").write_text(whole)
    data = bytearray((folder / "images.zip").read_bytes())
    data[data.index(b"IDAT") + 30] ^= 0xFF
    (folder / "images.zip").write_bytes(data)
    with pytest.raises(SemcomError, match=r"000001 in .*images.zip is damaged"):
        run(folder, entry("n", 16, 16), tmp_path / "out.h5")


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("images", Options(most_bad=1.5), "--most-bad 1.5 is no share in 0..1"),
        ("images", Options(test_share=1.0), "--test-share 1: train and test need pictures"),
        ("images", Options(seed=-1), "--split-seed -1 must be 0 or more"),
        ("cifar10", Options(label="x"), "--table and --label are for the kind images, not for cifar10"),
        ("cifar10", Options(), "cifar10 needs a folder or an archive"),
        ("rgb", Options(), "rgb takes the name of one RGB-D set"),
    ],
)
def test_options_that_do_not_go_together_add_nothing(kind, options, said, clone):
    with pytest.raises(SemcomError, match=said):
        add_images(clone, kind, [], name="x", options=options)
    assert [path.name for path in (clone / "data").iterdir()] == [".gitignore"]


def test_the_real_cifar_10_of_jpegs(real, tmp_path):
    """All of its test part; the means of the original, from which the JPEGs differ by less than a level."""
    tree = open_trees([real / "cifar10_jpeg"])
    found = layout(tree, name="cifar10", table=None, label=None)
    assert found.title == "CIFAR-10 (JPEG)"
    splits = [one.split for one in found.known.values()]
    assert (splits.count("train"), splits.count("test")) == (50_000, 10_000)
    names = [name for n, name in enumerate(found.known) if splits[n] == "test"]
    known = {name: Known(found.known[name].label) for name in names}
    opened = prepared(kept(tmp_path / "c", given(known, dict(tree.read(names)))), size=(32, 32))
    assert opened.rgb.shape == (10_000, 32, 32, 3)
    assert np.bincount(opened.scene[~opened.train]).tolist() == [200] * 10
    published = np.array([0.4942, 0.4851, 0.4504])  # of the original's test images
    assert np.abs(opened.rgb.mean(axis=(0, 1, 2)) / 255 - published).max() < 1 / 255


def test_options_of_images_are_refused_for_other_sets():
    none_given("rgbd", Options(table=Path("x.csv")))
    for options in (Options(label="x"), Options(fit="crop"), Options(test_share=0.1), Options(seed=1)):
        with pytest.raises(SemcomError, match="are for sets of images, not for rgbd: leave them out"):
            none_given("rgbd", options)
