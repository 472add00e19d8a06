"""The committed error tables, against what must hold for any of them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from semcom.channel.digital import finite
from semcom.channel.digital.averaged import over_rayleigh
from semcom.channel.digital.bounds import capacity, rayleigh_mean, uncoded_bler
from semcom.channel.digital.link import DigitalLink
from semcom.channel.digital.table import Curve, proportion_interval, read
from semcom.params.entries import TableEntry

FOLDER = Path(__file__).parents[3] / "results" / "reference" / "links"
FILES = sorted(FOLDER.glob("*.csv"))
Z = 4.5

tables = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def deviation(curve: Curve) -> np.ndarray:
    rate = (curve.errors + 0.5) / (curve.blocks + 1)
    return np.sqrt(rate * (1 - rate) / curve.blocks)


def test_there_are_tables_and_their_entries_are_listed() -> None:
    entries = [
        TableEntry.model_validate_json(line) for line in (FOLDER / "entries.jsonl").read_text().splitlines()
    ]
    names = [f"{entry.block.stem}_{entry.channel}" for entry in entries]
    assert len(set(names)) == len(names)
    assert {path.stem for path in FILES} <= set(names)
    assert len(FILES) >= 6


@tables
def test_rates_are_those_of_the_counts_and_points_have_enough_errors(path: Path) -> None:
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        errors, blocks = int(row["block_errors"]), int(row["blocks"])
        assert float(row["bler"]) == pytest.approx(errors / blocks, rel=1e-5)
        low, high = proportion_interval(errors, blocks)
        assert (float(row["bler_low"]), float(row["bler_high"])) == pytest.approx(
            (float(low), float(high)), rel=1e-5
        )
        assert errors >= 100 or blocks >= min(20_000, 20_480_000 // int(row["code_bits"]))
    rates = [float(row["bler"]) for row in rows]
    assert rates[0] > 0.96
    assert min(rates) <= 0.01


@tables
def test_nothing_rises_with_snr_beyond_its_error(path: Path) -> None:
    curve = read(path)
    rate, error = curve.errors / curve.blocks, deviation(curve)
    assert (np.diff(rate) < Z * np.hypot(error[1:], error[:-1])).all()


@tables
def test_nothing_is_above_capacity(path: Path) -> None:
    """Fano: k payload bits in n channel uses, lost with probability ε, obey k (1 - ε) ≤ n C + 1."""
    curve = read(path)
    scheme = curve.scheme

    def least(snr_db: np.ndarray) -> np.ndarray:
        return np.maximum(1 - (scheme.channel_uses * capacity(snr_db) + 1) / scheme.payload_bits, 0)

    bound = least(curve.snr_db) if curve.channel == "awgn" else rayleigh_mean(least, curve.snr_db)
    assert (curve.errors / curve.blocks + Z * deviation(curve) > bound).all()


@tables
def test_uncoded_blocks_hit_the_closed_form(path: Path) -> None:
    curve = read(path)
    if curve.scheme.code != "uncoded":
        pytest.skip("coded")
    expected = uncoded_bler(curve.snr_db, scheme=curve.scheme, channel=curve.channel)
    error = np.sqrt(expected * (1 - expected) / curve.blocks)
    assert (np.abs(curve.errors / curve.blocks - expected) < Z * error).all()


@tables
def test_coded_blocks_need_more_than_the_best_code_and_not_much_more(path: Path) -> None:
    curve = read(path)
    if curve.channel != "awgn" or curve.scheme.code == "uncoded" or curve.scheme.channel_uses < 50:
        pytest.skip("no normal approximation")
    assert 0 < finite.gap_db(curve, bler=1e-2) < 3


@tables
def test_fading_simulated_and_integrated_agree(path: Path) -> None:
    curve = read(path)
    awgn = path.with_name(path.name.replace("_rayleigh", "_awgn"))
    if curve.channel != "rayleigh" or not awgn.exists():
        pytest.skip("no pair of tables")
    mean = over_rayleigh(read(awgn), curve.snr_db)
    error = np.hypot(deviation(curve), (mean.high - mean.low) / 4)
    assert (np.abs(curve.errors / curve.blocks - mean.bler) < Z * error).all()


@pytest.mark.parametrize(("channel", "snr_db"), [("awgn", 1.6), ("rayleigh", 5.0)])
def test_blocks_really_sent_are_lost_as_the_table_says_between_its_rows(channel: str, snr_db: float) -> None:
    curve = read(FOLDER / f"qpsk_ldpc_1-2_32_{channel}.csv")
    assert snr_db not in curve.snr_db
    draws = torch.Generator().manual_seed(11)
    bits = torch.randint(0, 2, (1500, 32), generator=draws)
    sent = DigitalLink((curve,)).send(bits, snr_db=snr_db, generator=draws, exact=True)
    low, high = curve.interval(snr_db)
    error = np.hypot((high - low) / 4, (sent.choice.bler / len(bits)) ** 0.5)
    assert 0.1 < sent.choice.bler < 0.6
    assert abs(float(sent.lost.double().mean()) - sent.choice.bler) < 4 * error


def test_entries_are_sorted_json() -> None:
    for line in (FOLDER / "entries.jsonl").read_text().splitlines():
        assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"))
