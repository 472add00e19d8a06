"""Embeddings of images that are known by their pixels, wherever they were computed; and the file of all."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError
from semcom.progress import log
from semcom.quantise.about import mentor_sha256
from semcom.quantise.embeddings import FORMAT, FORMAT_VERSION, Embeddings, Half, content_sha256
from semcom.quantise.source import CHUNK, Positions

PAGE = 4096
Digests = NDArray[np.uint64]


def pixel_digests(rgb: NDArray[np.uint8]) -> Digests:
    """64 bits of each image (N, H, W, 3), its size included.

    Among a million images, two unlike ones share theirs with a probability of 3e-8.
    """
    size = repr(rgb.shape[1:]).encode()
    found = [hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=8, key=size) for image in rgb]
    return np.frombuffer(b"".join(one.digest() for one in found), "<u8")


class Store:
    """Rows of several arrays, found by the digests of their images.

    Args:
        dim: of a row.
    """

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._digests: list[Digests] = []
        self._arrays: list[Half] = []

    def add(self, digests: Digests, rows: Half) -> None:
        """Rows (n, dim) of the images with these digests (n,)."""
        self._digests.append(digests)
        self._arrays.append(rows)

    def add_file(self, path: Path, mentor: Mapping[str, Any]) -> None:
        """The rows of an earlier file; of another mentor, or damaged, it is left out, and said so."""
        try:
            earlier = Embeddings.open(path)
            earlier.verify()
        except SemcomError as error:
            log.info("not used: %s", error)
            return
        if earlier.mentor_sha256 != mentor_sha256(mentor):
            log.info("not used: %s is of another mentor", path)
            return
        self.add(earlier.pixels, earlier.mapped())

    def find(self, digests: Digests) -> Positions:
        """(N,) where the row of each image is; -1 where there is none."""
        if not self._digests:
            return np.full(len(digests), -1)
        there = np.concatenate(self._digests)
        if not len(there):
            return np.full(len(digests), -1)
        order = np.argsort(there, kind="stable")
        place = order[np.searchsorted(there, digests, sorter=order).clip(max=len(there) - 1)]
        return np.where(there[place] == digests, place, -1)

    def take(self, places: Positions) -> Half:
        """Rows (n, dim) at `places` (n,)."""
        rows = np.empty((len(places), self._dim), np.float16)
        start = 0
        for array in self._arrays:
            here = (places >= start) & (places < start + len(array))
            rows[here] = array[places[here] - start]
            start += len(array)
        return rows

    def pieces(self, digests: Digests) -> Iterator[Half]:
        """The rows of all these images, in pieces."""
        places = self.find(digests)
        for start in range(0, len(places), CHUNK):
            yield self.take(places[start : start + CHUNK])


def write(
    output: Path,
    rows: Iterator[Half],
    *,
    dim: int,
    columns: Mapping[str, NDArray[Any]],
    mentor: Mapping[str, Any],
    data: str,
    network: Mapping[str, float] | None = None,
) -> None:
    """Write a file of embeddings, atomically. Equal content gives equal bytes.

    Args:
        output: the file.
        rows: all embeddings, in pieces.
        dim: of one.
        columns: `index`, `train`, `pixels`, each (N,).
        mentor: what made them.
        data: SHA-256 of the prepared content.
        network: what is known of the mentor's network.
    """
    with (
        atomic(output) as temporary,
        h5py.File(
            temporary, "w", libver=("v110", "v110"), alignment_threshold=PAGE, alignment_interval=PAGE
        ) as file,
    ):
        for name, values in columns.items():
            file.create_dataset(name, data=values, track_times=False)
        stored = file.create_dataset("embeddings", (len(columns["index"]), dim), "<f2", track_times=False)
        content = content_sha256(_stored(stored, rows), columns)
        file.attrs.update(
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "mentor": json.dumps(mentor, sort_keys=True),
                "data": data,
                "network": json.dumps(network or {}, sort_keys=True),
                "sha256": content,
            }
        )


def _stored(stored: h5py.Dataset, rows: Iterator[Half]) -> Iterator[Half]:
    """The pieces, each once it is written."""
    start = 0
    for piece in rows:
        stored[start : start + len(piece)] = piece
        start += len(piece)
        yield piece
