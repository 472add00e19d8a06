"""Images encoded at every quality of a list, once: whatever bytes a link has room for, the best is looked up.

    images ─► files at each quality ─► sizes and PSNR ─► best file in so many bytes ─► images

A sweep over SNRs and channel uses asks for many budgets, and encodes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from semcom.codecs import payload
from semcom.codecs.budget import Counted
from semcom.codecs.images import Pixels, decode, encode, known
from semcom.files.errors import SemcomError
from semcom.metrics.images import psnr_db

Whole = NDArray[np.int64]

QUALITIES: dict[str, tuple[float, ...]] = {
    "avif": tuple(range(0, 101, 4)),
    "webp": tuple(range(0, 101, 4)),
    "jpeg": (1, *range(4, 96, 4), 95),
    "jpeg2000": tuple(10 + half / 2 for half in range(71)),  # dB; a step is a tenth of the bytes
}
"""Of a ladder, if nothing else is asked for."""

QUALITY_BYTES = {"jpeg": 1}
"""What the receiver must be told beside the payload: JPEG's tables follow from the quality."""

NONE = -1
"""Stands for a rung where no file fits."""


@dataclass(frozen=True, eq=False)
class Ladder:
    """N images of one size at Q qualities.

    Attributes:
        codec: their format.
        qualities: (Q,) rising.
        files: N tuples of Q files.
        file_bytes: (N, Q) length of each.
        payload_bytes: (N, Q) without container headers (`payload`), with a byte for JPEG's quality.
        psnr_db: (N, Q) of each decoded, see `metrics.images.psnr_db`.
        shape: of an image, (H, W, 3) or (H, W).
    """

    codec: str
    qualities: tuple[float, ...]
    files: tuple[tuple[bytes, ...], ...] = field(repr=False)
    file_bytes: Whole = field(repr=False)
    payload_bytes: Whole = field(repr=False)
    psnr_db: NDArray[np.float64] = field(repr=False)
    shape: tuple[int, ...]

    @classmethod
    def build(cls, images: Pixels, *, codec: str, qualities: Sequence[float] | None = None) -> "Ladder":
        """Encode and decode every image at every quality.

        Args:
            images: (N, H, W, 3) or (N, H, W) uint8; mosaics, for small ones.
            codec: `avif`, `webp`, `jpeg` or `jpeg2000`.
            qualities: rising; `QUALITIES` of the codec if None.

        Raises:
            SemcomError: unknown format, qualities that do not rise or are none of the format's, no images.
        """
        known(codec)
        rungs = tuple(QUALITIES[codec] if qualities is None else qualities)
        if not rungs or any(low >= high for low, high in zip(rungs, rungs[1:], strict=False)):
            raise SemcomError(f"qualities of a ladder rise from one to the next, not {list(rungs)}")
        if not len(images):
            raise SemcomError("a ladder needs at least one image")
        files = tuple(
            tuple(encode(image, codec=codec, quality=quality) for quality in rungs) for image in images
        )
        beside = QUALITY_BYTES.get(codec, 0)
        return cls(
            codec=codec,
            qualities=rungs,
            files=files,
            file_bytes=np.array([[len(file) for file in row] for row in files]),
            payload_bytes=np.array([[payload.count(file) + beside for file in row] for row in files]),
            psnr_db=np.array(
                [[psnr_db(a, decode(file)) for file in row] for a, row in zip(images, files, strict=True)]
            ),
            shape=images.shape[1:],
        )

    def best(self, budget_bytes: ArrayLike, *, counted: Counted = "payload") -> Whole:
        """Rung (N,) of each image's best file, by PSNR, of those that fit; `NONE` where none does.

        Of equals it is the shortest. Sizes do not always rise with the quality, nor PSNR with the size, so
        that all rungs are looked at.

        Args:
            budget_bytes: a number, or one an image (N,).
            counted: what the budget is for, the whole file or the payload.
        """
        sizes = self.payload_bytes if counted == "payload" else self.file_bytes
        fits = sizes <= np.broadcast_to(np.asarray(budget_bytes), len(sizes))[:, None]
        worth = np.where(fits, self.psnr_db, -np.inf)
        tied = worth == worth.max(1, keepdims=True)
        shortest: Whole = np.where(tied, sizes, np.iinfo(np.int64).max).argmin(1)
        return np.where(fits.any(1), shortest, NONE)

    def decoded(self, rungs: Whole, *, instead: Pixels) -> Pixels:
        """Images (N, …) of the files at `rungs` (N,), and `instead` (one image) where it is `NONE`.

        An image that a link loses is the same case: give it the rung `NONE`, and let the mean image stand in.

        Raises:
            SemcomError: `instead` is of another shape.
        """
        if instead.shape != self.shape or instead.dtype != np.uint8:
            raise SemcomError(
                f"what stands for a lost image is {self.shape} of uint8, not {instead.shape} of "
                f"{instead.dtype}"
            )
        return np.stack(
            [
                instead if rung == NONE else self._image(row[rung])
                for row, rung in zip(self.files, rungs, strict=True)
            ]
        )

    def _image(self, file: bytes) -> Pixels:
        found = decode(file)
        if found.ndim > len(self.shape):  # AVIF and WebP store grey as colour
            found = np.round(found.mean(-1)).astype(np.uint8)
        return found
