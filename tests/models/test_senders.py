import pytest
import torch
from torch import nn

from semcom.files.errors import SemcomError
from semcom.models import SENDERS
from semcom.models.senders import Linear, SnrAware
from semcom.params.component import build


def test_linear_is_a_linear_layer_with_its_weights_and_draws():
    torch.manual_seed(0)
    sender = Linear(5, 8)
    torch.manual_seed(0)
    layer = nn.Linear(5, 8)
    assert list(sender.state_dict()) == list(layer.state_dict())
    x = torch.randn(3, 5)
    assert torch.equal(sender(x), layer(x))
    assert torch.equal(sender(x, torch.tensor([0.0, 5.0, 10.0])), layer(x))


def test_snr_aware_starts_as_its_linear_layer():
    sender, x = SnrAware(5, 8, hidden=7), torch.randn(3, 5)
    for snr_db in (torch.tensor(-5.0), torch.tensor([0.0, 5.0, 10.0])):
        assert torch.equal(sender(x, snr_db), sender.layer(x))


def test_snr_aware_is_modulated_sample_by_sample():
    torch.manual_seed(1)
    sender, x = SnrAware(5, 8), torch.randn(2, 5)
    nn.init.normal_(sender.modulation[-1].weight)
    together = sender(x, torch.tensor([0.0, 20.0]))
    for position, snr_db in enumerate((0.0, 20.0)):
        alone = sender(x[position : position + 1], torch.tensor(snr_db))
        torch.testing.assert_close(together[position : position + 1], alone)
    assert not torch.allclose(sender(x, torch.tensor(0.0)), sender(x, torch.tensor(20.0)), atol=0.1)


def test_the_snr_gets_a_gradient_path_from_the_first_step():
    """Zero at the start is no dead end: the last layer's weights move."""
    sender = SnrAware(5, 8)
    sender(torch.randn(4, 5), torch.tensor([0.0, 5.0, 10.0, 20.0])).square().sum().backward()
    assert sender.modulation[-1].weight.grad.abs().max() > 0


def test_snr_aware_without_an_snr_is_refused():
    with pytest.raises(SemcomError, match="needs the SNR"):
        SnrAware(5, 8)(torch.randn(2, 5))


def test_the_family_says_who_needs_the_snr():
    needs = {name: build(SENDERS, {"use": name}, 5, 8).needs_snr for name in SENDERS}
    assert needs == {"linear": False, "snr_aware": True}
