"""A picture file's bytes to 8-bit RGB, each kind of picture in one stated way.

    grey                 the value in all three channels
    16 bit               value / 257, rounded; of colour PNG the upper 8 bits, as Pillow reads them
    CMYK                 Pillow's plain conversion, no colour profile; so for all profiles
    palette, YCbCr …     Pillow's conversion
    transparent          laid on white
    turned by EXIF       upright
    several pictures     the first one (animations, pages)
    bad                  damaged or cut off, under 8 or over 89 million pixels, float or 32-bit values

`kinds` of a decoded picture names what it was, so that an import can count them.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

SMALLEST = 8
"""Pixels a side."""
LARGEST = 89_000_000
"""Pixels in all: Pillow's own limit, beyond which a small file may fill the memory."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000")
"""Formats that are read, by content; others (EPS, which would start another program) never are."""
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".jp2"),
)


class BadPicture(ValueError):
    """No whole picture of a kind that can be kept; the message says why."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """A picture."""

    rgb: NDArray[np.uint8]
    """(H, W, 3)."""
    kinds: tuple[str, ...]
    """What it was besides 8-bit colour."""


def decode(data: bytes) -> Decoded:
    """The picture in `data`.

    Raises:
        BadPicture: it is damaged, too small or too large, or its values have no stated range.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image.size)
            image.load()
            return _decoded(image)
    except BadPicture:
        raise
    # Pillow raises whatever a damaged byte leads it to.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        unknown = reason.startswith("cannot identify")
        raise BadPicture("no picture of a known format" if unknown else f"damaged: {reason}") from None


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if min(size) < SMALLEST:
        raise BadPicture(f"too small: {width}x{height} pixels, at least {SMALLEST}x{SMALLEST} are needed")
    if width * height > LARGEST:
        raise BadPicture(f"too large: {width}x{height} pixels, over {LARGEST}")


def _decoded(image: Image.Image) -> Decoded:
    kinds = []
    if getattr(image, "n_frames", 1) > 1:
        kinds.append("several pictures")
        image.seek(0)
    if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        kinds.append("turned")
        image = ImageOps.exif_transpose(image)
    if image.mode in ("1", "L", "LA", "La"):
        kinds.append("grey")
    if image.mode == "CMYK":
        kinds.append("CMYK")
    if image.mode[0] in "IF":
        kinds += ["grey", "16 bit"]
        image = _eight_bits(image)
    if image.has_transparency_data:
        image, seen_through = _on_white(image)
        kinds += ["transparent"] * seen_through
    return Decoded(np.array(image.convert("RGB")), tuple(kinds))


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise BadPicture(f"values of the kind {image.mode!r} beyond 16 bits, of no stated range")
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    """The picture on white, and whether white shows anywhere."""
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    lowest = layer.getchannel("A").getextrema()[0]
    return Image.alpha_composite(white, layer), bool(np.less(lowest, 255))
