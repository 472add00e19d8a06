"""Claims on what a study does not have are named before it runs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from semcom.params.crlsc.claimed import not_run
from semcom.params.crlsc.claims import Claim
from semcom.params.crlsc.claims import load as read
from semcom.params.crlsc.jobs import CrlscJobs
from semcom.params.crlsc.schema import load

ROOT = Path(__file__).parents[2]
PARAMS = """
study: tiny
report: main
seeds: [0, 1]
crlsc:
  size: [32, 32]
  parts:
    public: {data: rooms, role: public, count: 100}
    a: {data: rooms, role: private}
    test: {data: rooms, role: test}
  mentor: {use: efficientnet_lite0, weights: random}
  bases: {pq: {form: PQ32x4}}
  encoders:
    small: {backbone: {use: mobilenet_v3_small}}
    vit: {backbone: {use: vit}}
  train: {batch_size: 32}
  methods:
    guided: {guide: {use: infonce}, base: pq}
    random: {encoders: [small]}
    other: {encoders: [vit]}
  targets:
    rooms: {train: a, test: test}
  probe: {label_fractions: [0.1, 1.0]}
  classify:
    target: rooms
    labels: 0.05
    links: {k64: {channel: {use: awgn}, channel_uses: 64}}
    digital: {bits: {link: k64, scheme: 64qam_ldpc_1/2}}
    tuned: {further: {method: guided}}
  images:
    train: a
    test: test
    links:
      r12: {channel: {use: awgn}, channel_uses: 256}
      r6: {channel: {use: awgn}, channel_uses: 512}
    methods: {jscc: {}, web: {}, vq: {vqvae: {codes: 256}, schemes: {r6: qpsk_ldpc_1/2}}}
"""
BETTER = {
    "says": "",
    "measure": "accuracy",
    "of": "guided",
    "against": "random",
    "direction": "above",
    "margin": 0,
}
BOTH = {
    "better": {},
    "smaller": {"measure": "bytes", "of": "pq", "against": "raw", "direction": "below", "margin": 0.5},
}
OVER = {"measure": "link_accuracy", "of": "further", "link": "k64", "snr_db": [10], "label_fraction": 0.05}
SENT = {"link": "r12", "snr_db": [10], "of": "jscc", "against": "web"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"against": "mentor"}, "no method 'mentor'"),
        ({"of": "random", "against": "other"}, "no encoder in common"),
        ({"against": "randon"}, "no method 'randon'"),
        ({"encoder": "vit"}, "no encoder 'vit' of both"),
        ({"targets": ["clothes"]}, "no target 'clothes'"),
        ({"label_fraction": 0.5}, "no share 0.5 of the labels"),
        ({"measure": "retrieval", "of": "pq", "against": "raw"}, None),
        ({"measure": "retrieval", "of": "pq", "against": "pq4"}, "no base 'pq4'"),
        ({"measure": "consensus", "against": "own"}, "no consensus"),
        ({"measure": "consensus", "against": "simclr/100"}, "no method 'simclr'"),
        ({"measure": "consensus", "against": "random/100"}, "no consensus"),
        ({"measure": "psnr", **SENT}, None),
        ({"measure": "psnr", **SENT, "of": "vqvae"}, "no method of images 'vqvae'"),
        ({"measure": "psnr", **SENT, "link": "r3"}, "no link 'r3'"),
        ({"measure": "psnr", **SENT, "of": "vq"}, "vq does not go over r12"),
        ({"measure": "psnr", **SENT, "snr_db": [7]}, "none sent at 7 dB"),
        ({"measure": "image_accuracy", **SENT}, "no classifier"),
        (OVER, None),
        (OVER | {"link": "direct"}, None),
        (OVER | {"link": "k8"}, "no way 'k8'"),
        (OVER | {"link": "bits"}, "further does not go over bits"),
        (OVER | {"of": "guided", "link": "bits"}, "random does not go over bits"),
        (OVER | {"of": "guidet"}, "no method over links 'guidet'"),
        (OVER | {"label_fraction": 1.0}, "no share 1 of the labels over links"),
        (OVER | {"snr_db": [7]}, "none sent at 7 dB"),
    ],
)
def test_what_a_claim_names_and_a_study_lacks(changed: dict[str, Any], said: str | None) -> None:
    study = load(yaml.safe_load(PARAMS))
    claims = {"one": Claim.model_validate(BETTER | changed)}
    assert not_run(claims, study.crlsc, seeds=2).get("one") == said
    text = CrlscJobs(study, {"rooms": "abcdefgh.dir"}, claims=claims).summary()
    note = f"\n  claims on what is not in this study, not run: one ({said})"
    assert text.endswith(note) if said else "claims" not in text


@pytest.mark.parametrize("file", ["links", "images", "frames", "borrowed"])
def test_a_study_has_what_its_claims_are_on(file: str) -> None:
    study = load(yaml.safe_load((ROOT / f"params/crlsc_{file}.yaml").read_text(encoding="utf-8")))
    claims = read(ROOT / f"params/claims/{study.crlsc.claims}.yaml")
    assert claims
    assert not_run(claims, study.crlsc, seeds=len(study.seeds)) == {}


def test_one_seed_gives_no_interval() -> None:
    study = load(yaml.safe_load(PARAMS))
    claims = {name: Claim.model_validate(BETTER | more) for name, more in BOTH.items()}
    assert not_run(claims, study.crlsc, seeds=1) == {"better": "one seed"}
    wrong = {"wrong": claims["better"].model_copy(update={"of": "guidet"})}
    assert not_run(wrong, study.crlsc, seeds=1) == {"wrong": "no method 'guidet'"}, "a name before it"


def test_the_summary_names_what_there_is() -> None:
    config = yaml.safe_load(PARAMS)
    for key in ("bases", "encoders", "methods", "targets", "classify"):
        del config["crlsc"][key]
    text = CrlscJobs(load(config), {"rooms": "abcdefgh.dir"}).summary()
    assert text.endswith("; images jscc, web, vq; seeds 0, 1")
    assert "methods" not in text
