"""Indices as bits, of fixed and of unlike length."""

import heapq

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.quantise.bits import from_bits, to_bits
from semcom.quantise.entropy import Huffman


def drawn(shares: np.ndarray, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(len(shares), size=shape, p=shares / shares.sum())


def test_bits_of_fixed_length_are_binary_numbers():
    assert to_bits([[5, 0], [2, 7]], width=3).tolist() == [[1, 0, 1, 0, 0, 0], [0, 1, 0, 1, 1, 1]]
    indices = drawn(np.ones(1024), (7, 64))
    bits = to_bits(indices, width=10)
    assert bits.shape == (7, 640)
    assert bits.dtype == np.uint8
    assert np.array_equal(from_bits(bits, width=10), indices)
    assert np.array_equal(from_bits(bits.astype(np.float32), width=10), indices)


def test_bits_that_do_not_fit_are_refused():
    with pytest.raises(SemcomError, match="indices 0 to 8 do not all fit into 3 bits"):
        to_bits([0, 8], width=3)
    with pytest.raises(SemcomError, match="indices -1 to 0"):
        to_bits([0, -1], width=3)
    with pytest.raises(SemcomError, match="7 bits are no whole number of indices of 3 bits"):
        from_bits(np.zeros(7), width=3)


@pytest.mark.parametrize("power", [0.0, 1.0, 3.0])
def test_what_is_coded_is_decoded_and_as_long_as_told(power):
    shares = np.arange(1, 301) ** -power
    code = Huffman.train(np.bincount(drawn(shares, (20_000,)), minlength=300))
    frames = drawn(shares, (50, 64), seed=1)
    told = code.payload_bits(frames)
    for frame, bits in zip(frames, told, strict=True):
        coded = code.encode(frame)
        assert len(coded) == bits
        assert np.array_equal(code.decode(coded, count=64), frame)
        filled = np.concatenate([coded, np.ones(13, np.uint8)])  # a block's spare bits
        assert np.array_equal(code.decode(filled, count=64), frame)


def test_no_prefix_code_is_shorter():
    """Σ weights of all merged pairs is the least possible length (Huffman 1952), without code words."""
    counts = np.random.default_rng(2).poisson(20, size=100)
    heap = [int(count) + 1 for count in counts]
    heapq.heapify(heap)
    least = 0
    while len(heap) > 1:
        pair = heapq.heappop(heap) + heapq.heappop(heap)
        least += pair
        heapq.heappush(heap, pair)
    code = Huffman.train(counts)
    assert int(code.lengths @ (counts + 1)) == least


def test_the_length_is_the_entropy_and_less_than_a_bit():
    shares = np.random.default_rng(3).gamma(0.5, size=512)
    shares /= shares.sum()
    indices = drawn(shares, (200_000,), seed=4)
    counts = np.bincount(indices, minlength=512)
    code = Huffman.train(counts)
    seen = counts[counts > 0] / len(indices)
    entropy = -(seen * np.log2(seen)).sum()
    mean = code.payload_bits(indices) / len(indices)
    assert entropy <= mean < entropy + 0.05
    assert mean < 9  # fixed length
    assert code.table_bytes == 512


def test_powers_of_two_have_lengths_that_are_known():
    assert Huffman.train([7, 3, 1, 1]).lengths.tolist() == [1, 2, 3, 3]  # of 8, 4, 2, 2
    assert Huffman.train(np.zeros(8, int)).lengths.tolist() == [3] * 8
    assert Huffman.train([7, 3, 1, 1]).encode([0, 1, 2, 3]).tolist() == [0, 1, 0, 1, 1, 0, 1, 1, 1]


def test_the_lengths_are_the_whole_table():
    code = Huffman.train(np.arange(50))
    shipped = Huffman(np.frombuffer(code.lengths.tobytes(), np.uint8))
    frame = drawn(np.ones(50), (40,))
    assert np.array_equal(shipped.decode(code.encode(frame), count=40), frame)


def test_what_is_no_code_is_refused():
    code = Huffman.train([3, 1, 1, 1])
    with pytest.raises(SemcomError, match="the bits end after 4 of 5 indices"):
        code.decode(code.encode([1, 2, 3, 0]), count=5)
    with pytest.raises(SemcomError, match="indices 0 to 4 are not all of the code's 4"):
        code.encode([0, 4])
    with pytest.raises(SemcomError, match="no table of a Huffman code"):
        Huffman(np.array([1, 2, 2, 2], np.uint8))
    with pytest.raises(SemcomError, match="at least 2 indices"):
        Huffman.train([5])
