"""Claims on what a study does not have are named before it runs."""

from typing import Any

import pytest
import yaml

from semcom.params.crlsc.claimed import not_run
from semcom.params.crlsc.claims import Claim
from semcom.params.crlsc.jobs import CrlscJobs
from semcom.params.crlsc.schema import load

PARAMS = """
study: tiny
report: main
seeds: [0]
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
  methods:
    guided: {guide: {use: infonce}, base: pq}
    random: {}
  targets:
    rooms: {train: a, test: test}
  probe: {label_fractions: [0.1, 1.0]}
  classify:
    target: rooms
    labels: 0.05
    links: {k64: {channel: {use: awgn}, channel_uses: 64}}
    tuned: {further: {method: guided}}
  images:
    train: a
    test: test
    links: {r12: {channel: {use: awgn}, channel_uses: 256}}
    methods: {jscc: {}}
"""
BETTER = {
    "says": "",
    "measure": "accuracy",
    "of": "guided",
    "against": "random",
    "direction": "above",
    "margin": 0,
}
OVER = {"measure": "link_accuracy", "of": "further", "link": "k64", "snr_db": [10], "label_fraction": 0.05}
SENT = {"link": "r12", "snr_db": [10], "of": "jscc", "against": "jscc"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"against": "mentor"}, None),
        ({"against": "randon"}, "no method 'randon'"),
        ({"encoder": "vit"}, "no encoder 'vit'"),
        ({"targets": ["clothes"]}, "no target 'clothes'"),
        ({"label_fraction": 0.5}, "no share 0.5 of the labels"),
        ({"measure": "retrieval", "of": "pq", "against": "raw"}, None),
        ({"measure": "retrieval", "of": "pq", "against": "pq4"}, "no base 'pq4'"),
        ({"measure": "consensus", "against": "own"}, "no consensus"),
        ({"measure": "consensus", "against": "simclr/100"}, "no method 'simclr'"),
        ({"measure": "psnr", **SENT}, None),
        ({"measure": "psnr", **SENT, "of": "vq"}, "no method of images 'vq'"),
        ({"measure": "psnr", **SENT, "link": "r6"}, "no link 'r6'"),
        ({"measure": "psnr", **SENT, "snr_db": [7]}, "none sent at 7 dB"),
        ({"measure": "image_accuracy", **SENT}, "no classifier"),
        (OVER, None),
        (OVER | {"link": "direct"}, None),
        (OVER | {"link": "k8"}, "no way 'k8'"),
        (OVER | {"of": "guidet"}, "no method over links 'guidet'"),
        (OVER | {"label_fraction": 1.0}, "no share 1 of the labels over links"),
        (OVER | {"snr_db": [7]}, "none sent at 7 dB"),
    ],
)
def test_what_a_claim_names_and_a_study_lacks(changed: dict[str, Any], said: str | None) -> None:
    study = load(yaml.safe_load(PARAMS))
    claims = {"one": Claim.model_validate(BETTER | changed)}
    assert not_run(claims, study.crlsc).get("one") == said
    text = CrlscJobs(study, {"rooms": "abcdefgh.dir"}, claims=claims).summary()
    note = f"\n  claims on what is not in this study, not run: one ({said})"
    assert text.endswith(note) if said else "claims" not in text


def test_the_summary_names_what_there_is() -> None:
    config = yaml.safe_load(PARAMS)
    for key in ("bases", "encoders", "methods", "targets", "classify"):
        del config["crlsc"][key]
    text = CrlscJobs(load(config), {"rooms": "abcdefgh.dir"}).summary()
    assert text.endswith("; images jscc; seeds 0")
    assert "methods" not in text
