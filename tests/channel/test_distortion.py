"""Channels that distort the signal: figures are stated, nothing is held to them."""

import math

import pytest
import torch
from torch import Tensor

from semcom.channel.awgn import awgn
from semcom.channel.checks import Claim
from semcom.channel.distortion import STATED, claim_of, measured
from semcom.files.errors import SemcomError

USES = 32


class Erasing:
    """Symbols are lost with probability p, those that are not have gain 1."""

    law = "unchecked"
    p = 0.1

    def __call__(self, symbols: Tensor, n0: Tensor | float, generator: torch.Generator) -> Tensor:
        kept = torch.rand(symbols.shape, generator=generator) >= self.p
        return self.noisy(symbols * kept, n0, generator)

    def noisy(self, symbols: Tensor, n0: Tensor | float, generator: torch.Generator) -> Tensor:
        return awgn(symbols, n0, generator)


class Noiseless(Erasing):
    def noisy(self, symbols: Tensor, n0: Tensor | float, generator: torch.Generator) -> Tensor:
        return symbols


def rows_of(channel: Erasing) -> dict[str, dict[str, object]]:
    rows = measured(
        channel,
        claim=claim_of(channel),
        snr_db=[20.0],
        channel_uses=USES,
        tolerance_db=0.2,
        generator=torch.Generator().manual_seed(3),
    )
    return {str(row["check"]): row for row in rows}


def test_the_figures_of_an_erasing_channel_are_stated_and_right():
    """Of k Gaussian symbols whose power is P each block's fit follows what was lost of it.

    Then E|a|^2 is (1 - p)^2 + 2 p (1 - p) / (k + 1), and the residual n0 + p (1 - p) P k / (k + 1).
    Of 20,480 blocks the standard error is 0.02 dB.
    """
    rows = rows_of(Erasing())
    assert {row["ok"] for row in rows.values()} == {STATED}
    assert {row["tolerance"] for row in rows.values()} == {math.inf}
    for amplitude in (0.3, 1.0, 3.0):
        row, power, p = rows[f"mean_snr_db_amplitude_{amplitude:g}"], amplitude**2, Erasing.p
        lost = p * (1 - p) * power / (USES + 1)
        expected = 10 * math.log10(((1 - p) ** 2 * power + lost) / (0.01 + USES * lost))
        assert row["value"] == pytest.approx(expected, abs=0.08)
        assert row["expected"] == pytest.approx(20 + 20 * math.log10(amplitude), abs=1e-3)
    assert float(str(rows["noise_on_symbol"]["value"])) > 0.5, "a lost symbol's residual is the symbol"


def test_without_any_noise_in_some_blocks_what_cannot_be_told_is_nan():
    rows = rows_of(Noiseless())
    assert {row["ok"] for row in rows.values()} == {STATED}
    assert math.isnan(float(str(rows["noise_circularity"]["value"])))
    assert math.isfinite(float(str(rows["mean_snr_db_amplitude_1"]["value"])))


@pytest.mark.parametrize(("name", "value"), [("law", "unheld"), ("csi", "perfect")])
def test_words_that_there_are_not_are_refused(name, value):
    kind = type("Odd", (), {name: value})
    with pytest.raises(SemcomError, match=rf"Odd says {name} = '{value}', which is none of "):
        claim_of(kind())


def test_a_channel_that_says_nothing_is_awgn():
    assert claim_of(object()) == Claim()
