"""Indices as bits of unlike length: a canonical Huffman code, whose table is shipped beside the codebook.

    counts of a training set ─► lengths (K bytes) ─► code words ─► a frame's indices, one after another

The number of indices a frame is known to the receiver, so that nothing marks the end: a payload is the sum of
its indices' lengths, to the bit. Lengths are whole bits, which costs less than a bit an index above the
entropy, and with hundreds of codes some hundredths. One wrong bit spoils all behind it, so that payloads want
a link that delivers a block whole or not at all.
"""

import heapq
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from semcom.files.errors import SemcomError
from semcom.quantise.bits import Bits, Indices


@dataclass(frozen=True, eq=False)
class Huffman:
    """A prefix code of K indices; each has a code word, also those that training never saw.

    Attributes:
        lengths: (K,) uint8, bits of each index's code word. They are all of the table: words of one length
            are given out in the order of the indices, the shorter ones first.
    """

    lengths: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Hold the lengths to what a full prefix code has: Σ 2^-length = 1.

        Raises:
            SemcomError: they are none of a full prefix code.
        """
        lengths = [int(length) for length in self.lengths]
        longest = max(lengths, default=0)
        if not lengths or min(lengths) < 1 or sum(1 << (longest - n) for n in lengths) != 1 << longest:
            raise SemcomError(
                f"{len(lengths)} lengths are no table of a Huffman code; train it, or ship it anew"
            )

    @classmethod
    def train(cls, counts: ArrayLike) -> "Huffman":
        """The best code for how often each index occurs.

        Args:
            counts: (K,) K ≥ 2, such as `VectorQuantiser.tally`; each counts as one more, so that none is
                impossible.

        Raises:
            SemcomError: fewer than two indices, or counts below 0.
        """
        seen = np.asarray(counts, np.int64)
        if seen.ndim != 1 or len(seen) < 2 or (seen < 0).any():
            raise SemcomError("a Huffman code is trained on (K,) counts ≥ 0 of at least 2 indices")
        lengths = np.zeros(len(seen), np.int64)
        # (weight, order of making, indices below): the order decides among equal weights, so always alike.
        heap = [(int(count) + 1, index, [index]) for index, count in enumerate(seen)]
        heapq.heapify(heap)
        made = len(seen)
        while len(heap) > 1:
            (first, _, low), (second, _, high) = heapq.heappop(heap), heapq.heappop(heap)
            below = low + high
            lengths[below] += 1
            heapq.heappush(heap, (first + second, made, below))
            made += 1
        return cls(lengths.astype(np.uint8))

    @property
    def table_bytes(self) -> int:
        """What the receiver must have beside the codebook: a byte an index."""
        return len(self.lengths)

    def payload_bits(self, indices: ArrayLike) -> Indices:
        """Bits (…) of the indices (…, n) of frames, without coding them.

        Raises:
            SemcomError: there is no such index.
        """
        bits: Indices = self.lengths[self._known(indices)].astype(np.int64).sum(-1)
        return bits

    def encode(self, indices: ArrayLike) -> Bits:
        """Indices (n,) of one frame to `payload_bits` bits of 0 and 1.

        Raises:
            SemcomError: there is no such index.
        """
        words = [self._words[index] for index in self._known(indices)]
        return np.array([int(bit) for bit in "".join(words)], np.uint8)

    def decode(self, bits: ArrayLike, *, count: int) -> Indices:
        """Undo `encode` of `count` indices; bits behind them are not looked at.

        Raises:
            SemcomError: the bits end before that.
        """
        found, word = np.empty(count, np.int64), ""
        place = 0
        stream = iter(np.asarray(bits, np.uint8).tolist())
        while place < count:
            bit = next(stream, None)
            if bit is None:
                raise SemcomError(
                    f"the bits end after {place} of {count} indices; were they cut, or of another code?"
                )
            word += "1" if bit else "0"
            if word in self._indices:
                found[place], word = self._indices[word], ""
                place += 1
        return found

    @cached_property
    def _words(self) -> list[str]:
        words, code, before = [""] * len(self.lengths), 0, 0
        for index in np.argsort(self.lengths, kind="stable"):
            length = int(self.lengths[index])
            code <<= length - before
            words[index], before = format(code, f"0{length}b"), length
            code += 1
        return words

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self._words)}

    def _known(self, indices: ArrayLike) -> Indices:
        values = np.asarray(indices, np.int64)
        if values.size and not 0 <= values.min() <= values.max() < len(self.lengths):
            raise SemcomError(
                f"indices {values.min()} to {values.max()} are not all of the code's {len(self.lengths)}"
            )
        return values
