"""Block fading against its closed forms and against Sionna."""

import math

import pytest
import torch
from scipy.stats import expon, kstest, norm
from sionna.phy import config as sionna_config
from sionna.phy.channel import RayleighBlockFading
from sionna.phy.mimo import lmmse_equalizer, zf_equalizer

from semcom.channel.awgn import awgn
from semcom.channel.fading import (
    Rayleigh,
    Rician,
    block_fading,
    equalise,
    estimate_gain,
    gains,
)
from semcom.channel.power import normalise
from semcom.channel.snr import n0_from_db
from semcom.files.errors import SemcomError

Z = 4.0
"""Standard errors allowed: a right channel fails one test in 16,000 seeds, and the seeds are fixed."""
CHANCE = 2 * norm.sf(Z)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unit_symbols(*shape: int, dtype: torch.dtype = torch.complex64) -> torch.Tensor:
    return normalise(torch.randn(shape, generator=generator(99), dtype=dtype))


def assert_mean(values: torch.Tensor, expected: float) -> None:
    """The mean of independent `values` within Z standard errors of the expected one."""
    error = values.double().std() / math.sqrt(values.numel())
    assert abs(values.double().mean() - expected) <= Z * error


@pytest.mark.parametrize("k_factor", [0.0, 1.0, 4.0, 100.0])
def test_gains_have_unit_power_its_known_spread_and_uniform_phase(k_factor):
    h = gains((200_000,), k_factor=k_factor, dtype=torch.complex128, generator=generator(1))
    power = h.abs().square()
    assert_mean(power, 1.0)
    assert_mean((power - 1).square(), (1 + 2 * k_factor) / (1 + k_factor) ** 2)
    assert kstest((h.angle() / math.tau + 0.5).numpy(), "uniform").pvalue > CHANCE


def test_rayleigh_power_is_exponential_and_spreads_over_5_6_db():
    power = gains((200_000,), generator=generator(2)).abs().square()
    assert kstest(power.numpy(), expon.cdf).pvalue > CHANCE
    in_db = 10 * torch.log10(power.double())
    assert_mean(in_db, -10 / math.log(10) * 0.5772156649)
    assert in_db.std() == pytest.approx(10 / math.log(10) * math.pi / math.sqrt(6), rel=0.01)  # 5.57 dB


def test_rayleigh_gains_are_distributed_as_sionnas():
    sionna_config.seed = 3
    theirs, _ = RayleighBlockFading(1, 1, 1, 1, device="cpu")(20_000, 2)
    assert torch.equal(theirs[..., 0], theirs[..., 1])
    ours = gains((20_000,), generator=generator(3))
    for part in (torch.real, torch.imag, torch.abs):
        assert kstest(part(ours).numpy(), part(theirs[..., 0].flatten()).numpy()).pvalue > CHANCE


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_outage_of_block_rayleigh(rate):
    n0 = n0_from_db(10.0)
    faded = block_fading(unit_symbols(400_000, 1), n0, generator(4))
    outage = (torch.log2(1 + faded.gain.abs().square() / n0) < rate).double()
    assert_mean(outage, 1 - math.exp(-(2**rate - 1) * n0))


def test_one_gain_a_sample_and_device_and_noise_that_knows_nothing_of_it():
    x = unit_symbols(20_000, 2, 16)
    y, h, _ = block_fading(x, 0.1, generator(5))
    assert h.shape == (20_000, 2, 1)
    noise = y - h * x
    assert_mean(noise.abs().square().flatten(), 0.1)
    powers = noise.abs().square().mean(-1), h.abs().square().squeeze(-1)
    assert abs(torch.corrcoef(torch.stack([p.flatten() for p in powers]))[0, 1]) <= Z / math.sqrt(40_000)
    assert abs(torch.corrcoef(h.squeeze(-1).T)[0, 1]) <= Z / math.sqrt(20_000)


def test_a_batch_holds_a_vector_of_snrs_and_one_broadcast_serves_a_sweep():
    x, snr_db = unit_symbols(4000, 1, 32), torch.tensor([0.0, 10.0, 20.0])
    n0 = n0_from_db(snr_db).view(3, 1, 1, 1)
    y, h, _ = block_fading(x.expand(3, 4000, 1, 32), n0, generator(6))
    assert h.shape == (3, 4000, 1, 1)
    assert torch.view_as_real(h).unique().numel() > 23_000  # all are draws of their own
    noise = ((y - h * x) / n0.sqrt()).abs().square()
    for one in noise:
        assert_mean(one.flatten(), 1.0)


@pytest.mark.parametrize("csi", ["none", "receiver", "estimated"])
def test_what_the_receiver_knows(csi):
    pilots = 4 if csi == "estimated" else 0
    y, h, estimate = block_fading(unit_symbols(50_000, 1), 0.2, generator(7), csi=csi, pilots=pilots)
    if csi == "none":
        assert estimate is None
    elif csi == "receiver":
        assert torch.equal(estimate, h)
    else:
        error = estimate - h
        assert_mean(error.abs().square(), 0.2 / 4)
        assert abs((error * h.conj()).mean()) <= Z * math.sqrt(0.2 / 4 / 50_000)


def test_least_squares_is_what_pilots_sent_by_hand_give():
    h = gains((5, 1), dtype=torch.complex128, generator=generator(8))
    pilots = torch.ones(5, 3, dtype=torch.complex128)
    by_hand = torch.linalg.lstsq(
        pilots.unsqueeze(-1), awgn(h * pilots, 0.1, generator(9)).unsqueeze(-1)
    ).solution.squeeze(-1)
    torch.testing.assert_close(estimate_gain(h, 0.1, pilots=3, generator=generator(9)), by_hand)


def test_equalisers_are_sionnas_zf_and_the_wiener_filter():
    x, n0 = unit_symbols(2000, 1), torch.tensor(0.3)
    y, h, _ = block_fading(x, n0, generator(10))
    noise = n0 * torch.ones(2000, 1, 1, dtype=torch.complex64)
    zf, variance = zf_equalizer(y, h.unsqueeze(-1), noise)
    torch.testing.assert_close(equalise(y, h, n0, method="zf"), zf, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(n0 / h.abs().square(), variance, rtol=1e-4, atol=1e-4)
    # Sionna's LMMSE is scaled to be unbiased, which for one antenna is zero forcing; ours is not.
    unbiased, _ = lmmse_equalizer(y, h.unsqueeze(-1), noise)
    shrunk = h.abs().square() / (h.abs().square() + n0)
    torch.testing.assert_close(equalise(y, h, n0, method="mmse"), shrunk * unbiased, rtol=1e-4, atol=1e-4)


def test_no_scale_of_the_received_symbols_has_less_error_than_mmse():
    x = unit_symbols(512, 64, dtype=torch.complex128)
    y, h, _ = block_fading(x, 0.5, generator(11))
    best = (equalise(y, h, 0.5, method="mmse") - x).abs().square().mean()
    expected = (0.5 / (h.abs().square() + 0.5)).mean()
    assert best == pytest.approx(expected.item(), rel=0.05)
    for scale in (0.9, 1.1, 1.1j):
        assert (scale * equalise(y, h, 0.5, method="mmse") - x).abs().square().mean() > best
    assert (equalise(y, h, 0.5, method="zf") - x).abs().square().mean() > best


@pytest.mark.parametrize("equaliser", ["mmse", "zf"])
def test_without_noise_csi_gives_the_symbols_back(equaliser):
    x = unit_symbols(7, 2, 8)
    for channel in (Rayleigh(equaliser=equaliser), Rician(csi="estimated", pilots=1, equaliser=equaliser)):
        torch.testing.assert_close(channel(x, 0.0, generator(12)), x, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(Rayleigh(csi="none")(x, 0.0, generator(12)), x, atol=0.1)


def test_components_are_their_functions():
    x, n0 = unit_symbols(6, 2, 8), torch.tensor([0.1, 1.0]).view(2, 1, 1, 1)
    y, _, estimate = block_fading(x, n0, generator(13), k_factor=2.0, csi="estimated", pilots=3)
    channel = Rician(k_factor_db=10 * math.log10(2), csi="estimated", pilots=3, equaliser="zf")
    assert channel.pilots == 3
    torch.testing.assert_close(channel(x, n0, generator(13)), equalise(y, estimate, n0, method="zf"))
    plain = Rayleigh(csi="none")
    assert plain.pilots == 0
    assert torch.equal(plain(x, 0.1, generator(14)), block_fading(x, 0.1, generator(14)).received)


def test_all_noise_variances_see_the_same_draws():
    """What makes sweeps paired: the draws do not depend on n0."""
    x = unit_symbols(5, 2, 8)
    (weak, h, _), (strong, same, _) = (
        block_fading(x, n0, generator(15), csi="estimated", pilots=2) for n0 in (0.01, 1.0)
    )
    assert torch.equal(h, same)
    torch.testing.assert_close(10 * (weak - h * x), strong - h * x, rtol=1e-3, atol=1e-4)


def test_gradients_are_those_of_the_equalised_channel():
    x = unit_symbols(3, 4, dtype=torch.complex128).requires_grad_()
    weight = torch.randn(3, 4, dtype=torch.complex128, generator=generator(16))
    (Rayleigh()(x, 0.5, generator(17)) * weight).real.sum().backward()
    h = gains((3, 1), dtype=torch.complex128, generator=generator(17))
    torch.testing.assert_close(x.grad, (h.abs().square() / (h.abs().square() + 0.5) * weight).conj())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"csi": "estimated"}, "needs pilots ≥ 1"),
        ({"csi": "receiver", "pilots": 2}, "pilots: 2 go with csi: estimated only, not csi: receiver"),
    ],
)
def test_pilots_and_csi_that_do_not_fit_are_refused(options, said):
    with pytest.raises(SemcomError, match=said):
        Rayleigh(**options)


def test_noise_that_changes_within_a_block_is_refused():
    with pytest.raises(SemcomError, match=r"n0 of shape \(2, 8\) changes within a block"):
        block_fading(unit_symbols(2, 8), torch.ones(2, 8))
