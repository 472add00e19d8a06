"""CIFAR-10 (A. Krizhevsky, 2009) as it is released: binary, or as pickles for Python.

    binary   data_batch_1.bin … data_batch_5.bin, test_batch.bin: a label, then 1024 bytes of each colour
    Python   data_batch_1 … data_batch_5, test_batch: {b"data": (N, 3072) uint8, b"labels": […]}

The third release, for MATLAB, is not read.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.prepare.images_store import Known, PictureSet
from semcom.prepare.source import Split
from semcom.prepare.trees import Tree
from semcom.prepare.unpickle import unpickle

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
LICENCE = "none given by its author; offered for research with the request to cite it"
CITATION = "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"
SIDE, VALUES = 32, 3 * 32 * 32

Batch = tuple[NDArray[np.uint8], list[int]]
"""Pixels (N, 32, 32, 3) and labels."""


def find(tree: Tree) -> dict[str, str]:
    """The batches in a tree by their names in the release, binary ones if both are there; empty: none."""
    for ending in (".bin", ""):
        found = {PurePosixPath(name).name: name for name in tree.names}
        batches = {batch: found[batch + ending] for batch in BATCHES if batch + ending in found}
        if batches:
            return batches
    return {}


def cifar10(tree: Tree, batches: dict[str, str]) -> PictureSet:
    """The set in `batches` of `tree`.

    Raises:
        SemcomError: a batch is missing, cut off, or of another length than the first.
    """
    missing = [batch for batch in BATCHES if batch not in batches]
    if missing:
        raise SemcomError(f"{tree.where} lacks {', '.join(missing)} of CIFAR-10: copy the release again")
    contents = dict(tree.read(batches.values()))
    read = {batch: _read(name, contents.pop(name), tree) for batch, name in batches.items()}
    lengths = {batch: len(read[batch][1]) for batch in BATCHES[:-1]}
    if len(set(lengths.values())) > 1:
        raise SemcomError(f"{tree.where}: the batches have {lengths} images; all should have as many")
    known = {
        f"{batch}/{number}": Known(CLASSES[label], _split(batch))
        for batch in BATCHES
        for number, label in enumerate(read[batch][1])
    }
    return PictureSet(
        title="CIFAR-10",
        known=known,
        pictures=_pictures(read),
        classes=CLASSES,
        licence=LICENCE,
        citation=CITATION,
    )


def _split(batch: str) -> Split:
    return "test" if batch == BATCHES[-1] else "train"


def _pictures(read: dict[str, Batch]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    for batch in BATCHES:
        for number, pixels in enumerate(read[batch][0]):
            yield f"{batch}/{number}", pixels


def _read(name: str, data: bytes, tree: Tree) -> Batch:
    where = f"{name} of {tree.where}"
    planes, labels = _binary(data, where) if name.endswith(".bin") else _pickled(data, where)
    in_range = all(0 <= label < len(CLASSES) for label in labels)
    if not labels or len(labels) != len(planes) or not in_range:
        raise SemcomError(
            f"{where}: {len(labels)} labels of {len(planes)} images, or not in 0..9: copy it again"
        )
    return planes.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1), labels


def _binary(data: bytes, where: str) -> tuple[NDArray[np.uint8], list[int]]:
    if not data or len(data) % (VALUES + 1):
        raise SemcomError(
            f"{where} has {len(data)} bytes, no multiple of {VALUES + 1} (a label, 32x32 pixels of 3 bytes): "
            "it is truncated, or CIFAR-100; copy it again"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, VALUES + 1)
    return records[:, 1:], records[:, 0].tolist()


def _pickled(data: bytes, where: str) -> tuple[NDArray[np.uint8], list[int]]:
    value = unpickle(data, where=where)
    try:
        pixels, labels = value[b"data"], value[b"labels"]
        whole = pixels.dtype == np.uint8 and pixels.shape == (len(labels), VALUES)
        if not whole or not all(type(label) is int for label in labels):
            raise ValueError(f"data {pixels.dtype} {pixels.shape}, {len(labels)} labels")
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise SemcomError(f"{where} is no batch of CIFAR-10 ({error!r}): copy it again") from None
    return pixels, list(labels)
