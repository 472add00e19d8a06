import logging

import faiss
import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.quantise.product import ProductQuantiser


def clusters(count: int, dim: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((20, dim))
    return (centres[rng.integers(0, 20, count)] + 0.3 * rng.standard_normal((count, dim))).astype(np.float32)


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 30, 32, 61])
def test_any_number_of_bits_is_met_exactly(bits: int) -> None:
    quantiser = ProductQuantiser.train(clusters(2000, 24), bits=bits, seed=0, codebook_bits=5)
    codes = quantiser.encode(clusters(50, 24, 1))
    assert codes.shape == (50, bits)
    assert set(np.unique(codes)) <= {0, 1}
    assert quantiser.decode(codes).shape == (50, 24)
    assert max(quantiser.sizes) - min(quantiser.sizes) <= 1


def test_codes_are_those_of_faiss_with_the_same_codebooks() -> None:
    quantiser = ProductQuantiser.train(clusters(2000, 16), bits=20, seed=0, codebook_bits=5)
    theirs = faiss.ProductQuantizer(16, 4, 5)
    faiss.copy_array_to_vector(np.stack(quantiser.codebooks).ravel(), theirs.centroids)
    features = clusters(300, 16, 1)
    codes = theirs.compute_codes(features)
    # faiss packs indices from the lowest bit up.
    flat = np.unpackbits(codes, axis=1, bitorder="little")[:, :20].reshape(300, 4, 5)
    assert np.array_equal(quantiser.encode(features), flat[:, :, ::-1].reshape(300, 20))
    np.testing.assert_array_equal(quantiser.decode(quantiser.encode(features)), theirs.decode(codes))


def test_hand_made_codebooks_come_back_exactly() -> None:
    books = (np.array([[0, 0], [1, 1], [5, 5], [9, 0]], np.float32), np.array([[-1], [1]], np.float32))
    quantiser = ProductQuantiser(books, np.array([7, 7, 7], np.float32))
    features = np.array([[0.9, 1.2, -0.1], [8, 1, 3]], np.float32)
    assert quantiser.encode(features).tolist() == [[0, 1, 0], [1, 1, 1]]
    assert quantiser.decode(quantiser.encode(features)).tolist() == [[1, 1, -1], [9, 0, 1]]
    lost = quantiser.decode(quantiser.encode(features), lost=np.array([False, True]))
    assert lost.tolist() == [[1, 1, -1], [7, 7, 7]]


def test_more_bits_mean_less_error_and_the_mean_alone_has_most() -> None:
    train, test = clusters(4000, 32), clusters(500, 32, 1)
    errors = []
    for bits in (4, 16, 64):
        quantiser = ProductQuantiser.train(train, bits=bits, seed=0, codebook_bits=6)
        errors.append(float(((quantiser.decode(quantiser.encode(test)) - test) ** 2).mean()))
        alone = float(
            ((quantiser.decode(quantiser.encode(test), lost=np.ones(500, bool)) - test) ** 2).mean()
        )
    assert alone == pytest.approx(float(((train.mean(0) - test) ** 2).mean()), rel=1e-4)
    assert errors[2] < errors[1] < errors[0] < alone


def test_the_same_seed_gives_the_same_codebooks() -> None:
    first, second = (
        ProductQuantiser.train(clusters(1000, 8), bits=8, seed=3, codebook_bits=4) for _ in range(2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first.codebooks, second.codebooks, strict=True))


def test_too_few_features_take_smaller_codebooks_and_say_so(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("semcom")
    logger.setLevel(logging.INFO)
    quantiser = ProductQuantiser.train(clusters(700, 32), bits=32, seed=0)
    assert quantiser.bits == 32
    assert max(quantiser.sizes) == 4  # 39 · 2⁴ = 624 features
    assert "700 features train codebooks of 4 bits, not 8 (9984 features)" in caplog.text


@pytest.mark.parametrize(
    ("count", "dim", "options", "says"),
    [
        (
            700,
            32,
            {"bits": 32, "too_few": "refuse"},
            "700 features are too few .* 8 bits, which takes 9984.*codebook_bits: 4",
        ),
        (70, 32, {"bits": 32}, "70 features are too few to train a codebook of 1 bits, which takes 78"),
        (
            700,
            4,
            {"bits": 32},
            "32 bits a feature need 8 codebooks of 4 bits, but 4 dimensions .* at most 16 bits",
        ),
        (700, 4, {"bits": 0}, "0 bits a feature"),
    ],
)
def test_what_cannot_be_had_is_refused_before_training(
    count: int, dim: int, options: dict[str, object], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss, "Kmeans", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(SemcomError, match=says):
        ProductQuantiser.train(clusters(count, dim), seed=0, **options)


def test_codes_of_another_length_are_refused() -> None:
    quantiser = ProductQuantiser.train(clusters(500, 8), bits=6, seed=0)
    with pytest.raises(SemcomError, match=r"codes are \(N, 6\) bits, not \(2, 7\)"):
        quantiser.decode(np.zeros((2, 7), np.uint8))
