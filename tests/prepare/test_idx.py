"""IDX files, made by hand and by Debian."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from picture_files import write_tree

from semcom.files.errors import SemcomError
from semcom.prepare.idx import FASHION, FASHION_FOLDER, fashion_mnist, find, idx
from semcom.prepare.trees import open_trees

DRAWS = np.random.default_rng(0)
IMAGES = {part: DRAWS.integers(0, 256, (n, 9, 12), dtype=np.uint8) for part, n in (("train", 5), ("t10k", 3))}
LABELS = {part: DRAWS.integers(0, 10, len(images), dtype=np.uint8) for part, images in IMAGES.items()}
TRAIN = "train-images-idx3-ubyte"


def files(*, images: str = "{}-images-idx3-ubyte", labels: str = "{}-labels-idx1-ubyte") -> dict[str, bytes]:
    made = {}
    for part in IMAGES:
        head = struct.pack(">4B3I", 0, 0, 8, 3, *IMAGES[part].shape)
        made[images.format(part)] = head + IMAGES[part].tobytes()
        made[labels.format(part)] = (
            struct.pack(">4BI", 0, 0, 8, 1, len(LABELS[part])) + LABELS[part].tobytes()
        )
    return made


@pytest.mark.parametrize(
    "made",
    [
        files(),
        {f"{name}.gz": gzip.compress(data) for name, data in files().items()},
        files(images="{}-images.idx3-ubyte", labels="{}-labels.idx1-ubyte"),
        files(images="x/emnist-{}-images-idx3-ubyte", labels="x/emnist-{}-labels-idx1-ubyte"),
    ],
    ids=["plain", "gzipped", "MNIST's dots", "EMNIST"],
)
def test_images_labels_and_split(made, tmp_path):
    tree = open_trees([write_tree(tmp_path, made)])
    given = fashion_mnist(tree, find(tree))
    read = dict(given.pictures)
    assert (len(read), given.title, given.licence) == (8, "Fashion-MNIST", "MIT")
    for part in IMAGES:
        for number, (image, label) in enumerate(zip(IMAGES[part], LABELS[part], strict=True)):
            np.testing.assert_array_equal(read[f"{part}/{number}"], image)
            known = given.known[f"{part}/{number}"]
            assert (known.label, known.split) == (FASHION[label], {"t10k": "test"}.get(part, part))


def test_without_names_the_classes_are_numbers_and_one_part_has_no_split(tmp_path):
    made = {name: data for name, data in files().items() if name.startswith("train")}
    tree = open_trees([write_tree(tmp_path, made)])
    given = idx(tree, find(tree), title="x", classes=())
    assert [one.label for one in given.known.values()] == list(map(str, LABELS["train"]))
    assert {one.split for one in given.known.values()} == {None}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {TRAIN: files()[TRAIN][:-1]},
            "train-images.* is truncated .*5×9×12 values need 556 bytes, it has 555",
        ),
        ({TRAIN: files()[TRAIN][:10]}, "truncated or no IDX file"),
        ({TRAIN: b"\0\0\x0d\x03" + files()[TRAIN][4:]}, r"begins with 00 00 0d 03, not with 00 00 08 03"),
        ({TRAIN: gzip.compress(files()[TRAIN])[:-20]}, "truncated or no IDX file .*end-of-stream"),
        (
            {TRAIN: struct.pack(">4B3I", 0, 0, 8, 3, 2**31, 2**31, 2**31)},
            "need 9903520314283042199192993808 b",
        ),
        ({TRAIN: struct.pack(">4B3I", 0, 0, 8, 3, 4, 9, 12) + bytes(432)}, "has 4 images and 5 labels"),
        ({"t10k-labels-idx1-ubyte": b"\0\0\x08\x01\0\0\0\x03\x01\x0c\x02"}, "the label 12, but there are 10"),
        ({"t10k-labels-idx1-ubyte": None}, "needed are train-images-idx3-ubyte and train-labels"),
    ],
)
def test_faults(change, said, tmp_path):
    made = {name: data for name, data in (files() | change).items() if data is not None}
    tree = open_trees([write_tree(tmp_path, made)])
    with pytest.raises(SemcomError, match=said):
        fashion_mnist(tree, find(tree))


def test_no_idx_file_at_all(tmp_path):
    tree = open_trees([write_tree(tmp_path, {"a.txt": b""})])
    with pytest.raises(SemcomError, match="has the IDX files none"):
        idx(tree, find(tree), title="x", classes=())


def test_debians_fashion_mnist():
    if not Path(FASHION_FOLDER).is_dir():
        pytest.skip(f"Debian's dataset-fashion-mnist is not installed ({FASHION_FOLDER})")
    tree = open_trees([Path(FASHION_FOLDER)])
    given = fashion_mnist(tree, find(tree))
    labels = {
        split: [o.label for o in given.known.values() if o.split == split] for split in ("train", "test")
    }
    assert [labels["train"].count(name) for name in FASHION] == [6000] * 10
    assert [labels["test"].count(name) for name in FASHION] == [1000] * 10
    # The first training image is an ankle boot; the published mean of the training pixels is 0.2860.
    assert labels["train"][0] == "Ankle boot"
    total = sum(image.mean() for name, image in given.pictures if name.startswith("train"))
    assert total / 60_000 / 255 == pytest.approx(0.2860, abs=5e-5)
