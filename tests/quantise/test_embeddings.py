from pathlib import Path

import h5py
import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.quantise import embeddings
from semcom.quantise.embeddings import Embeddings
from semcom.quantise.shared import SharedBase
from semcom.quantise.store import Store, pixel_digests, write

MENTOR = {"use": "efficientnet_lite0", "weights": "0" * 64}
ROWS = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float16)


def made(path: Path, rows: np.ndarray = ROWS, *, mentor: dict[str, str] = MENTOR) -> Embeddings:
    count = len(rows)
    write(
        path,
        iter(np.array_split(rows, 3)),
        dim=rows.shape[1],
        columns={
            "index": np.arange(count) + 1,
            "train": np.arange(count) % 4 > 0,
            "pixels": np.arange(count, dtype=np.uint64) * 7,
        },
        mentor=mentor,
        data="d" * 64,
    )
    return Embeddings.open(path)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "CHUNK", 7)


def test_all_comes_back(tmp_path: Path, small_chunks: None) -> None:
    opened = made(tmp_path / "e.h5")
    opened.verify()
    assert (len(opened), opened.dim, opened.data, opened.mentor) == (100, 8, "d" * 64, MENTOR)
    assert np.array_equal(opened.vectors(), ROWS.astype(np.float32))
    assert [len(piece) for piece in opened.chunks()] == [7] * 14 + [2]
    assert np.array_equal(opened.mapped(), ROWS)


@pytest.mark.parametrize(
    "wanted", [[], [0], [99], [3, 4, 50, 98, 99], list(range(0, 100, 9)), list(range(100))]
)
def test_parts_of_parts(wanted: list[int], tmp_path: Path, small_chunks: None) -> None:
    opened = made(tmp_path / "e.h5")
    positions = np.array(wanted, np.int64)
    part = opened.take(positions)
    assert np.array_equal(part.vectors(), ROWS[positions].astype(np.float32))
    assert np.array_equal(part.ids, positions + 1)
    twice = opened.take(opened.train).take(np.arange(0, 75, 2))
    assert np.array_equal(twice.vectors(), ROWS[opened.train][::2].astype(np.float32))
    some = np.concatenate(list(twice.chunks(np.array([1, 30]))))
    assert np.array_equal(some, ROWS[opened.train][[2, 60]].astype(np.float32))


def test_rows_rise(tmp_path: Path) -> None:
    with pytest.raises(SemcomError, match="taken in rising order"):
        made(tmp_path / "e.h5").take(np.array([3, 1]))


def test_a_base_of_a_part_is_a_base_of_those_vectors(tmp_path: Path, small_chunks: None) -> None:
    part = made(tmp_path / "e.h5").take(np.arange(10, 60))
    base = SharedBase.build(part, form="Flat")
    expected = part.vectors()
    np.testing.assert_allclose(
        base.decode(), expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6
    )
    assert base.about.sources == (("d" * 64, 50),)
    assert base.about.mentor == MENTOR


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    made(tmp_path / "a.h5")
    made(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_what_is_no_whole_file_is_named(tmp_path: Path) -> None:
    made(tmp_path / "e.h5")
    content = (tmp_path / "e.h5").read_bytes()
    (tmp_path / "short.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(SemcomError, match=r"short\.h5 is no whole file of embeddings .*: remove it and run"):
        Embeddings.open(tmp_path / "short.h5")
    with pytest.raises(SemcomError, match=r"there is no file of embeddings .*gone\.h5: run"):
        Embeddings.open(tmp_path / "gone.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(SemcomError, match="holds no embeddings of version 1"):
        Embeddings.open(tmp_path / "other.h5")
    with h5py.File(tmp_path / "e.h5", "r+") as file:
        file["embeddings"][50, 3] = 9
    with pytest.raises(SemcomError, match=r"the embeddings in .*e\.h5 are damaged"):
        Embeddings.open(tmp_path / "e.h5").verify()


def test_a_store_finds_rows_by_their_images_in_any_file(tmp_path: Path) -> None:
    made(tmp_path / "a.h5", ROWS[:40])
    other = {"use": "efficientnet_lite0", "weights": "1" * 64}
    made(tmp_path / "b.h5", ROWS, mentor=other)
    store = Store(8)
    assert (store.find(np.array([0, 7], np.uint64)) == -1).all()
    for name in ("a.h5", "b.h5", "gone.h5"):
        store.add_file(tmp_path / name, MENTOR)
    store.add(np.array([1000, 2], np.uint64), ROWS[50:52])
    wanted = np.array([2, 7 * 39, 7 * 40, 0, 1000], np.uint64)
    found = store.find(wanted)
    assert (found < 0).tolist() == [False, False, True, False, False]  # of another mentor, 40 does not count
    assert np.array_equal(store.take(found[found >= 0]), ROWS[[51, 39, 0, 50]])


def test_digests_tell_images_apart() -> None:
    images = np.random.default_rng(0).integers(0, 255, (50, 4, 5, 3), dtype=np.uint8)
    digests = pixel_digests(images)
    assert len(set(digests.tolist())) == 50
    assert np.array_equal(pixel_digests(images[::-1]), digests[::-1])
    other = images.copy()
    other[3, 2, 1, 0] ^= 1
    assert (pixel_digests(other) != digests).nonzero()[0].tolist() == [3]
    assert (pixel_digests(images.reshape(50, 5, 4, 3)) != digests).all()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format_version", "x", "holds no embeddings of version 1"),
        ("mentor", "{", "is no whole file of embeddings .*: remove it"),
        ("mentor", "3", "mentor 3 and network .* must be named values"),
        ("embeddings", ROWS[:, 0], r"embeddings \(100,\), index \(100,\)"),
        ("index", np.arange(99), r"embeddings \(100, 8\), index \(99,\)"),
    ],
)
def test_a_file_with_another_content_is_named(
    name: str, value: str | np.ndarray, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "e.h5"
    made(path)
    with h5py.File(path, "r+") as file:
        if isinstance(value, str):
            file.attrs[name] = value
        else:
            del file[name]
            file[name] = value
    with pytest.raises(SemcomError, match=rf"e\.h5 .*{message}"):
        Embeddings.open(path)
