"""The calibration passes what is right, and flags what public code does wrong (field-survey.md A.3)."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from semcom.channel import calibration
from semcom.channel.awgn import awgn
from semcom.channel.calibration import delivered_snr_db, power_rows, sampling_bound_db
from semcom.channel.checks import Claim
from semcom.channel.fading import Rayleigh, Rician, gains
from semcom.channel.power import normalise
from semcom.files.errors import SemcomError

TOLERANCE_DB = 0.2
"""Sixteen times fewer draws than with 0.05 dB."""
Rows = dict[str, dict[str, object]]


def calibrated(channel: Callable[..., Tensor], claim: Claim, snr_db: float = 10.0, uses: int = 32) -> Rows:
    rows = calibration.calibrate(
        channel,
        claim=claim,
        snr_db=[snr_db],
        channel_uses=uses,
        tolerance_db=TOLERANCE_DB,
        generator=torch.Generator().manual_seed(0),
    )
    return {str(row["check"]): row for row in rows}


def flagged(rows: Rows) -> set[str]:
    return {name for name, row in rows.items() if row["ok"] is False}


def test_known_powers_give_known_decibels():
    sent = torch.tensor([[1 + 1j, 1 - 1j], [10 + 0j, 0j]])  # mean powers 2 and 50
    received = sent + torch.tensor([[0.1j, 0.1j], [1.0, 3.0]])  # noise powers 0.01 and 5
    torch.testing.assert_close(delivered_snr_db(sent, received), torch.tensor([23.0103, 10.0]))
    whole = 10 * math.log10(26 / 2.505)
    torch.testing.assert_close(delivered_snr_db(sent, received, dim=(0, 1)), torch.tensor(whole))


def test_sampling_bound():
    assert sampling_bound_db(10_000, z=1.0) == pytest.approx(-10 * math.log10(0.99))
    assert sampling_bound_db(9, z=4.0) == math.inf
    powers = torch.empty(20_000, 640).exponential_(generator=torch.Generator().manual_seed(0)).mean(-1)
    beyond = (10 * torch.log10(powers)).abs() > sampling_bound_db(640, z=2.0)
    assert beyond.float().mean() < 0.0455 + 4 * math.sqrt(0.0455 / 20_000)  # two-sided tail of z = 2


def own_constraint(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    """Right: every sample scaled on its own."""
    return awgn(normalise(symbols), n0, generator)


def as_loud_as_needed(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    """Right for what it says: noise of each sample relative to that sample's power."""
    power = symbols.abs().square().mean(-1, keepdim=True)
    return awgn(symbols, n0 * power, generator)


@pytest.mark.parametrize(
    ("channel", "claim"),
    [
        (awgn, Claim()),
        (own_constraint, Claim(constraint="function")),
        (as_loud_as_needed, Claim(constraint="function")),
        (Rayleigh(csi="none"), Claim(k_factor=0.0)),
        (Rayleigh(), Claim(k_factor=0.0, csi="receiver")),
        (Rayleigh(equaliser="zf"), Claim(k_factor=0.0, csi="receiver")),
        (Rician(k_factor_db=0, csi="estimated", pilots=1), Claim(k_factor=1.0, csi="estimated")),
    ],
)
def test_right_channels_pass_every_check(channel, claim):
    rows = calibrated(channel, claim)
    assert not flagged(rows)
    assert all(abs(row["z"]) < 5 for row in rows.values() if row["ok"])


def power_over_the_batch(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    """Power 1 on average over the whole batch; the receiver is told the scale and takes it back."""
    scale = symbols.abs().square().mean().sqrt()
    return scale * awgn(symbols / scale, n0, generator)


def noise_halved_for_pairs(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    """Real features in pairs, a pair's power 1; noise of variance n0/2 for the pair instead of for each."""
    return awgn(symbols, n0 / 2, generator)


def noise_after_fading(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    """Noise scaled to the power that came through the fading: every block has the average SNR."""
    gain = gains((*symbols.shape[:-1], 1), generator=generator)
    return awgn(gain * symbols, n0 * gain.abs().square(), generator)


def test_power_normalised_over_the_batch_is_flagged():
    rows = calibrated(power_over_the_batch, Claim())
    assert {"snr_db_amplitude_1", "snr_db_beside_loud"} <= flagged(rows)
    mean_power = (0.3**2 + 1 + 3**2) / 3
    assert rows["snr_db_amplitude_1"]["value"] == pytest.approx(10 - 10 * math.log10(mean_power), abs=0.2)
    assert rows["snr_db_beside_loud"]["value"] < -20
    assert {"snr_db_amplitude_0.3", "snr_db_amplitude_3"} <= flagged(
        calibrated(power_over_the_batch, Claim(constraint="function"))
    )


def test_noise_halved_for_real_pairs_is_flagged_as_three_decibels():
    rows = calibrated(noise_halved_for_pairs, Claim())
    assert {"snr_db_amplitude_1", "snr_db_beside_loud"} <= flagged(rows)
    assert rows["snr_db_amplitude_1"]["value"] == pytest.approx(13.01, abs=0.2)


def test_noise_scaled_after_fading_is_flagged_though_its_mean_snr_is_right():
    rows = calibrated(noise_after_fading, Claim(k_factor=0.0))
    assert not {name for name in flagged(rows) if name.startswith("snr_db_amplitude")}
    assert {"amount_of_fading", "spread_db", "outage_1", "noise_on_gain"} <= flagged(rows)
    assert rows["outage_1"]["value"] < 0.001  # no outage can occur


def real_gain(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    return awgn(gains((*symbols.shape[:-1], 1), generator=generator).abs() * symbols, n0, generator)


def gain_for_every_symbol(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    return awgn(gains(symbols.shape, generator=generator) * symbols, n0, generator)


def gain_that_drifts(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    drift = torch.linspace(0.9, 1.1, symbols.shape[-1])
    return awgn(gains((*symbols.shape[:-1], 1), generator=generator) * drift * symbols, n0, generator)


def one_gain_for_all(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    return awgn(gains((1,), generator=generator) * symbols, n0, generator)


def double_gain(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    return awgn(math.sqrt(2) * gains((*symbols.shape[:-1], 1), generator=generator) * symbols, n0, generator)


def noise_in_one_dimension(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    noise = awgn(torch.zeros_like(symbols), n0, generator).real * math.sqrt(2)
    return symbols + noise


def multiplied_noise(symbols: Tensor, n0: float | Tensor, generator: torch.Generator) -> Tensor:
    return symbols * (1 + awgn(torch.zeros_like(symbols), n0, generator))


@pytest.mark.parametrize(
    ("channel", "k_factor", "caught"),
    [
        (real_gain, 0.0, "phase_uniform"),
        (gain_for_every_symbol, 0.0, "noise_on_symbol"),
        (gain_that_drifts, 0.0, "block_constancy"),
        (one_gain_for_all, 0.0, "next_block"),
        (double_gain, 0.0, "gain_power_db"),
        (Rician(csi="none"), 0.0, "amount_of_fading"),
        (awgn, 0.0, "spread_db"),
        (noise_in_one_dimension, math.inf, "noise_circularity"),
        (multiplied_noise, math.inf, "noise_on_symbol"),
    ],
)
def test_every_other_mistake_is_caught_by_the_check_for_it(channel, k_factor, caught):
    assert caught in flagged(calibrated(channel, Claim(k_factor=k_factor)))


def impulsive(
    symbols: Tensor, n0: Tensor | float, generator: torch.Generator, *, scale: float = 1.0
) -> Tensor:
    """Noise of mean power `scale` n0, twenty times stronger on a twentieth of the channel uses."""
    hit = torch.rand(symbols.shape, generator=generator) < 0.05
    factor = torch.where(hit, 20.0, 1.0) / (1 + 0.05 * 19)
    return awgn(symbols, scale * n0 * factor, generator)


def test_a_channel_of_its_own_law_is_held_to_its_mean_snr():
    """Of 20,000 blocks of 32 uses: E|w|^4 is 10.8 times E|w|^2 squared, so 0.02 dB of standard error."""
    own = Claim(law="own")
    assert flagged(calibrated(impulsive, Claim())) >= {"snr_db_amplitude_1"}
    assert flagged(calibrated(impulsive, own)) == set()
    rows = calibrated(lambda x, n0, g: impulsive(x, n0, g, scale=1.1), own)  # 0.41 dB
    assert flagged(rows) == {f"mean_snr_db_amplitude_{amplitude}" for amplitude in ("0.3", "1", "3")}
    rows = calibrated(lambda x, n0, g: impulsive(x, n0 * x.abs().square(), g), own)
    assert "noise_on_symbol" in flagged(rows)


def test_a_gain_of_its_own_law_is_held_to_its_mean_power():
    def nakagami(
        symbols: Tensor, n0: Tensor | float, generator: torch.Generator, *, mean: float = 1.0
    ) -> Tensor:
        """|h|^2 is the mean of three exponentials: m = 3."""
        power = torch.empty(len(symbols), 3).exponential_(generator=generator).mean(1, keepdim=True)
        return awgn(mean * power.sqrt() * symbols, n0, generator)

    own = Claim(law="own")
    assert flagged(calibrated(nakagami, own)) == set()
    rows = calibrated(lambda x, n0, g: nakagami(x, n0, g, mean=1.05), own)  # 0.42 dB
    assert "mean_snr_db_amplitude_1" in flagged(rows)


def test_of_an_equalised_channel_of_its_own_law_the_noise_alone_is_measured():
    rows = calibrated(Rayleigh(), Claim(law="own", csi="receiver", k_factor=0.0))
    assert {name: row["ok"] for name, row in rows.items()} == {
        "mean_snr_db": None,
        "noise_on_symbol": True,
        "noise_circularity": True,
    }
    assert "equalises" in str(rows["mean_snr_db"]["note"])


def test_a_channel_that_takes_one_n0_is_told_so_and_not_failed():
    def plain(symbols: Tensor, n0: float, generator: torch.Generator) -> Tensor:
        return awgn(symbols, math.sqrt(n0) ** 2, generator)

    row = calibrated(plain, Claim())["snr_db_by_sample"]
    assert row["ok"] is None
    assert "takes one n0 a call" in str(row["note"])


def test_tolerance_is_four_standard_errors():
    """So that a channel that is off by twice the tolerance does not pass."""
    rows = [
        row for row in calibrated(Rayleigh(csi="none"), Claim(k_factor=0.0)).values() if row["ok"] is not None
    ]
    for row in rows:
        if "_db_amplitude" in str(row["check"]):
            error = abs((row["value"] - row["expected"]) / row["z"])
            assert 4 * error <= 1.05 * TOLERANCE_DB
    off = calibrated(lambda x, n0, g: Rayleigh(csi="none")(x, n0 * 10**-0.04, g), Claim(k_factor=0.0))
    assert {"snr_db_amplitude_0.3", "snr_db_amplitude_1", "snr_db_amplitude_3"} <= flagged(off)


@pytest.mark.parametrize(
    ("channel", "options", "said"),
    [
        (lambda x, n0, g: x.real, {}, "returned torch.float32 of shape"),
        (lambda x, n0, g: x[:, 1:], {}, "it must return complex symbols of the same shape"),
        (lambda x, n0, g: x * math.nan, {}, "NaN or infinity"),
        (lambda x, n0, g: 2j * x, {}, "adds no noise"),
        (awgn, {"uses": 8}, "8 channel uses are too few"),
        (awgn, {"snr_db": -30.0}, "raise the SNR or the channel uses"),
    ],
)
def test_what_cannot_be_measured_is_said(channel, options, said):
    with pytest.raises(SemcomError, match=said):
        calibrated(channel, Claim(), **options)


def test_power_is_looked_at_sample_by_sample():
    symbols = normalise(torch.randn(6, 2, 8, dtype=torch.complex64))
    (row,) = power_rows(symbols)
    assert row["ok"]
    assert row["draws"] == 12
    symbols[3, 1] *= 1.02
    (row,) = power_rows(symbols)
    assert not row["ok"]
    assert row["value"] == pytest.approx(20 * math.log10(1.02), abs=1e-3)
