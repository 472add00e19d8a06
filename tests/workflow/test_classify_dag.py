"""Classification over links in a real DAG on scikit-learn's digits: trained, swept; what runs again."""

import shutil

import pandas as pd
import pytest

from checkout import ROOT, Site, checkout
from semcom.prepare import bundled
from semcom.training import weights

PARAMS = """
study: tiny
report: main
seeds: [0]
tracking: {enabled: false}
crlsc:
  size: [16, 16]
  parts:
    public: {data: digits, role: public, count: 300}
    a: {data: digits, role: private, count: 200}
    test: {data: digits, role: test, count: 100}
  mentor: {use: efficientnet_lite0, weights: random, size: [32, 32]}
  bases:
    pq: {form: PQ16x2}
  encoders:
    small: {backbone: {use: resnet18, width_mult: 0.125}}
    wide: {backbone: {use: resnet18, width_mult: 0.25}}
  train: {epochs: 1, batch_size: 16}
  methods:
    guided: {guide: {use: infonce}, base: pq}
    random: {encoders: [small]}
  targets:
    digits: {train: a, test: test}
  classify:
    target: digits
    labels: [0.5, 1]
    tuned:
      end_to_end: {method: random, encoder_lr_scale: 1}
    links:
      awgn: {channel: {use: awgn}, channel_uses: 32}
    digital:
      codes: {link: awgn, scheme: qpsk_ldpc_1/2}
      own: {link: awgn, scheme: qpsk_ldpc_1/2, indices: private}
    epochs: 5
    snr_db: [-10, 10]
    draws: 2
"""
TABLE = "results/reference/links/qpsk_ldpc_1-2_32_awgn.csv"
RUNS = "results/tiny/crlsc/classify"
WAYS = ("direct", "awgn", "codes", "own")
SWEPT = (*(f"digits/1/guided/{way}" for way in WAYS), "digits/0.5/end_to_end/awgn")
TESTED = {f"crlsc_classify_test digits 1 guided {way} 0" for way in WAYS}
TRAINED = {
    f"crlsc_classify digits 1 guided {encoder} {way} 0" for encoder in ("small", "wide") for way in WAYS
}
END = {
    "crlsc_classify_test digits 0.5 end_to_end awgn 0",
    "crlsc_classify digits 0.5 end_to_end small awgn 0",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A checkout in which the sweeps of guided encoders have run."""
    site = checkout(tmp_path_factory.mktemp("classify") / "köln x")
    bundled.digits(site.root / "data/digits")
    site.run("dvc", "add", "--quiet", "data/digits")
    (site.root / "params/quickstart.yaml").write_text(PARAMS)
    (site.root / TABLE).parent.mkdir(parents=True)
    shutil.copy(ROOT / TABLE, site.root / TABLE)
    site.snakemake("--cores", "2", *(f"{RUNS}/test/{sweep}/seed0.csv" for sweep in SWEPT))
    return site


def test_every_way_has_each_receiver_with_each_encoder(site):
    for way in WAYS:
        rows = pd.read_csv(site.root / RUNS / f"test/digits/1/guided/{way}/seed0.csv")
        accuracy = rows[rows["metric"] == "accuracy"]
        pairs = accuracy.groupby(["owner", "guest"])["sender"].agg(lambda of: set(of))
        both = {"nobody"} if way in ("direct", "codes") else {"owner", "guest"}
        assert pairs["small", "wide"] == pairs["wide", "small"] == both
        own = accuracy[accuracy["owner"] == accuracy["guest"]].groupby("snr_db")["value"].mean()
        assert own[10] > 0.2, "ten classes, an encoder that hardly trained"
        history = pd.read_csv(site.root / RUNS / f"train/digits/1/guided/small/{way}/seed0/history.csv")
        assert set(history["epoch"]) == {1, 2, 3, 4, 5}
        lost = rows[rows["metric"] == "lost_blocks"].groupby("snr_db")["value"].mean()
        if way in ("codes", "own"):
            assert lost[-10] > 0.9 > 0.1 > lost[10], "where the error table puts the cliff"


def test_what_runs_again_is_what_reads_the_change(site):
    assert site.planned() & (TESTED | TRAINED | END) == set()
    for old, new, again in (
        ("channel_uses: 32}", "channel_uses: 32, train_snr_db: 5}", ("awgn", "end")),
        ("draws: 2", "draws: 3", ("end test",)),
        ("epochs: 5", "epochs: 6", (*WAYS, "end")),
        ("form: PQ16x2", "form: PQ8x2", WAYS),
        ("encoder_lr_scale: 1}", "encoder_lr_scale: 0.5}", ("end",)),
        ("labels: [0.5, 1]", "labels: [0.5, 0.7, 1]", ()),
    ):
        with site.edited("params/quickstart.yaml", old, new):
            planned = site.planned() & (TESTED | TRAINED | END)
        wanted = {job for job in TRAINED | TESTED if job.split()[-2] in again}
        wanted |= TESTED if old == "draws: 2" else set()
        wanted |= END if "end" in again else {job for job in END if "_test" in job and "end test" in again}
        assert planned == wanted
    planned = site.planned()
    assert "crlsc_calibration classify awgn" not in planned, "what was trained over the link waited for it"
    left = {job for job in planned if job.startswith("crlsc_classify")}
    assert not left & (TESTED | TRAINED | END)
    # Of guided at the other share 12, of random at each 6, of end_to_end at each 4, less those that have run.
    assert len(left) == 12 + 2 * 6 + 2 * 4 - len(END)


def test_an_encoder_that_trained_on_is_stored_and_swept(site):
    rows = pd.read_csv(site.root / RUNS / "test/digits/0.5/end_to_end/awgn/seed0.csv")
    assert set(zip(rows["target"], rows["labels"], strict=True)) == {("digits", 0.5)}
    assert set(rows["metric"]) == {"accuracy"}
    folder = site.root / RUNS / "train/digits/0.5/end_to_end/small/awgn/seed0"
    history = pd.read_csv(folder / "history.csv")
    losses = history[history["metric"] == "loss"]["value"]
    assert losses.iloc[-1] < losses.iloc[0]
    first = weights.load(site.root / "results/tiny/crlsc/local/random/small/seed0/encoder.pt")["weights"]
    after = weights.load(folder / "receiver.pt")["encoder"]
    assert first.keys() == after.keys()
    assert any((first[name] != after[name]).any() for name in first if name.endswith("weight"))


def test_a_fault_is_one_message(site):
    with site.edited("params/quickstart.yaml", "form: PQ16x2", "form: PQ16x4"):
        text = site.snakemake("-n", code=1)
    assert "Traceback" not in text
    assert "crlsc.classify.digital.codes.indices: shared, but the base pq (PQ16x4) has indices of 64" in text


def test_params_import_nothing_heavy(site):
    code = (
        "made = made.classify\n[made.test(sweep, 0) for sweep in made.tested]\n"
        "[made.train(*names, 0) for names in made.trained]"
    )
    assert site.heavy(code) == []


def test_without_probes_none_is_planned_nor_a_figure_of_them(site):
    figure = "results/tiny/report/main/crlsc_accuracy.png"
    assert {job.split()[0] for job in site.planned(figure)} >= {"crlsc_probe", "crlsc_report"}
    with site.edited("params/quickstart.yaml", "  targets:\n", "  probe: null\n  targets:\n"):
        planned = {job.split()[0] for job in site.planned()}
        assert "crlsc_report" in planned
        assert "crlsc_probe" not in planned
        assert "MissingRuleException" in site.snakemake("-n", figure, code=1)
