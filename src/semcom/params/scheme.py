"""How a block is coded and modulated: a description that checks itself. Imports nothing that computes."""

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import cache

from semcom.files.errors import SemcomError

BITS_PER_SYMBOL = {"qpsk": 2, "16qam": 4, "64qam": 6}
CODES = ("ldpc", "polar", "uncoded")
FAMILIES = tuple(f"{modulation}_{code}" for modulation in BITS_PER_SYMBOL for code in CODES)

LDPC_PAYLOAD = (12, 8448)
LDPC_RATE = (Fraction(1, 5), Fraction(19, 20))
LDPC_CODE_BITS = 316 * 384
POLAR_PAYLOAD = (12, 1013)
POLAR_CODE_BITS = (18, 1088)
POLAR_REPETITION = 16
"""Code bits a payload or CRC bit, at most: the decoder takes every bit of the mother code twice at most."""


@dataclass(frozen=True)
class Scheme:
    """One block: `payload_bits` bits sent in `channel_uses` complex channel uses.

    Attributes:
        modulation: `qpsk`, `16qam` or `64qam`.
        code: `ldpc` (5G NR), `polar` (5G NR uplink, with its CRC of 6 or 11 bits inside the code word) or
        `uncoded`. payload_bits: bits of the user; a CRC is not among them.
        channel_uses: complex channel uses of the block; its code bits are this times the bits a symbol.

    Raises:
        SemcomError: the code cannot have this payload and rate; the message names the limits.
    """

    modulation: str
    code: str
    payload_bits: int
    channel_uses: int

    def __post_init__(self) -> None:
        family = f"{self.modulation}_{self.code}"
        if family not in FAMILIES:
            raise _unknown(family)
        if self.channel_uses < 1 or self.payload_bits < 1:
            raise SemcomError(
                f"{family}: a block needs at least one payload bit and one channel use, but has "
                f"{self.payload_bits} in {self.channel_uses}"
            )
        {"ldpc": _check_ldpc, "polar": _check_polar, "uncoded": _check_uncoded}[self.code](self)

    @property
    def code_bits(self) -> int:
        """Bits sent."""
        return self.channel_uses * BITS_PER_SYMBOL[self.modulation]

    @property
    def rate(self) -> Fraction:
        """Payload bits a code bit."""
        return Fraction(self.payload_bits, self.code_bits)

    @property
    def efficiency(self) -> float:
        """Payload bits a complex channel use."""
        return self.payload_bits / self.channel_uses

    @property
    def name(self) -> str:
        """Such as `qpsk_ldpc_1/2` or `16qam_uncoded`; with the channel uses it names the block."""
        family = f"{self.modulation}_{self.code}"
        return family if self.code == "uncoded" else f"{family}_{self.rate}"

    @property
    def stem(self) -> str:
        """Name and channel uses as a file's name, such as `qpsk_ldpc_1-2_64`."""
        return f"{self.name.replace('/', '-')}_{self.channel_uses}"

    def __str__(self) -> str:
        return f"{self.name} at {self.channel_uses} channel uses"


def parse(name: str, *, channel_uses: int, payload_bits: int | None = None) -> Scheme:
    """The scheme of a name such as `qpsk_ldpc_1/2`, `16qam_uncoded`, or `qpsk_polar` with a payload.

    Args:
        name: MODULATION_CODE or MODULATION_CODE_RATE.
        channel_uses: complex channel uses of a block.
        payload_bits: needed if the name has no rate; if it has one, the two must agree.

    Raises:
        SemcomError: unknown name (the nearest is named), or a payload or rate that the code cannot have.
    """
    match = re.fullmatch(r"(.+?)_([a-z]+)(?:_([1-9][0-9]*)/([1-9][0-9]*))?", name)
    if match is None or f"{match[1]}_{match[2]}" not in FAMILIES:
        raise _unknown(name)
    modulation, code = match[1], match[2]
    code_bits = channel_uses * BITS_PER_SYMBOL[modulation]
    rate = Fraction(int(match[3]), int(match[4])) if match[3] else Fraction(1) if code == "uncoded" else None
    if rate is None and payload_bits is None:
        raise SemcomError(
            f"scheme {name} has neither rate nor payload: write {name}_1/2, or give payload_bits"
        )
    if rate is not None:
        if code != "uncoded" and rate >= 1:
            raise SemcomError(
                f"{name}: the rate of a code is below 1; take one such as {modulation}_{code}_1/2"
            )
        payload = rate * code_bits
        if payload < 1:
            raise SemcomError(
                f"{name}: rate {rate} of {code_bits} code bits ({channel_uses} channel uses) is less than "
                "one payload bit; take more channel uses"
            )
        if payload.denominator != 1:
            raise SemcomError(
                f"{name}: rate {rate} of {code_bits} code bits ({channel_uses} channel uses) is "
                f"{float(payload):.2f} "
                f"payload bits; give payload_bits {int(payload)} without a rate, or channel uses that make "
                "it whole"
            )
        if payload_bits not in (None, payload.numerator):
            raise SemcomError(
                f"{name} at {channel_uses} channel uses has {payload.numerator} payload bits, not "
                f"{payload_bits}; "
                "leave out one of the two"
            )
        payload_bits = payload.numerator
    assert payload_bits is not None
    return Scheme(modulation, code, payload_bits, channel_uses)


@cache
def levels(modulation: str) -> tuple[float, ...]:
    """Amplitude of one real dimension for each of its bit patterns, the first bit counting most.

    Average power 1/2, so that a symbol has 1.
    """
    bits = BITS_PER_SYMBOL[modulation] // 2

    def odd(pattern: int, width: int) -> int:
        sign = -1 if pattern >> (width - 1) else 1
        rest = pattern & ((1 << (width - 1)) - 1)
        return sign * (2 ** (width - 1) - odd(rest, width - 1)) if width > 1 else sign

    scale = math.sqrt(2 * (4**bits - 1) / 3)
    return tuple(odd(pattern, bits) / scale for pattern in range(2**bits))


def _unknown(name: str) -> SemcomError:
    stem, _, rate = name.rpartition("_")
    said = "" if "/" not in rate else rate if re.fullmatch(r"[1-9][0-9]*/[1-9][0-9]*", rate) else None
    if said is None and stem in FAMILIES:
        return SemcomError(f"scheme {name!r}: {rate!r} is no rate such as 1/2")
    near = get_close_matches(stem if "/" in rate else name, FAMILIES, n=1, cutoff=0.0)[0]
    tail = f"_{said}" if said and not near.endswith("uncoded") else ""
    return SemcomError(
        f"unknown scheme {name!r}; the nearest is {near}{tail}. A scheme is MODULATION_CODE_RATE: "
        f"{', '.join(BITS_PER_SYMBOL)}; {', '.join(CODES)}; a rate such as 1/2"
    )


def _named(block: Scheme) -> str:
    """Without the rate, which nobody may have written."""
    return f"{block.modulation}_{block.code} at {block.channel_uses} channel uses"


def _check_ldpc(block: Scheme) -> None:
    low, high = LDPC_PAYLOAD
    if not low <= block.payload_bits <= high:
        raise SemcomError(
            f"{_named(block)}: 5G LDPC codes carry {low} to {high} payload bits, not {block.payload_bits}; "
            + (
                "put several frames into a code word, or send uncoded"
                if block.payload_bits < low
                else "split it into several blocks"
            )
        )
    slowest, fastest = LDPC_RATE
    if not slowest <= block.rate <= fastest or block.code_bits > LDPC_CODE_BITS:
        least = -(-block.payload_bits * fastest.denominator // fastest.numerator)
        most = min(int(block.payload_bits / slowest), LDPC_CODE_BITS)
        raise SemcomError(
            f"{_named(block)}: 5G LDPC codes have rates of {slowest} to {fastest}, so {block.payload_bits} "
            f"payload bits need {least} to {most} code bits, not {block.code_bits}; change channel_uses, "
            "payload_bits or the modulation"
        )


def _check_polar(block: Scheme) -> None:
    (low, high), (shortest, longest) = POLAR_PAYLOAD, POLAR_CODE_BITS
    if not low <= block.payload_bits <= high:
        raise SemcomError(
            f"{_named(block)}: 5G polar codes carry {low} to {high} payload bits, not {block.payload_bits}; "
            + (
                "put several frames into a code word, or send uncoded"
                if block.payload_bits < low
                else "take ldpc, or split it into several blocks"
            )
        )
    crc = polar_crc_bits(block.payload_bits)
    shortest = max(shortest, block.payload_bits + crc)
    longest = min(longest, POLAR_REPETITION * (block.payload_bits + crc))
    if not shortest <= block.code_bits <= longest:
        raise SemcomError(
            f"{_named(block)}: a 5G polar code of {block.payload_bits} payload bits and {crc} CRC bits has "
            f"{shortest} to {longest} code bits, not {block.code_bits}; "
            "change channel_uses, payload_bits or the modulation"
        )


def polar_crc_bits(payload_bits: int) -> int:
    """CRC bits that a 5G polar code of the uplink adds (TS 38.212, 6.3.1.2.1)."""
    return 6 if payload_bits <= 19 else 11


def _check_uncoded(block: Scheme) -> None:
    if block.code_bits > LDPC_CODE_BITS:
        raise SemcomError(
            f"{_named(block)}: {block.code_bits} bits are more than the {LDPC_CODE_BITS} that a block may "
            "have; send several blocks"
        )
    if block.payload_bits != block.code_bits:
        raise SemcomError(
            f"{_named(block)}: {block.channel_uses} channel uses of {block.modulation} carry exactly "
            f"{block.code_bits} "
            f"uncoded bits, not {block.payload_bits}; change payload_bits or channel_uses"
        )
