"""The form of a shared knowledge base: one faiss factory string, read and checked before anything is trained.

    OPQ32_256,IVF256,PQ32x4fs
    transforms  lists  codes

`ClustersK` is ours: of each vector the bare number of one of K clusters, to faiss PQ1 of log2 K bits.
"""

import math
import re
from dataclasses import dataclass

from semcom.files.errors import SemcomError

MOST_BITS = 16
"""Of one codebook."""
CHOICES = (
    "any transforms, OPQ32, OPQ32_256, PCA256, PCAR256, PCAW256, RR256; then perhaps lists, IVF256; then one "
    "of Flat, SQ8 (SQ4, SQ6, SQfp16, SQbf16), PQ64, PQ32x6 (bits, 8 if not said), PQ32x4fs, Clusters1024"
)

_N = r"([1-9]\d{0,6})"
_TRANSFORM = re.compile(rf"(OPQ){_N}(?:_{_N})?|(PCAWR|PCAW|PCAR|PCA|RR){_N}")
_LISTS = re.compile(rf"IVF{_N}")
_CODES = re.compile(rf"(Flat)|(SQ(?:4|6|8|fp16|bf16))|PQ{_N}(?:x{_N})?(fsr|fs)?|Clusters{_N}")


@dataclass(frozen=True)
class Transform:
    """A linear map before coding."""

    kind: str
    dim: int | None
    """Of its output; None keeps that of the input."""
    books: int = 0
    """Sub-vectors that OPQ rotates for; 0 for others."""

    def __str__(self) -> str:
        """As faiss writes it."""
        if self.kind == "OPQ":
            return f"OPQ{self.books}" + (f"_{self.dim}" if self.dim else "")
        return f"{self.kind}{self.dim}"


@dataclass(frozen=True)
class Codes:
    """How a vector is stored."""

    kind: str
    """`Flat`, `SQ8` and so on, or `PQ`."""
    books: int = 0
    """Codebooks of PQ, one a sub-vector."""
    bits: int = 0
    """Of each codebook."""
    fast: str = ""
    """`fs` or `fsr` for faiss's fast scan."""

    def __str__(self) -> str:
        """As faiss writes it; `np`: without the order of codes for polysemous search, which is not used."""
        if self.kind != "PQ":
            return self.kind
        return f"PQ{self.books}x{self.bits}{self.fast or 'np'}"


@dataclass(frozen=True)
class Form:
    """A form, read."""

    transforms: tuple[Transform, ...]
    lists: int | None
    """Inverted lists."""
    codes: Codes

    @property
    def sample(self) -> int:
        """Vectors that are enough to train it: 256 a centroid of codebooks of 8 bits, 64 of larger ones."""
        most = max(2**self.codes.bits if self.codes.kind == "PQ" else 0, self.lists or 0)
        return max(256 * 256, 64 * most)

    @property
    def faiss(self) -> str:
        """The factory string that faiss gets."""
        lists = [f"IVF{self.lists}"] if self.lists else []
        text = ",".join([*map(str, self.transforms), *lists, str(self.codes)])
        # faiss has no `np` behind lists, where there is no polysemous search either.
        return text.removesuffix("np") if self.lists else text

    def __str__(self) -> str:
        """As a params file writes it."""
        codes = self.codes
        if codes.kind == "PQ":
            bits = "" if codes.bits == 8 else f"x{codes.bits}"
            clusters = codes.books == 1 and not codes.fast
            last = f"Clusters{2**codes.bits}" if clusters else f"PQ{codes.books}{bits}{codes.fast}"
        else:
            last = codes.kind
        lists = [f"IVF{self.lists}"] if self.lists else []
        return ",".join([*map(str, self.transforms), *lists, last])


def parse(text: str) -> Form:
    """Read a form.

    Raises:
        SemcomError: naming the part that is not supported where it stands, and what it may be.
    """
    *before, last = [part.strip() for part in text.split(",")]
    lists = None
    if before and (match := _LISTS.fullmatch(before[-1])):
        lists = int(match[1])
        before = before[:-1]
    return Form(tuple(_transform(part, text) for part in before), lists, _codes(last, text))


def whole(text: str) -> str:
    """`text`, if it is a form; else an error as in `parse`."""
    parse(text)
    return text


def _transform(part: str, text: str) -> Transform:
    match = _TRANSFORM.fullmatch(part)
    if match is None:
        raise _unknown(part, text)
    if match[1]:
        return Transform("OPQ", int(match[3]) if match[3] else None, int(match[2]))
    return Transform(match[4], int(match[5]))


def _codes(part: str, text: str) -> Codes:
    match = _CODES.fullmatch(part)
    if match is None:
        raise _unknown(part, text)
    if match[6]:
        return Codes("PQ", 1, _bits_of(int(match[6]), text))
    if not match[3]:
        return Codes(part)
    bits, fast = int(match[4] or 8), match[5] or ""
    if bits > MOST_BITS or fast and bits != 4:
        most = (
            "codebooks of fast scan (fs) have 4 bits" if fast else f"a codebook has at most {MOST_BITS} bits"
        )
        raise SemcomError(f"{part} in the form {text!r}: {most}; write PQ{match[3]}x{4 if fast else 8}{fast}")
    return Codes("PQ", int(match[3]), bits, fast)


def _bits_of(clusters: int, text: str) -> int:
    bits = clusters.bit_length() - 1
    if clusters != 2**bits or not 1 <= bits <= MOST_BITS:
        near = 2 ** min(max(round(math.log2(clusters)), 1), MOST_BITS)
        raise SemcomError(
            f"Clusters{clusters} in the form {text!r}: the number of clusters is a power of two, 2 to "
            f"{2**MOST_BITS}; take Clusters{near}"
        )
    return bits


def _unknown(part: str, text: str) -> SemcomError:
    return SemcomError(f"{part!r} in the form {text!r} is not supported there; a form is {CHOICES}")
