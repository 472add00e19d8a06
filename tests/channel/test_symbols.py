import pytest
import torch

from semcom.channel.symbols import to_complex, to_real
from semcom.files.errors import SemcomError


def test_neighbours_pair_up():
    assert torch.equal(to_complex(torch.tensor([1.0, 2.0, 3.0, 4.0])), torch.tensor([1 + 2j, 3 + 4j]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_round_trip_and_energy(dtype):
    reals = torch.randn(3, 2, 10, dtype=dtype)[..., 1:9]  # not contiguous
    symbols = to_complex(reals)
    assert symbols.shape == (3, 2, 4)
    assert torch.equal(to_real(symbols), reals)
    torch.testing.assert_close(symbols.abs().square().sum(-1), reals.square().sum(-1))


def test_half_precision_is_widened():
    assert to_complex(torch.ones(4, dtype=torch.bfloat16)).dtype == torch.complex64


@pytest.mark.parametrize("shape", [(2, 3), (2, 0), ()])
def test_what_does_not_pair_up_is_refused(shape):
    with pytest.raises(SemcomError, match="do not pair up"):
        to_complex(torch.zeros(shape))
