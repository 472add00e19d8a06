import torch
from torch import nn

from semcom.training.batchnorm import recompute


def test_statistics_become_those_of_the_data() -> None:
    data = torch.randn(400, 3, 5, 5) * torch.tensor([1.0, 2, 3]).view(3, 1, 1) + 7
    net = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3)).eval()
    recompute(net, data.split(100))
    torch.testing.assert_close(net[0].running_mean, data.mean((0, 2, 3)))
    torch.testing.assert_close(net[0].running_var, data.var((0, 2, 3)), rtol=0.01, atol=0)
    torch.testing.assert_close(net[1].running_mean, torch.zeros(3), rtol=0, atol=1e-5)
    assert not net.training
    assert net[0].momentum == 0.1


def test_weights_do_not_change() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    before = [p.clone() for p in net.parameters()]
    recompute(net, [torch.randn(10, 4)])
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
