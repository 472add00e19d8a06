"""The counted bytes are enough: in the headers of *another* image of that size and quality they decode."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from semcom.codecs import budget, payload
from semcom.codecs.images import FORMATS, decode, encode
from semcom.codecs.ladder import QUALITY_BYTES
from semcom.files.errors import SemcomError


def picture(seed: int) -> np.ndarray:
    y, x = np.mgrid[0:36, 0:48]
    smooth = 128 + 60 * np.sin(x[..., None] / (5 + seed) + np.arange(3)) + 40 * np.cos(y[..., None] / 7)
    noise = np.random.default_rng(seed).normal(0, 5 + 3 * seed, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def graft(donor: bytes, content: bytes) -> bytes:
    """Headers of `donor` around `content`, with nothing but lengths changed."""
    ((start, stop),) = payload.spans(donor)
    head, tail = bytearray(donor[:start]), donor[stop:]
    if donor[:3] == b"\xff\xd8\xff":  # JPEG: no length stands anywhere
        return bytes(head) + content + tail
    if donor[:4] == b"\xff\x4f\xff\x51":  # JPEG 2000: length of the tile-part
        at = donor.index(b"\xff\x90")
        struct.pack_into(">I", head, at + 6, start - at + len(content))
        return bytes(head) + content + tail
    if donor[8:12] == b"WEBP":  # lengths of chunk and file, an even number of bytes
        content_even = content + b"\0" * (len(content) % 2)
        struct.pack_into("<I", head, start - 4, len(content))
        struct.pack_into("<I", head, 4, start - 8 + len(content_even))
        return bytes(head) + content_even
    struct.pack_into(">I", head, start - 8, 8 + len(content))  # AVIF: `mdat`, and the item's extent in `iloc`
    at = donor.index(b"iloc")
    extent = donor.index(struct.pack(">I", stop - start), at)
    struct.pack_into(">I", head, extent, len(content))
    return bytes(head) + content + tail


@pytest.mark.parametrize("codec", list(FORMATS))
def test_counted_bytes_decode_with_another_images_headers(codec: str) -> None:
    quality = sum(FORMATS[codec].qualities) // 2
    file, donor = (encode(picture(seed), codec=codec, quality=quality) for seed in (1, 2))
    ((start, stop),) = payload.spans(file)
    assert payload.count(file) == stop - start < len(file)
    assert len(file) != len(donor)
    assert np.array_equal(decode(graft(donor, file[start:stop])), decode(file))


@pytest.mark.parametrize("codec", list(FORMATS))
def test_which_payloads_tell_their_own_quality(codec: str) -> None:
    """Headers of another image at another quality do, but for JPEG: there the receiver must be told it."""
    low, high = FORMATS[codec].qualities
    file = encode(picture(1), codec=codec, quality=low + (high - low) // 3)
    donor = encode(picture(2), codec=codec, quality=low + (high - low) * 3 // 4)
    ((start, stop),) = payload.spans(file)
    same = np.array_equal(decode(graft(donor, file[start:stop])), decode(file))
    assert same == (codec not in QUALITY_BYTES)


def test_an_avif_of_32_by_32_is_mostly_container() -> None:
    file = encode(picture(1)[:32, :32], codec="avif", quality=50)
    assert len(file) - payload.count(file) == 275


@pytest.mark.parametrize("codec", list(FORMATS))
def test_a_file_cut_short_is_refused(codec: str) -> None:
    file = encode(picture(1), codec=codec, quality=sum(FORMATS[codec].qualities) // 2)
    for stop in (len(file) // 2, 13):
        with pytest.raises(SemcomError, match="cut short|are no AVIF"):
            payload.count(file[:stop])


def test_other_files_are_refused() -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture(1)).save(buffer, "PNG")
    with pytest.raises(SemcomError, match="are no AVIF, WebP, JPEG or JPEG 2000"):
        payload.count(buffer.getvalue())


@pytest.mark.parametrize("codec", list(FORMATS))
@pytest.mark.parametrize("counted", ["file", "payload"])
def test_the_budget_is_kept_and_used(codec: str, counted: budget.Counted) -> None:
    limit = 900
    best = budget.within(picture(1), codec=codec, budget_bytes=limit, counted=counted)
    used = best.file_bytes if counted == "file" else best.payload_bytes
    assert used <= limit
    assert best.file_bytes == len(best.data)
    assert best.payload_bytes == payload.count(best.data)
    if best.quality < FORMATS[codec].qualities[1]:
        above = budget.at_quality(picture(1), codec=codec, quality=best.quality + 1)
        assert (above.file_bytes if counted == "file" else above.payload_bytes) > limit


def test_a_budget_that_nothing_meets_is_told_the_least_size() -> None:
    with pytest.raises(SemcomError, match=r"48×36 image takes \d+ bytes \(payload\) as webp at its lowest"):
        budget.within(picture(1), codec="webp", budget_bytes=20)
