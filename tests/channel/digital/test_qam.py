import pytest
import torch
from sionna.phy.mapping import Demapper, Mapper

from semcom.channel.digital.qam import demap, map_bits
from semcom.files.errors import SemcomError
from semcom.params.scheme import BITS_PER_SYMBOL, levels

MODULATIONS = list(BITS_PER_SYMBOL)


def bits_of(modulation: str, rows: int = 50) -> torch.Tensor:
    width = BITS_PER_SYMBOL[modulation]
    return torch.randint(0, 2, (rows, 20 * width), generator=torch.Generator().manual_seed(width))


def noisy(symbols: torch.Tensor) -> torch.Tensor:
    draws = torch.randn(symbols.shape, dtype=symbols.dtype, generator=torch.Generator().manual_seed(9))
    return symbols + 0.4 * draws


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_all_points_have_power_1_and_neighbours_differ_in_one_bit(modulation: str) -> None:
    line = levels(modulation)
    assert sum(level**2 for level in line) / len(line) == pytest.approx(0.5)
    order = sorted(range(len(line)), key=lambda pattern: line[pattern])
    assert all((a ^ b).bit_count() == 1 for a, b in zip(order, order[1:], strict=False))


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_symbols_are_those_of_sionna(modulation: str) -> None:
    bits = bits_of(modulation)
    theirs = Mapper("qam", BITS_PER_SYMBOL[modulation], device="cpu")(bits.float())
    torch.testing.assert_close(map_bits(bits, modulation=modulation), theirs, atol=1e-6, rtol=0)


@pytest.mark.parametrize("modulation", MODULATIONS)
@pytest.mark.parametrize(("method", "name"), [("exact", "app"), ("maxlog", "maxlog")])
def test_log_odds_are_those_of_sionna(modulation: str, method: str, name: str) -> None:
    received = noisy(map_bits(bits_of(modulation), modulation=modulation))
    n0 = torch.rand(received.shape, generator=torch.Generator().manual_seed(3)) + 0.05
    theirs = Demapper(name, "qam", BITS_PER_SYMBOL[modulation], device="cpu")(received, n0)
    ours = demap(received, n0, modulation=modulation, method=method)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_a_gain_is_as_good_as_equalised_symbols_with_the_noise_that_is_left(modulation: str) -> None:
    received = noisy(map_bits(bits_of(modulation), modulation=modulation))
    gain = torch.randn(len(received), 1, dtype=received.dtype, generator=torch.Generator().manual_seed(4))
    faded = demap(gain * received, 0.3, modulation=modulation, gain=gain)
    torch.testing.assert_close(
        faded, demap(received, 0.3 / gain.abs().square(), modulation=modulation), atol=1e-3, rtol=1e-4
    )


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_bits_come_back_and_a_gain_of_0_says_nothing(modulation: str) -> None:
    bits = bits_of(modulation)
    symbols = map_bits(bits, modulation=modulation)
    assert torch.equal(demap(symbols, 1e-9, modulation=modulation) > 0, bits.bool())
    silent = demap(symbols, 0.1, modulation=modulation, gain=torch.zeros(1, dtype=symbols.dtype))
    assert torch.equal(silent, torch.zeros_like(silent))


def test_qpsk_log_odds_are_linear() -> None:
    # log P(1|y) - log P(0|y) = -4 Re(y) / (√2 n0): the closed form.
    received = torch.tensor([[0.3 - 1.2j, -0.7 + 0.1j]])
    expected = -4 / (2**0.5 * 0.25) * torch.view_as_real(received).flatten(-2)
    torch.testing.assert_close(demap(received, 0.25, modulation="qpsk"), expected)


def test_bits_that_fill_no_symbol_are_refused() -> None:
    with pytest.raises(SemcomError, match="7 bits are no whole number of 16qam symbols"):
        map_bits(torch.zeros(2, 7), modulation="16qam")
