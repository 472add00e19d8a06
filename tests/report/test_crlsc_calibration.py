"""The second system's report says how far its links are off; of one out of tolerance there is none."""

from pathlib import Path

import pandas as pd
import pytest
from synthetic_crlsc import entry, write_calibrations

from semcom.files.errors import SemcomError
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.report import calibration
from semcom.report.crlsc_results import read_links

AWGN = {"channel": {"use": "awgn"}, "channel_uses": 64}
IMAGES = {"train": "a", "test": "test", "links": {"awgn": AWGN, "other": AWGN}, "methods": {"jscc": {}}}
CLASSIFY = {"target": "near", "links": {"awgn": AWGN}}


@pytest.fixture
def given() -> CrlscReportEntry:
    return entry(images=IMAGES, classify=CLASSIFY)


@pytest.fixture
def folder(tmp_path: Path, given: CrlscReportEntry) -> Path:
    write_calibrations(tmp_path, given)
    return tmp_path


def test_links_of_both_keys_stand_in_one_table(folder, given):
    made = calibration.calibration(read_links(folder, given))
    calibration.check(made)
    assert list(made) == calibration.COLUMNS
    assert made.groupby("link", sort=False).size().to_dict() == {
        "crlsc.images.links.awgn": 6, "crlsc.images.links.other": 6, "crlsc.classify.links.awgn": 6,
    }  # fmt: skip
    text = "\n".join(calibration.said(made, "crlsc_calibration.csv"))
    assert "All 18 checks of the links are passed ([CSV](crlsc_calibration.csv))" in text
    assert "the channels by themselves are off by at most 0.010 dB; the limit is 0.05 dB" in text


@pytest.mark.parametrize("of", ["images", "classify"])
def test_a_link_off_its_snr_is_named(folder, given, of):
    path = folder / f"crlsc/calibration/{of}/awgn.csv"
    rows = pd.read_csv(path)
    rows.loc[(rows["check"] == "snr_db_amplitude_1") & (rows["snr_db"] == 10), "value"] = 16.02
    rows.to_csv(path, index=False)
    with pytest.raises(SemcomError, match="out of tolerance, so there is no report") as caught:
        calibration.check(calibration.calibration(read_links(folder, given)))
    said = f"link crlsc.{of}.links.awgn: snr_db_amplitude_1 at 10 dB is 16.02, not 10 ± 0.05\n"
    assert said in str(caught.value)
    assert str(caught.value).count("snr_db_amplitude_1") == 1


def test_a_missing_foreign_or_short_table_is_named(folder, given):
    path = folder / "crlsc/calibration/images/other.csv"
    content = path.read_text()
    lines = content.splitlines(keepends=True)
    for damaged, said in (
        (content.replace(".links.other", ".links.awgn"), "has link crlsc.images.links.awgn where its place"),
        ("".join(lines[:-1]), "lacks the check noise_circularity at 20 dB"),
    ):
        path.write_text(damaged)
        with pytest.raises(SemcomError, match=said):
            read_links(folder, given)
    path.unlink()
    with pytest.raises(SemcomError, match=r"images/other\.csv is missing"):
        read_links(folder, given)


def test_without_links_the_table_is_empty(tmp_path):
    made = calibration.calibration(read_links(tmp_path, entry()))
    calibration.check(made)
    assert made.empty
    assert list(made) == calibration.COLUMNS


def test_of_an_unchecked_link_the_page_states_what_was_asked_and_measured(folder, given):
    path = folder / "crlsc/calibration/images/other.csv"
    rows = pd.read_csv(path)
    rows["value"] = [9.1, float("nan"), 9.2, 0.7, 9.3, 0.7]
    rows["tolerance"] = float("inf")
    rows.to_csv(path, index=False, na_rep="nan")
    made = calibration.calibration(read_links(folder, given))
    calibration.check(made)
    assert made.loc[made.link == "crlsc.images.links.other", "ok"].isna().all()
    assert made.loc[made.link != "crlsc.images.links.other", "ok"].all()
    text = "\n".join(calibration.said(made, "crlsc_calibration.csv"))
    assert '**Unchecked: crlsc.images.links.other.** The channel says `law = "unchecked"`' in text
    assert "its Es/N0 axis is what was *asked* of the channel" in text
    assert "| crlsc.images.links.other | 10 | `snr_db_amplitude_1` | 9.2 | 10 |" in text
    assert "All 12 checks of the other links are passed" in text
    assert "nan" not in text
