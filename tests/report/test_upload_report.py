"""Upload once in the report: its table, the page's section, the lines on the figure."""

import re
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from synthetic_study import Study, make_study, write

from semcom import report
from semcom.files.errors import SemcomError
from semcom.params.sections import Upload
from semcom.report import figures, results, tables

USES = 2 * 19 * 32 * 2 * 32
"""Channel uses of an epoch of training; budgets are 1, 4 and 10 epochs."""
FILE = "upload/pq_k32.csv"


def uploads(place: dict, capacity: float, *, link: float | None = None) -> list[dict]:
    """Three qualities that cost half, once and twice `capacity`, and `link` over the real link."""
    rows = []
    for quality, times in ((30, 0.5), (60, 1.0), (90, 2.0)):
        sizes = {"payload_bytes": round(1000 * times), "file_bytes": round(2000 * times)}
        uses = {"capacity": capacity * times, "link": "" if link is None else link * times}
        more = {f"{size}_uses_{way}": value for size in ("payload", "file") for way, value in uses.items()}
        psnr = {"psnr_rgb_db": 25 + times, "psnr_depth_db": ""}
        what = {"codec": "avif", "quality": quality, "frames": 700, "modalities": "rgb"}
        end = {"snr_db": 10.0, "scheme": "16qam_ldpc_1/2", "bler": 0.01}
        rows.append(place | what | sizes | psnr | more | end)
    return rows


def uploading(root: Path, capacity: float = 5 * USES, *, link: float | None = 8 * USES, **options) -> Study:
    """The synthetic study with a digital link of one method, which uploads."""
    study = make_study(root, digital={"pq_k32": ("awgn_k32", ("mmssl",), (1, 4, 10))}, **options)
    place = {"study": "demo", "link": "pq_k32"}
    write(study.folder / FILE, uploads(place, capacity, link=link))
    upload = Upload(codec="avif", quality=(30, 60, 90))
    digital = study.entry.digital["pq_k32"].model_copy(update={"upload": upload})
    entry = study.entry.model_copy(update={"digital": {"pq_k32": digital}})
    return Study(study.folder, study.frames, entry)


def made(study: Study, name: str = "out") -> Path:
    folder = study.folder / "report" / name
    report.run(study.folder, study.entry, study.frames, folder)
    return folder


def drawn(study: Study) -> tuple[Figure, dict[str, float]]:
    """The figure over channel uses, and where its upright lines are, by their labels."""
    found = results.read(study.folder, study.entry, study.frames)
    uses = tables.accuracy_uses(found, study.entry)
    sheet = figures.accuracy_uses(uses, study.entry, uploads=found.upload, chance={"awgn_k32": 0.3}, foot="")
    labels = [text for axes in sheet.axes for text in axes.texts if text.get_text().startswith("upload once")]
    return sheet, {label.get_text(): label.xy[0] for label in labels}


def note(sheet: Figure) -> str:
    """The small lines below, as one."""
    return " ".join(reversed([text.get_text() for text in sheet.texts]))


def test_table_and_page_have_what_the_job_measured(tmp_path):
    folder = made(uploading(tmp_path))
    rows = pd.read_csv(folder / "upload.csv", comment="#").set_index("quality")
    assert rows.payload_uses_capacity.tolist() == [2.5 * USES, 5 * USES, 10 * USES]
    page = (folder / "report.md").read_text()
    section = re.search(r"## Upload once\n.*?(?=\n## )", page, re.DOTALL)
    assert "**700 frames (rgb) as avif over pq_k32, 10 dB, 16qam_ldpc_1/2**" in section[0]
    costs = f"{5 * USES:,} | {8 * USES:,}"
    assert f"| 60 | 26.0 | – | 1 | {costs} | 2 | {costs} |" in section[0]


def test_lines_stand_at_the_middle_quality(tmp_path):
    sheet, lines = drawn(uploading(tmp_path))
    assert lines == {
        "upload once, avif 60, at capacity": 5 * USES,
        "upload once, avif 60, 16qam_ldpc_1/2": 8 * USES,
    }
    assert "all training images sent once" in note(sheet)
    assert "Off the axis" not in note(sheet)


@pytest.mark.parametrize(
    ("link", "lines"),
    [(None, 1), (5.1 * USES, 1), (1e9, 1), (8 * USES, 2)],
    ids=["nothing arrives", "no room", "off the axis", "room"],
)
def test_the_real_link_has_a_line_where_it_has_room(tmp_path, link, lines):
    assert len(drawn(uploading(tmp_path, link=link, seeds=(0,)))[1]) == lines


@pytest.mark.parametrize(("times", "on"), [(25, True), (0.5, True), (50, False), (0.2, False)])
def test_the_axis_grows_by_a_factor_of_three_at_most(tmp_path, times, on):
    sheet, lines = drawn(uploading(tmp_path, times * USES, link=None, seeds=(0,)))
    low, high = sheet.axes[0].get_xlim()
    assert bool(lines) is on
    assert bool(low < times * USES < high) is on
    assert low > USES / 3.5
    assert high < 3.5 * 10 * USES
    millions = f"{times * USES / 1e6:.1f}M" if times > 10 else f"{times * USES / 1e3:.1f}k"
    said = f"Off the axis: upload once, avif 60, at capacity: {millions} channel uses."
    assert (said in note(sheet)) is not on


def test_every_panel_of_the_link_has_its_lines(tmp_path):
    study = uploading(tmp_path, links=("awgn_k32", "awgn_k8"), seeds=(0,))
    sheet, _ = drawn(study)
    of = [sum(text.get_text().startswith("upload once") for text in axes.texts) for axes in sheet.axes]
    assert of[:2] == [2, 0]


def test_without_an_upload_the_report_is_as_before(tmp_path):
    study = make_study(tmp_path, seeds=(0,))
    folder = made(study)
    assert "Upload" not in (folder / "report.md").read_text()
    assert pd.read_csv(folder / "upload.csv", comment="#").empty
    sheet, lines = drawn(study)
    assert (lines, "images" in note(sheet)) == ({}, False)


def put(column, value):
    def damage(path):
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        rows.loc[1, column] = value
        rows.to_csv(path, index=False)

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_text("x\n1\n"), "lacks the columns"),
        (lambda path: path.write_text("\n".join(path.read_text().splitlines()[:3])), r"qualities \[30, 60\]"),
        (put("codec", "webp"), "has codec webp where its place says avif"),
        (put("quality", "30"), "says quality 30 twice"),
        (put("quality", "61"), r"has the qualities \[30, 61, 90\], not \[30, 60, 90\]"),
        (put("payload_uses_capacity", ""), "has '' for payload_uses_capacity in line 3"),
        (put("payload_uses_link", "much"), "has 'much' for payload_uses_link in line 3"),
    ],
)
def test_a_missing_or_damaged_table_is_named(tmp_path, damage, message):
    study = uploading(tmp_path, seeds=(0,))
    damage(study.folder / FILE)
    with pytest.raises(SemcomError, match=f"{FILE} .*{message}.*remove it and run snakemake again"):
        results.read(study.folder, study.entry, study.frames)
    (study.folder / FILE).unlink()
    with pytest.raises(SemcomError, match=f"{FILE} is missing; run snakemake"):
        results.read(study.folder, study.entry, study.frames)
