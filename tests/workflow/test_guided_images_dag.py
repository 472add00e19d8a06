"""Networks that send images under a knowledge base, in a real DAG on a tiny study."""

from pathlib import Path

import pandas as pd
import pytest

from checkout import Site, checkout

PARAMS = """
study: tiny
report: main
seeds: [0]
tracking: {enabled: false}
crlsc:
  size: [32, 32]
  parts:
    public: {data: tiny, role: public, count: 30}
    a: {data: tiny, role: private}
    test: {data: tiny, role: test}
  mentor: {use: efficientnet_lite0, weights: random, size: [32, 32]}
  bases:
    pq: {form: "PCA8,SQ8"}
    unused: {form: Flat}
  encoders:
    small: {backbone: {use: resnet18, width_mult: 0.125}}
  methods:
    random: {part: a}
  targets:
    rooms: {train: a, test: test}
  images:
    train: public
    test: test
    links:
      awgn: {channel: {use: awgn}, channel_uses: 32}
    methods:
      jscc: {}
      jscc_guided: {guide: {use: infonce, hard_negatives: 4}, base: pq, weight: 0.1}
      jscc_raw: {guide: {use: infonce, hard_negatives: 4}, weight: 0.1}
      vq_lent:
        vqvae: {codes: 4, dim: 4, width: 8, hidden: 4, blocks: 1, halvings: 3}
        schemes: {awgn: qpsk_ldpc_1/2}
        borrowed: {method: random, encoder: small}
    epochs: 2
    batch_size: 10
    snr_db: [-5, 10]
    draws: 2
"""
TRAIN = "results/tiny/crlsc/images/train"
GUIDED = f"{TRAIN}/jscc_guided/awgn/seed0"
SWEEP = "results/tiny/crlsc/images/test/jscc_guided/awgn/seed0/table.csv"
LENT = "results/tiny/crlsc/images/test/vq_lent/awgn/seed0/table.csv"
JOB = "crlsc_images jscc_guided awgn 0"
KNOWLEDGE = {"crlsc_embed", "crlsc_shared"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A checkout in which nothing has run."""
    site = checkout(tmp_path_factory.mktemp("guided") / "köln x")
    (site.root / "params/quickstart.yaml").write_text(PARAMS)
    return site


def needed(site: Site, method: str, link: str = "awgn") -> set[str]:
    """The rules behind a network."""
    jobs = site.planned(f"{TRAIN}/{method}/{link}/seed0/network.pt")
    return {job.split()[0] for job in jobs if job.startswith("crlsc")}


def test_a_guided_network_waits_for_what_guides_it(site):
    over_a_link = {"crlsc_images", "crlsc_calibration"}
    assert needed(site, "jscc") == over_a_link
    assert needed(site, "jscc_guided") == over_a_link | KNOWLEDGE
    assert needed(site, "jscc_raw") == over_a_link | {"crlsc_embed"}
    assert needed(site, "vq_lent", "any") == {"crlsc_images", "crlsc_local"}
    with site.edited("params/quickstart.yaml", "train: public", "train: a"):
        text = site.snakemake("-n", code=1)
    assert "Traceback" not in text
    assert "crlsc.images.train: a, but the guide infonce draws an image to its own entry" in text


def test_it_trains_and_sends_as_any_other(site):
    site.snakemake("--cores", "2", SWEEP, LENT)
    assert "psnr_db" in set(pd.read_csv(site.root / LENT)["metric"])
    folder = site.root / GUIDED
    history = pd.read_csv(folder / "history.csv").pivot(index="epoch", columns="metric", values="value")
    assert list(history.index) == [1, 2]
    assert history["retrieval_accuracy"].between(0, 1).all()
    assert history["effective_rank_space"].gt(1).all()
    assert history["infonce"].gt(0).all()
    assert "psnr_db" in set(pd.read_csv(site.root / SWEEP)["metric"])
    journal = Path(site.root, "results/tiny/journal/images/jscc_guided/awgn/seed0.jsonl").read_text()
    assert "images/retrieval_accuracy" in journal
    for change, again in (
        ("weight: 0.1}\n      jscc_raw", True),
        ("hard_negatives: 4}, weight: 0.1}", False),
    ):
        with site.edited("params/quickstart.yaml", change, change.replace("0.1", "0.2")):
            assert (JOB in site.planned(SWEEP)) == again
