from fractions import Fraction

import pytest

from semcom.files.errors import SemcomError
from semcom.params.scheme import FAMILIES, Scheme, parse


@pytest.mark.parametrize(
    ("name", "uses", "payload"),
    [
        ("qpsk_ldpc_1/2", 32, 32),
        ("64qam_ldpc_3/4", 32, 144),
        ("qpsk_polar_1/4", 32, 16),
        ("16qam_uncoded", 5, 20),
    ],
)
def test_a_name_and_its_channel_uses_are_the_scheme(name: str, uses: int, payload: int) -> None:
    scheme = parse(name, channel_uses=uses)
    assert scheme.payload_bits == payload
    assert scheme.name == name
    assert parse(scheme.name, channel_uses=scheme.channel_uses) == scheme


def test_a_payload_stands_for_its_rate() -> None:
    assert parse("qpsk_ldpc", channel_uses=64, payload_bits=40) == parse("qpsk_ldpc_5/16", channel_uses=64)
    assert parse("qpsk_ldpc_2/4", channel_uses=64).name == "qpsk_ldpc_1/2"
    assert parse("qpsk_ldpc", channel_uses=64, payload_bits=40).rate == Fraction(5, 16)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("qspk_ldpc_1/2", "qpsk_ldpc_1/2"),
        ("16-qam_polar_1/3", "16qam_polar_1/3"),
        ("64qam_lpdc", "64qam_ldpc"),
        ("qpsk_none", "qpsk_"),
    ],
)
def test_an_unknown_scheme_is_told_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(SemcomError, match=f"nearest is {nearest}"):
        parse(name, channel_uses=32)


@pytest.mark.parametrize(
    ("family", "payload", "uses", "says"),
    [
        ("qpsk_ldpc", 11, 16, "12 to 8448 payload bits, not 11; put several frames"),
        ("qpsk_ldpc", 8449, 9000, "12 to 8448 payload bits, not 8449; split"),
        ("qpsk_ldpc", 12, 31, "rates of 1/5 to 19/20, so 12 payload bits need 13 to 60 code bits, not 62"),
        ("qpsk_ldpc", 61, 32, "61 payload bits need 65 to 305 code bits, not 64"),
        ("qpsk_polar", 11, 32, "12 to 1013 payload bits, not 11"),
        ("qpsk_polar", 54, 32, "54 payload bits and 11 CRC bits has 65 to 1040 code bits, not 64"),
        ("16qam_polar", 100, 300, "to 1088 code bits, not 1200"),
        ("qpsk_uncoded", 63, 32, "carry exactly 64 uncoded bits, not 63"),
    ],
)
def test_what_a_code_cannot_have_names_its_limits(family: str, payload: int, uses: int, says: str) -> None:
    modulation, code = family.split("_")
    with pytest.raises(SemcomError, match=says):
        Scheme(modulation, code, payload, uses)


def test_a_rate_of_half_a_bit_is_refused() -> None:
    with pytest.raises(SemcomError, match="21.33 payload bits; give payload_bits 21"):
        parse("qpsk_ldpc_1/3", channel_uses=32)
    with pytest.raises(SemcomError, match="neither rate nor payload"):
        parse("qpsk_ldpc", channel_uses=32)
    with pytest.raises(SemcomError, match="has 32 payload bits, not 40"):
        parse("qpsk_ldpc_1/2", channel_uses=32, payload_bits=40)


def test_families_are_all_pairs() -> None:
    assert len(set(FAMILIES)) == 9
