"""Images in IDX files, as MNIST, Fashion-MNIST and their like are released, gzipped or not.

    (train|t10k|test)-images-idx3-ubyte   00 00 08 03, N, height, width (big endian), N × H × W bytes of grey
    (train|t10k|test)-labels-idx1-ubyte   00 00 08 01, N, N bytes

Other types and other numbers of dimensions are refused.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.prepare.images_store import Known, PictureSet
from semcom.prepare.source import Split
from semcom.prepare.trees import Tree

FASHION = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
FASHION_FOLDER = "/usr/share/datasets/fashion-mnist"
"""Where Debian's dataset-fashion-mnist puts its files."""
FASHION_LICENCE = "MIT"
FASHION_CITATION = (
    "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning "
    "Algorithms, arXiv 1708.07747"
)
SPLITS: dict[str, Split] = {"train": "train", "t10k": "test", "test": "test"}
_NAME = re.compile(r"(?:^|[-_.])(train|t10k|test)[-_.](images|labels)[-_.].*ubyte", re.IGNORECASE)
_KINDS = {"images": 3, "labels": 1}


def find(tree: Tree) -> dict[tuple[str, str], str]:
    """The IDX files in a tree by part (`train`, `t10k`, `test`) and kind (`images`, `labels`)."""
    matches = ((_NAME.search(PurePosixPath(name).name), name) for name in tree.names)
    return {(m[1].lower(), m[2].lower()): name for m, name in matches if m}


def idx(tree: Tree, files: dict[tuple[str, str], str], *, title: str, classes: Sequence[str]) -> PictureSet:
    """The set in `files` of `tree`.

    Args:
        tree: a folder or an archive.
        files: as `find` gives them.
        title: what the set is called.
        classes: names of the labels 0, 1, …; none: the numbers.

    Raises:
        SemcomError: a file is missing, cut off or no IDX file, images and labels differ in number, or a label
            has no class.
    """
    parts = [part for part in SPLITS if (part, "images") in files]
    if not parts or any((part, "labels") not in files for part in parts):
        raise SemcomError(
            f"{tree.where} has the IDX files {', '.join(sorted(files.values())) or 'none'}: needed are "
            "train-images-idx3-ubyte and train-labels-idx1-ubyte, and t10k-… for the test part, .gz or not"
        )
    contents = dict(tree.read(files.values()))
    known: dict[str, Known] = {}
    images: dict[str, NDArray[np.uint8]] = {}
    for part in parts:
        images[part], labels = (
            _array(contents.pop(files[part, kind]), n, f"{files[part, kind]} of {tree.where}")
            for kind, n in _KINDS.items()
        )
        if len(images[part]) != len(labels):
            raise SemcomError(f"{tree.where}: {part} has {len(images[part])} images and {len(labels)} labels")
        if classes and labels.max() >= len(classes):
            raise SemcomError(
                f"{tree.where}: {part} has the label {labels.max()}, but there are {len(classes)} classes: "
                "is it another set? Add it as the kind idx"
            )
        split = SPLITS[part] if len(parts) > 1 else None
        for number, label in enumerate(labels.tolist()):
            known[f"{part}/{number}"] = Known(classes[label] if classes else str(label), split)
    return PictureSet(title=title, known=known, pictures=_pictures(images), classes=tuple(classes) or None)


def fashion_mnist(tree: Tree, files: dict[tuple[str, str], str]) -> PictureSet:
    """Fashion-MNIST, with the names of its classes; see `idx`."""
    given = idx(tree, files, title="Fashion-MNIST", classes=FASHION)
    return replace(given, licence=FASHION_LICENCE, citation=FASHION_CITATION)


def _pictures(images: dict[str, NDArray[np.uint8]]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    for part, pixels in images.items():
        for number, one in enumerate(pixels):
            yield f"{part}/{number}", one


def _array(data: bytes, dimensions: int, where: str) -> NDArray[np.uint8]:
    """The array in an IDX file of bytes with so many dimensions."""
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        head = 4 + 4 * dimensions
        if len(data) < head or data[:4] != bytes((0, 0, 8, dimensions)):
            raise ValueError(f"begins with {data[:4].hex(' ')}, not with 00 00 08 {dimensions:02}")
        shape = tuple(np.frombuffer(data, ">u4", dimensions, 4).tolist())
        wanted = head + int(np.prod(shape, dtype=object))
        if len(data) != wanted or not shape[0]:
            raise ValueError(f"{'×'.join(map(str, shape))} values need {wanted} bytes, it has {len(data)}")
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise SemcomError(f"{where} is truncated or no IDX file ({error}): copy it again") from None
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)
