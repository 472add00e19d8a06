"""A ladder on disk: image files at every quality, encoded once, and the digest of the images they are of.

The same ladder always gives the same bytes. Ladders of some images each can be joined, so that encoding can
stop and go on.
"""

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semcom.codecs.images import Pixels
from semcom.codecs.ladder import Ladder
from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError

Arrays = dict[str, NDArray[np.generic]]


def of_images(images: Pixels) -> str:
    """Digest of images: shape and content."""
    return hashlib.sha256(f"{images.shape}".encode() + np.ascontiguousarray(images).tobytes()).hexdigest()


def packed(ladder: Ladder) -> Arrays:
    """A ladder as arrays."""
    return {
        "bytes": np.frombuffer(b"".join(file for row in ladder.files for file in row), np.uint8),
        "file_bytes": ladder.file_bytes,
        "payload_bytes": ladder.payload_bytes,
        "psnr_db": ladder.psnr_db,
        "qualities": np.array(ladder.qualities, np.float64),
        "shape": np.array(ladder.shape, np.int64),
    }


def unpacked(arrays: Arrays, *, codec: str) -> Ladder:
    """Undo `packed`.

    Raises:
        ValueError, KeyError: the arrays are no ladder's.
    """
    sizes = arrays["file_bytes"].astype(np.int64)
    ends = np.cumsum(sizes).reshape(sizes.shape)
    content = arrays["bytes"].tobytes()
    if len(content) != sizes.sum():
        raise ValueError(f"{len(content)} bytes where files of {sizes.sum()} should be")
    files = [
        tuple(content[end - size : end] for end, size in zip(until, of, strict=True))
        for until, of in zip(ends, sizes, strict=True)
    ]
    return Ladder(
        codec=codec,
        qualities=tuple(arrays["qualities"].tolist()),
        files=tuple(files),
        file_bytes=sizes,
        payload_bytes=arrays["payload_bytes"].astype(np.int64),
        psnr_db=arrays["psnr_db"].astype(np.float64),
        shape=tuple(arrays["shape"].tolist()),
    )


def joined(ladders: Sequence[Ladder]) -> Ladder:
    """One ladder of the images of several, which are alike in all else."""
    first = ladders[0]
    return Ladder(
        codec=first.codec,
        qualities=first.qualities,
        files=tuple(row for ladder in ladders for row in ladder.files),
        file_bytes=np.concatenate([ladder.file_bytes for ladder in ladders]),
        payload_bytes=np.concatenate([ladder.payload_bytes for ladder in ladders]),
        psnr_db=np.concatenate([ladder.psnr_db for ladder in ladders]),
        shape=first.shape,
    )


def write(path: Path, ladder: Ladder, images: Pixels) -> None:
    """Write the ladder of `images`, atomically."""
    named = {"codec": np.array(ladder.codec), "images": np.array(of_images(images))}
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **packed(ladder), **named)


def read(path: Path, images: Pixels, *, codec: str) -> Ladder:
    """The ladder of `images`.

    Raises:
        SemcomError: the file is missing, damaged, or of other images or another format.
    """
    if not path.is_file():
        raise SemcomError(f"{path} is missing; run snakemake, which makes what is missing")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        own, of = str(arrays["codec"]), str(arrays["images"])
        ladder = unpacked(arrays, codec=own)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise SemcomError(
            f"{path} is damaged ({str(error).strip() or type(error).__name__}); remove it and run snakemake "
            "again"
        ) from error
    if own != codec or of != of_images(images):
        what = f"holds {own} files, not {codec}" if own != codec else "is of other images"
        raise SemcomError(f"{path} {what}; remove it and run snakemake again")
    return ladder
