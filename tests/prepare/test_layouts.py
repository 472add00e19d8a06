"""Layouts of folders of pictures, each made up; and what no layout is."""

from pathlib import Path

import pytest
from picture_files import numbered, picture, write_tar, write_tree, write_zip

from semcom.files.errors import SemcomError
from semcom.prepare.cifar import CLASSES
from semcom.prepare.images_store import PictureSet
from semcom.prepare.layouts import layout
from semcom.prepare.trees import open_trees


def found(path: Path, *, label: str | None = None) -> PictureSet:
    return layout(open_trees([path]), name="mine", table=None, label=label)


def short(given: PictureSet) -> dict[str, tuple[str, str | None]]:
    return {name: (known.label, known.split) for name, known in given.known.items()}


def test_class_folders_as_of_animals_10(tmp_path):
    files = numbered(
        "animals10/raw-img/cane/b.jpeg", "animals10/raw-img/cane/a.JPG", "animals10/raw-img/gatto/c.png"
    )
    files |= {"animals10/translate.py": b"x", "animals10/raw-img/cane/Thumbs.db": b"x"}
    want = {
        "animals10/raw-img/cane/a.JPG": ("cane", None),
        "animals10/raw-img/cane/b.jpeg": ("cane", None),
        "animals10/raw-img/gatto/c.png": ("gatto", None),
    }
    for path in (
        write_tree(tmp_path / "t", files),
        write_zip(tmp_path / "t.zip", files),
        write_tar(tmp_path / "t.tar", files),
    ):
        given = found(path)
        assert short(given) == want
        assert list(given.known) == sorted(want)  # whatever the order in the archive
        assert dict(given.pictures) == {name: files[name] for name in want}
        assert (given.title, given.unlabelled) == ("mine: 3 pictures", 0)


def test_deeper_folders_belong_to_their_class(tmp_path):
    files = numbered("cat/black/1.png", "cat/2.png", "dog/images/3.png")
    assert [label for label, _ in short(found(write_tree(tmp_path, files))).values()] == ["cat", "cat", "dog"]


@pytest.mark.parametrize(
    ("folders", "want"),
    [
        (("train", "test"), ("train", "test")),
        (("Training", "Validation"), ("train", "test")),  # val is test where nothing else is
        (("train", "val", "test"), ("train", "train", "test")),
    ],
)
def test_split_folders(folders, want, tmp_path):
    files = numbered(*(f"set/{folder}/{c}/1.png" for folder in folders for c in "ab"))
    got = short(found(write_tree(tmp_path, files)))
    for folder, split in zip(folders, want, strict=True):
        assert got[f"set/{folder}/a/1.png"] == ("a", split)


def test_pictures_of_a_test_part_without_classes_are_not_kept_and_val_is_test(tmp_path):
    files = numbered(
        "train/a/1.png", "train/b/1.png", "val/a/1.png", "val/b/2.png", "test/1.png", "test/2.png"
    )
    given = found(write_tree(tmp_path, files))
    assert given.unlabelled == 2
    assert short(given)["val/a/1.png"] == ("a", "test")


def test_classes_that_are_called_like_numbers_are_no_splits(tmp_path):
    assert short(found(write_tree(tmp_path, numbered("0/a.png", "1/a.png", "2/a.png")))) == {
        "0/a.png": ("0", None), "1/a.png": ("1", None), "2/a.png": ("2", None),
    }  # fmt: skip


def test_tiny_imagenet(tmp_path):
    root = "tiny-imagenet-200"
    files = numbered(
        *(f"{root}/train/{w}/images/{w}_{n}.JPEG" for w in ("n01", "n02") for n in (0, 1)),
        *(f"{root}/val/images/val_{n}.JPEG" for n in (0, 1)),
        *(f"{root}/test/images/test_{n}.JPEG" for n in (0, 1, 2)),
    )
    lines = ["val_0.JPEG\tn02\t0\t0\t9\t9", "val_1.JPEG\tn01\t0\t0\t9\t9", "val_2.JPEG\tn01\t0\t0\t9\t9"]
    files |= {
        f"{root}/val/val_annotations.txt": "\n".join(lines).encode(),
        f"{root}/words.txt": b"n01\tfish\n",
    }
    for path in (write_tree(tmp_path / "t", files), write_zip(tmp_path / "tiny.zip", files)):
        given = found(path)
        got = short(given)
        assert got[f"{root}/train/n01/images/n01_0.JPEG"] == ("n01", "train")
        assert got[f"{root}/val/images/val_0.JPEG"] == ("n02", "test")
        assert got[f"{root}/val/images/val_1.JPEG"] == ("n01", "test")
        assert (len(got), given.unlabelled) == (6, 3)
        assert given.bad == {f"{root}/val/images/val_2.JPEG": "named in val_annotations.txt, but not there"}
    write_tree(tmp_path / "t", {f"{root}/val/val_annotations.txt": b"val_0.JPEG n02\n"})
    with pytest.raises(SemcomError, match="must have a file and a class a line, tabs between"):
        found(tmp_path / "t")


def test_cifar_10_as_jpeg_is_known_by_its_classes(tmp_path):
    names = [f"{part}/{c}/0.jpg" for part in ("train", "test") for c in CLASSES]
    assert found(write_tree(tmp_path, numbered(*names))).title == "CIFAR-10 (JPEG)"


def test_a_set_without_classes(tmp_path):
    write_tree(tmp_path, numbered("x/1.png", "2.png"))
    assert set(short(found(tmp_path, label="none")).values()) == {("unlabelled", None)}
    with pytest.raises(SemcomError, match="--label race: .* has no table with columns; leave it out"):
        found(tmp_path, label="race")


@pytest.mark.parametrize("where", ["train", "test"])
def test_an_empty_class_folder_is_named(where, tmp_path):
    files = numbered("train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png")
    write_tree(tmp_path, files | {f"{where}/zebra/readme.txt": b"soon"})
    with pytest.raises(SemcomError, match=f"the class folder {where}/zebra is empty of pictures: fill it"):
        found(tmp_path)
    (tmp_path / where / "yak").mkdir()
    with pytest.raises(SemcomError, match="yak is empty of pictures, and 1 more are"):
        found(tmp_path)


def test_an_empty_class_folder_without_splits_and_folders_that_are_none(tmp_path):
    write_tree(tmp_path, numbered("set/a/1.png", "set/b/1.png") | {"docs/x/readme.md": b""})
    found(tmp_path)
    (tmp_path / "set" / "c").mkdir()
    with pytest.raises(SemcomError, match="set/c is empty"):
        found(tmp_path)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"a.png": picture(0), "b.png": picture(1)},
            "holds 2 pictures, a.png first, but no folders of classes. Ne",
        ),
        ({"one/a.png": picture(0)}, "holds 1 pictures, one/a.png first, but no folders of classes"),
        (
            {"a.txt": b"", "b.txt": b"", "c.md": b""},
            r"holds no picture, but 2 × .txt, 1 × .md: known are CLASS/pic",
        ),
        ({}, "holds no picture, but no file at all"),
        ({"data_batch_1.bin": b""}, "holds no picture, but the batches of CIFAR-10 .semcom data add cifar10"),
        ({"train-images-idx3-ubyte": b""}, "but IDX files .semcom data add fashion_mnist"),
    ],
)
def test_an_unknown_layout_says_what_was_found_and_the_nearest(files, said, tmp_path):
    with pytest.raises(SemcomError, match=said):
        found(write_tree(tmp_path, files))
