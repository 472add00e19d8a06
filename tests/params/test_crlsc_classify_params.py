"""The key `classify` of the section `crlsc`: what it takes, what it refuses and how, what its jobs get."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from crlsc_faults import changed, faults

from semcom.params.crlsc.classifyjobs import ClassifyJobs, Sweep
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
    a: {data: rooms, role: private, count: 50}
    b: {data: rooms, role: private}
    test: {data: rooms, role: test}
  mentor: {use: efficientnet_lite0, weights: random}
  bases:
    pq: {form: PQ16x4}
    flat: {form: Flat}
  encoders:
    small: {backbone: {use: mobilenet_v3_small}}
    large: {backbone: {use: resnet18}}
  train: {epochs: 2, batch_size: 32}
  methods:
    guided: {guide: {use: infonce}, base: pq}
    simclr: {simclr: 1, encoders: [large]}
    random: {}
  targets:
    rooms: {train: a, test: test}
    halls: {train: b, test: test}
  classify:
    target: rooms
    methods: [guided, simclr]
    tuned:
      end_to_end: {method: random, encoder_lr_scale: 1}
    links:
      awgn: {channel: {use: awgn}, channel_uses: 64, train_snr_db: 10}
      fading: {channel: {use: rayleigh}, channel_uses: 64}
    digital:
      codes: {link: awgn, scheme: qpsk_ldpc_1/2}
      own: {link: fading, scheme: 16qam_ldpc_1/2, indices: private}
"""


EVERY = ("direct", "awgn", "fading", "codes", "own", "direct on", "awgn on", "fading on")
TUNED = ("direct on", "awgn on", "fading on")
"""Those of `end_to_end`."""


def sweep(arm: str, way: str) -> Sweep:
    return Sweep("rooms", "1", arm, way)


@pytest.fixture
def config() -> dict[str, Any]:
    return yaml.safe_load(PARAMS)


def jobs(config: dict[str, Any]) -> ClassifyJobs:
    made = CrlscJobs(load(config), {"rooms": "abcdefgh.dir"}).classify
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("target", "room", "target: 'room' is none of targets; did you mean 'rooms'?"),
        ("methods", ["guide"], "methods: 'guide' is none of methods; did you mean 'guided'?"),
        ("encoders", ["smal"], "encoders: 'smal' is none of encoders; did you mean 'small'?"),
        ("encoders", ["small"], "encoders: simclr trains none of them; it trains large"),
        ("tuned.end_to_end.encoders", ["smal"], "tuned.end_to_end.encoders: 'smal' is none of encoders; did"),
        (
            "tuned.end_to_end",
            {"method": "simclr", "encoders": ["small"]},
            "tuned.end_to_end.encoders: simclr trains none of them",
        ),
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
        ("links.awgn.channel", {}, "links.awgn.channel.use: missing; "),
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
        (
            "digital.own.methods",
            ["simcl"],
            "digital.own.methods: 'simcl' is none of classify.methods; did you",
        ),
        ("digital.own.methods", ["random"], "digital.own.methods: 'random' is none of classify.methods"),
        ("digital.codes.methods", ["simclr"], "digital.codes.methods: simclr learns under no base"),
        ("head", {"use": "mpl"}, "head.use: 'mpl' is unknown; did you mean 'mlp'?"),
        ("sender.hidden", 3, "sender.hidden: "),
        ("labels", 0, "labels[0]: 0 is not a number > 0 and ≤ 1"),
        ("labels", [0.5, 0.1], "labels: 0.1 follows 0.5; the list must rise"),
        ("labels", [0.1, 0.1000000001], "labels: 0.1 stands twice"),
        ("labels", [], "labels: "),
        ("target", ["rooms", "room"], "target: 'room' is none of targets; did you mean 'rooms'?"),
        ("target", ["rooms", "rooms"], "target: rooms stands twice"),
        ("images", 0, "images: 0 is not a whole number ≥ 1"),
        ("views", {"use": "rgb"}, "views.use: 'rgb' is unknown; did you mean 'rgbd'?"),
        ("tuned.on", {"method": "guide"}, "tuned.on.method: 'guide' is none of methods; did you mean"),
        (
            "tuned.on",
            {"method": "guided", "encoder_lr_scale": 0},
            "tuned.on.encoder_lr_scale: 0 is not a number > 0",
        ),
        ("tuned.on", {"encoder_lr_scale": 1}, "tuned.on.method: missing; it takes a text"),
        ("tuned.Random", {"method": "random"}, "tuned.Random: is the name of the method random, perhaps in"),
        ("tuned.END_to_end", {"method": "random"}, "tuned.END_to_end: is the name of classify.tuned.end_to_"),
        ("draw", 3, "draw: no such key (its value is 3); did you mean 'draws'?"),
        ("snr_db", [10, 0], "snr_db: "),
    ],
)
def test_a_fault_is_named_with_the_way_out(config, path, value, said):
    config["crlsc"]["classify"]["sender"] = {"use": "linear"}
    found = faults(changed(config, f"classify.{path}", value))
    assert any(line.startswith(f"crlsc.classify.{said}") for line in found), found


def test_a_base_of_another_form_has_no_indices(config):
    config["crlsc"]["methods"]["guided"]["base"] = "flat"
    (found,) = faults(config)
    assert found.startswith(
        "crlsc.classify.digital.codes.indices: shared, but the base flat (Flat) has no product-quantised "
    )


def test_methods_without_a_base_have_no_indices_in_it(config):
    made = jobs(config)
    assert [(arm, way) for _, _, arm, way in made.tested] == [
        *(("guided", way) for way in ("direct", "awgn", "fading", "codes", "own")),
        *(("simclr", way) for way in ("direct", "awgn", "fading", "own")),
        *(("end_to_end", way) for way in ("direct", "awgn", "fading")),
    ]
    assert {(target, part) for target, part, *_ in made.tested} == {("rooms", "1")}
    assert (sweep("guided", "codes"), "small") in made.trained
    assert (sweep("simclr", "own"), "small") not in made.trained
    read = made.test_inputs(sweep("guided", "codes"), 1)
    folder = "results/tiny/crlsc"
    assert read["encoder"] == [
        f"{folder}/local/guided/{name}/seed1/encoder.pt" for name in ("large", "small")
    ]
    trained = f"{folder}/classify/train/rooms/1/guided"
    receivers = [f"{trained}/{n}/codes/seed1/receiver.pt" for n in ("large", "small")]
    assert read["receiver"] == receivers
    assert read["base"] == f"{folder}/shared/pq/seed1/base.skb"
    assert read["error-table"] == "results/reference/links/qpsk_ldpc_1-2_64_awgn.csv"
    assert list(json.loads(made.test(sweep("guided", "codes"), 0))["networks"]) == ["large", "small"]
    assert not {"base", "error-table"} & set(made.test_inputs(sweep("guided", "awgn"), 0))
    assert "base" not in made.test_inputs(sweep("simclr", "own"), 0)
    read = made.train_inputs(sweep("guided", "codes"), "small", 0)
    assert read["base"].endswith("shared/pq/seed0/base.skb")


def test_a_digital_link_is_for_the_methods_that_it_names(config):
    config["crlsc"]["methods"]["plain"] = {"guide": {"use": "infonce"}, "base": "flat"}
    classify = config["crlsc"]["classify"]
    classify["methods"].append("plain")
    classify["digital"]["codes"]["methods"] = ["guided"]  # the form of the other's base has no indices
    classify["digital"]["own"]["methods"] = ["plain"]
    digital = [(arm, way) for _, _, arm, way in jobs(config).tested if way in ("codes", "own")]
    assert digital == [("guided", "codes"), ("plain", "own")]


def test_of_encoders_that_train_on_some_may_be_named(config):
    config["crlsc"]["classify"]["tuned"]["end_to_end"]["encoders"] = ["large"]
    made = jobs(config)
    trained = {encoder for (_, _, arm, _), encoder in made.trained if arm == "end_to_end"}
    assert trained == {"large"}
    assert len(made.test_inputs(sweep("end_to_end", "awgn"), 0)["receiver"]) == 1
    assert len(made.test_inputs(sweep("guided", "awgn"), 0)["receiver"]) == 2


def test_bits_and_symbols_take_the_channel_uses_of_their_link(config):
    made = jobs(config)
    symbols, bits = (json.loads(made.test(sweep("guided", way), 0)) for way in ("awgn", "own"))
    assert (symbols["channel_uses"], symbols["bits"], symbols["scheme_uses"]) == (64, None, None)
    assert (bits["channel_uses"], bits["bits"], bits["scheme_uses"]) == (None, 128, 64)
    assert bits["channel"]["use"] == "rayleigh"


def test_a_table_that_nobody_measured_is_made(config):
    made = jobs(changed(config, "classify.digital.own.scheme", "64qam_ldpc_1/2"))
    file = "64qam_ldpc_1-2_64_rayleigh.csv"
    assert made.test_inputs(sweep("guided", "own"), 0)["error-table"] == f"results/data/links/{file}"
    entry = json.loads(made.table(file))
    assert (entry["scheme"], entry["channel_uses"], entry["channel"]) == ("64qam_ldpc_1/2", 64, "rayleigh")


@pytest.mark.parametrize(
    ("path", "value", "again"),
    [
        ("links.awgn.train_snr_db", 5, {"train awgn", "train awgn on"}),
        ("digital.codes.exact", True, {"test codes"}),
        ("digital.own.scheme", "qpsk_ldpc_1/2", {"train own", "test own"}),
        ("snr_db", [0, 5], {f"test {way}" for way in EVERY}),
        ("images", 100, {f"train {way}" for way in EVERY}),
        ("views", None, {f"train {way}" for way in TUNED}),
        ("tuned.end_to_end.encoder_lr_scale", 0.5, {f"train {way}" for way in TUNED}),
        (
            "sender",
            {"use": "snr_aware"},
            {f"{job} {way}" for job in ("train", "test") for way in EVERY if way[:4] in ("awgn", "fadi")},
        ),
        (
            "links.late",
            {"channel": {"use": "awgn"}, "channel_uses": 8},
            {"train late", "test late", "train late on", "test late on"},
        ),
    ],
)
def test_a_change_is_in_the_entries_that_it_concerns(config, path, value, again):
    before, after = entries(jobs(config)), entries(jobs(changed(config, f"classify.{path}", value)))
    assert {name for name in after if before.get(name) != after[name]} == again


def entries(made: ClassifyJobs) -> dict[str, str]:
    of = [sweep for sweep in made.tested if sweep.arm in ("guided", "end_to_end")]
    names = {sweep: sweep.way if sweep.arm == "guided" else f"{sweep.way} on" for sweep in of}
    found = {f"train {names[sweep]}": made.train(sweep, "small", 0) for sweep in of}
    return found | {f"test {names[sweep]}": made.test(sweep, 0) for sweep in of}


def test_each_target_and_share_has_jobs_of_its_own_and_those_of_one_stay(config):
    before = entries(jobs(config))
    config["crlsc"]["classify"] |= {"target": ["rooms", "halls"], "labels": [0.05, 1.0]}
    made = jobs(config)
    places = [(target, part) for target in ("rooms", "halls") for part in ("0.05", "1")]
    assert list(dict.fromkeys((target, part) for target, part, *_ in made.tested)) == places
    assert len(made.tested) == 4 * 12
    kept = {f"train {way}": made.train(sweep("guided", way), "small", 0) for way in EVERY[:5]}
    assert {name: before[name] for name in kept} == kept, "as of one target and one share"
    entry = json.loads(made.train(Sweep("halls", "0.05", "end_to_end", "awgn"), "large", 0))
    assert (entry["target_name"], entry["target"]["train"], entry["labels"]) == ("halls", "b", 0.05)
    assert (entry["encoder_lr_scale"], entry["views"]["use"]) == (1, "rgbd")
    read = made.train_inputs(Sweep("halls", "0.05", "end_to_end", "awgn"), "large", 0)
    assert read["encoder"] == "results/tiny/crlsc/local/random/large/seed0/encoder.pt"


def test_frozen_encoders_are_told_of_no_views(config):
    entry = json.loads(jobs(config).train(sweep("guided", "awgn"), "small", 0))
    assert entry["views"] is entry["encoder_lr_scale"] is None


def test_every_ablation_can_be_written(config):
    """The arms that docs/classify.md lists, each beside `guided` with one thing left out."""
    section = config["crlsc"]
    section["methods"] = {
        "guided": {"guide": {"use": "infonce", "alpha": 0.5}, "base": "pq"},
        "no_pq": {"guide": {"use": "infonce", "alpha": 0.5}},
        "no_hard": {"guide": {"use": "infonce", "alpha": 0.5, "hard_negatives": 0}, "base": "pq"},
        "no_skb": {"simclr": 1},
        "supervised": {"labels": True, "part": "a"},
        "random": {},
    }
    section["classify"] |= {
        "methods": None,
        "target": ["halls", "rooms"],
        "labels": [0.1, 1],
        "digital": {
            "codes": {"link": "awgn", "scheme": "qpsk_ldpc_1/2"},
            "own": {"link": "awgn", "scheme": "qpsk_ldpc_1/2", "indices": "private"},
        },
    }
    made = CrlscJobs(load(config), {"rooms": "abcdefgh.dir"})
    every = made.classify
    assert every is not None
    ways = {
        arm: [sweep.way for sweep in every.tested if sweep[:3] == ("halls", "0.1", arm)] for arm in every.arms
    }
    whole = ["direct", "awgn", "fading", "codes", "own"]
    assert ways["guided"] == ways["no_hard"] == whole
    for arm in ("no_pq", "no_skb", "supervised", "random"):
        assert ways[arm] == ["direct", "awgn", "fading", "own"]
    assert ways["end_to_end"] == ["direct", "awgn", "fading"]
    guides = {name: json.loads(made.local(name, "small", 0)) for name in ("guided", "no_pq", "no_hard")}
    assert guides["no_pq"]["base"] is None
    assert guides["no_pq"]["guide"] == guides["guided"]["guide"], "toward the mentor's vectors as they are"
    assert guides["no_hard"]["guide"]["hard_negatives"] == 0 < guides["guided"]["guide"]["hard_negatives"]


def test_the_page_shows_a_section_that_holds(config):
    page = (Path(__file__).parents[2] / "docs/classify.md").read_text()
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    config["crlsc"]["classify"] = yaml.safe_load(shown)["crlsc"]["classify"]
    made = jobs(config)
    assert list(dict.fromkeys(way for *_, arm, way in made.tested if arm == "guided")) == [
        "direct", "awgn", "fading", "codes", "own_codes",
    ]  # fmt: skip
    assert {way for *_, arm, way in made.tested if arm == "end_to_end"} == {"direct", "awgn", "fading"}
