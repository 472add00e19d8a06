"""Each kind of picture file, and what becomes of it."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from semcom.prepare.decode import BadPicture, decode

DRAWS = np.random.default_rng(0)
RGB = DRAWS.integers(0, 256, (9, 12, 3), dtype=np.uint8)
GREY = RGB[..., 0]


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_colour_is_kept_bit_for_bit():
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True}), ("BMP", {}), ("TIFF", {}), ("PPM", {})):
        found = decode(saved(Image.fromarray(RGB), kind, **options))
        np.testing.assert_array_equal(found.rgb, RGB)
        assert found.kinds == ()


def test_grey_is_in_all_three_channels():
    found = decode(saved(Image.fromarray(GREY)))
    np.testing.assert_array_equal(found.rgb, np.stack([GREY] * 3, axis=2))
    assert found.kinds == ("grey",)
    bits = decode(saved(Image.fromarray(GREY > 99)))
    assert set(np.unique(bits.rgb)) == {0, 255}
    assert bits.kinds == ("grey",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_become_eight_by_rounding_and_not_by_clipping(kind):
    values = np.arange(0, 65536, 607, dtype=np.uint16)[:108].reshape(9, 12)
    found = decode(saved(Image.fromarray(values), kind))
    np.testing.assert_array_equal(found.rgb[..., 1], np.rint(values / 257).astype(np.uint8))
    assert found.kinds == ("grey", "16 bit")


def test_sixteen_bit_colour_png_keeps_its_upper_bytes():
    """Written by hand, for Pillow writes none."""
    values = DRAWS.integers(0, 65536, (9, 12, 3), dtype=np.uint16)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 12, 9, 16, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(parts)
    np.testing.assert_array_equal(decode(png).rgb, values >> 8)


def test_cmyk_is_converted_without_a_profile():
    cmyk = np.zeros((9, 12, 4), np.uint8)
    cmyk[:, :6, 0], cmyk[:, 6:, 3] = 255, 255  # full cyan; full black
    image = Image.fromarray(cmyk, mode="CMYK")
    found = decode(saved(image, "TIFF"))
    np.testing.assert_array_equal(found.rgb[0, 0], (0, 255, 255))
    np.testing.assert_array_equal(found.rgb[0, 11], (0, 0, 0))
    assert found.kinds == ("CMYK",)
    jpeg = decode(saved(image, "JPEG", quality=100))  # Adobe's are stored inverted
    assert np.abs(jpeg.rgb.astype(int) - found.rgb).max() < 20


def test_transparent_is_laid_on_white():
    alpha = np.zeros((9, 12), np.uint8)
    alpha[:, 4:8], alpha[:, 8:] = 128, 255
    found = decode(saved(Image.fromarray(np.dstack([RGB, alpha]))))
    assert (found.rgb[:, :4] == 255).all()
    np.testing.assert_array_equal(found.rgb[:, 8:], RGB[:, 8:])
    mixed = (RGB[:, 4:8] * 128.0 + 255 * 127) / 255
    assert np.abs(found.rgb[:, 4:8] - mixed).max() <= 1
    assert found.kinds == ("transparent",)
    opaque = decode(saved(Image.fromarray(np.dstack([RGB, np.full((9, 12), 255, np.uint8)]))))
    np.testing.assert_array_equal(opaque.rgb, RGB)
    assert opaque.kinds == ()
    grey = decode(saved(Image.fromarray(np.dstack([GREY, alpha]), mode="LA")))
    assert (grey.rgb[:, :4] == 255).all()
    assert grey.kinds == ("grey", "transparent")


def test_a_transparent_palette():
    image = Image.fromarray(GREY).quantize(4)
    image.info["transparency"] = 0
    found = decode(saved(image, "PNG", transparency=0))
    assert (found.rgb[np.asarray(image) == 0] == 255).all()
    assert found.kinds == ("transparent",)


@pytest.mark.parametrize("turn", range(2, 9))
def test_turned_by_exif_comes_upright(turn):
    """Oracle: what each of the values of the standard means, as numpy does it."""
    undo = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
        8: lambda a: np.rot90(a),
    }[turn]
    exif = Image.Exif()
    exif[0x0112] = turn
    found = decode(saved(Image.fromarray(RGB), "PNG", exif=exif))
    np.testing.assert_array_equal(found.rgb, undo(RGB))
    assert found.kinds == ("turned",)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF"])
def test_of_several_pictures_the_first_is_taken(kind):
    first, second = (Image.new("RGB", (12, 9), colour) for colour in ((255, 0, 0), (0, 0, 255)))
    found = decode(saved(first, kind, save_all=True, append_images=[second]))
    assert (found.rgb == (255, 0, 0)).all()
    assert found.kinds == ("several pictures",)


def test_bad_ones_say_why():
    whole = saved(Image.fromarray(DRAWS.integers(0, 256, (64, 64, 3), dtype=np.uint8)), "JPEG")
    png = bytearray(saved(Image.fromarray(RGB)))
    png[60] ^= 0xFF
    negative = saved(Image.fromarray(np.full((9, 12), -1, np.int32)), "TIFF")
    float_ = saved(Image.fromarray(np.full((9, 12), 0.5, np.float32)), "TIFF")
    for data, said in (
        (b"", "no picture of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture of a known format"),
        (b"<html>404</html>", "no picture of a known format"),
        (whole[: len(whole) // 2], "damaged: .*truncated"),
        (whole[:-300], "damaged: .*truncated"),
        (bytes(png), "damaged|no picture"),
        (saved(Image.fromarray(RGB[:7])), "too small: 12x7 pixels, at least 8x8"),
        (negative, "values of the kind 'I' beyond 16 bits"),
        (float_, "values of the kind 'F' beyond 16 bits"),
    ):
        with pytest.raises(BadPicture, match=said):
            decode(data)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_small_file_that_claims_to_be_huge():
    bomb = saved(Image.new("1", (10_000, 10_000)))
    assert len(bomb) < 20_000
    with pytest.raises(BadPicture, match="too large: 10000x10000 pixels"):
        decode(bomb)
