import math

import pytest
import torch

from semcom.channel.calibration import delivered_snr_db, sampling_bound_db


def test_known_powers_give_known_decibels():
    sent = torch.tensor([[1 + 1j, 1 - 1j], [10 + 0j, 0j]])  # mean powers 2 and 50
    received = sent + torch.tensor([[0.1j, 0.1j], [1.0, 3.0]])  # noise powers 0.01 and 5
    torch.testing.assert_close(delivered_snr_db(sent, received), torch.tensor([23.0103, 10.0]))
    whole = 10 * math.log10(26 / 2.505)
    torch.testing.assert_close(delivered_snr_db(sent, received, dim=(0, 1)), torch.tensor(whole))


def test_sampling_bound():
    assert sampling_bound_db(10_000, z=1.0) == pytest.approx(-10 * math.log10(0.99))
    assert sampling_bound_db(9, z=4.0) == math.inf
    powers = torch.empty(20_000, 640).exponential_(generator=torch.Generator().manual_seed(0)).mean(-1)
    beyond = (10 * torch.log10(powers)).abs() > sampling_bound_db(640, z=2.0)
    assert beyond.float().mean() < 0.0455 + 4 * math.sqrt(0.0455 / 20_000)  # two-sided tail of z = 2
