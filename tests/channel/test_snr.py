import math

import pytest
import torch
from sionna.phy.utils import ebnodb2no

from semcom.channel import snr
from semcom.channel.awgn import awgn
from semcom.channel.snr import db_from_n0, n0_from_db
from semcom.channel.symbols import to_complex, to_real
from semcom.files.errors import SemcomError


def test_golden_values():
    assert n0_from_db(0.0) == 1.0
    assert n0_from_db(10) == pytest.approx(0.1)
    assert n0_from_db(-3.0) == pytest.approx(1.9952623)


@pytest.mark.parametrize(("bits", "rate"), [(1, 1.0), (2, 0.5), (4, 0.75), (6, 1 / 3)])
def test_sionna_agrees_on_eb_n0(bits, rate):
    eb_n0_db = torch.linspace(-10, 30, 9)
    theirs = torch.stack([torch.as_tensor(ebnodb2no(db, bits, rate)) for db in eb_n0_db]).to(eb_n0_db)
    ours = n0_from_db(snr.es_n0_db_from_eb_n0_db(eb_n0_db, bits_per_use=bits * rate))
    torch.testing.assert_close(ours, theirs)


def test_round_trip_keeps_shape_and_precision():
    snr_db = torch.linspace(-20, 40, 13, dtype=torch.float64).view(13, 1)
    torch.testing.assert_close(db_from_n0(n0_from_db(snr_db)), snr_db, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("there", "back", "options"),
    [
        (snr.es_n0_db_from_eb_n0_db, snr.eb_n0_db_from_es_n0_db, {"bits_per_use": 0.4}),
        (snr.es_n0_db_from_eb_n0_db, snr.eb_n0_db_from_es_n0_db, {"bits_per_use": 6}),
        (snr.es_n0_db_from_er_n0_db, snr.er_n0_db_from_es_n0_db, {}),
        (snr.es_n0_db_from_real_snr_db, snr.real_snr_db_from_es_n0_db, {"real_dimensions": 1}),
        (snr.es_n0_db_from_real_snr_db, snr.real_snr_db_from_es_n0_db, {"real_dimensions": 2}),
    ],
)
def test_definitions_round_trip_on_numbers_and_tensors(there, back, options):
    assert back(there(7.0, **options), **options) == pytest.approx(7.0, abs=1e-12)
    snr_db = torch.linspace(-20, 40, 13, dtype=torch.float64)
    torch.testing.assert_close(there(back(snr_db, **options), **options), snr_db, rtol=1e-12, atol=1e-12)


def test_each_definition_is_what_is_measured_on_real_values():
    """Real values of power P over noise of a variance each: the three figures that papers call SNR."""
    es_n0_db, power = 10.0, 1.0
    reals = torch.randn(1, 200_000, generator=torch.Generator().manual_seed(0)).sign()  # power 1 each
    n0 = 2 * power * n0_from_db(es_n0_db)  # Es is 2 with power 1 in each dimension
    noise = to_real(awgn(to_complex(reals), n0, torch.Generator().manual_seed(1))) - reals
    variance = noise.square().mean().item()
    er_n0_db = 10 * math.log10(power / (2 * variance))
    real_snr_db = 10 * math.log10(power / variance)
    assert snr.er_n0_db_from_es_n0_db(es_n0_db) == pytest.approx(er_n0_db, abs=0.06)  # 4 standard errors
    assert snr.real_snr_db_from_es_n0_db(es_n0_db, real_dimensions=2) == pytest.approx(real_snr_db, abs=0.06)


def test_bpsk_on_a_real_channel_has_half_of_the_noise_against_it():
    """Es all in one real dimension: Es/N0 = 0 dB is power 1 over variance 1/2 there."""
    assert snr.real_snr_db_from_es_n0_db(0.0, real_dimensions=1) == pytest.approx(10 * math.log10(2))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: snr.es_n0_db_from_eb_n0_db(3.0, bits_per_use=0), "0 information bits a channel use"),
        (lambda: snr.real_snr_db_from_es_n0_db(3.0, real_dimensions=3), "3 of a channel use's 2 real"),
    ],
)
def test_what_no_channel_use_has_is_refused(call, said):
    with pytest.raises(SemcomError, match=said):
        call()
