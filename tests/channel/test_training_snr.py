import pytest
import torch
from scipy.stats import kstest, norm, uniform

from semcom.channel.training_snr import draw_snr_db
from semcom.files.errors import SemcomError

CHANCE = 2 * norm.sf(4.0)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_a_fixed_one_is_the_same_for_all_and_draws_nothing():
    draws = generator()
    assert torch.equal(draw_snr_db(10, 5, generator=draws), torch.full((5,), 10.0))
    assert torch.equal(draws.get_state(), generator().get_state())


def test_a_range_is_uniform_sample_by_sample():
    drawn = draw_snr_db({"uniform": (-5, 20)}, 20_000, generator=generator())
    assert kstest(drawn.numpy(), uniform(-5, 25).cdf).pvalue > CHANCE


def test_a_list_is_drawn_from_evenly():
    drawn = draw_snr_db({"choice": [0, 5, 20]}, 30_000, generator=generator())
    values, counts = drawn.unique(return_counts=True)
    assert values.tolist() == [0.0, 5.0, 20.0]
    assert (counts - 10_000).abs().max() <= 4 * (30_000 * 2 / 9) ** 0.5


def test_same_generator_same_snrs():
    for spec in ({"uniform": [0, 20]}, {"choice": [0, 20]}):
        first, second = (draw_snr_db(spec, 100, generator=generator()) for _ in range(2))
        assert torch.equal(first, second)


@pytest.mark.parametrize(
    "spec",
    [
        {"uniform": [20, 0]},
        {"uniform": [5]},
        {"choice": []},
        {"normal": [0, 1]},
        {"uniform": [0, 1], "choice": [1]},
    ],
)
def test_anything_else_is_refused(spec):
    with pytest.raises(SemcomError, match="is neither a number nor"):
        draw_snr_db(spec, 3)
