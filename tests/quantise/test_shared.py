"""The shared base: what it decodes and finds, its bytes on disk, what is added later, and what it refuses."""

import hashlib
from pathlib import Path

import faiss
import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.quantise import container
from semcom.quantise.about import About, mentor_sha256
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory

DIM = 32
MENTOR = {"use": "efficientnet_lite0", "weights": "0" * 64}
FORMS = (
    "Flat", "SQ8", "SQ4", "SQfp16", "SQbf16", "PQ8", "PQ8x4", "PQ8x4fs", "Clusters32", "PCA16,PQ8x4",
    "PCAR16,SQ8", "PCAW16,PQ8x4", "RR16,PQ8x4", "OPQ8_16,PQ8x4", "PCA16,OPQ8,PQ8x4", "IVF8,Flat",
    "IVF8,PQ8x4", "IVF8,PQ8x4fs", "IVF8,PQ8x4fsr", "IVF8,SQ8", "OPQ8_16,IVF8,PQ8x4fs",
)  # fmt: skip


def drawn(count: int, *, seed: int = 0, first: int = 0) -> InMemory:
    """Vectors of many lengths around 20 directions, which all lean one way."""
    draws = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(20, DIM)) + 0.5
    near = centres[draws.integers(0, 20, count)] + 0.4 * draws.normal(size=(count, DIM))
    scaled = (near * draws.uniform(0.1, 10, (count, 1))).astype(np.float32)
    return InMemory(scaled, np.arange(first, first + count), mentor=MENTOR, data="d1")


def directions(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.fixture(scope="module")
def source() -> InMemory:
    return drawn(1500)


@pytest.fixture(scope="module")
def bases(source: InMemory) -> dict[str, SharedBase]:
    return {form: SharedBase.build(source, form=form) for form in FORMS}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_decoded_is_of_unit_length_and_near_what_was_coded(
    form: str, bases: dict[str, SharedBase], source: InMemory
) -> None:
    decoded = bases[form].decode()
    np.testing.assert_allclose(np.linalg.norm(decoded, axis=1), 1, atol=1e-5)
    cosine = (decoded * directions(source.array)).sum(1).mean()
    least = {"Flat": 0.999999, "IVF8,Flat": 0.999999, "SQ8": 0.9999, "SQfp16": 0.99999, "RR16,PQ8x4": 0.55}
    assert cosine > least.get(form, 0.8)


@pytest.mark.parametrize("form", FORMS)
def test_the_bytes_on_disk_are_those_of_the_parts_and_all_comes_back(
    form: str, bases: dict[str, SharedBase], tmp_path: Path
) -> None:
    base, path = bases[form], tmp_path / "base.skb"
    base.save(path)
    assert sum(base.sizes().values()) == path.stat().st_size
    again = SharedBase.load(path)
    assert again.about == base.about
    assert np.array_equal(again.ids, base.ids)
    assert np.array_equal(again.decode(), base.decode())
    queries = drawn(50, seed=5).array
    for one, other in zip(again.search(queries, 7), base.search(queries, 7), strict=True):
        assert np.array_equal(one, other)


def test_the_parts_are_what_they_should_be(bases: dict[str, SharedBase]) -> None:
    """Bytes counted by hand: 1,500 vectors of 32 dimensions."""
    assert bases["Flat"].sizes()["codes"] == 1500 * 32 * 4
    assert bases["SQfp16"].sizes()["codes"] == 1500 * 32 * 2
    small = bases["OPQ8_16,PQ8x4"].sizes()
    assert small["codes"] == 1500 * 8 * 4 // 8
    assert small["codebooks"] == 8 * 16 * 2 * 4
    assert small["rotation"] == 4 * (16 * 32 + 16 + 32)
    assert bases["Clusters32"].sizes()["codes"] == 1500
    lists = bases["IVF8,PQ8x4fs"].sizes()
    assert lists["lists"] == 8 * 32 * 4 + 8 * 1500
    assert lists["codes"] % (32 * 4) == 0  # whole blocks of 32 vectors
    assert 0 <= lists["codes"] - 1500 * 4 < 8 * 32 * 4
    for base in bases.values():
        assert base.sizes()["ids"] < 100  # 0, 1, 2, …
        assert base.sizes()["description"] < 1000


@pytest.mark.parametrize("form", FORMS)
def test_more_can_be_added_and_what_is_there_stays(form: str, source: InMemory) -> None:
    base = SharedBase.build(source, form=form)
    before = base.decode()
    base.add(drawn(1500, first=5000))  # the same vectors by other names
    base.decode()
    base.add(InMemory(source.array[:7], np.arange(9000, 9007), mentor=MENTOR, data="d2"))
    after = base.decode()
    assert np.array_equal(after, np.concatenate([before, before, before[:7]]))
    assert base.ids.tolist() == [*range(1500), *range(5000, 6500), *range(9000, 9007)]
    assert base.about.sources == (("d1", 3000), ("d2", 7))
    assert base.positions(np.array([[9003, 5], [42_000, 5000]])).tolist() == [[3003, 5], [-1, 1500]]


@pytest.mark.parametrize("form", FORMS)
def test_no_scale_matters(form: str, bases: dict[str, SharedBase], source: InMemory) -> None:
    """Powers of two change no digit of a vector: nothing may differ, in training, coding or search."""
    scale = 2.0 ** np.random.default_rng(3).integers(-8, 9, (1500, 1)).astype(np.float32)
    other = SharedBase.build(InMemory(source.array * scale, source.ids, mentor=MENTOR, data="d1"), form=form)
    assert np.array_equal(other.decode(), bases[form].decode())
    queries = drawn(50, seed=6).array
    similarity, position = bases[form].search(queries, 5)
    again = other.search(queries * scale[:50], 5)
    assert np.array_equal(again[1], position)
    assert np.array_equal(again[0], similarity)


def test_a_flat_base_finds_what_brute_force_finds(bases: dict[str, SharedBase], source: InMemory) -> None:
    queries = drawn(60, seed=7).array
    cosines = directions(queries.astype(np.float64)) @ directions(source.array.astype(np.float64)).T
    similarity, position = bases["Flat"].search(queries, 10)
    nearest = -np.sort(-cosines, axis=1)[:, :10]
    np.testing.assert_allclose(np.take_along_axis(cosines, position, 1), nearest, atol=1e-6)
    np.testing.assert_allclose(similarity, nearest, atol=1e-6)
    lists = bases["IVF8,Flat"]
    np.testing.assert_allclose(lists.search(queries, 10, probes=8)[0], nearest, atol=1e-6)
    found = [(lists.search(queries, 1500, probes=probes)[1] >= 0).sum() for probes in (8, 4, 1)]
    assert found == sorted(found, reverse=True)
    assert found[0] == 60 * 1500 > found[1] > found[2]


def test_codes_are_searched_by_the_distance_from_what_they_stand_for(bases: dict[str, SharedBase]) -> None:
    """Brute force over the decoded vectors, before they are scaled to unit length."""
    base, queries = bases["PQ8x4"], directions(drawn(60, seed=8).array)
    stored = base.index.reconstruct_n(0, len(base))
    distance = ((queries[:, None] - stored) ** 2).sum(-1)
    similarity, position = base.search(queries, 10)
    nearest = np.sort(distance, axis=1)[:, :10]
    np.testing.assert_allclose(similarity, 1 - nearest / 2, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(distance, position, 1), nearest, atol=1e-5)
    # Shorter than what was coded, and scaled to unit length again.
    assert np.linalg.norm(stored, axis=1).mean() < 0.99
    np.testing.assert_allclose(base.decode(), directions(stored), atol=1e-6)


def test_fewer_than_k_are_marked(source: InMemory) -> None:
    base = SharedBase.build(InMemory(source.array[:3], source.ids[:3]), form="Flat")
    similarity, position = base.search(source.array[:2], 5)
    assert (position[:, 3:] == -1).all()
    assert np.isneginf(similarity[:, 3:]).all()
    assert (position[:, 0] == [0, 1]).all()


def test_codebooks_made_by_hand_round_trip_exactly(tmp_path: Path) -> None:
    """Four sub-vectors of three dimensions, two centroids each, all of length ½: each vector is its code."""
    books = directions(np.random.default_rng(0).normal(size=(4, 2, 3))).astype(np.float32) / 2
    index = faiss.IndexPQ(12, 4, 1)
    faiss.copy_array_to_vector(books.ravel(), index.pq.centroids)
    index.is_trained = True
    about = About("PQ4x1", "PQ4x1", 12, 0, 0, {}, mentor_sha256({}))
    base = SharedBase(index, None, np.empty(0, np.int64), about)
    bits = np.array([[n >> part & 1 for part in range(4)] for n in range(16)])
    vectors = np.concatenate([books[part][bits[:, part]] for part in range(4)], axis=1)
    base.add(InMemory.numbered(3 * vectors))
    base.save(tmp_path / "hand.skb")
    again = SharedBase.load(tmp_path / "hand.skb")
    codes = faiss.vector_to_array(again.index.codes)
    assert np.array_equal(codes, bits @ [1, 2, 4, 8])
    assert np.array_equal(again.index.reconstruct_n(0, 16), vectors)
    np.testing.assert_allclose(again.decode(), vectors, atol=1e-7)
    assert np.array_equal(again.search(vectors, 1)[1][:, 0], np.arange(16))


@pytest.mark.parametrize("form", ["PQ8x4", "OPQ8_16,IVF8,PQ8x4fs", "RR16,Clusters32", "PCA16,PQ8"])
def test_a_seed_decides_every_byte(form: str, source: InMemory, tmp_path: Path) -> None:
    files = []
    for number, seed in enumerate((0, 0, 1)):
        SharedBase.build(source, form=form, seed=seed, sample=1000).save(tmp_path / f"{number}")
        files.append((tmp_path / f"{number}").read_bytes())
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_training_sees_the_sample_alone(source: InMemory) -> None:
    """Of all vectors, 700: as many as codebooks of four bits take, and no more are drawn."""
    base = SharedBase.build(source, form="PQ8x4", sample=700, too_few="refuse")
    assert base.about.sample == 700
    assert len(base) == 1500
    with pytest.raises(SemcomError, match="600 vectors are too few to train the form PQ8x4, which takes 624"):
        SharedBase.build(source, form="PQ8x4", sample=600, too_few="refuse")


def test_it_says_what_became_of_the_form(source: InMemory) -> None:
    about = SharedBase.build(source, form="PQ8", seed=3).about
    assert (about.asked, about.form, about.dim, about.seed, about.sample) == ("PQ8", "PQ8x5", DIM, 3, 1500)
    assert about.mentor == MENTOR


def test_vectors_of_another_mentor_or_dimension_are_refused(source: InMemory) -> None:
    base = SharedBase.build(source, form="Flat")
    other = InMemory(source.array, source.ids + 5000, mentor={"use": "open_clip", "name": "RN50"})
    with pytest.raises(SemcomError, match=r"efficientnet_lite0 \(\w{12}\), these vectors by open_clip RN50"):
        base.add(other)
    with pytest.raises(SemcomError, match=r"vectors of 32 dimensions.*lite0.*; these have 31: take those"):
        base.search(source.array[:, :31], 3)
    with pytest.raises(SemcomError, match="their spaces have nothing in common; take the base's mentor"):
        base.search(source.array, 3, mentor=other.mentor)
    assert base.search(source.array[:2], 1, mentor=MENTOR)[1].tolist() == [[0], [1]]
    with pytest.raises(SemcomError, match="these have 16"):
        base.add(InMemory(source.array[:, :16], source.ids + 5000, mentor=MENTOR))
    assert len(base) == 1500


def test_ids_stand_once(source: InMemory) -> None:
    base = SharedBase.build(source, form="Flat")
    with pytest.raises(SemcomError, match="of 1500 ids to add 7 is in the base already"):
        base.add(InMemory(source.array, source.ids + np.where(source.ids == 7, 0, 9000), mentor=MENTOR))
    with pytest.raises(SemcomError, match="of 1500 ids to add one stands twice"):
        base.add(InMemory(source.array, np.full(1500, 9000), mentor=MENTOR))
    assert len(base) == base.index.ntotal == 1500


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_vectors_without_direction_are_refused(value: float, source: InMemory) -> None:
    broken = source.array.copy()
    broken[5] = value
    base = SharedBase.build(source, form="Flat")
    with pytest.raises(SemcomError, match=r"vector 5 has the length .*, so no direction"):
        base.add(InMemory(broken, source.ids + 5000, mentor=MENTOR))
    with pytest.raises(SemcomError, match="query 5 has the length"):
        base.search(broken, 1)
    assert len(base) == base.index.ntotal == len(base.decode())


def test_there_is_no_such_position(bases: dict[str, SharedBase]) -> None:
    for position in (-1, 1500):
        with pytest.raises(SemcomError, match=f"position {position} is none of 0 to 1499"):
            bases["Flat"].decode(np.array([[0, position]]))
    assert bases["Flat"].decode(np.array([[0, 1], [2, 3]])).shape == (2, 2, DIM)


def test_a_truncated_or_damaged_file_is_named(bases: dict[str, SharedBase], tmp_path: Path) -> None:
    whole = tmp_path / "base.skb"
    bases["PQ8"].save(whole)
    content = whole.read_bytes()
    middle = len(content) // 2
    cases = {
        "half": content[:middle],
        "short": content[:-1],
        "long": content + b"x",
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "ends": content[:-1] + bytes([content[-1] ^ 1]),
    }
    for name, damaged in cases.items():
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(SemcomError, match=rf"{name} is truncated or damaged: its checksum does not fit"):
            SharedBase.load(tmp_path / name)
    for name, other in {"empty": b"", "index": faiss.serialize_index(bases["PQ8"].index).tobytes()}.items():
        (tmp_path / name).write_bytes(other)
        with pytest.raises(SemcomError, match="is no knowledge base that this version wrote"):
            SharedBase.load(tmp_path / name)
    with pytest.raises(SemcomError, match="cannot read the knowledge base .*gone"):
        SharedBase.load(tmp_path / "gone")


def test_ids_in_any_order_come_back(source: InMemory, tmp_path: Path) -> None:
    ids = np.random.default_rng(0).permutation(10**12 + np.arange(1500) * 7) - 10**11
    base = SharedBase.build(InMemory(source.array, ids), form="SQ8")
    base.save(tmp_path / "b")
    assert np.array_equal(SharedBase.load(tmp_path / "b").ids, ids)
    assert np.array_equal(base.positions(ids[::-1]), np.arange(1500)[::-1])


def test_each_vector_has_an_id(source: InMemory) -> None:
    for ids in (source.ids[:10], np.arange(1600), source.ids[:, None]):
        with pytest.raises(SemcomError, match=r"vectors of shape \(1500, 32\) and ids of shape .* an id for"):
            InMemory(source.array, ids)
    with pytest.raises(SemcomError, match=r"vectors of shape \(32,\)"):
        InMemory.numbered(source.array[0])


def test_there_is_something_to_build_of_and_a_seed(source: InMemory) -> None:
    with pytest.raises(SemcomError, match="a base of 0 vectors by seed 0; give at least 1"):
        SharedBase.build(InMemory.numbered(source.array[:0]), form="Flat")
    with pytest.raises(
        SemcomError, match="a base of 1500 vectors by seed -1; give at least 1, and 0 or more"
    ):
        SharedBase.build(source, form="Flat", seed=-1)


@pytest.mark.parametrize("form", ["Flat", "IVF8,Flat"])
def test_what_cannot_be_searched_for_is_refused(form: str, bases: dict[str, SharedBase]) -> None:
    base, queries = bases[form], drawn(4).array
    for k in (0, -1, 1.5, True):
        with pytest.raises(SemcomError, match=f"a search with k {k}; give a whole number from 1 on"):
            base.search(queries, k)  # type: ignore[arg-type]
    with pytest.raises(SemcomError, match="a search with probes -1; give"):
        base.search(queries, 1, probes=-1)
    with pytest.raises(SemcomError, match=r"queries \(32,\): give an array of shape \(Q, 32\)"):
        base.search(queries[0], 1)
    with pytest.raises(SemcomError, match=r"queries of type list: give an array of shape \(Q, 32\)"):
        base.search(queries.tolist(), 1)
    assert [found.shape for found in base.search(queries[:0], 3)] == [(0, 3), (0, 3)]
    assert np.array_equal(base.search(queries, np.int64(3))[1], base.search(queries, 3)[1])


@pytest.mark.parametrize("section", ["index", "ids", "matrix"])
def test_another_content_under_a_checksum_that_fits_it_is_refused(
    section: str, bases: dict[str, SharedBase], tmp_path: Path
) -> None:
    path = tmp_path / "base.skb"
    bases["OPQ8_16,PQ8x4"].save(path)
    whole = path.read_bytes()
    begin, length = container.read(path).places[section]
    fill = bytes(length) if section != "matrix" else bytes(length - 4) + b"{}{}"
    crafted = whole[:begin] + fill + whole[begin + length : -32]
    if section == "matrix":  # a description that says less of it
        crafted = crafted.replace(b'["matrix",2048]', b'["matrix",2044]')
    path.write_bytes(crafted + hashlib.sha256(crafted).digest())
    with pytest.raises(SemcomError, match=r"base\.skb is whole, but its content is none \([^/]+\); get it"):
        SharedBase.load(path)


def test_as_many_ids_as_vectors_come_back(bases: dict[str, SharedBase], tmp_path: Path) -> None:
    base = bases["Flat"]
    SharedBase(base.index, None, base.ids[:9], base.about).save(tmp_path / "base.skb")
    with pytest.raises(SemcomError, match="its content is none .1500 vectors and 9 ids"):
        SharedBase.load(tmp_path / "base.skb")
