import pytest
import torch
from sionna.phy.utils import ebnodb2no

from semcom.channel.snr import db_from_n0, n0_from_db


def test_golden_values():
    assert n0_from_db(0.0) == 1.0
    assert n0_from_db(10) == pytest.approx(0.1)
    assert n0_from_db(-3.0) == pytest.approx(1.9952623)


def test_sionna_agrees_where_a_bit_is_a_channel_use():
    snr_db = torch.linspace(-10, 30, 9)
    theirs = torch.stack([torch.as_tensor(ebnodb2no(db, 1, 1.0)) for db in snr_db]).to(snr_db)
    torch.testing.assert_close(n0_from_db(snr_db), theirs)


def test_round_trip_keeps_shape_and_precision():
    snr_db = torch.linspace(-20, 40, 13, dtype=torch.float64).view(13, 1)
    torch.testing.assert_close(db_from_n0(n0_from_db(snr_db)), snr_db, rtol=1e-12, atol=1e-12)
