"""The best file in so many bytes, on real photographs, alone and in mosaics."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from semcom.codecs import budget, mosaic
from semcom.codecs.images import FORMATS, decode
from semcom.codecs.ladder import NONE, QUALITIES, Ladder
from semcom.files.errors import SemcomError
from semcom.metrics.images import psnr_db

CODECS = list(FORMATS)
FEW = {"avif": (10, 40, 70), "webp": (5, 40, 80), "jpeg": (5, 40, 80), "jpeg2000": (18.5, 24, 28)}


def photographs(width: int, height: int) -> np.ndarray:
    """Scikit-learn's two, (2, height, width, 3)."""
    small = [Image.fromarray(image).resize((width, height)) for image in load_sample_images().images]
    return np.stack([np.asarray(image) for image in small])


def patches(count: int, side: int = 32) -> np.ndarray:
    """Cut from a photograph, (count, side, side, 3)."""
    whole = load_sample_images().images[0]
    return np.stack([whole[40 * (i % 8) :, 50 * (i // 8) :][:side, :side] for i in range(count)])


@pytest.fixture(scope="module", params=CODECS)
def ladder(request: pytest.FixtureRequest) -> Ladder:
    return Ladder.build(photographs(96, 72), codec=request.param, qualities=FEW[request.param])


def test_sizes_are_counted_file_by_file(ladder):
    beside = 1 if ladder.codec == "jpeg" else 0
    for n, image in enumerate(photographs(96, 72)):
        for q, quality in enumerate(FEW[ladder.codec]):
            one = budget.at_quality(image, codec=ladder.codec, quality=quality)
            assert one.data == ladder.files[n][q]
            assert ladder.file_bytes[n, q] == one.file_bytes == len(one.data)
            assert ladder.payload_bytes[n, q] == one.payload_bytes + beside
            assert ladder.psnr_db[n, q] == psnr_db(image, decode(one.data))
    assert (ladder.payload_bytes < ladder.file_bytes).all()


@pytest.mark.parametrize("counted", ["payload", "file"])
def test_the_best_that_fits_is_found(ladder, counted):
    sizes = ladder.payload_bytes if counted == "payload" else ladder.file_bytes
    for limit in (*sizes.ravel(), *(sizes.ravel() - 1), 0, 10**6):
        for n, rung in enumerate(ladder.best(limit, counted=counted)):
            fitting = [q for q in range(3) if sizes[n, q] <= limit]
            if fitting:
                assert sizes[n, rung] <= limit
                assert ladder.psnr_db[n, rung] == max(ladder.psnr_db[n, q] for q in fitting)
            else:
                assert rung == NONE
    each = ladder.best(sizes[:, 1], counted=counted)
    assert each.tolist() == [ladder.best(sizes[n, 1], counted=counted)[n] for n in range(2)]


def test_what_is_decoded_is_the_file_or_stands_for_it(ladder):
    grey = np.full((72, 96, 3), 99, np.uint8)
    images = ladder.decoded(np.array([2, NONE]), instead=grey)
    assert np.array_equal(images[0], decode(ladder.files[0][2]))
    assert np.array_equal(images[1], grey)
    with pytest.raises(SemcomError, match=r"\(72, 96, 3\) of uint8, not \(72, 96\)"):
        ladder.decoded(np.array([2, NONE]), instead=grey[..., 0])


def test_where_neither_size_nor_psnr_rises_all_rungs_are_looked_at():
    found = Ladder(
        codec="webp",
        qualities=(1, 2, 3, 4),
        files=((b"",) * 4,),
        file_bytes=np.array([[9, 9, 9, 9]]),
        payload_bytes=np.array([[5, 7, 4, 6]]),
        psnr_db=np.array([[20.0, 26.0, 25.0, 25.0]]),
        shape=(8, 8, 3),
    )
    assert [found.best(limit)[0] for limit in (3, 4, 5, 6, 7)] == [NONE, 2, 2, 2, 1]


@pytest.mark.parametrize("codec", CODECS)
def test_grey_images_come_back_grey(codec):
    grey = photographs(48, 40)[..., 1]
    found = Ladder.build(grey, codec=codec, qualities=FEW[codec][-1:])
    images = found.decoded(np.zeros(2, int), instead=grey[0])
    assert images.shape == grey.shape
    for n in range(2):
        assert psnr_db(grey[n], images[n]) == pytest.approx(found.psnr_db[n, 0], abs=0.02)


def test_a_ladder_that_is_none_is_refused():
    with pytest.raises(SemcomError, match=r"rise from one to the next, not \[40, 40\]"):
        Ladder.build(photographs(32, 32), codec="webp", qualities=(40, 40))
    with pytest.raises(SemcomError, match="at least one image"):
        Ladder.build(photographs(32, 32)[:0], codec="webp")
    with pytest.raises(SemcomError, match="unknown image format"):
        Ladder.build(photographs(32, 32), codec="bpg")
    for codec, rungs in QUALITIES.items():
        low, high = FORMATS[codec].qualities
        assert low <= rungs[0] < rungs[-1] <= high
        assert list(rungs) == sorted(set(rungs))


@pytest.mark.parametrize("shape", [(70, 4, 6, 3), (64, 5, 5), (1, 2, 3, 3)])
def test_mosaics_lose_nothing_themselves(shape):
    images = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    mosaics = mosaic.join(images)
    assert mosaics.shape == (-(-shape[0] // 64), 8 * shape[1], 8 * shape[2], *shape[3:])
    assert np.array_equal(mosaic.split(mosaics, count=shape[0]), images)
    assert np.array_equal(mosaics[0, : shape[1], : shape[2]], images[0])
    if shape[0] > 9:
        assert np.array_equal(mosaics[0, shape[1] : 2 * shape[1], shape[2] : 2 * shape[2]], images[9])


@pytest.mark.parametrize("codec", CODECS)
def test_images_of_a_mosaic_share_its_headers(codec):
    """Of the same quality: file bytes an image are fewer by most of a header, and the images are there."""
    images = patches(64)
    quality = FEW[codec][1]
    alone = Ladder.build(images, codec=codec, qualities=(quality,))
    together = Ladder.build(mosaic.join(images), codec=codec, qualities=(quality,))
    headers = alone.file_bytes - alone.payload_bytes
    assert together.file_bytes[0, 0] / 64 < alone.file_bytes.mean() - 0.5 * headers.mean()
    decoded = together.decoded(np.zeros(1, int), instead=np.zeros((256, 256, 3), np.uint8))
    back = mosaic.split(decoded, count=64)
    nearness = [psnr_db(a, b) for a, b in zip(images, back, strict=True)]
    assert np.mean(nearness) > alone.psnr_db.mean() - 3  # a misplaced patch has 10 dB


def test_mosaics_that_do_not_divide_are_refused():
    with pytest.raises(
        SemcomError, match=r"1 mosaics of 64×64 pixels do not divide into 65 images, 8×8 on each"
    ):
        mosaic.split(np.zeros((1, 64, 64, 3), np.uint8), count=65)
    with pytest.raises(SemcomError, match="do not divide"):
        mosaic.split(np.zeros((1, 60, 64, 3), np.uint8), count=64)
    with pytest.raises(SemcomError, match=r"not of shape \(0, 4, 4\)"):
        mosaic.join(np.zeros((0, 4, 4), np.uint8))
