"""Image files over links: the best that fits is sent, code words decide its fate, mosaics share it."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_sample_images

from semcom.channel.digital.link import DigitalLink
from semcom.channel.digital.table import read
from semcom.codecs import budget, stored
from semcom.codecs.images import decode
from semcom.codecs.ladder import Ladder
from semcom.codecs.mosaic import join
from semcom.evaluate import encoding
from semcom.evaluate import images as sweep
from semcom.evaluate.imagefiles import AtCapacity, OverLink, SentFiles, Way
from semcom.evaluate.judge import Judge
from semcom.evaluate.transmission import of_sheet
from semcom.files.errors import SemcomError, Stopped
from semcom.metrics.reconstruction import psnr_db
from semcom.params.crlsc.imageentries import EncodingEntry, ImagesTestEntry
from semcom.params.crlsc.images import ImageFiles
from semcom.params.parts import PartEntry
from semcom.params.sections import Compute
from semcom.training.state import State

LINKS = Path("results/reference/links")
QPSK, QAM16 = (LINKS / f"{name}_32_awgn.csv" for name in ("qpsk_ldpc_1-2", "16qam_ldpc_3-4"))
QUALITIES = (1, 10, 30, 60, 90)
PARTS = (
    ("a", PartEntry(data="drawn", role="private")),
    ("test", PartEntry(data="drawn", role="test")),
)
PLACE = {"study": "test", "data": "0" * 32, "code": "1" * 16, "compute": Compute(), "seed": 0}


def patches(count: int, side: int = 32) -> np.ndarray:
    """Cut from a photograph, (count, side, side, 3)."""
    whole = load_sample_images().images[0]
    return np.stack([whole[40 * (i % 8) :, 50 * (i // 8) :][:side, :side] for i in range(count)])


def sent(
    images: np.ndarray, way: Way, *, qualities: tuple[float, ...] = QUALITIES, **given: Any
) -> SentFiles:
    files = ImageFiles(**({"codec": "webp"} | given))
    pictures = join(images, across=files.mosaic, down=files.mosaic)
    ladder = Ladder.build(pictures, codec=files.codec, qualities=qualities)
    mean = images.mean(0).round().astype(np.uint8)
    return SentFiles(ladder, way, files, mean=mean, judge=Judge(images))


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("counted", ["payload", "file"])
def test_the_best_file_that_fits_into_the_capacity_is_what_arrives(counted):
    images, uses = patches(6), 2400
    way = sent(images, AtCapacity("awgn", uses), counted=counted)
    for snr_db in (0, 10, 20):
        room = math.floor(uses * math.log2(1 + 10 ** (snr_db / 10)) / 8)
        arrived = way.send(snr_db, draws())
        for n, image in enumerate(images):
            made = [budget.at_quality(image, codec="webp", quality=int(q)) for q in QUALITIES]
            size = {"payload": "payload_bytes", "file": "file_bytes"}[counted]
            fitting = [one for one in made if getattr(one, size) <= room]
            best = max(fitting, key=lambda one: psnr_db(image[None], decode(one.data)[None])[0])
            np.testing.assert_array_equal(arrived.images[n], decode(best.data))
            assert arrived.measures["sent_bytes"][n] == getattr(best, size)
            assert arrived.measures["psnr_db"][n] == psnr_db(image[None], decode(best.data)[None])[0]
        assert arrived.measures["lost"].max() == 0
    fading = sent(images, AtCapacity("rayleigh", uses)).send(10, draws()).measures["room_bytes"]
    assert fading[0] < way.send(10, draws()).measures["room_bytes"][0], "the mean over gains is less"


def test_with_room_for_all_that_matters_images_are_nearly_themselves():
    way = sent(patches(4), AtCapacity("awgn", 30_000), codec="jpeg2000", qualities=(20.0, 50.0))
    assert way.send(20, draws()).measures["psnr_db"].min() > 45


def test_a_file_without_room_is_lost_and_said_to_be_too_large():
    images = patches(4)
    way = sent(images, AtCapacity("awgn", 10))
    arrived = way.send(0, draws())
    assert arrived.measures["too_large"].min() == arrived.measures["lost"].min() == 1
    assert arrived.measures["sent_bytes"].max() == 0
    np.testing.assert_array_equal(arrived.images, np.repeat(way.mean[None], 4, axis=0))


def test_a_file_is_lost_with_the_first_of_its_code_words():
    curve, images, words = read(QPSK), patches(40), 48
    way = sent(images, OverLink(DigitalLink((curve,), outside="bound"), 32 * words))
    assert way.send(10, draws()).measures["room_bytes"][0] == words * 32 // 8
    bler = 0.02
    lost = 1 - (1 - bler) ** words
    snr_db, generator = curve.snr_db_at(bler), draws()
    seen = np.concatenate([way.send(snr_db, generator).measures["lost"] for _ in range(25)])
    assert abs(seen.mean() - lost) < 4 * (lost * (1 - lost) / len(seen)) ** 0.5
    some, all_lost = way.send(snr_db, draws(1)), way.send(-20, draws())
    assert all_lost.measures["lost"].min() == 1
    mean = np.repeat(way.mean[None], 40, axis=0)
    np.testing.assert_array_equal(all_lost.measures["psnr_db"], psnr_db(images, mean))
    arrived = some.measures["lost"] == 0
    whole = way.known[words * 4][1]["psnr_db"]
    np.testing.assert_array_equal(some.measures["psnr_db"][arrived], whole[arrived])


def test_of_several_schemes_the_tables_choose_at_each_snr():
    curves = (read(QPSK), read(QAM16))
    way = sent(patches(8), OverLink(DigitalLink(curves, objective="reliable", outside="bound"), 32 * 48))
    low, high = (way.send(snr_db, draws()).measures for snr_db in (5, 20))
    assert low["room_bytes"][0] == 48 * 32 / 8
    assert high["room_bytes"][0] == 48 * 96 / 8
    assert high["psnr_db"].mean() > low["psnr_db"].mean() + 1


def test_images_of_a_mosaic_share_file_and_fate_and_come_back_to_their_places():
    images, curve = patches(10), read(QPSK)
    uses = 4 * 32 * 40
    way = sent(images, AtCapacity("awgn", uses), mosaic=2)
    arrived = way.send(20, draws())
    sheet = of_sheet(len(images))
    rest = np.roll(images, 1, axis=0)[sheet]
    assert (psnr_db(images[sheet], arrived.images) > psnr_db(rest, arrived.images) + 3).all()
    sizes = arrived.measures["sent_bytes"]
    assert len(set(sizes[:4])) == len(set(sizes[8:])) == 1
    over = sent(images, OverLink(DigitalLink((curve,), outside="bound"), 32 * 96), mosaic=2)
    generator, snr_db = draws(), curve.snr_db_at(0.01)
    fates = np.stack([over.way.lost(3, snr_db, generator) for _ in range(300)])
    lost = 1 - 0.99**96
    assert abs(fates.mean() - lost) < 4 * (lost * (1 - lost) / fates.size) ** 0.5
    seen = over.send(snr_db, draws(3)).measures["lost"]
    assert all(len(set(seen[i : i + 4])) == 1 for i in (0, 4, 8))


def test_a_mosaic_that_is_half_empty_has_half_the_room():
    images = patches(6)
    way = sent(images, AtCapacity("awgn", 4 * 400), mosaic=2)
    room = math.floor(4 * 400 * math.log2(1 + 10 ** (15 / 10)) / 8)
    sizes = way.send(15, draws()).measures["sent_bytes"]
    assert way.ladder.best(room)[1] > way.ladder.best(room // 2)[1], "or this says nothing"
    assert 2 * sizes[4] == way.ladder.payload_bytes[1, way.ladder.best(room // 2)[1]]


def encoded(frames: Path, folder: Path, **more: Any) -> Path:
    fields = {"name": "webp", "size": (32, 24), "part": "test", "codec": "webp", "mosaic": 1, "parts": PARTS}
    encoding.run(
        EncodingEntry(**(PLACE | fields | more)),
        frames=frames,
        files=folder / "files.npz",
        journal=folder / "journal.jsonl",
        states=folder.parent / "states",
    )
    return folder / "files.npz"


def sweeping(**more: Any) -> ImagesTestEntry:
    fields = {
        "method": "webp",
        "link_name": "awgn",
        "parts": PARTS,
        "part": "test",
        "mean_of": "a",
        "size": (32, 24),
        "channel": {"use": "awgn"},
        "channel_uses": 32 * 80,
        "vqvae": None,
        "scheme": None,
        "exact": False,
        "table": {QPSK.name: ""},
        "snr_db": (-10, 10),
        "draws": 2,
        "files": {"codec": "webp"},
    }
    return ImagesTestEntry(**(PLACE | fields | more))


def swept(frames: Path, folder: Path, given: ImagesTestEntry, **more: Any) -> pd.Series:
    fields: dict[str, Any] = {"table": folder / "table.csv", "sheet": folder / "sheet.png"}
    fields |= {"journal": folder / "j.jsonl", "error_tables": [QPSK]}
    sweep.run(given, frames=[frames], **(fields | more))
    return pd.read_csv(folder / "table.csv").groupby(["metric", "snr_db"])["value"].mean()


def test_a_sweep_reads_what_was_encoded_once(prepared_file, tmp_path):
    files = encoded(prepared_file, tmp_path / "first")
    rows = swept(prepared_file, tmp_path, sweeping(), files=files)
    assert rows["lost", -10] == 1
    lost = 1 - (1 - float(read(QPSK).bler(10, outside="bound"))) ** 80
    assert abs(rows["lost", 10] - lost) < 4 * (lost * (1 - lost) / 100) ** 0.5
    assert rows["psnr_db", 10] > rows["psnr_db", -10] + 1
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    bound = swept(prepared_file, tmp_path, sweeping(capacity=True, table={}), files=files, error_tables=[])
    assert bound["psnr_db", 10] > rows["psnr_db", 10]
    assert bound["room_bytes", 10] == math.floor(2560 * math.log2(11) / 8)


def test_a_stopped_encoding_goes_on_and_gives_the_same_bytes(prepared_file, tmp_path, monkeypatch):
    whole = encoded(prepared_file, tmp_path / "a" / "whole")
    monkeypatch.setattr(encoding, "AT_ONCE", 32 * 24 * 12)
    save, kept = State.save, []

    def stopped(held: State, name: str, content: Any) -> None:
        save(held, name, content)
        kept.append(name)
        held.stop.ask()

    monkeypatch.setattr(State, "save", stopped)
    with pytest.raises(Stopped):
        encoded(prepared_file, tmp_path / "b" / "again")
    monkeypatch.setattr(State, "save", save)
    assert len(kept) == 1
    build, built = Ladder.build, []
    monkeypatch.setattr(
        Ladder, "build", classmethod(lambda cls, *a, **k: built.append(len(a[0])) or build(*a, **k))
    )
    assert encoded(prepared_file, tmp_path / "b" / "again").read_bytes() == whole.read_bytes()
    assert sum(built) == 50 - 12, "what was encoded before the stop is not encoded again"


def test_files_of_other_images_damaged_or_missing_are_refused(prepared_file, tmp_path):
    files = encoded(prepared_file, tmp_path / "files")
    images = patches(3)
    with pytest.raises(SemcomError, match="is of other images"):
        stored.read(files, images, codec="webp")
    with pytest.raises(SemcomError, match="holds webp files, not avif"):
        stored.read(files, images, codec="avif")
    with pytest.raises(SemcomError, match="webp sends image files; give --files"):
        swept(prepared_file, tmp_path, sweeping())
    with pytest.raises(SemcomError, match="give --error-table"):
        swept(prepared_file, tmp_path, sweeping(), files=files, error_tables=[])
    with pytest.raises(SemcomError, match="sends images by a network; give --network"):
        swept(prepared_file, tmp_path, sweeping(files=None))
    with pytest.raises(SemcomError, match="2 error tables for 1 schemes with a code of webp; give"):
        swept(prepared_file, tmp_path, sweeping(), files=files, error_tables=[QPSK, QPSK])
    with pytest.raises(SemcomError, match="webp sends image files; leave --network out"):
        swept(prepared_file, tmp_path, sweeping(), network=files)
    with pytest.raises(SemcomError, match="sends images by a network; leave --files out"):
        swept(prepared_file, tmp_path, sweeping(files=None), files=files)
    files.write_bytes(files.read_bytes()[:-400])
    with pytest.raises(SemcomError, match="is damaged"):
        stored.read(files, images, codec="webp")
    with pytest.raises(SemcomError, match="is missing"):
        stored.read(tmp_path / "none.npz", images, codec="webp")


def test_a_ladder_comes_back_from_its_file_as_it_was(tmp_path):
    images = patches(5)
    ladder = Ladder.build(images, codec="webp", qualities=QUALITIES)
    stored.write(tmp_path / "files.npz", ladder, images)
    again = stored.read(tmp_path / "files.npz", images, codec="webp")
    assert again.files == ladder.files
    assert (again.qualities, again.shape) == (ladder.qualities, ladder.shape)
    for name in ("file_bytes", "payload_bytes", "psnr_db"):
        np.testing.assert_array_equal(getattr(again, name), getattr(ladder, name))
    halves = [
        Ladder.build(images[part], codec="webp", qualities=QUALITIES) for part in (slice(2), slice(2, 5))
    ]
    assert stored.joined(halves).files == ladder.files
