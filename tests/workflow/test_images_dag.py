"""Images over links in a real DAG on a tiny study: trained, swept, reported; what runs again."""

import math
import re
import shutil

import pandas as pd
import pytest
import yaml
from PIL import Image

from checkout import ROOT, Site, checkout

PARAMS = """
study: tiny
report: main
seeds: [0]
tracking: {enabled: false}
crlsc:
  size: [32, 32]
  parts:
    a: {data: tiny, role: private}
    test: {data: tiny, role: test}
  mentor: {use: efficientnet_lite0, weights: random, size: [32, 32]}
  images:
    train: a
    test: test
    links:
      awgn: {channel: {use: awgn}, channel_uses: 32}
    methods:
      jscc: {}
      vq:
        vqvae: {codes: 4, dim: 4, width: 8, hidden: 4, blocks: 1, halvings: 3}
        schemes: {awgn: qpsk_ldpc_1/2}
      webp: {files: {codec: webp, mosaic: 4, words: 16}, schemes: {awgn: qpsk_ldpc_1/2}}
      bound: {files: {codec: webp, mosaic: 4}, schemes: {awgn: capacity}}
    epochs: 2
    batch_size: 16
    snr_db: [-5, 10]
    draws: 2
    classifier: {backbone: {use: resnet18, width_mult: 0.125}, epochs: 2, batch_size: 16}
"""
TABLE = "results/reference/links/qpsk_ldpc_1-2_32_awgn.csv"
METHODS = ("jscc", "vq", "webp", "bound")
RUNS = "results/tiny/crlsc/images"
TESTED = {"crlsc_images_test jscc awgn 0", "crlsc_images_test vq awgn 0"}
TRAINED = {"crlsc_images jscc awgn 0", "crlsc_images vq any 0"}
CLASSIFIER = "crlsc_images_classifier 0"
ENCODED = "crlsc_images_files webp_4x4 0"
CALIBRATED = "crlsc_calibration images awgn"
HALVED = '''
"""Noise of half the amplitude that n0 says: 6.02 dB too good."""

from semcom.channel.awgn import awgn


class Halved:
    def __init__(self) -> None: ...

    def __call__(self, symbols, n0, generator=None):
        return awgn(symbols, n0 / 4, generator)
'''
FILES = {"crlsc_images_test webp awgn 0", "crlsc_images_test bound awgn 0"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A checkout in which the sweeps have run."""
    site = checkout(tmp_path_factory.mktemp("images") / "köln x")
    (site.root / "params/quickstart.yaml").write_text(PARAMS)
    (site.root / TABLE).parent.mkdir(parents=True)
    shutil.copy(ROOT / TABLE, site.root / TABLE)
    wanted = [f"{RUNS}/test/{method}/awgn/seed0/table.csv" for method in METHODS]
    site.snakemake("--cores", "2", *wanted)
    return site


def test_every_method_has_its_network_its_table_and_its_sheet(site):
    original: list[set[float]] = []
    for method, link in (("jscc", "awgn"), ("vq", "any")):
        folder = site.root / RUNS / "train" / method / link / "seed0"
        history = pd.read_csv(folder / "history.csv")
        assert set(history["epoch"]) == {1, 2}
        assert (folder / "network.pt").stat().st_size > 1000
        made = site.root / RUNS / "test" / method / "awgn/seed0"
        rows = pd.read_csv(made / "table.csv")
        assert {"psnr_db", "ssim"} <= set(rows["metric"])
        assert rows.loc[rows["metric"] == "accuracy", "value"].between(0, 1).all()
        original.append(set(rows.loc[rows["metric"] == "accuracy_original", "value"]))
        assert len(rows[rows["metric"] == "psnr_db"]) == 2 * 2
        assert Image.open(made / "sheet.png").size == (8 * 32, 4 * 32)
    assert original[0] == original[1], "one classifier, the same images"
    assert len(original[0]) == 1
    assert (site.root / RUNS / "classifier/seed0/history.csv").exists()
    lost = rows[rows["metric"] == "lost"].groupby("snr_db")["value"].mean()
    assert lost[-5] > 0.9 > 0.1 > lost[10], "where the error table puts the cliff"


def test_images_alone_have_a_report(site):
    site.snakemake("--cores", "2")
    made = site.root / "results/tiny/report/main"
    page = (made / "crlsc.md").read_text()
    assert "## Images over links" in page
    assert "## Frozen encoders" not in page
    assert "## Is the SNR what it says?" in page
    checks = pd.read_csv(made / "crlsc_calibration.csv", comment="#")
    assert set(checks["link"]) == {"crlsc.images.links.awgn"}
    assert checks["ok"].all()
    best = pd.read_csv(made / "crlsc_images_best.csv", comment="#")
    assert set(best["method"]) <= {"jscc", "vq", "webp"}, "a bound leads nobody"
    assert not site.planned()


def test_a_link_that_is_not_what_it_says_stops_the_study(site):
    """A channel of the user's own that leaves out three quarters of the noise."""
    (site.root / "mylab").mkdir()
    (site.root / "mylab/channels.py").write_text(HALVED)
    link = "      awgn: {channel: {use: awgn}, channel_uses: 32}\n"
    halved = "      halved: {channel: {use: mylab.channels:Halved}, channel_uses: 32}\n"
    with site.edited("params/quickstart.yaml", link, link + halved):
        planned = {job for job in site.planned() if "calibration" in job}
        assert planned == {"crlsc_calibration images halved"}, "of no other link"
        text = site.snakemake("--cores", "2", code=1)
    assert "out of tolerance, so nothing is trained over it: link crlsc.images.links.halved\n" in text
    found = re.search(r"halved: snr_db_amplitude_1 at (\d+) dB is (\S+), not \1 ± 0.05 \(and 2 more\)", text)
    assert float(found[2]) - float(found[1]) == pytest.approx(20 * math.log10(2), abs=0.05)
    assert not (site.root / RUNS / "train/jscc/halved").exists(), "nothing is trained over it"
    assert CALIBRATED not in site.planned()


def test_what_runs_again_is_what_reads_the_change(site):
    untouched = site.planned()
    assert not untouched & (TESTED | TRAINED)
    for old, new, again in (
        ("channel_uses: 32}", "channel_uses: 32, train_snr_db: 5}", {"crlsc_images jscc awgn 0"}),
        ("draws: 2", "draws: 3", TESTED),
        ("epochs: 2", "epochs: 3", TRAINED | TESTED),
    ):
        with site.edited("params/quickstart.yaml", old, new):
            planned = site.planned() & (TESTED | TRAINED)
        followed = {"crlsc_images_test jscc awgn 0"} if len(again) == 1 else set()
        assert planned == again | followed


def test_seeds_of_the_section_are_those_of_images(site):
    with site.edited(
        "params/quickstart.yaml", "  size: [32, 32]\n  parts", "  seeds: [3]\n  size: [32, 32]\n  parts"
    ):
        planned = {job for job in site.planned() if job.startswith("crlsc_images")}
    assert planned == {job.replace(" 0", " 3") for job in TESTED | TRAINED | FILES | {CLASSIFIER, ENCODED}}


def test_another_classifier_trains_no_other_network(site):
    with site.edited("params/quickstart.yaml", "epochs: 2, batch_size: 16}", "epochs: 3, batch_size: 16}"):
        planned = {job for job in site.planned() if job.startswith("crlsc_images")}
    assert planned == {CLASSIFIER} | TESTED | FILES


def test_image_files_are_encoded_once_for_all_that_sends_them(site):
    encoded = [str(path.relative_to(site.root / RUNS)) for path in site.root.glob(f"{RUNS}/files/*/*/*")]
    assert encoded == ["files/webp_4x4/seed0/files.npz"]
    assert not (site.root / RUNS / "train/webp").exists(), "no network"
    found = {}
    for method in ("webp", "bound"):
        rows = pd.read_csv(site.root / RUNS / f"test/{method}/awgn/seed0/table.csv")
        assert {"psnr_db", "ssim", "accuracy", "lost", "too_large", "sent_bytes"} <= set(rows["metric"])
        found[method] = rows.groupby(["metric", "snr_db"])["value"].mean()
        assert Image.open(site.root / RUNS / f"test/{method}/awgn/seed0/sheet.png").size == (8 * 32, 4 * 32)
    assert found["webp"]["lost", -5] == 1, "below the cliff"
    assert found["webp"]["room_bytes", 10] == 32 / 2 * 2 / 8
    assert found["bound"]["room_bytes", 10] > found["webp"]["room_bytes", 10]
    assert found["bound"]["psnr_db", 10] >= found["webp"]["psnr_db", 10]
    with site.edited("params/quickstart.yaml", "snr_db: [-5, 10]", "snr_db: [-5, 10, 15]"):
        planned = site.planned()
    assert planned >= TESTED | FILES
    assert ENCODED not in planned, "a sweep encodes nothing"


def test_a_fault_is_one_message(site):
    with site.edited("params/quickstart.yaml", "codes: 4", "codes: 8"):
        text = site.snakemake("-n", code=1)
    assert "Traceback" not in text
    assert "crlsc.images.methods.vq.schemes.awgn: 16 indices of 8 codes are 48 bits an image" in text


def test_images_beside_the_first_system_share_its_error_tables(site):
    site_text = yaml.safe_load(PARAMS)
    images = site_text["crlsc"]["images"]
    images["methods"]["vq"]["schemes"]["awgn"] = "qpsk_ldpc_3/4"
    with site.edited("params/quickstart.yaml", PARAMS, yaml.safe_dump(site_text, sort_keys=False)):
        planned = site.planned()
    assert any(job.startswith("error_table qpsk_ldpc_3-4_32_awgn") for job in planned)


def test_params_import_nothing_heavy(site):
    code = (
        "made = made.images\n[made.test(*pair, 0) for pair in made.tested]\n"
        "[made.train(*pair, 0) for pair in made.trained]"
    )
    assert site.heavy(code) == []
