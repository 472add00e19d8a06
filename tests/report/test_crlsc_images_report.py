"""Images over links in the second system's report: every number is known."""

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
from semcom.report import crlsc, crlsc_images, crlsc_images_said, crlsc_images_training

T2 = 4.302652729749
"""97.5 % quantile of Student's t with 2 degrees of freedom."""
IMAGES = {
    "train": "a",
    "test": "test",
    "links": {
        "r12": {"channel": {"use": "awgn"}, "channel_uses": 256},
        "r6": {"channel": {"use": "rayleigh", "csi": "estimated", "pilots": 4}, "channel_uses": 512},
    },
    "methods": {"jscc": {}, "vq": {"vqvae": {"codes": 256}, "schemes": {"r12": "16qam_ldpc_1/2"}}},
    "snr_db": (0, 10),
    "draws": 2,
}
PAIRS = (("jscc", "r12"), ("jscc", "r6"), ("vq", "r12"))


def psnr(method: str, snr_db: int, seed: int, draw: int) -> float:
    return {"jscc": 20.0, "vq": 10.0}[method] + 0.5 * snr_db + seed + 0.2 * draw


def write_images(folder: Path) -> None:
    for method, link in PAIRS:
        for seed in SEEDS:
            place = {"study": "s", "system": "crlsc", "method": method, "link": link, "seed": seed}
            rows = [
                {**place, "snr_db": snr_db, "draw": draw, "metric": metric, "value": value}
                for snr_db in IMAGES["snr_db"]
                for draw in range(2)
                for metric, value in (("psnr_db", psnr(method, snr_db, seed, draw)), ("ssim", 0.5))
            ]
            at = folder / f"crlsc/images/test/{method}/{link}/seed{seed}/table.csv"
            at.parent.mkdir(parents=True, exist_ok=True)
            write_rows(at, rows)
    write_histories(folder)


def write_histories(folder: Path) -> None:
    for method, link in (("jscc", "r12"), ("jscc", "r6"), ("vq", "any")):
        for seed in SEEDS:
            place = {"study": "s", "system": "crlsc", "method": method, "link": link, "seed": seed}
            logged = {"mse": 0.01} | ({"codes_used": 0.9, "perplexity": 100 + seed} if method == "vq" else {})
            rows = [
                {**place, "epoch": epoch, "metric": metric, "value": value * (epoch == 2)}
                for epoch in (1, 2)
                for metric, value in logged.items()
            ]
            at = folder / f"crlsc/images/train/{method}/{link}/seed{seed}/history.csv"
            at.parent.mkdir(parents=True, exist_ok=True)
            write_rows(at, rows)


def given(**images: object) -> CrlscReportEntry:
    return CrlscReportEntry.model_validate_json(to_json(entry(images=IMAGES | images)))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write(folder, entry())
    write_images(folder)
    write_calibrations(folder, given())
    crlsc.run(folder, given(), folder / "report")
    return folder


def test_means_are_over_draws_and_intervals_over_seeds(study: Path) -> None:
    made = pd.read_csv(io.StringIO((study / "report/crlsc_images.csv").read_text()), comment="#")
    assert len(made) == len(PAIRS) * 2 * 2
    row = made.set_index(["method", "link", "metric", "snr_db"]).loc[("jscc", "r12", "psnr_db", 10)]
    middle = sum(SEEDS) / len(SEEDS)
    assert row["mean"] == pytest.approx(20 + 5 + middle + 0.1)
    assert row["half_width"] == pytest.approx(T2 * 1 / math.sqrt(3))
    assert (row["sent_as"], row["channel_uses"], row["cbr"]) == ("deepjscc", 256, pytest.approx(1 / 12))
    rest = made.set_index(["method", "link"])
    assert set(rest.loc[("vq", "r12"), "sent_as"]) == {"16qam_ldpc_1/2"}
    assert set(rest.loc[("jscc", "r6"), "channel_uses"]) == {516}, "pilots are channel uses"


def test_the_page_has_a_table_a_link_and_the_figures_are_drawn(study: Path) -> None:
    page = (study / "report/crlsc.md").read_text()
    text = page[page.index("## Images over links") :]
    assert (
        "`r12`: awgn, 256 channel uses an image, CBR 0.08333; symbols trained at 10 dB. PSNR in dB;" in text
    )
    assert "`r6`: rayleigh, csi estimated, pilots 4, 516 channel uses" in text
    assert "rows as sent: [jscc](../../crlsc/images/test/jscc/r12/seed0/sheet.png), [vq](" in text
    middle = sum(SEEDS) / len(SEEDS)
    width = f"{T2 / math.sqrt(3):.2f}"
    cells = [f"{level + middle + 0.1:.2f} ± {width}; 0.500 ± 0.000" for level in (10, 15)]
    assert f"| vq | 16qam_ldpc_1/2 | {' | '.join(cells)} |" in text
    assert text.count("| jscc | deepjscc |") == 2
    assert text.count("| vq | 16qam") == 1
    for name in ("psnr", "ssim", "cbr"):
        assert f"crlsc_images_{name}.png" in text
        assert (study / f"report/crlsc_images_{name}.png").stat().st_size > 10_000


def test_the_page_says_how_far_links_are_off_and_a_wrong_one_has_no_report(study, tmp_path) -> None:
    page = (study / "report/crlsc.md").read_text()
    text = page[page.index("## Is the SNR what it says?") : page.index("## Images over links")]
    assert "All 12 checks of the links are passed ([CSV](crlsc_calibration.csv))" in text
    assert "off by at most 0.010 dB" in text
    assert len(pd.read_csv(study / "report/crlsc_calibration.csv", comment="#")) == 12
    at = tmp_path / "wrong"
    shutil.copytree(study, at, ignore=shutil.ignore_patterns("report"))
    path = at / "crlsc/calibration/images/r6.csv"
    path.write_text(path.read_text().replace(",10.01,", ",16.02,"))
    with pytest.raises(SemcomError, match=r"no report: link crlsc\.images\.links\.r6\n"):
        crlsc.run(at, given(), at / "report")
    assert not (at / "report").exists()


def test_the_last_epoch_of_training_is_told(study: Path) -> None:
    made = pd.read_csv(io.StringIO((study / "report/crlsc_images_training.csv").read_text()), comment="#")
    assert len(made) == 2 + 3, "every metric of every network"
    row = made.set_index(["method", "link", "metric"]).loc[("vq", "any", "perplexity")]
    assert row["mean"] == pytest.approx(100 + sum(SEEDS) / len(SEEDS))
    page = (study / "report/crlsc.md").read_text()
    assert f"| vq | any | 90.0 ± 0.0 | {row['mean']:.0f} ± {row['half_width']:.0f} |" in page
    assert "| jscc | r6 | –" not in page, "DeepJSCC has no codes"


def test_image_files_alone_have_no_training(study: Path) -> None:
    files = {"web": {"files": {"codec": "webp"}, "schemes": {"r12": "capacity"}}}
    assert crlsc_images_training.last(study, given(methods=files)).empty


def test_over_cbr_each_state_of_channel_knowledge_is_a_line(study: Path) -> None:
    blind = {"channel": {"use": "rayleigh", "csi": "none"}, "channel_uses": 512}
    known = {"channel": {"use": "rayleigh", "csi": "receiver"}, "channel_uses": 256}
    links = {"r12": known, "r6": blind}
    made = crlsc_images.swept(crlsc_images.by_seed(study, given(links=links)))
    drawn = crlsc_images.over_cbr(made, given(links=links), foot="")
    lines = {bar.get_label(): bar.lines[0].get_xdata() for bar in drawn.axes[0].containers}
    assert [*lines["jscc, rayleigh, csi receiver"]] == [pytest.approx(1 / 12)]
    assert [*lines["jscc, rayleigh, csi none"]] == [pytest.approx(1 / 6)]


def test_no_two_lines_look_alike_but_files_and_their_bound() -> None:
    files = {name: {"codec": name} for name in ("avif", "webp", "jpeg", "jpeg2000")}
    methods = {f"{name}_bound": {"files": f, "schemes": {"r12": "capacity"}} for name, f in files.items()}
    methods |= {name: {"files": f, "schemes": {"r12": "qpsk_ldpc_1/2"}} for name, f in files.items()}
    methods |= {f"jscc{number}": {} for number in range(5)}
    found = crlsc_images.looks(given(methods=methods).images)
    assert set(found) == set(methods)
    assert all(found[name] == found[f"{name}_bound"] for name in files)
    assert sorted(found[name] for name in methods if not name.endswith("bound")) == list(range(9))


def test_the_best_leads_by_what_is_paired_by_seed(study: Path, tmp_path: Path) -> None:
    apart = {0: (9.0, 10.0, 11.0), 10: (-1.0, 0.5, 0.2)}  # of jscc before vq, by Es/N0 and seed
    at = tmp_path / "apart"
    shutil.copytree(study, at)
    for seed in SEEDS:
        path = at / f"crlsc/images/test/vq/r12/seed{seed}/table.csv"
        rows, of = pd.read_csv(path), pd.read_csv(str(path).replace("/vq/", "/jscc/"))
        less = rows["snr_db"].map({snr_db: by[seed] for snr_db, by in apart.items()})
        rows["value"] = of["value"] - less.where(rows["metric"] == "psnr_db", 0)
        rows.to_csv(path, index=False)
    crlsc.run(at, given(), at / "report")
    made = pd.read_csv(io.StringIO((at / "report/crlsc_images_best.csv").read_text()), comment="#")
    assert set(made["link"]) == {"r12"}, "over r6 goes one method alone"
    made = made.set_index("snr_db")
    assert made.loc[0, ["method", "next", "lead_db"]].tolist() == ["jscc", "vq", pytest.approx(10)]
    assert made.loc[0, "half_width"] == pytest.approx(T2 * 1 / math.sqrt(3))
    assert made.loc[10, ["method", "next", "lead_db"]].tolist() == ["vq", "jscc", pytest.approx(0.1)]
    page = (at / "report/crlsc.md").read_text()
    assert f"| r12 | jscc +10.00±{T2 / math.sqrt(3):.2f} (vq) | vq? +0.10±" in page


def test_a_study_of_images_alone_has_a_report(study: Path) -> None:
    nothing = {"methods": {}, "targets": (), "bases": {}, "consensus": (), "mentor_int8": False}
    alone = given().model_copy(update=nothing)
    crlsc.run(study, alone, study / "alone")
    page = (study / "alone/crlsc.md").read_text()
    assert "## Images over links" in page
    assert "## Frozen encoders" not in page
    assert "## What local training took" not in page
    assert not (study / "alone/crlsc_accuracy.png").exists()
    with_base = alone.model_copy(update={"bases": {"pq": "PQ32"}})
    crlsc.run(study, with_base, study / "guided")
    assert "| pq | PQ32 |" in (study / "guided/crlsc.md").read_text()
    assert not (study / "guided/crlsc_bases.png").exists()


def test_of_one_number_of_channel_uses_there_is_no_curve_over_them(study: Path) -> None:
    links = {"r12": IMAGES["links"]["r12"]}  # type: ignore[index]
    crlsc.run(study, given(links=links), study / "one")
    assert not (study / "one/crlsc_images_cbr.png").exists()
    assert (study / "one/crlsc_images_ssim.png").exists()


def test_accuracy_stands_beside_that_of_originals(study: Path, tmp_path: Path) -> None:
    at = tmp_path / "judged"
    shutil.copytree(study, at)
    for path in at.glob("crlsc/images/test/*/*/seed*/table.csv"):
        rows = pd.read_csv(path)
        psnr = rows[rows["metric"] == "psnr_db"]
        told = psnr.assign(metric="accuracy", value=psnr["value"] / 100)
        ceiling = psnr.assign(metric="accuracy_original", value=0.8 + psnr["seed"] / 100)
        pd.concat([rows, told, ceiling]).to_csv(path, index=False)
    crlsc.run(at, given(classifier={}), at / "report")
    page = (at / "report/crlsc.md").read_text()
    middle = sum(SEEDS) / len(SEEDS)
    width = f"{T2 / math.sqrt(3):.1f}"
    assert f"of the original test images it is right of {80 + middle:.1f} ± {width} %" in page
    first = f"; 0.500 ± 0.000; {10 + middle + 0.1:.1f} ± {width} |"
    assert f"| vq | 16qam_ldpc_1/2 | {10 + middle + 0.1:.2f} ± {T2 / math.sqrt(3):.2f}{first}" in page
    assert (at / "report/crlsc_images_accuracy.png").stat().st_size > 10_000
    assert not (study / "report/crlsc_images_accuracy.png").exists()


def test_image_files_are_named_with_their_mosaics_and_bounds(study: Path, tmp_path: Path) -> None:
    at = tmp_path / "files"
    shutil.copytree(study, at)
    files = {"codec": "avif", "mosaic": 8}
    methods = IMAGES["methods"] | {  # type: ignore[operator]
        "avif": {"files": files, "schemes": {"r12": ["qpsk_ldpc_1/2", "16qam_ldpc_1/2"]}},
        "bound": {"files": files, "schemes": {"r12": "capacity"}},
    }
    for name in ("avif", "bound"):
        for seed in SEEDS:
            rows = pd.read_csv(at / f"crlsc/images/test/vq/r12/seed{seed}/table.csv").assign(method=name)
            large = rows[rows["metric"] == "ssim"].assign(metric="too_large")
            large["value"] = 0.4 * ((large["snr_db"] == 10) & (name == "avif"))
            rows = pd.concat([rows, large])
            path = at / f"crlsc/images/test/{name}/r12/seed{seed}/table.csv"
            path.parent.mkdir(parents=True)
            rows.to_csv(path, index=False)
    crlsc.run(at, given(methods=methods), at / "report")
    page = (at / "report/crlsc.md").read_text()
    assert "whatever arrives: `avif` 40 % at 10 dB.\n" in page
    assert "| avif | avif in mosaics of 8×8, qpsk_ldpc_1/2 or 16qam_ldpc_1/2 |" in page
    assert "| bound | avif in mosaics of 8×8, capacity |" in page
    assert "Image files (`avif`, `bound`)" in page
    assert "Mosaics: several images share a file" in page
    assert "Mosaics" not in (study / "report/crlsc.md").read_text()
    drawn = crlsc_images.over_snr(
        crlsc_images.swept(crlsc_images.by_seed(at, given(methods=methods))),
        "psnr_db",
        given(methods=methods),
        foot="",
    )
    lines = {bar.get_label(): bar.lines[0].get_linestyle() for bar in drawn.axes[0].containers}
    assert lines["bound (mosaics)"] == "--"
    assert lines["avif (mosaics)"] == lines["vq"] == "-"


def test_a_study_without_images_has_an_empty_table_and_no_section(study: Path) -> None:
    crlsc.run(study, entry(), study / "none")
    page = (study / "none/crlsc.md").read_text()
    assert "Images over links" not in page
    assert "Is the SNR" not in page
    assert not (study / "none/crlsc_images_psnr.png").exists()


def test_a_missing_or_foreign_table_is_named(study: Path, tmp_path: Path) -> None:
    path = study / "crlsc/images/test/vq/r12/seed1/table.csv"
    content = path.read_text()
    path.write_text(content.replace(",vq,", ",jscc,"))
    with pytest.raises(SemcomError, match="has method jscc where its place says vq"):
        crlsc.run(study, given(), tmp_path)
    path.unlink()
    with pytest.raises(SemcomError, match="is missing"):
        crlsc.run(study, given(), tmp_path)
    path.write_text(content)


def test_an_analog_network_is_called_by_its_class():
    own = {"network": {"use": "mylab.networks:Mine", "width": 8}}
    images = given(methods={"jscc": {}, "named": {"network": {"use": "deepjscc"}}, "own": own}).images
    assert images is not None
    sent = [crlsc_images_said.sent_as(images, method, "r12") for method in images.methods]
    assert sent == ["deepjscc", "deepjscc", "Mine"]


def test_methods_under_a_guide_are_said_to_be_so():
    under = {"guide": {"use": "infonce"}, "weight": 0.25}
    methods = {"jscc": {}, "guided": under | {"base": "pq32"}, "raw": under}
    images = given(methods=methods).images
    assert images is not None
    (text,) = crlsc_images_said.said(images, original="")
    assert "`guided` (infonce, base pq32, weight 0.25), `raw` (infonce, the mentor's embeddings, " in text
    assert "`jscc`" not in text
    assert not list(crlsc_images_said.said(given().images, original=""))  # type: ignore[arg-type]
