"""The calibration of a study's link."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from semcom.channel.tolerance import found
from semcom.evaluate import calibrate, links
from semcom.files.errors import SemcomError
from semcom.params.entries import CalibrationEntry

CHANNEL = {"use": "rayleigh", "csi": "estimated", "pilots": 2}


@pytest.fixture
def calibrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the stage to 0.4 dB and at one SNR only, which is quick."""

    def quick(component, *, snr_db, seed=0):
        return calibrate.link(component, snr_db=snr_db[1:2], tolerance_db=0.4, seed=seed)

    monkeypatch.setattr(links, "link", quick)
    entry = CalibrationEntry(study="test", link_name="fading", channel=CHANNEL, code="1" * 16, threads=1)

    def run() -> pd.DataFrame:
        links.run(entry, table=tmp_path / "fading.csv", mark=tmp_path / "fading.ok")
        return pd.read_csv(tmp_path / "fading.csv", keep_default_na=False)

    return run


def test_the_table_has_every_check_that_applies(calibrated):
    rows = calibrated()
    assert (set(rows.study), set(rows.link)) == ({"test"}, {"fading"})
    checks = set(rows["check"])
    assert {"snr_db_amplitude_0.3", "snr_db_beside_loud", "spread_db", "outage_1"} <= checks
    assert not checks & {"gain_power_db", "power_db_farthest"}, "equalised, and nothing of a system is sent"
    assert ((rows.value - rows.expected).abs() <= rows.tolerance).all()
    assert (rows.snr_db == 10).all()


def unlucky(monkeypatch, *seeds_with_bad_luck: int) -> list[int]:
    """Make measurements with these seeds fail one check; returns the seeds as they are used."""
    quick, seeds = links.link, []

    def measured(component, *, snr_db, seed=0):
        seeds.append(seed)
        rows = quick(component, snr_db=snr_db, seed=seed)
        wrong = {"value": 10.5, "expected": 10.0, "tolerance": 0.05, "ok": False}
        bad = seed in seeds_with_bad_luck
        return [row | wrong if bad and row["check"] == "snr_db_amplitude_1" else row for row in rows]

    monkeypatch.setattr(links, "link", measured)
    return seeds


def test_bad_luck_is_measured_again(calibrated, monkeypatch):
    seeds = unlucky(monkeypatch, 0)
    rows = calibrated().set_index("check")
    assert seeds == [0, 1]
    assert ((rows.value - rows.expected).abs() <= rows.tolerance).all()
    noted = rows.note[rows.note.str.startswith("measured twice")]
    assert noted.to_dict() == {"snr_db_amplitude_1": "measured twice, at first 10.5"}


def test_a_fault_is_an_error_with_the_ways_out_and_no_table(calibrated, monkeypatch, tmp_path):
    seeds = unlucky(monkeypatch, 0, 1)
    with pytest.raises(SemcomError) as caught:
        calibrated()
    assert seeds == [0, 1]
    said = str(caught.value)
    assert said.startswith("out of tolerance, so nothing is trained over it: link fading\n")
    assert "link fading: snr_db_amplitude_1 at 10 dB is 10.5, not 10 ± 0.05\n" in said
    assert 'let its class say `law = "unchecked"`' in said
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_tolerance_leaves_its_mark(calibrated, tmp_path):
    calibrated()
    assert (tmp_path / "fading.ok").read_text() == "fading\n"


LOSSY = """
import torch

from semcom.channel.awgn import awgn


class Lossy:
    law = "{law}"

    def __init__(self) -> None: ...

    def __call__(self, symbols, n0, generator=None):
        kept = torch.rand(symbols.shape, generator=generator) >= 0.1
        return awgn(symbols * kept, n0, generator)
"""


def test_an_erasing_channel_is_no_law_of_its_own_but_may_be_unchecked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for law in ("own", "unchecked"):
        (tmp_path / f"lossy_{law}.py").write_text(LOSSY.format(law=law))
        entry = CalibrationEntry(
            study="test", link_name="lab", channel={"use": f"lossy_{law}:Lossy"}, code="1" * 16, threads=1
        )
        table, mark = tmp_path / f"{law}.csv", tmp_path / f"{law}.ok"
        if law == "own":
            with pytest.raises(SemcomError, match=r"link lab: mean_snr_db_amplitude_3 at 20 dB is 9\.\d"):
                links.run(entry, table=table, mark=mark)
            assert not table.exists()
            assert not mark.exists()
            continue
        links.run(entry, table=table, mark=mark)
        assert mark.exists()
    rows = pd.read_csv(table)
    assert len(rows) == 15  # three amplitudes and two figures of the noise, at three Es/N0
    assert np.isinf(rows.tolerance).all()
    assert set(rows.note) == {"stated, not checked"}


def test_what_is_zero_but_for_rounding_is_said_as_zero():
    row = {"check": "snr_db_amplitude_1", "snr_db": 0.0, "value": 6.02, "expected": -4e-9, "tolerance": 0.05}
    assert found("link a", row) == "link a: snr_db_amplitude_1 at 0 dB is 6.02, not 0 ± 0.05"
