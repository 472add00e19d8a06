import math

import pytest
import torch
from scipy.stats import chi2, kstest, norm
from sionna.phy import config as sionna_config
from sionna.phy.channel import AWGN as SionnaAWGN

from semcom.channel.awgn import AWGN, awgn
from semcom.channel.calibration import delivered_snr_db, sampling_bound_db
from semcom.channel.power import normalise
from semcom.channel.snr import n0_from_db
from semcom.files.errors import SemcomError

Z = 4.0  # standard errors allowed; a correct channel fails one test in 16,000 seeds, and the seeds are fixed
SNRS_DB = [-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 30.0]


def unit_symbols(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalise(torch.randn(shape, generator=generator, dtype=torch.complex64))


@pytest.mark.parametrize("snr_db", SNRS_DB)
def test_delivers_the_snr_asked_for(snr_db):
    x = unit_symbols((8192, 32))
    y = awgn(x, n0_from_db(snr_db), torch.Generator().manual_seed(1))
    bound = sampling_bound_db(x.numel(), z=Z)
    assert bound <= 0.05
    assert abs(delivered_snr_db(x, y, dim=(0, 1)).item() - snr_db) <= bound


def test_every_sample_gets_its_snr_whatever_its_amplitude():
    """One noise level for the batch would be wrong by tens of decibels here."""
    amplitude = torch.tensor([1e-30, 1e-3, 0.1, 1.0, 10.0, 1e6, 1e30]).unsqueeze(-1)
    x = normalise(unit_symbols((7, 64)) * amplitude)
    y = awgn(x.expand(4096, 7, 64), n0_from_db(10.0), torch.Generator().manual_seed(2))
    bound = sampling_bound_db(4096 * 64, z=Z)
    assert bound <= 0.05
    assert (delivered_snr_db(x, y, dim=(0, 2)) - 10).abs().max() <= bound


def test_one_broadcast_serves_all_snrs_and_draws():
    """The sweep's shapes: (SNR, draw, frame, device, k); each point gets its own SNR and its own noise."""
    x = unit_symbols((400, 2, 32))
    snrs_db = torch.tensor(SNRS_DB)
    n0 = n0_from_db(snrs_db).view(-1, 1, 1, 1, 1)
    y = awgn(x.expand(7, 10, 400, 2, 32), n0, torch.Generator().manual_seed(3))
    assert y.shape == (7, 10, 400, 2, 32)
    measured = delivered_snr_db(x, y, dim=(1, 2, 3, 4))
    bound = sampling_bound_db(10 * x.numel(), z=Z)
    assert bound <= 0.05
    assert (measured - snrs_db).abs().max() <= bound
    noise = torch.view_as_real((y - x) / n0.sqrt()).flatten(2)
    correlation = (noise[0, 0] * noise[0, 1]).mean() / 0.5
    assert abs(correlation) <= Z / math.sqrt(noise.shape[-1])


def test_noise_is_circular_gaussian_with_half_the_variance_in_each_real_dimension():
    n0 = 0.3
    noise = awgn(torch.zeros(512, 256, dtype=torch.complex128), n0, torch.Generator().manual_seed(4))
    low, high = chi2.ppf([norm.sf(Z), norm.cdf(Z)], noise.numel()) / noise.numel() * n0 / 2
    for part in (noise.real, noise.imag):
        assert low <= part.square().mean() <= high
        assert kstest(part.flatten().numpy(), norm(scale=math.sqrt(n0 / 2)).cdf).pvalue > 2 * norm.sf(Z)
    correlation = (noise.real * noise.imag).mean() / (n0 / 2)
    assert abs(correlation) <= Z / math.sqrt(noise.numel())


@pytest.mark.parametrize("snr_db", [0.0, 10.0])
def test_sionna_agrees_on_what_n0_means(snr_db):
    sionna_config.seed = 5
    x = unit_symbols((8192, 32))
    n0 = n0_from_db(snr_db)
    ours = delivered_snr_db(x, AWGN()(x, n0, torch.Generator().manual_seed(5)), dim=(0, 1))
    theirs = delivered_snr_db(x, SionnaAWGN(device="cpu")(x, n0), dim=(0, 1))
    assert abs(ours - theirs) <= sampling_bound_db(x.numel(), z=Z * math.sqrt(2))


def test_ten_decibels_more_is_a_tenth_of_the_noise():
    x = torch.zeros(64, 32, dtype=torch.complex64)
    weak, strong = (awgn(x, n0_from_db(db), torch.Generator().manual_seed(6)) for db in (20.0, 10.0))
    torch.testing.assert_close(strong.abs().square(), 10 * weak.abs().square(), rtol=1e-5, atol=0)


def test_a_variance_for_each_block_stands_in_its_own_dimension():
    symbols = torch.ones(8, 8, dtype=torch.complex64)
    with pytest.raises(SemcomError, match=r"n0 of shape \(8,\) changes within a block"):
        AWGN()(symbols, torch.full((8,), 0.1))
    assert AWGN()(symbols, torch.full((8, 1), 0.1)).shape == (8, 8)


def test_same_generator_same_noise_and_symbols_untouched():
    x = unit_symbols((3, 8))
    before = x.clone()
    expanded = awgn(x.expand(5, 3, 8), 0.1, torch.Generator().manual_seed(7))
    copied = awgn(x.repeat(5, 1, 1), torch.tensor(0.1), torch.Generator().manual_seed(7))
    assert torch.equal(expanded, copied)
    assert torch.equal(x, before)
    assert torch.equal(awgn(x, 0.0), x)


def test_gradients_pass_unchanged_so_the_link_can_be_trained_through():
    x = torch.randn(4, 8, dtype=torch.complex64, requires_grad=True)
    weight = torch.randn(4, 8, dtype=torch.complex64)
    (awgn(x, 0.5) * weight).real.sum().backward()
    torch.testing.assert_close(x.grad, weight.conj())


def test_one_variance_for_all_is_the_same_as_one_for_each():
    """The two ways to scale draw the same noise: sweeps and training may mix them."""
    x = unit_symbols((50, 32))
    for n0 in (0.0, 0.3, 7.0):
        one = awgn(x, n0, torch.Generator().manual_seed(8))
        each = awgn(x, torch.full((50, 1), n0), torch.Generator().manual_seed(8))
        assert torch.equal(one, each)
