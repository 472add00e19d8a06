"""The section `crlsc` of a params file: what it takes, what it refuses and how, what its jobs are handed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from crlsc_faults import changed, faults

from semcom.files.errors import SemcomError
from semcom.params.crlsc.jobs import CrlscJobs
from semcom.params.crlsc.schema import load
from semcom.params.systems import systems

ROOT = Path(__file__).parents[2]
PARAMS = """
study: tiny
report: main
seeds: [0, 1]
crlsc:
  size: [32, 24]
  parts:
    public: {data: rooms, role: public, count: 100}
    a: {data: rooms, role: private}
    test: {data: rooms, role: test}
  mentor: {use: efficientnet_lite0, weights: random}
  bases:
    pq: {form: "PCA32,PQ8"}
    flat: {form: Flat}
  encoders:
    small: {backbone: {use: mobilenet_v3_small}}
    res: {backbone: {use: resnet18, width_mult: 0.125}}
  train: {epochs: 2, batch_size: 16, optimiser: {use: adamw, lr: 2e-3}}
  methods:
    guided: {guide: {use: infonce}, base: pq}
    cosine: {guide: {use: cosine}, train: {epochs: 3}}
    simclr: {simclr: 1}
    supervised: {part: a, labels: true}
    random: {}
  targets:
    rooms: {train: a, test: test}
  consensus: {target: rooms, maps: [50]}
"""


@pytest.fixture
def config() -> dict[str, Any]:
    return yaml.safe_load(PARAMS)


def jobs(config: dict[str, Any]) -> CrlscJobs:
    return CrlscJobs(load(config), {"rooms": "abcdefgh.dir"})


def test_defaults_are_filled_in(config):
    section = load(config).crlsc
    assert section.train.views["crop"] == 0.5
    assert section.methods["guided"].guide == {
        "use": "infonce",
        "temperature": 0.07,
        "hard_negatives": 64,
        "alpha": 0.0,
    }
    assert section.train_of("guided").images == 100, "as many as the public part has"
    assert section.part_of("guided") == "public"


def test_a_method_inherits_what_its_train_leaves_out(config):
    train = load(config).crlsc.train_of("cosine")
    assert (train.epochs, train.batch_size, train.optimiser["lr"]) == (3, 16, 2e-3)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("methods.guided.gide", {}, "crlsc.methods.guided.gide: no such key (its value is {}); did you mean"),
        ("train.epochs", 0, "crlsc.train.epochs: 0 is not a whole number ≥ 1"),
        ("train.optimiser", {"use": "adamv"}, "crlsc.train.optimiser.use: 'adamv' is unknown; did you mean"),
        ("mentor", {"use": "efficientnet"}, "crlsc.mentor.use: 'efficientnet' is unknown; did you mean"),
        ("bases.pq", {"form": "PQX"}, "crlsc.bases.pq.form: 'PQX' in the form 'PQX' is not supported"),
        (
            "bases.pq.form",
            "PQ33",
            "crlsc.bases.pq.form: PQ33 of the form PQ33 cuts 1280",
        ),
        (
            "bases.pq",
            {"form": "PCA200,PQ8"},
            "crlsc.bases.pq.form: 100 vectors are too few to",
        ),
        ("bases.pq", {"form": "PQ8", "too_few": "refuse"}, "crlsc.bases.pq.form: 100 vectors are too few"),
        (
            "encoders.small",
            {"backbone": {"use": "vit", "patch": 5}},
            "crlsc.encoders.small.backbone: vit: frames",
        ),
        ("bases.raw", {"form": "Flat"}, "crlsc.bases.raw: is the name of rows of the mentor without a base"),
        ("bases.pq.of", "a", "crlsc.bases.pq.of: a is a private part, here it takes a public one"),
        ("methods.guided.base", "pk", "crlsc.methods.guided.base: 'pk' is none of bases; did you mean 'pq'"),
        ("methods.guided.part", "a", "crlsc.methods.guided.part: a, but the guide infonce draws an image to"),
        ("methods.cosine.part", "a", "crlsc.methods.cosine.part: a is private: its images never reach the"),
        (
            "methods.guided.guide.temperature",
            -1,
            "crlsc.methods.guided.guide.temperature: -1 is not a number",
        ),
        ("methods.simclr.base", "pq", "crlsc.methods.simclr.base: goes with a guide, and there is none"),
        ("methods.supervised.part", "public", "crlsc.methods.supervised.labels: true, but public is public"),
        ("methods.simclr.encoders", ["rez"], "crlsc.methods.simclr.encoders: 'rez' is none of encoders; did"),
        (
            "methods.simclr.after",
            "simclr",
            "crlsc.methods.simclr.after: goes in a circle, simclr after",
        ),
        ("methods.mentor", {}, "crlsc.methods.mentor: 'mentor' is the name of the mentor's own rows"),
        (
            "targets.rooms.test",
            "a",
            "crlsc.targets.rooms.test: a is a private part, here it takes",
        ),
        ("claims", "a/b", "crlsc.claims: 'a/b' is not a plain name"),
        (
            "consensus.maps",
            [50, 200],
            "crlsc.consensus.maps: a map on 200 images, but public has 100; take at",
        ),
        ("parts.test.classes", ["office"], "crlsc.targets.rooms.test: test has other classes than a"),
        ("consensus.target", "room", "crlsc.consensus.target: 'room' is none of targets; did you mean"),
        ("parts.a.classes", ["kitchn"], "crlsc.parts.a.classes: 'kitchn' is none of the classes of rooms"),
    ],
)
def test_a_fault_is_named_with_the_way_out(config, path, value, said):
    found = faults(changed(config, path, value))
    assert any(line.startswith(said) for line in found), found


def test_a_target_of_one_class_is_refused(config):
    one = changed(changed(config, "parts.a.classes", ["office"]), "parts.test.classes", ["office"])
    assert (
        "crlsc.targets.rooms.train: all images of a are office; a head needs two classes or more"
        in faults(one)
    )


def test_a_fault_that_is_inherited_is_told_once(config):
    found = faults(changed(config, "train.batch_size", 1))
    assert found == ["crlsc.train.batch_size: 1 is not a whole number > 1"]


def test_prototypes_need_a_base_and_go_on_from_a_warm_up(config):
    alone = {"part": "a", "guide": {"use": "prototypes"}}
    (line,) = faults(changed(config, "methods.prototypes", alone))
    assert line == "crlsc.methods.prototypes.base: missing; the guide prototypes retrieves from a base"
    made = jobs(changed(config, "methods.prototypes", {**alone, "base": "pq", "after": "guided"}))
    read = made.local_inputs("prototypes", "res", 1)
    assert read["after"] == "results/tiny/crlsc/local/guided/res/seed1/encoder.pt"


def test_a_public_part_without_a_count_asks_for_the_images(config):
    del config["crlsc"]["parts"]["public"]["count"], config["crlsc"]["parts"]["a"]
    del config["crlsc"]["methods"]["supervised"]
    found = faults(config)
    assert "crlsc.train.images: missing; the first public part has no count" in " ".join(found)


def test_a_batch_is_no_larger_than_an_epoch(config):
    images = config["crlsc"]["train"].get("images") or config["crlsc"]["parts"]["public"]["count"]
    said = f"{images + 1} is more than an epoch's {images} images; lower it"
    assert faults(changed(config, "train.batch_size", images + 1)) == [f"crlsc.train.batch_size: {said}"]
    own = changed(config, "methods.guided.train", {"batch_size": images + 1})
    assert faults(own) == [f"crlsc.methods.guided.train.batch_size: {said}"]


def test_no_more_negatives_are_mined_than_there_are(config):
    count = config["crlsc"]["parts"]["public"]["count"]
    guide = {"use": "infonce", "hard_negatives": count}
    (line,) = faults(changed(config, "methods.guided.guide", guide))
    assert line == (
        f"crlsc.methods.guided.guide.hard_negatives: {count}, but beside an image's own entry there are "
        f"{count - 1}; take at most those"
    )


@pytest.mark.parametrize(("key", "name"), [("encoders", "Mean"), ("methods", "own"), ("targets", "none")])
def test_words_of_claims_and_tables_are_no_names(config, key, name):
    given = config["crlsc"][key]
    given[name] = next(iter(given.values()))
    assert f"crlsc.{key}.{name}: means something else in claims and tables; choose another name" in faults(
        config
    )


def test_a_base_of_an_unknown_part_is_one_fault(config):
    (line,) = faults(changed(config, "bases.pq.of", "publik"))
    assert line.startswith("crlsc.bases.pq.of: 'publik'")


def test_seeds_and_maps_are_bounded(config):
    assert "crlsc.consensus.maps" in " ".join(faults(changed(config, "consensus.maps", [])))
    config["seeds"] = [10**30]
    assert "seeds" in " ".join(faults(config))


def entries(config: dict[str, Any]) -> dict[str, str]:
    made = jobs(config)
    found = {f"shared {base}": made.shared(base, 0) for base in made.study.crlsc.bases}
    found |= {f"local {m} {e}": made.local(m, e, 0) for m, e in made.trained}
    found |= {f"probe {m} {e}": made.probe(m, e, 0) for m, e in made.probed}
    return found | {f"consensus {m}": made.consensus(m, 0) for m in made.compared}


@pytest.mark.parametrize(
    ("path", "value", "again"),
    [
        ("bases.pq.form", "PCA16,PQ4", {"shared pq"}),
        ("methods.guided.guide.temperature", 0.1, {"local guided small", "local guided res"}),
        ("methods.cosine.train.epochs", 4, {"local cosine small", "local cosine res"}),
        ("parts.late", {"data": "rooms", "role": "test", "classes": ["office"]}, set()),
    ],
)
def test_a_change_is_in_the_entries_that_it_concerns(config, path, value, again):
    config["crlsc"]["parts"]["test"]["count"] = 50
    before, after = entries(config), entries(changed(config, path, value))
    assert {name for name in before if before[name] != after[name]} == again


def test_the_mentor_in_int8_has_embeddings_and_a_probe_of_its_own(config):
    assert ("mentor", "int8") not in jobs(config).probed
    made = jobs(changed(config, "mentor_int8", True))
    assert made.probed[-4:] == [("mentor", way) for way in ("raw", "int8", "pq", "flat")]
    (file,) = made.probe_inputs("mentor", "int8", 0)["embeddings"]
    assert file == f"results/data/embeddings/{made.mentor}-int8/rooms_32x24_abcdefgh.h5"
    assert "base" not in made.probe_inputs("mentor", "int8", 0)
    plain, small = (json.loads(made.embed("rooms", name)) for name in (made.mentor, made.mentor_int8))
    assert (plain["int8"], small["int8"]) == (False, True)
    assert {key for key in plain if plain[key] != small[key]} == {"name", "int8"}


def test_without_probes_targets_are_for_others(config):
    made = jobs(changed(config, "probe", None))
    assert made.probed == []
    assert made.trained == jobs(config).trained
    said = json.loads(made.report())
    assert said["targets"] == []
    assert list(said["methods"]) == list(config["crlsc"]["methods"]), "in the order of the file"
    assert made.consensus(made.compared[0], 0) == jobs(config).consensus(made.compared[0], 0)


def test_an_encoder_is_probed_with_the_base_under_which_it_learnt(config):
    made = jobs(config)
    assert made.probe_inputs("guided", "small", 1)["base"] == [made.base("pq", 1)]
    assert "base" not in made.probe_inputs("cosine", "small", 1)


def test_parts_keep_their_order_in_an_entry(config):
    entry = json.loads(jobs(config).local("supervised", "res", 0))
    assert [name for name, _ in entry["parts"]] == ["public", "a"], "the public part draws first"


def test_embeddings_are_the_same_in_every_study(config):
    one, other = jobs(config), jobs({**config, "study": "other", "seeds": [5]})
    assert one.embed("rooms") == other.embed("rooms")
    assert one.embeddings("rooms") == other.embeddings("rooms")
    assert one.mentor != jobs(changed(config, "mentor.size", [64, 64])).mentor


@pytest.fixture
def repository(tmp_path, monkeypatch):
    (tmp_path / "data.dvc").write_text("outs:\n- {path: data/rooms, md5: abcdefgh.dir}\n")
    return tmp_path


def test_a_file_may_have_one_system_or_both(config, repository):
    alone = systems(config, files=[], root=repository)
    assert alone.mmssl is None
    assert alone.methods[:2] == ["guided", "cosine"]
    with pytest.raises(SemcomError, match=r"methods: missing"):
        systems({**config, "links": {}}, files=[], root=repository)


def test_methods_that_differ_in_epochs_alone_are_alike(config):
    guide = {"guide": {"use": "infonce"}, "base": "pq"}
    config["crlsc"]["methods"] |= {
        "guided_long": {**guide, "train": {"epochs": 9}, "encoders": ["res"]},
        "guided_said": {**guide, "part": "public"},
        "guided_rate": {**guide, "train": {"epochs": 9, "optimiser": {"use": "adamw", "lr": 0.1}}},
        "guided_flat": {**guide, "base": "flat"},
        "disjoint": {"simclr": 1, "disjoint": True},
        "disjoint_long": {"simclr": 1, "disjoint": True, "train": {"epochs": 9}},
        "disjoint_one": {"simclr": 1, "disjoint": True, "encoders": ["res"]},
    }
    said = json.loads(jobs(config).report())["methods"]
    like = {name: of["like"] for name, of in said.items() if of["like"]}
    assert like == {"guided_long": "guided", "guided_said": "guided", "disjoint_long": "disjoint"}


def test_claims_are_read_from_their_file_for_the_report(config, repository):
    config["crlsc"]["claims"] = "mine"
    with pytest.raises(SemcomError, match=r"claims: cannot read .*params/claims/mine\.yaml"):
        systems(config, files=[], root=repository)
    (repository / "params/claims").mkdir(parents=True)
    claim = {"says": "x", "measure": "accuracy", "of": "guided", "against": "simclr", "direction": "above"}
    path = repository / "params/claims/mine.yaml"
    path.write_text(yaml.safe_dump({"claims": {"better": {**claim, "margin": "much"}}}))
    with pytest.raises(SemcomError, match=r"claims\.better\.margin: 'much' is not a number"):
        systems(config, files=[], root=repository)
    path.write_text(yaml.safe_dump({"claims": {"better": {**claim, "margin": 0.03}}}))
    made = systems(config, files=[], root=repository)
    assert json.loads(made.crlsc.report())["claims"]["better"]["margin"] == 0.03
    without = jobs(changed(config, "claims", None))
    assert json.loads(without.report())["claims"] == {}
    assert made.crlsc.probe("guided", "res", 0) == without.probe("guided", "res", 0)


def test_seeds_of_its_own(config, repository):
    first = yaml.safe_load((ROOT / "params/quickstart.yaml").read_text(encoding="utf-8")) | {"seeds": [0, 1]}
    both = systems({**first, "crlsc": {**config["crlsc"], "seeds": [7]}}, files=[], root=repository)
    assert both.crlsc.seeds == (7,)
    assert both.mmssl.study.seeds == (0, 1)
    assert both.seeds == (0, 1, 7)
    assert json.loads(both.crlsc.report())["seeds"] == [7]
    assert jobs(config).seeds == (0, 1), "those of the study where it has none"
    (line,) = faults(changed(config, "seeds", [1, 1]))
    assert line.startswith("crlsc.seeds: 1 stands twice")


def test_the_quickstart_has_both_systems_on_bundled_data():
    params = yaml.safe_load((ROOT / "params/quickstart.yaml").read_text(encoding="utf-8"))
    both = systems(params, files=[], root=ROOT)
    assert set(both.versions) == {"rooms", "rooms_painted", "digits", "photographs"}
    section = both.crlsc.study.crlsc
    roles = {section.parts[name].role: section.parts[name].data for name in ("public", "a", "a_test")}
    assert roles == {"public": "rooms", "private": "rooms_painted", "test": "rooms_painted"}
    assert len({network.backbone["use"] for network in section.encoders.values()}) == 3
    sent = (section.images.train, section.images.test)
    assert {section.parts[part].data for part in sent} == {"photographs"}


def test_unknown_keys_beside_the_section(config, repository):
    with pytest.raises(SemcomError, match="  sed: no such key .* did you mean 'seeds'"):
        systems({**config, "sed": 1}, files=[], root=repository)
    with pytest.raises(SemcomError, match="  crlcs: no such key .* did you mean 'crlsc'"):
        systems({"study": "a", "crlcs": {}}, files=[], root=repository)


def test_a_data_set_that_is_not_registered_is_named(config, repository):
    with pytest.raises(SemcomError, match="no data set 'romms' is registered .* did you mean 'rooms'"):
        systems(changed(config, "parts.test.data", "romms"), files=[], root=repository)
    two = changed(changed(config, "parts.test.data", "romms"), "train", {"epoch": 3})
    with pytest.raises(SemcomError) as told:
        systems(two, files=[], root=repository)
    assert re.search(
        r"no data set 'romms' (.|\n)*\nbesides, .*fault(.|\n)*crlsc.train.epoch: no such", str(told.value)
    )


def test_encoders_that_are_compared_come_in_the_order_of_the_entry(config):
    """Its JSON has sorted keys."""
    encoders = config["crlsc"]["encoders"]
    config["crlsc"]["encoders"] = dict(sorted(encoders.items(), reverse=True))
    made = jobs(config)
    method = made.compared[0]
    networks = json.loads(made.consensus(method, 0))["networks"]
    files = made.consensus_inputs(method, 0)["encoder"]
    assert len(files) > 1
    assert [file.split("/")[-3] for file in files] == list(networks)
