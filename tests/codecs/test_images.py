import numpy as np
import pytest
from PIL import features

from semcom.codecs.images import FORMATS, decode, encode
from semcom.files.errors import SemcomError

CODECS = list(FORMATS)


def picture(height: int = 48, width: int = 64) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([128 + 100 * np.sin(x / 7 + y / 11), 128 + 90 * np.cos(y / 5), x * 255 / width], -1)
    return np.clip(smooth + np.random.default_rng(0).normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(((a.astype(float) - b) ** 2).mean(), 1e-9)))


@pytest.mark.parametrize("codec", CODECS)
def test_a_higher_quality_is_nearer_to_the_image_and_larger(codec: str) -> None:
    low, high = FORMATS[codec].qualities
    files = [encode(picture(), codec=codec, quality=low + (high - low) * i // 4) for i in (1, 2, 3)]
    sizes, nearness = [len(file) for file in files], [psnr(decode(file), picture()) for file in files]
    assert sizes == sorted(sizes)
    assert nearness == sorted(nearness)
    assert nearness[1] > 24


@pytest.mark.parametrize("codec", CODECS)
def test_the_same_image_gives_the_same_bytes(codec: str) -> None:
    quality = FORMATS[codec].qualities[1] // 2
    assert encode(picture(), codec=codec, quality=quality) == encode(picture(), codec=codec, quality=quality)


@pytest.mark.parametrize("codec", CODECS)
def test_grey_images_and_tiny_ones(codec: str) -> None:
    grey = picture(6, 16)[..., 0]
    back = decode(encode(grey, codec=codec, quality=FORMATS[codec].qualities[1]))
    assert psnr(back if back.ndim == 2 else back[..., 0], grey) > 35


def test_jpeg_2000_has_qualities_between_whole_ones():
    sizes = [len(encode(picture(), codec="jpeg2000", quality=quality)) for quality in (28, 28.25, 28.5, 29)]
    assert sizes == sorted(set(sizes))
    with pytest.raises(SemcomError, match="webp has whole qualities of 0 to 100, not 50.5"):
        encode(picture(), codec="webp", quality=50.5)


def test_what_is_asked_wrongly_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SemcomError, match="unknown image format 'aviv'; the nearest is avif"):
        encode(picture(), codec="aviv", quality=50)
    with pytest.raises(SemcomError, match="jpeg has qualities of 1 to 95, not 100"):
        encode(picture(), codec="jpeg", quality=100)
    with pytest.raises(SemcomError, match="uint16; scale depth to 8 bits"):
        encode(picture()[..., 0].astype(np.uint16), codec="avif", quality=50)
    with pytest.raises(SemcomError, match="3 bytes are no image"):
        decode(b"no!")
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    with pytest.raises(SemcomError, match="this Pillow has no avif; it has webp, jpeg, jpeg2000"):
        encode(picture(), codec="avif", quality=50)
