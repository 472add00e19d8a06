"""Upload once: bytes, channel uses and PSNR of all training images."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import integrate

from semcom.channel.digital import table
from semcom.channel.digital.table import Tally
from semcom.codecs import payload
from semcom.codecs.images import decode, encode
from semcom.evaluate import upload
from semcom.frames.prepared import Prepared
from semcom.metrics.images import psnr_db
from semcom.params.entries import UploadEntry
from semcom.params.scheme import parse
from semcom.params.sections import Upload

SCHEME = parse("qpsk_uncoded", channel_uses=32)
Make = Callable[..., pd.DataFrame]


@pytest.fixture
def make(prepared_file: Path, tmp_path: Path) -> Make:
    """Runs the stage: WebP, which is quick, over a scheme that loses a quarter of its blocks at 10 dB."""

    def run(
        *,
        quality: tuple[int, ...] = (20, 80),
        modalities: tuple[str, ...] = ("rgb", "depth"),
        channel: str = "awgn",
        snr_db: float = 10,
        name: str = "out.csv",
    ) -> pd.DataFrame:
        errors = tmp_path / f"{SCHEME.stem}_{channel}.csv"
        table.write(
            errors,
            SCHEME,
            channel,
            [Tally(8.0, 10_000, 9_900), Tally(10.0, 10_000, 2_500), Tally(12.0, 10_000, 10)],
        )
        entry = UploadEntry(
            study="test",
            link_name="pq",
            data="0" * 32,
            code="1" * 16,
            channel=channel,  # type: ignore[arg-type]
            snr_db=snr_db,
            modalities=modalities,  # type: ignore[arg-type]
            upload=Upload(codec="webp", quality=quality),
            tables={errors.name: ""},
        )
        where = tmp_path / name
        upload.run(prepared_file, entry, tables=[errors], output=where, journal=tmp_path / "journal.jsonl")
        return pd.read_csv(where).set_index("quality")

    return run


@pytest.fixture
def images(prepared_file: Path) -> dict[str, list[np.ndarray]]:
    """What is to be sent, made from metres; the first 100 frames are for training."""
    frames = Prepared.open(prepared_file)
    metres = frames.depth_mm[:100] / 1000
    return {"rgb": list(frames.rgb[:100]), "depth": list(np.round(metres * 25.5).astype(np.uint8))}


def files(images: list[np.ndarray], quality: int) -> list[bytes]:
    return [encode(image, codec="webp", quality=quality) for image in images]


def test_bytes_are_the_sum_of_single_files(make, images):
    rows = make()
    assert rows.frames.tolist() == [100, 100]
    for quality in (20, 80):
        sent = files(images["rgb"] + images["depth"], quality)
        assert rows.file_bytes[quality] == sum(map(len, sent))
        assert rows.payload_bytes[quality] == sum(map(payload.count, sent)) < rows.file_bytes[quality]


def test_psnr_is_the_mean_of_that_of_each_image(make, images):
    rows = make(quality=(20,))
    for modality, of in images.items():
        each = []
        for image, data in zip(of, files(of, 20), strict=True):
            error = decode(data).astype(float) - (image if modality == "rgb" else image[..., None])
            if modality == "depth":
                error = error.mean(-1)  # WebP stores grey as colour
            each.append(10 * np.log10(255**2 / (error**2).mean()))
        assert np.std(each) > 0.05, "a pooled PSNR would differ"
        assert rows[f"psnr_{modality}_db"][20] == pytest.approx(np.mean(each), abs=1e-9)


def test_a_higher_quality_costs_more_and_is_nearer(make):
    low, high = make().iloc[0], make().iloc[1]
    for column in ("payload_bytes", "file_bytes", "psnr_rgb_db", "psnr_depth_db", "payload_uses_link"):
        assert high[column] > low[column], column


def test_channel_uses_at_capacity(make):
    rows = make(snr_db=11.5)
    for size in ("payload", "file"):
        uses = 8 * rows[f"{size}_bytes"] / np.log2(1 + 10**1.15)
        assert rows[f"{size}_uses_capacity"].tolist() == pytest.approx(uses.tolist(), rel=1e-12)


def test_over_fading_it_is_the_mean_capacity(make):
    row = make(channel="rayleigh", quality=(20,)).iloc[0]
    mean, _ = integrate.quad(lambda g: np.exp(-g) * np.log2(1 + 10 * g), 0, np.inf)
    assert row.payload_uses_capacity == pytest.approx(8 * row.payload_bytes / mean, rel=1e-6)


def test_over_the_link_blocks_are_sent_until_they_arrive(make):
    rows = make()
    for size in ("payload", "file"):
        blocks = np.ceil(8 * rows[f"{size}_bytes"] / 64)  # QPSK: 64 bits in 32 channel uses
        assert rows[f"{size}_uses_link"].tolist() == pytest.approx((blocks * 32 / 0.75).tolist(), rel=1e-9)
    assert (rows.scheme == "qpsk_uncoded").all()
    assert rows.bler.tolist() == pytest.approx([0.25, 0.25])


def test_a_link_that_nothing_passes_leaves_capacity(make):
    rows = make(snr_db=3)  # below the error table
    assert rows[["payload_uses_link", "file_uses_link"]].isna().all(axis=None)
    assert rows.payload_uses_capacity.gt(0).all()
    assert (rows.bler == 1).all()


def test_depth_is_sent_only_where_a_method_uses_it(make, images):
    rows = make(quality=(20,), modalities=("rgb",))
    assert rows.payload_bytes[20] == sum(map(payload.count, files(images["rgb"], 20)))
    assert rows.psnr_depth_db.isna().all()
    assert rows.modalities[20] == "rgb"
    assert make(quality=(20,)).modalities[20] == "rgb+depth"


def test_the_same_images_give_the_same_bytes(make, tmp_path):
    make(name="first.csv")
    make(name="second.csv")
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


def test_depth_has_255_steps_to_10_metres():
    millimetres = np.array([[0, 19, 20, 39, 4980, 10_000, 65_535]], np.uint16)
    assert upload.grey(millimetres).tolist() == [[0, 0, 1, 1, 127, 255, 255]]
    every = np.arange(10_001, dtype=np.uint16)[None]
    assert np.abs(upload.grey(every) / 25.5 - every / 1000).max() <= 0.5 / 25.5 + 1e-12


def test_psnr_of_known_errors():
    image = np.full((4, 6, 3), 100, np.uint8)
    off = image.copy()
    off[0] += 10  # a quarter of the pixels: mean squared error 25
    assert psnr_db(image, off) == pytest.approx(34.1514, abs=1e-4)
    assert psnr_db(image, off) == psnr_db(off, image)
    assert psnr_db(image, image) == pytest.approx(10 * np.log10(255**2 * 12))
    grey = np.asarray(Image.fromarray(image).convert("L"))
    assert psnr_db(grey, image) == psnr_db(grey, grey)
