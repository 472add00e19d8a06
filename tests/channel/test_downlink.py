import math

import torch

from semcom.channel.awgn import awgn
from semcom.channel.downlink import noisy_downlink
from semcom.channel.power import normalise


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gradient_over(n0: float | torch.Tensor, wanted: torch.Tensor, *, seed: int = 0) -> torch.Tensor:
    """What arrives at the devices of the gradient `wanted`."""
    x = torch.zeros_like(wanted).requires_grad_()
    noisy_downlink(x, n0, generator(seed)).backward(wanted)
    return x.grad


def test_symbols_go_up_unchanged():
    x = torch.randn(3, 2, 8, dtype=torch.complex64)
    assert torch.equal(noisy_downlink(x, 10.0, generator()), x)


def test_without_noise_the_gradient_is_untouched():
    wanted = torch.randn(3, 2, 8, dtype=torch.complex64) * torch.tensor([1e-12, 1.0, 1e6]).view(3, 1, 1)
    torch.testing.assert_close(gradient_over(0.0, wanted), wanted, rtol=1e-5, atol=0)


def test_every_sample_and_device_has_the_snr_of_the_downlink_whatever_its_size():
    sizes = torch.tensor([1e-9, 1e-3, 1.0, 1e3]).view(4, 1, 1)
    wanted = torch.randn(4, 2, 100_000, dtype=torch.complex64, generator=generator(1)) * sizes
    error = gradient_over(0.1, wanted) - wanted
    snr_db = 10 * torch.log10(wanted.abs().square().mean(-1) / error.abs().square().mean(-1))
    # 4 standard errors of the noise power of 100,000 channel uses
    assert (snr_db - 10).abs().max() <= -10 * math.log10(1 - 4 / math.sqrt(100_000))


def test_it_is_the_channel_on_the_normalised_gradient():
    wanted = torch.randn(5, 2, 8, dtype=torch.complex64)
    n0 = torch.rand(5, 1, 1)
    rms = wanted.abs().square().mean(-1, keepdim=True).sqrt()
    by_hand = rms * awgn(normalise(wanted), n0, generator(2))
    torch.testing.assert_close(gradient_over(n0, wanted, seed=2), by_hand)


def test_a_zero_gradient_arrives_as_zero():
    assert not gradient_over(1.0, torch.zeros(2, 1, 4, dtype=torch.complex64)).any()
