"""Guides of networks that send images: what `crlsc.images` takes, what it refuses and how, what jobs get."""

import json
from typing import Any

import pytest
import yaml

from semcom.files.errors import SemcomError
from semcom.params.codehash import code_hash
from semcom.params.crlsc import imagejobs
from semcom.params.crlsc.imagejobs import ImageJobs
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
    more: {data: rooms, role: public, count: 50}
    a: {data: rooms, role: private}
    test: {data: rooms, role: test}
  mentor: {use: efficientnet_lite0, weights: random}
  bases:
    pq: {form: "PCA32,PQ8"}
    other: {form: Flat, of: more}
  encoders:
    small: {backbone: {use: mobilenet_v3_small}}
  methods:
    random: {}
  targets:
    rooms: {train: a, test: test}
  images:
    train: public
    test: test
    links:
      r12: {channel: {use: awgn}, channel_uses: 256}
    methods:
      jscc: {}
      jscc_guided: {guide: {use: infonce, alpha: 0.5}, base: pq, weight: 0.1}
      jscc_raw: {guide: {use: infonce, alpha: 0.5}, weight: 0.1}
      vq: &vq {vqvae: {codes: 256}, schemes: {r12: 16qam_ldpc_1/2}}
      vq_guided: {<<: *vq, guide: {use: infonce}, base: pq, weight: 0.1}
      web: {files: {codec: webp}, schemes: {r12: qpsk_ldpc_1/2}}
"""
ROOT = "results/tiny/crlsc"


@pytest.fixture
def config() -> dict[str, Any]:
    return yaml.safe_load(PARAMS)


def changed(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *above, last = path.split(".")
    place = config["crlsc"]["images"]
    for key in above:
        place = place[key]
    place[last] = value
    return config


def jobs(config: dict[str, Any]) -> ImageJobs:
    made = CrlscJobs(load(config), {"rooms": "abcdefgh.dir"}).images
    assert made is not None
    return made


def faults(config: dict[str, Any]) -> list[str]:
    with pytest.raises(SemcomError) as caught:
        load(config)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("methods.vq_guided.base", "pk", "methods.vq_guided.base: 'pk' is none of bases; did you mean 'pq'?"),
        (
            "methods.vq_guided.guide.use",
            "infonc",
            "methods.vq_guided.guide.use: 'infonc' is unknown; did you mean 'infonce'?",
        ),
        (
            "methods.vq_guided.guide.alfa",
            1,
            "methods.vq_guided.guide.alfa: no such key (its value is 1); did you mean 'alpha'?",
        ),
        ("methods.vq_guided.weight", 0, "methods.vq_guided.weight: 0 is not a number"),
        ("methods.vq_guided.weight", -1, "methods.vq_guided.weight: -1 is not a number"),
        (
            "methods.vq_guided.weight",
            None,
            "methods.vq_guided.weight: missing; what the guide's loss counts beside that of the images, "
            "which a study must try; begin with 0.1 for a VQ-VAE",
        ),
        (
            "methods.jscc_guided.weight",
            None,
            "methods.jscc_guided.weight: missing; what the guide's loss counts beside that of the images, "
            "which a study must try; begin with 0.001 for an analog network",
        ),
        (
            "methods.jscc.weight",
            0.1,
            "methods.jscc.weight: goes with a guide, and there is none; leave it out, or add guide: {use",
        ),
        ("methods.jscc.base", "pq", "methods.jscc.base: goes with a guide, and there is none; leave it out"),
        (
            "methods.web.guide",
            {"use": "infonce"},
            "methods.web.guide: image files are not trained, so nothing guides them; leave it out",
        ),
        (
            "methods.jscc_raw.guide",
            {"use": "prototypes"},
            "methods.jscc_raw.base: missing; the guide prototypes retrieves from a base",
        ),
        (
            "methods.vq_guided.base",
            "other",
            "train: public, but the guide infonce draws an image to its own entry, and the base other holds "
            "more; train on more, a base of public, or take the guide prototypes",
        ),
        (
            "train",
            "a",
            "train: a, but the guide infonce draws an image to its own entry, and the base pq holds public; "
            "train on public, or take the guide prototypes",
        ),
        (
            "train",
            "a",
            "train: a is private: its images never reach the mentor, so it has no vectors of them for the "
            "guide infonce; take a public part, or the guide prototypes",
        ),
    ],
)
def test_a_fault_of_a_guide_is_named_with_the_way_out(config, path, value, said):
    found = faults(changed(config, path, value))
    assert any(line.startswith(f"crlsc.images.{said}") for line in found), found


def test_a_base_that_does_not_hold_the_images_is_said_once(config):
    config["crlsc"]["images"]["methods"].pop("jscc_raw")
    (found,) = faults(changed(config, "train", "a"))
    assert "the base pq holds public" in found


def test_what_needs_no_entry_guides_private_images(config):
    methods = config["crlsc"]["images"]["methods"]
    methods.pop("jscc_raw")
    for name in ("jscc_guided", "vq_guided"):
        methods[name]["guide"] = {"use": "prototypes"}
    made = jobs(changed(config, "train", "a"))
    assert json.loads(made.train("vq_guided", "any", 0))["guide"]["neighbours"] == 10


def test_a_guided_training_reads_its_base_or_the_mentors_embeddings(config):
    made = jobs(config)
    frames = {"frames": "results/data/rooms_32x32.h5"}
    assert made.train_inputs("jscc", 1) == made.train_inputs("vq", 0) == made.classifier_inputs() == frames
    coded = {"base": f"{ROOT}/shared/pq/seed1/base.skb"}
    assert made.train_inputs("jscc_guided", 1) == made.train_inputs("vq_guided", 1) == frames | coded
    raw = {"embeddings": made.jobs.embeddings("rooms")}
    assert made.train_inputs("jscc_raw", 0) == frames | raw
    entry = json.loads(made.train("jscc_guided", "r12", 1))
    assert (entry["guide"]["alpha"], entry["base"], entry["weight"]) == (0.5, "pq", 0.1)
    assert entry["mentor"]["use"] == "efficientnet_lite0"
    assert json.loads(made.train("jscc_raw", "r12", 1))["base"] is None


def test_a_classifier_beside_guided_networks_learns_from_a_private_part(config):
    made = jobs(changed(config, "classifier", {"train": "a"}))
    assert json.loads(made.classifier(0))["part"] == "a"
    assert json.loads(made.train("jscc_guided", "r12", 0))["part"] == "public"


def test_a_guide_adds_keys_to_its_own_entry_alone(config):
    made = jobs(config)
    plain, guided = (json.loads(made.train(name, "any", 0)) for name in ("vq", "vq_guided"))
    assert set(guided) - set(plain) == {"guide", "base", "weight", "mentor"}
    same = set(plain) - {"code", "method"}
    assert {key for key in same if plain[key] != guided[key]} == set()
    assert plain["code"] == code_hash(imagejobs.TRAIN, "semcom.training.optimisers") != guided["code"]


def test_what_sends_images_is_tested_in_one_way_guided_or_not(config):
    made = jobs(config)
    one, other = (json.loads(made.test(name, "r12", 0)) for name in ("vq", "vq_guided"))
    assert one | {"method": ""} == other | {"method": ""}


@pytest.mark.parametrize(
    ("path", "value", "again"),
    [
        ("methods.jscc_guided.weight", 1, {"jscc_guided"}),
        ("methods.vq_guided.guide.temperature", 0.1, {"vq_guided"}),
        ("methods.jscc_guided.base", None, {"jscc_guided"}),
    ],
)
def test_a_change_of_a_guide_trains_its_method_alone_again(config, path, value, again):
    before = entries(jobs(config))
    after = entries(jobs(changed(config, path, value)))
    assert {name for name in after if before[name] != after[name]} == again


def entries(made: ImageJobs) -> dict[str, str]:
    return {method: made.train(method, link, 0) for method, link in made.trained}
