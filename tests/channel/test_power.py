import pytest
import torch

from semcom.channel.power import normalise


def test_every_sample_has_unit_power_and_keeps_its_direction():
    x = torch.randn(5, 2, 32, dtype=torch.complex64) * torch.tensor([1e-30, 1e-10, 1.0, 1e10, 1e30]).view(
        5, 1, 1
    )
    y = normalise(x)
    torch.testing.assert_close(y.abs().square().mean(-1), torch.ones(5, 2))
    ratio = y / x.clone().div(x.abs().amax(-1, keepdim=True))
    torch.testing.assert_close(ratio, ratio[..., :1].expand_as(ratio))
    torch.testing.assert_close(normalise(y), y)


@pytest.mark.parametrize("seed", range(20))
def test_a_sample_does_not_depend_on_its_batch(seed):
    x = torch.randn(8, 32, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))
    alone = normalise(x[3])
    assert torch.equal(normalise(x)[3], alone)
    x[0] *= 1e-30  # its power leaves fp32
    assert torch.equal(normalise(x)[3], alone)


def test_a_zero_sample_stays_zero_with_a_finite_gradient():
    x = torch.zeros(2, 4, dtype=torch.complex64)
    x[1] = 1 + 1j
    x.requires_grad_()
    y = normalise(x)
    y.real.sum().backward()
    assert torch.equal(y[0].detach(), torch.zeros(4, dtype=torch.complex64))
    assert torch.view_as_real(x.grad).isfinite().all()


@pytest.mark.parametrize("amplitude", [1e-20, 1e-3, 1.0, 1e3, 1e20])
def test_gradient_is_that_of_the_plain_formula(amplitude):
    x = (torch.randn(3, 6, dtype=torch.complex128) * amplitude).requires_grad_()
    weight = torch.randn(3, 6, dtype=torch.complex128)
    (mine,) = torch.autograd.grad((normalise(x) * weight).real.sum(), x)
    plain = x / x.abs().square().mean(-1, keepdim=True).sqrt()
    (theirs,) = torch.autograd.grad((plain * weight).real.sum(), x)
    torch.testing.assert_close(mine, theirs)
