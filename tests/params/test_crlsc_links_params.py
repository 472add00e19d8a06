"""Calibrations of the second system's links: which there are, and what changes the entry of one."""

import json
from copy import deepcopy
from typing import Any

import pytest
import yaml

from semcom.params.crlsc.jobs import CrlscJobs
from semcom.params.crlsc.schema import load
from semcom.params.entries import CalibrationEntry

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
  encoders:
    small: {backbone: {use: mobilenet_v3_small}}
  methods:
    random: {}
  targets:
    rooms: {train: a, test: test}
  images:
    train: a
    test: test
    links:
      r12: {channel: {use: awgn}, channel_uses: 256}
      fading: {channel: {use: rayleigh}, channel_uses: 256}
    methods:
      jscc: {}
  classify:
    target: rooms
    links:
      r12: {channel: {use: awgn}, channel_uses: 64}
"""
R12, FADING, CLASSIFIED = ("images", "r12"), ("images", "fading"), ("classify", "r12")


@pytest.fixture
def config() -> dict[str, Any]:
    return yaml.safe_load(PARAMS)


def entries(config: dict[str, Any], version: str = "abcdefgh.dir") -> dict[tuple[str, str], str]:
    links = CrlscJobs(load(config), {"rooms": version}).links
    return {tuple(place): links.calibration(*place) for place in links.channels}


def changed(config: dict[str, Any], **links: dict[str, Any]) -> set[tuple[str, str]]:
    """Links of images whose entry is another, or new, with these of `images.links` in place."""
    other = deepcopy(config)
    other["crlsc"]["images"]["links"] |= links
    before = entries(config)
    return {place for place, text in entries(other).items() if before.get(place) != text}


def test_every_link_of_both_keys_has_a_calibration_of_its_channel(config):
    found = entries(config)
    assert set(found) == {R12, FADING, CLASSIFIED}
    said = CalibrationEntry.model_validate_json(found[FADING])
    assert (said.study, said.link_name) == ("tiny", "crlsc.images.links.fading")
    assert said.channel["use"] == "rayleigh"
    assert json.loads(found[CLASSIFIED])["link_name"] == "crlsc.classify.links.r12"
    assert CrlscJobs(load(config), {"rooms": "abcdefgh.dir"}).links.calibrations == [
        "results/tiny/crlsc/calibration/images/r12.csv",
        "results/tiny/crlsc/calibration/images/fading.csv",
        "results/tiny/crlsc/calibration/classify/r12.csv",
    ]


def test_a_study_without_links_has_none(config):
    del config["crlsc"]["images"], config["crlsc"]["classify"]
    assert entries(config) == {}


def test_an_entry_is_of_its_channel_alone(config):
    assert entries(config, "ijklmnop.dir") == entries(config), "whatever the data"
    blind = {"channel": {"use": "rayleigh", "csi": "none"}, "channel_uses": 256}
    assert changed(config, fading=blind) == {FADING}
    fading = {"channel": {"use": "rayleigh"}, "channel_uses": 512, "train_snr_db": 5}
    assert changed(config, fading=fading) == set(), "symbols and training are not measured"
    assert changed(config, r6={"channel": {"use": "awgn"}, "channel_uses": 512}) == {("images", "r6")}
