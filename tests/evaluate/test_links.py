"""The calibration of a study's link."""

from pathlib import Path

import pandas as pd
import pytest

from semcom.evaluate import calibrate, links
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
        links.run(entry, table=tmp_path / "fading.csv")
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


@pytest.mark.parametrize("seeds_with_bad_luck", [(0,), (0, 1)])
def test_bad_luck_is_measured_again_and_a_fault_stays(calibrated, monkeypatch, seeds_with_bad_luck):
    quick, seeds = links.link, []

    def unlucky(component, *, snr_db, seed=0):
        seeds.append(seed)
        rows = quick(component, snr_db=snr_db, seed=seed)
        bad = seed in seeds_with_bad_luck
        wrong = {"value": 10.5, "ok": False}
        return [row | wrong if bad and row["check"] == "snr_db_amplitude_1" else row for row in rows]

    monkeypatch.setattr(links, "link", unlucky)
    rows = calibrated().set_index("check")
    assert seeds == [0, 1]
    within = (rows.value - rows.expected).abs() <= rows.tolerance
    assert within["snr_db_amplitude_1"] == (1 not in seeds_with_bad_luck)
    assert within.drop("snr_db_amplitude_1").all()
    noted = rows.note[rows.note.str.startswith("measured twice")]
    assert noted.to_dict() == {"snr_db_amplitude_1": "measured twice, at first 10.5"}
