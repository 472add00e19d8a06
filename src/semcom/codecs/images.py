"""Images to bytes and back with Pillow: AVIF, WebP, JPEG, JPEG 2000.

`encode` gives a file; `payload.count` says how much of it is more than headers.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from semcom.files.errors import SemcomError

Pixels = NDArray[Any]


@dataclass(frozen=True)
class Format:
    """How Pillow is asked for one format.

    Attributes:
        pillow: its name there.
        feature: what must be compiled in.
        options: of `Image.save`, quality excepted.
        qualities: lowest and highest, a higher one meaning more bytes.
    """

    pillow: str
    feature: str
    options: Mapping[str, Any]
    qualities: tuple[int, int]


FORMATS = {
    # One thread gives the same bytes everywhere; speed 4 takes longer than the default, for smaller files.
    "avif": Format("AVIF", "avif", {"speed": 4, "max_threads": 1}, (0, 100)),
    "webp": Format("WEBP", "webp", {"method": 6}, (0, 100)),
    # Standard Huffman tables (no `optimize`): they are the same in all files, and left out of the count.
    "jpeg": Format("JPEG", "jpg", {}, (1, 95)),
    # Quality is the peak signal-to-noise ratio in dB; the bare codestream has no JP2 boxes around it.
    "jpeg2000": Format(
        "JPEG2000", "jpg_2000", {"quality_mode": "dB", "irreversible": True, "no_jp2": True}, (10, 60)
    ),
}


def encode(image: Pixels, *, codec: str, quality: float) -> bytes:
    """One image as the bytes of a file.

    Args:
        image: (height, width, 3) colour or (height, width) grey, uint8.
        codec: `avif`, `webp`, `jpeg` or `jpeg2000`.
        quality: within the format's own range, whole but for JPEG 2000, where it is a target PSNR in dB.

    Raises:
        SemcomError: unknown format or one that this Pillow lacks, quality out of range, or no such image.
    """
    form, image = known(codec), np.asarray(image)
    low, high = form.qualities
    if not low <= quality <= high:
        raise SemcomError(f"{codec} has qualities of {low} to {high}, not {quality}")
    if codec != "jpeg2000" and quality != int(quality):
        raise SemcomError(f"{codec} has whole qualities of {low} to {high}, not {quality}")
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
        raise SemcomError(
            f"an image is (height, width, 3) or (height, width) of uint8, not {image.shape} of "
            f"{image.dtype}; "
            "scale depth to 8 bits first"
        )
    options = dict(form.options)
    if codec == "jpeg2000":
        # Small images have room for few wavelet levels; Pillow's default of 5 fails on them.
        levels = max(1, min(6, int(np.log2(min(image.shape[:2])))))
        options |= {"quality_layers": [quality], "num_resolutions": levels}
    else:
        options |= {"quality": int(quality)}
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, form.pillow, **options)
    return buffer.getvalue()


def decode(data: bytes) -> Pixels:
    """The image of a file's bytes, uint8: (height, width, 3), or (height, width) if it is stored grey.

    AVIF and WebP store grey images as colour; all three channels then are nearly the same.

    Raises:
        SemcomError: the bytes are no image.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise SemcomError(f"{len(data)} bytes are no image that can be decoded ({error})") from error


def known(codec: str) -> Format:
    """The format of that name.

    Raises:
        SemcomError: there is none, or Pillow here lacks it.
    """
    if codec not in FORMATS:
        near = get_close_matches(codec, FORMATS, n=1, cutoff=0.0)[0]
        raise SemcomError(f"unknown image format {codec!r}; the nearest is {near}, of {', '.join(FORMATS)}")
    if not features.check(FORMATS[codec].feature):
        have = [name for name, form in FORMATS.items() if features.check(form.feature)]
        raise SemcomError(f"this Pillow has no {codec}; it has {', '.join(have)}, or install one that does")
    return FORMATS[codec]
