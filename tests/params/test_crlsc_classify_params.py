"""The key `classify` of the section `crlsc`: what it takes, what it refuses and how, what its jobs get."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from semcom.files.errors import SemcomError
from semcom.params.crlsc.classifyjobs import ClassifyJobs
from semcom.params.crlsc.jobs import CrlscJobs
from semcom.params.crlsc.schema import load

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
  bases:
    pq: {form: PQ16x4}
    flat: {form: Flat}
  encoders:
    small: {backbone: {use: mobilenet_v3_small}}
    large: {backbone: {use: resnet18}}
  train: {epochs: 2}
  methods:
    guided: {guide: {use: infonce}, base: pq}
    simclr: {simclr: 1, encoders: [large]}
    random: {}
  targets:
    rooms: {train: a, test: test}
  classify:
    target: rooms
    methods: [guided, simclr]
    links:
      awgn: {channel: {use: awgn}, channel_uses: 64, train_snr_db: 10}
      fading: {channel: {use: rayleigh}, channel_uses: 64}
    digital:
      codes: {link: awgn, scheme: qpsk_ldpc_1/2}
      own: {link: fading, scheme: 16qam_ldpc_1/2, indices: private}
"""


@pytest.fixture
def config() -> dict[str, Any]:
    return yaml.safe_load(PARAMS)


def changed(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *above, last = path.split(".")
    place = config["crlsc"]["classify"]
    for key in above:
        place = place[key]
    place[last] = value
    return config


def jobs(config: dict[str, Any]) -> ClassifyJobs:
    made = CrlscJobs(load(config), {"rooms": "abcdefgh.dir"}).classify
    assert made is not None
    return made


def faults(config: dict[str, Any]) -> list[str]:
    with pytest.raises(SemcomError) as caught:
        load(config)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("target", "room", "target: 'room' is none of targets; did you mean 'rooms'?"),
        ("methods", ["guide"], "methods: 'guide' is none of methods; did you mean 'guided'?"),
        ("encoders", ["smal"], "encoders: 'smal' is none of encoders; did you mean 'small'?"),
        ("encoders", ["small"], "encoders: simclr trains none of them; it trains large"),
        (
            "digital.codes.link",
            "awgm",
            "digital.codes.link: 'awgm' is none of classify.links; did you mean 'awgn'?",
        ),
        (
            "digital.codes.scheme",
            "8qam_ldpc_1/2",
            "digital.codes.scheme: unknown scheme '8qam_ldpc_1/2'; the",
        ),
        (
            "digital.codes.scheme",
            "qpsk_uncoded",
            "digital.codes.scheme: sends bits without a code, and a receiver",
        ),
        (
            "digital.codes.scheme",
            "qpsk_ldpc_1/4",
            "digital.codes.indices: shared, but the base pq (PQ16x4) has indices of 64 bits an image, and a "
            "block has room for 32; take a base of fewer bits, another scheme, more channel uses, or private",
        ),
        ("digital.codes.indices", "common", "digital.codes.indices: 'common' is not one of shared, private"),
        (
            "methods",
            ["simclr"],
            "digital.codes.indices: shared, but none of simclr learns under a base; take pr",
        ),
        (
            "links.fading.channel.csi",
            "none",
            "digital.own.link: fading is rayleigh, csi none; bits go over awgn",
        ),
        (
            "links.direct",
            {"channel": {"use": "awgn"}, "channel_uses": 8},
            "links.direct: is the name of the way",
        ),
        (
            "digital.AWGN",
            {"link": "awgn", "scheme": "qpsk_ldpc_1/2"},
            "digital.AWGN: is the name of classify.links",
        ),
        (
            "links.awgn.channel.use",
            "awgnn",
            "links.awgn.channel.use: 'awgnn' is unknown; did you mean 'awgn'?",
        ),
        ("head", {"use": "mpl"}, "head.use: 'mpl' is unknown; did you mean 'mlp'?"),
        ("sender.hidden", 3, "sender.hidden: "),
        ("labels", 0, "labels: "),
        ("draw", 3, "draw: no such key (its value is 3); did you mean 'draws'?"),
        ("snr_db", [10, 0], "snr_db: "),
    ],
)
def test_a_fault_is_named_with_the_way_out(config, path, value, said):
    config["crlsc"]["classify"]["sender"] = {"use": "linear"}
    found = faults(changed(config, path, value))
    assert any(line.startswith(f"crlsc.classify.{said}") for line in found), found


def test_a_base_of_another_form_has_no_indices(config):
    config["crlsc"]["methods"]["guided"]["base"] = "flat"
    (found,) = faults(config)
    assert found.startswith(
        "crlsc.classify.digital.codes.indices: shared, but the base flat (Flat) has no product-quantised "
    )


def test_methods_without_a_base_have_no_indices_in_it(config):
    made = jobs(config)
    assert made.tested == [
        *(("guided", way) for way in ("direct", "awgn", "fading", "codes", "own")),
        *(("simclr", way) for way in ("direct", "awgn", "fading", "own")),
    ]
    assert ("guided", "small", "codes") in made.trained
    assert ("simclr", "small", "own") not in made.trained
    read = made.test_inputs("guided", "codes", 1)
    folder = "results/tiny/crlsc"
    assert read["encoder"] == [
        f"{folder}/local/guided/{name}/seed1/encoder.pt" for name in ("large", "small")
    ]
    receivers = [f"{folder}/classify/train/guided/{n}/codes/seed1/receiver.pt" for n in ("large", "small")]
    assert read["receiver"] == receivers
    assert read["base"] == f"{folder}/shared/pq/seed1/base.skb"
    assert read["error-table"] == "results/reference/links/qpsk_ldpc_1-2_64_awgn.csv"
    assert list(json.loads(made.test("guided", "codes", 0))["networks"]) == ["large", "small"]
    assert not {"base", "error-table"} & set(made.test_inputs("guided", "awgn", 0))
    assert "base" not in made.test_inputs("simclr", "own", 0)
    assert made.train_inputs("guided", "small", "codes", 0)["base"].endswith("shared/pq/seed0/base.skb")


def test_bits_and_symbols_take_the_channel_uses_of_their_link(config):
    made = jobs(config)
    symbols, bits = (json.loads(made.test("guided", way, 0)) for way in ("awgn", "own"))
    assert (symbols["channel_uses"], symbols["bits"], symbols["scheme_uses"]) == (64, None, None)
    assert (bits["channel_uses"], bits["bits"], bits["scheme_uses"]) == (None, 128, 64)
    assert bits["channel"]["use"] == "rayleigh"


def test_a_table_that_nobody_measured_is_made(config):
    made = jobs(changed(config, "digital.own.scheme", "64qam_ldpc_1/2"))
    file = "64qam_ldpc_1-2_64_rayleigh.csv"
    assert made.test_inputs("guided", "own", 0)["error-table"] == f"results/data/links/{file}"
    entry = json.loads(made.table(file))
    assert (entry["scheme"], entry["channel_uses"], entry["channel"]) == ("64qam_ldpc_1/2", 64, "rayleigh")


@pytest.mark.parametrize(
    ("path", "value", "again"),
    [
        ("links.awgn.train_snr_db", 5, {"train awgn"}),
        ("digital.codes.exact", True, {"test codes"}),
        ("digital.own.scheme", "qpsk_ldpc_1/2", {"train own", "test own"}),
        ("snr_db", [0, 5], {"test direct", "test awgn", "test fading", "test codes", "test own"}),
        ("sender", {"use": "snr_aware"}, {"train awgn", "train fading", "test awgn", "test fading"}),
        ("links.late", {"channel": {"use": "awgn"}, "channel_uses": 8}, {"train late", "test late"}),
    ],
)
def test_a_change_is_in_the_entries_that_it_concerns(config, path, value, again):
    before, after = entries(jobs(config)), entries(jobs(changed(config, path, value)))
    assert {name for name in after if before.get(name) != after[name]} == again


def entries(made: ClassifyJobs) -> dict[str, str]:
    ways = [way for method, way in made.tested if method == "guided"]
    found = {f"train {way}": made.train("guided", "small", way, 0) for way in ways}
    return found | {f"test {way}": made.test("guided", way, 0) for way in ways}


def test_the_page_shows_a_section_that_holds(config):
    page = (Path(__file__).parents[2] / "docs/classify.md").read_text()
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    config["crlsc"]["classify"] = yaml.safe_load(shown)["crlsc"]["classify"]
    assert [way for method, way in jobs(config).tested if method == "guided"] == [
        "direct", "awgn", "fading", "codes", "own_codes",
    ]  # fmt: skip
