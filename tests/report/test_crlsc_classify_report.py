"""Classification over links in the second system's report: every number is known."""

import io
import math
import shutil
from pathlib import Path

import pandas as pd
import pytest
from synthetic_crlsc import SEEDS, entry, write, write_calibrations

from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.entries import to_json
from semcom.report import crlsc, crlsc_classify

T2 = 4.302652729749
"""97.5 % quantile of Student's t with 2 degrees of freedom."""
CLASSIFY = {
    "target": "near",
    "links": {
        "awgn": {"channel": {"use": "awgn"}, "channel_uses": 64},
        "fading": {"channel": {"use": "rayleigh", "csi": "estimated", "pilots": 4}, "channel_uses": 32},
    },
    "digital": {"codes": {"link": "awgn", "scheme": "qpsk_ldpc_1/2"}},
    "snr_db": (0, 5, 10),
    "draws": 2,
}
CLASSIFIED = {"guided": ("large", "small"), "simclr": ("large",)}
SENDERS = {"direct": ("nobody",), "codes": ("nobody",)}
HIGH = {"direct": 0.8, "awgn": 0.7, "fading": 0.6, "codes": 0.5}


def accuracy(way: str, owner: str, guest: str, sender: str, snr_db: int, seed: int, draw: int) -> float:
    """Of own encoders, rising with Es/N0 over a link; less across, and least by the guest's own sender."""
    value = HIGH[way] - (0.02 * (10 - snr_db) if way != "direct" else 0) + 0.01 * seed + 0.002 * draw
    if owner != guest:
        value -= {"owner": 0.1, "guest": 0.4, "nobody": 0.05}[sender] + 0.02 * seed * (owner == "small")
    return value


def write_classify(folder: Path) -> None:
    for method, encoders in CLASSIFIED.items():
        for way in ("direct", "awgn", "fading", *(["codes"] if method == "guided" else [])):
            for seed in SEEDS:
                place = {"study": "s", "system": "crlsc", "method": method, "link": way}
                place |= {"target": "near", "labels": "1", "seed": seed}
                rows = []
                for owner in encoders:
                    for guest in encoders:
                        both = SENDERS.get(way, ("owner", "guest") if owner != guest else ("owner",))
                        for sender in both:
                            said = {"owner": owner, "guest": guest, "sender": sender}
                            for snr_db in CLASSIFY["snr_db"]:  # type: ignore[attr-defined]
                                for draw in range(1 if way == "direct" else 2):
                                    value = accuracy(way, owner, guest, sender, snr_db, seed, draw)
                                    at = {"snr_db": snr_db, "draw": draw, "metric": "accuracy"}
                                    rows.append({**place, **said, **at, "value": value})
                at = folder / f"crlsc/classify/test/near/1/{method}/{way}/seed{seed}.csv"
                at.parent.mkdir(parents=True, exist_ok=True)
                write_rows(at, rows)


def given(**more: object) -> CrlscReportEntry:
    said = entry(classify=CLASSIFY | more, classified=CLASSIFIED)
    return CrlscReportEntry.model_validate_json(to_json(said))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write(folder, entry())
    write_classify(folder)
    write_calibrations(folder, given())
    crlsc.run(folder, given(), folder / "report")
    return folder


def test_means_are_over_draws_and_intervals_over_seeds(study: Path) -> None:
    made = pd.read_csv(io.StringIO((study / "report/crlsc_classify.csv").read_text()), comment="#")
    by = made.set_index(["method", "link", "owner", "guest", "sender", "snr_db"]).sort_index()
    row = by.loc["guided", "awgn", "large", "large", "owner", 0]
    assert row["mean"] == pytest.approx(0.7 - 0.2 + 0.01 + 0.001)
    assert row["half_width"] == pytest.approx(T2 * 0.01 / math.sqrt(3))
    assert (row["difference"], row["difference_half_width"]) == (0, 0)
    assert (row["sent_as"], row["channel_uses"]) == ("symbols", 64)
    across = by.loc["guided", "awgn", "small", "large", "owner", 10]
    assert across["own_mean"] == pytest.approx(0.7 + 0.01 + 0.001)
    assert across["difference"] == pytest.approx(-0.1 - 0.02)
    assert across["difference_half_width"] == pytest.approx(T2 * 0.02 / math.sqrt(3))
    codes = by.loc["guided", "codes", "large", "small", "nobody", 10]
    assert codes["difference"] == pytest.approx(-0.05)
    assert (codes["sent_as"], codes["channel_uses"]) == ("qpsk_ldpc_1/2, shared codebooks", 64)
    assert by.loc["guided", "fading"]["channel_uses"].unique() == [36], "pilots are channel uses"
    assert by.loc["guided", "direct"]["channel_uses"].unique() == [0]
    assert ("simclr", "codes") not in {names[:2] for names in by.index}


def test_means_over_encoders_are_paired_by_seed(study: Path) -> None:
    made = pd.read_csv(io.StringIO((study / "report/crlsc_classify_means.csv").read_text()), comment="#")
    by = made.set_index(["method", "link", "receivers", "sender", "snr_db"])
    own, others = (
        by.loc["guided", "awgn", "own", "owner", 10],
        by.loc["guided", "awgn", "others", "owner", 10],
    )
    assert own["mean"] == own["own_mean"] == others["own_mean"] == pytest.approx(0.711)
    assert own["half_width"] == pytest.approx(T2 * 0.01 / math.sqrt(3))
    assert others["difference"] == pytest.approx(-0.11)
    assert others["difference_half_width"] == pytest.approx(T2 * 0.01 / math.sqrt(3))
    assert others["seeds"] == 3


def test_methods_are_compared_over_the_encoders_that_all_have(study: Path) -> None:
    rows = crlsc_classify.of_common(crlsc_classify.drawn(study, given()), given())
    assert set(rows["owner"]) == {"large"}, "simclr has no other"
    assert crlsc_classify.meant(given()) == "of large"
    apart = given().model_copy(update={"classified": {"guided": ("small",), "simclr": ("large",)}})
    assert "differ" in crlsc_classify.meant(apart)


def test_the_page_has_own_receivers_and_those_of_others(study: Path) -> None:
    page = (study / "report/crlsc.md").read_text()
    text = page[page.index("## Classification over links") :]
    text = text[: text.index("\n## ")]
    width = f"{100 * T2 * 0.01 / math.sqrt(3):.1f}"
    cells = [f"{100 * (0.5 + 0.1 * step) + 1.1:.1f} ± {width}" for step in (0, 1, 2)]
    assert f"| guided | large | awgn | symbols | 64 | {' | '.join(cells)} |" in text
    assert text.count("| simclr | large |") == 3
    # A seed's mean over both pairs: 0.1 and a hundredth a seed less than own ones, which rise so.
    means = " | ".join(f"{100 * (0.5 + 0.1 * step - 0.1) + 0.1:.1f} ± 0.0" for step in (0, 1, 2))
    apart = f"-11.0 ± {width} points (below) | small on large, -12.0 |"
    assert f"| guided | awgn | owner | {means} | 71.1 | {apart}" in text
    assert "| guided | codes | nobody |" in text
    assert "| guided | fading | guest |" in text
    for name in ("classify", "classify_across"):
        assert f"crlsc_{name}.png" in text
        assert (study / f"report/crlsc_{name}.png").stat().st_size > 10_000


def test_of_one_encoder_there_is_nothing_across(study: Path) -> None:
    alone = given().model_copy(update={"classified": {"simclr": ("large",)}})
    crlsc.run(study, alone, study / "one")
    assert (study / "one/crlsc_classify.png").exists()
    assert not (study / "one/crlsc_classify_across.png").exists()
    assert "without training" not in (study / "one/crlsc.md").read_text()


def test_a_study_without_it_has_an_empty_table_and_no_section(study: Path) -> None:
    crlsc.run(study, entry(), study / "none")
    assert "Classification over links" not in (study / "none/crlsc.md").read_text()
    table = (study / "none/crlsc_classify.csv").read_text()
    assert pd.read_csv(io.StringIO(table), comment="#").empty


def test_a_missing_or_damaged_table_is_named(study: Path, tmp_path: Path) -> None:
    path = study / "crlsc/classify/test/near/1/guided/awgn/seed1.csv"
    content = path.read_text()
    lines = content.splitlines(keepends=True)
    for damaged, said in (
        ("".join(lines[:-1]), "lacks rows of some encoders"),
        ("".join(line for line in lines if ",small,small," not in line), "lacks rows of some encoders"),
        (content.replace(",guided,", ",simclr,"), "has method simclr where its place says guided"),
    ):
        path.write_text(damaged)
        with pytest.raises(SemcomError, match=said):
            crlsc.run(study, given(), tmp_path)
    path.unlink()
    with pytest.raises(SemcomError, match="is missing"):
        crlsc.run(study, given(), tmp_path)
    path.write_text(content)


def test_without_probes_a_page_has_what_was_sent(tmp_path: Path) -> None:
    study = tmp_path / "s"
    without = entry(classify=CLASSIFY, classified=CLASSIFIED, targets=(), consensus=())
    write(study, entry())
    shutil.rmtree(study / "crlsc/probe")
    shutil.rmtree(study / "crlsc/consensus")
    write_classify(study)
    write_calibrations(study, without)
    crlsc.run(study, without, study / "report")
    page = (study / "report/crlsc.md").read_text()
    assert "## Classification over links" in page
    assert "Frozen encoders on targets" not in page
    assert pd.read_csv(study / "report/crlsc_accuracy.csv", comment="#").empty
    assert len(pd.read_csv(study / "report/crlsc_generalisation.csv", comment="#"))
