"""The key `images` of the section `crlsc`: what it takes, what it refuses and how, what its jobs get."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from crlsc_faults import changed, faults

from semcom.channel.ratio import cbr
from semcom.files.errors import SemcomError
from semcom.models.vqvae import VQVAE
from semcom.params import options
from semcom.params.crlsc import imagejobs
from semcom.params.crlsc.codewords import code_words
from semcom.params.crlsc.imagejobs import ImageJobs
from semcom.params.crlsc.images import Codebook
from semcom.params.crlsc.jobs import CrlscJobs
from semcom.params.crlsc.schema import load, own_classes
from semcom.params.scheme import parse

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
      r12: {channel: {use: awgn}, channel_uses: 256, train_snr_db: 10}
      r6: {channel: {use: awgn}, channel_uses: 512, train_snr_db: {uniform: [0, 20]}}
      fading: {channel: {use: rayleigh}, channel_uses: 256}
    methods:
      jscc: {}
      vq: {vqvae: {codes: 256}, schemes: {r12: 16qam_ldpc_1/2, r6: qpsk_ldpc_1/2, fading: 16qam_ldpc_1/2}}
      web:
        files: {codec: webp, mosaic: 8}
        schemes: {r12: [qpsk_ldpc_1/2, 16qam_ldpc_1/2], r6: qpsk_ldpc_1/2, fading: capacity}
      plain: {vqvae: {codes: 256}, schemes: {r12: qpsk_uncoded}}
      lent:
        vqvae: {codes: 256}
        schemes: {r12: 16qam_ldpc_1/2}
        borrowed: {method: random, encoder: small}
"""


@pytest.fixture
def config() -> dict[str, Any]:
    return yaml.safe_load(PARAMS)


def jobs(config: dict[str, Any]) -> ImageJobs:
    made = CrlscJobs(load(config), {"rooms": "abcdefgh.dir"}).images
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            "methods.web.files.codec",
            "web",
            "methods.web.files.codec: 'web' is not one of avif, webp, jpeg, jpeg2000",
        ),
        (
            "methods.web.files.mosaik",
            8,
            "methods.web.files.mosaik: no such key (its value is 8); did you mean 'mos",
        ),
        ("methods.web.schemes", {}, "methods.web.schemes: missing; say how the bits are sent"),
        (
            "methods.web.links",
            ["r12"],
            "methods.web.links: image files go over the links of its schemes; leave",
        ),
        (
            "methods.web.exact",
            True,
            "methods.web.exact: is of a VQ-VAE; fates of image files are drawn, so leave",
        ),
        ("methods.web.schemes.r12", [], "methods.web.schemes.r12: [] is not a scheme or a list of some"),
        ("methods.web.schemes.r12", 3, "methods.web.schemes.r12[0]: 3 is not a text"),
        (
            "methods.web.schemes.r12",
            ["qpsk_ldpc_1/2", "qpsk_ldpc_1/2"],
            "methods.web.schemes.r12: qpsk_ldpc_1/2 stands twice; each item may stand once",
        ),
        (
            "methods.vq.network",
            {"use": "deepjscc"},
            "methods.vq.network: is of an analog network, and `vqvae` sends bits; leave it out",
        ),
        (
            "methods.web.network",
            {"use": "deepjscc"},
            "methods.web.network: is of an analog network, and `files` sends bits; leave it out",
        ),
        (
            "methods.jscc.network",
            {"use": "deepjsc"},
            "methods.jscc.network.use: 'deepjsc' is unknown; did you mean 'deepjscc'?; choices: deepjscc, or",
        ),
        ("methods.jscc.network", {}, "methods.jscc.network.use: missing; choices: deepjscc, or a class of"),
        (
            "methods.jscc.network",
            {"use": "deepjscc", "width": 8},
            "methods.jscc.network.width: no such key (its value is 8)",
        ),
        (
            "methods.jscc.network",
            {"use": "semcom.models.heads:MLP"},
            "methods.jscc.network.use: semcom.models.heads:MLP has __init__(self, features: int",
        ),
        (
            "methods.jscc.borrowed",
            {"method": "random", "encoder": "small"},
            "methods.jscc.borrowed: is of a VQ-VAE, whose own encoder it replaces; leave it out, or",
        ),
        (
            "methods.lent.borrowed.method",
            "randon",
            "methods.lent.borrowed.method: 'randon' is none of methods; did you mean 'random'?",
        ),
        (
            "methods.lent.borrowed.encoder",
            "smal",
            "methods.lent.borrowed.encoder: 'smal' is none of encoders; did you mean 'small'?",
        ),
        (
            "methods.lent.borrowed.encoder_lr_scale",
            0,
            "methods.lent.borrowed.encoder_lr_scale: 0 is not",
        ),
        ("images", 50, "batch_size: 64 images a step, and an epoch has 50; take at most those"),
        (
            "methods.web.order",
            "random",
            "methods.web.order: random: matters where a VQ-VAE's indices are sent wi",
        ),
        (
            "methods.vq.schemes.r12",
            "16qam_ldpc_7/3",
            "methods.vq.schemes.r12: 16qam_ldpc_7/3: the rate of a code is below 1; take one such as",
        ),
        ("methods.web.entropy", True, "methods.web.entropy: is of a VQ-VAE's indices; leave it out, or add"),
        (
            "methods.plain.entropy",
            True,
            "methods.plain.schemes.r12: qpsk_uncoded: one wrong bit spoils all indices behind it; take a",
        ),
        (
            "methods.web.vqvae",
            {},
            "methods.web.files: beside `vqvae`; a method sends one of the two, so leave one",
        ),
        (
            "methods.web.schemes.r12",
            "qpsk_uncoded",
            "methods.web.schemes.r12: qpsk_uncoded: one wrong bit spoils an image file; take a scheme with a",
        ),
        (
            "methods.web.schemes.r12",
            ["capacity", "qpsk_ldpc_1/2"],
            "methods.web.schemes.r12: capacity is a bound, and stands alone; give it to a method of its own",
        ),
        (
            "methods.web.schemes.r6",
            "qpsk_lpdc_1/2",
            "methods.web.schemes.r6: unknown scheme 'qpsk_lpdc_1/2'; the n",
        ),
        (
            "methods.web.files.words",
            48,
            "methods.web.schemes.r12: 16384 channel uses of a file cannot be cut into 48 equal code words;",
        ),
        (
            "methods.vq.schemes.r12",
            "capacity",
            "methods.vq.schemes.r12: of a VQ-VAE is one scheme, as its bits are of one number; leave one",
        ),
        (
            "methods.vq.vqvae.cods",
            4,
            "methods.vq.vqvae.cods: no such key (its value is 4); did you mean 'codes'?",
        ),
        (
            "methods.vq.vqvae.codes",
            500,
            "methods.vq.vqvae.codes: 500 codes do not fill indices of whole bits; t",
        ),
        (
            "methods.vq.vqvae.codes",
            512,
            "methods.vq.schemes.r12: 64 indices of 512 codes are 576 bits an image, and 16qam_ldpc_1/2 at "
            "256 channel uses have room for 512; take at most 256 codes, one halving more, another scheme or",
        ),
        (
            "methods.vq.vqvae.halvings",
            6,
            "methods.vq.schemes.r6: images of 32×32 pixels cannot be halved 6 times",
        ),
        (
            "methods.vq.schemes.r12",
            "8qam_ldpc_1/2",
            "methods.vq.schemes.r12: unknown scheme '8qam_ldpc_1/2'; the",
        ),
        (
            "methods.vq.schemes.r13",
            "qpsk_ldpc_1/2",
            "methods.vq.schemes: 'r13' is none of images.links; did you",
        ),
        (
            "methods.vq.links",
            ["r12"],
            "methods.vq.links: a VQ-VAE goes over the links of its schemes; leave it",
        ),
        (
            "methods.vq.schemes",
            {},
            "methods.vq.schemes: missing; say how the bits are sent: schemes: {LINK: qpsk",
        ),
        (
            "methods.jscc.schemes",
            {"r12": "qpsk_ldpc_1/2"},
            "methods.jscc.schemes: is of a VQ-VAE, and without `vqv",
        ),
        ("methods.jscc.links", ["r7"], "methods.jscc.links: 'r7' is none of images.links; did you mean"),
        (
            "methods.VQ",
            {},
            "methods.VQ: differs from images.methods.vq in case only, and some disks make both",
        ),
        (
            "links.r12.channel_uses",
            250,
            "links.r12.channel_uses: 250 channel uses are no whole number of filters",
        ),
        ("links.r12.channel.use", "awgnn", "links.r12.channel.use: 'awgnn' is unknown; did you mean 'awgn'?"),
        (
            "links.fading.channel.csi",
            "none",
            "methods.web.schemes.fading: fading is rayleigh, csi none; bits go over awgn, and over rayl",
        ),
        (
            "links.fading.channel.csi",
            "none",
            "methods.vq.schemes.fading: fading is rayleigh, csi none; bits go ov",
        ),
        ("links.r12.channel", {}, "links.r12.channel.use: missing"),
        (
            "links.any",
            {"channel": {"use": "awgn"}, "channel_uses": 256},
            "links.any: is the folder of networks",
        ),
        ("optimiser", {"use": "adamv"}, "optimiser.use: 'adamv' is unknown; did you mean 'adamw'?"),
        ("train", "test", "train: test is a test part, here it takes a public or private one"),
        ("test", "tst", "test: 'tst' is none of parts; did you mean 'test'?"),
        ("snr_db", [10, 0], "snr_db: "),
        (
            "classifier",
            {"backbone": {"use": "resnet"}},
            "classifier.backbone.use: 'resnet' is unknown; did you",
        ),
        (
            "classifier",
            {"epoch": 3},
            "classifier.epoch: no such key (its value is 3); did you mean 'epochs'?",
        ),
    ],
)
def test_a_fault_is_named_with_the_way_out(config, path, value, said):
    found = faults(changed(config, f"images.{path}", value))
    assert any(line.startswith(f"crlsc.images.{said}") for line in found), found


def test_an_image_size_that_cannot_be_halved_is_refused_for_both(config):
    config["crlsc"]["size"] = [30, 32]
    found = " ".join(faults(config))
    assert "links.r12.channel_uses: images of 30×32 pixels cannot be halved twice" in found
    assert "methods.vq.schemes.r12: images of 30×32 pixels cannot be halved 2 times" in found


def test_options_and_defaults_of_a_codebook_are_those_of_the_network():
    options = {
        name: option.default
        for name, option in inspect.signature(VQVAE).parameters.items()
        if option.kind is option.KEYWORD_ONLY and name != "encoder"
    }
    assert Codebook().model_dump() == options


def test_bits_of_an_image_are_those_of_the_networks_indices():
    network = VQVAE(3, (32, 48), codes=16, dim=2, width=2, hidden=2, halvings=3)
    assert Codebook(codes=16, halvings=3).bits((32, 48)) == network.places * 4


def test_a_vqvae_trains_once_and_deepjscc_once_a_link(config):
    made = jobs(config)
    assert made.trained == [
        ("jscc", "r12"),
        ("jscc", "r6"),
        ("jscc", "fading"),
        ("vq", "any"),
        ("lent", "any"),
    ]
    assert ("vq", "fading") in made.tested
    assert ("plain", "r6") not in made.tested
    read = made.test_inputs("vq", "r6", 1)
    assert read["network"] == "results/tiny/crlsc/images/train/vq/any/seed1/network.pt"
    assert read["error-table"] == ["results/reference/links/qpsk_ldpc_1-2_512_awgn.csv"]
    assert len(json.loads(made.test("vq", "r6", 0))["table"]["qpsk_ldpc_1-2_512_awgn.csv"]) == 16
    assert "error-table" not in made.test_inputs("plain", "r12", 0)


def test_methods_that_differ_in_how_bits_are_sent_share_a_network(config):
    made = jobs(config)
    assert made.images.sharing("plain") == ["vq", "plain"]
    assert made.test_inputs("plain", "r12", 1)["network"] == made.test_inputs("vq", "r6", 1)["network"]
    assert json.loads(made.train("vq", "any", 0))["ordered"], "one of them sends without a code"
    apart = jobs(changed(config, "images.methods.plain.vqvae.codes", 128))
    assert {("vq", "any"), ("plain", "any")} < set(apart.trained)
    ordered = [json.loads(apart.train(name, "any", 0))["ordered"] for name in ("vq", "plain")]
    assert ordered == [False, True]


def test_a_vqvae_with_a_local_encoder_waits_for_it_and_says_what_it_is(config):
    made = jobs(config)
    assert made.train_inputs("lent", 1)["encoder"] == made.jobs.encoder("random", "small", 1)
    assert "encoder" not in made.train_inputs("vq", 1)
    for text in (made.train("lent", "any", 0), made.test("lent", "r12", 0)):
        assert json.loads(text)["encoder"] == {
            "borrowed": {"method": "random", "encoder": "small", "encoder_lr_scale": None},
            "network": {
                "backbone": {"use": "mobilenet_v3_small", "width_mult": 1.0},
                "precision": "fp32",
            },
        }
    config["crlsc"]["encoders"]["other"] = {"backbone": {"use": "vit"}}
    config["crlsc"]["methods"]["random"] = {"encoders": ["other"]}
    with pytest.raises(
        SemcomError, match="lent.borrowed.encoder: small: random does not train it; it trains ot"
    ):
        load(config)


OWN = """
from torch import nn
from semcom.params.ranges import PositiveInt

class Mine(nn.Module):
    def __init__(self, channels, size, channel_uses, *, width: PositiveInt = 16):
        super().__init__()
        self.encoder, self.decoder = nn.Identity(), nn.Identity()
"""


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """A file with an analog network, in the working directory."""
    monkeypatch.chdir(tmp_path)
    cached = (options.options, imagejobs._code)
    for found in cached:
        found.cache_clear()
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab/networks.py").write_text(OWN)
    yield tmp_path / "mylab/networks.py"
    for found in cached:
        found.cache_clear()


def test_an_analog_network_of_a_class_of_ones_own(config, own):
    before = entries(jobs(config))
    network = {"use": "mylab.networks:Mine", "width": "32"}
    config = changed(config, "images.methods.mine", {"network": network, "links": ["r12"]})
    made = jobs(config)
    after = entries(made)
    assert {name: text for name, text in after.items() if "mine" not in name} == before
    filled = {"use": "mylab.networks:Mine", "width": 32}
    for name in ("train mine r12", "test mine r12"):
        assert json.loads(after[name])["network"] == filled
    assert own_classes(made.jobs.study) == {"crlsc.images.methods.mine.network.use": "mylab.networks:Mine"}
    assert not any("network" in json.loads(text) for text in before.values()), "DeepJSCC is not named"
    (found,) = faults(changed(config, "images.methods.mine.network.width", 0))
    assert found == "crlsc.images.methods.mine.network.width: 0 is not a whole number ≥ 1"


def test_only_deepjscc_is_held_to_whole_filters(config, own):
    config["crlsc"]["images"]["links"]["odd"] = {"channel": {"use": "awgn"}, "channel_uses": 250}
    methods = config["crlsc"]["images"]["methods"]
    methods["jscc"] = {"links": ["r12"]}
    methods["mine"] = {"network": {"use": "mylab.networks:Mine"}, "links": ["odd"]}
    assert ("mine", "odd") in jobs(config).trained
    methods["jscc"]["links"].append("odd")
    assert "250 channel uses are no whole number of filters" in " ".join(faults(config))


def test_to_name_deepjscc_changes_nothing(config):
    before = entries(jobs(config))
    config["crlsc"]["images"]["methods"]["jscc"] = {"network": {"use": "deepjscc"}}
    assert entries(jobs(config)) == before
    config["crlsc"]["images"]["methods"]["again"] = {"links": ["r12"]}
    assert jobs(config).images.sharing("again") == ["jscc", "again"]


def test_a_mended_network_concerns_its_methods_and_a_comment_none(config, own):
    methods = config["crlsc"]["images"]["methods"]
    methods["mine"] = {"network": {"use": "mylab.networks:Mine"}, "links": ["r12"]}
    methods["wide"] = {"network": {"use": "mylab.networks:Mine", "width": 64}, "links": ["r12"]}
    before = entries(jobs(config))
    for text, again in (("# A comment.\n" + OWN, set()), (OWN + "x = 1\n", {"mine", "wide"})):
        own.write_text(text)
        imagejobs._code.cache_clear()
        after = entries(jobs(config))
        assert {name.split()[1] for name in before if before[name] != after[name]} == again
    methods["wide"]["network"]["width"] = 65
    options.options.cache_clear()
    last = entries(jobs(config))
    assert {name for name in after if after[name] != last[name]} == {"train wide r12", "test wide r12"}


def test_without_a_public_part_an_untrained_encoder_takes_the_first_private_one(config):
    del config["crlsc"]["parts"]["public"]
    made = jobs(config).jobs
    entry = json.loads(made.local("random", "small", 0))
    assert (entry["part"], [name for name, _ in entry["parts"]]) == ("a", ["a"])
    config["crlsc"]["methods"]["simclr"] = {"simclr": 1}
    assert faults(config) == [
        "crlsc.methods.simclr.part: there is no public part, so say which part it trains on"
    ]


def test_methods_over_a_link_have_its_channel_uses(config):
    made = jobs(config)
    uses = {json.loads(made.test(method, "r12", 0))["channel_uses"] for method in ("jscc", "vq", "plain")}
    assert uses == {256}
    assert cbr(256, channels=3, size=(32, 32)) == pytest.approx(1 / 12)


def test_a_table_that_nobody_measured_is_made(config):
    made = jobs(changed(config, "images.methods.vq.schemes.r6", "64qam_ldpc_1/2"))
    assert made.test_inputs("vq", "r6", 0)["error-table"] == [
        "results/data/links/64qam_ldpc_1-2_512_awgn.csv"
    ]
    entry = json.loads(made.table("64qam_ldpc_1-2_512_awgn.csv"))
    assert (entry["scheme"], entry["channel_uses"], entry["channel"]) == ("64qam_ldpc_1/2", 512, "awgn")


def test_a_file_goes_in_the_fewest_code_words_that_the_code_can_have():
    assert code_words("qpsk_ldpc_1/2", channel_uses=256) == (1, parse("qpsk_ldpc_1/2", channel_uses=256))
    count, word = code_words("16qam_ldpc_1/2", channel_uses=16384)  # 32,768 bits, at most 8,448 in a word
    assert (count, word.channel_uses, word.payload_bits) == (4, 4096, 8192)
    assert code_words("16qam_ldpc_1/2", channel_uses=16384, words=64)[1].channel_uses == 256
    with pytest.raises(SemcomError, match="5G LDPC codes carry 12 to 8448 payload bits, not 4"):
        code_words("qpsk_ldpc_1/2", channel_uses=4)


def test_image_files_are_encoded_once_and_read_the_tables_of_their_code_words(config):
    config["crlsc"]["images"]["methods"]["bound"] = {
        "files": {"codec": "webp", "mosaic": 8, "counted": "file"},
        "schemes": {"r12": "capacity"},
    }
    made = jobs(config)
    assert list(made.encodings) == ["webp_8x8"]
    assert not {"web", "bound"} & {method for method, _ in made.trained}
    read = made.test_inputs("web", "r12", 1)
    assert read["files"] == "results/tiny/crlsc/images/files/webp_8x8/seed0/files.npz", (
        "all test the same images"
    )
    assert "network" not in read
    assert read["error-table"] == [
        f"results/data/links/{name}_awgn.csv" for name in ("qpsk_ldpc_1-2_8192", "16qam_ldpc_1-2_4096")
    ]
    assert {table.channel_uses for table in made.tables.values()} >= {4096, 8192}
    entry = json.loads(made.test("bound", "r12", 0))
    assert (entry["capacity"], entry["table"], entry["mean_of"]) == (True, {}, "a")
    assert json.loads(made.encoding("webp_8x8", 0))["mosaic"] == 8
    config["crlsc"]["parts"]["test"]["count"] = 20
    assert "/seed1/" in jobs(config).test_inputs("web", "r12", 1)["files"], (
        "each seed tests images of its own"
    )


def test_a_classifier_needs_labels_and_the_classes_of_the_test(config):
    config["crlsc"]["images"] |= {"classifier": {}, "train": "public"}
    (found,) = faults(config)
    assert found.startswith(
        "crlsc.images.classifier: learns from labels, and public is public: no label of it"
    )
    config["crlsc"]["images"]["train"] = "a"
    with pytest.raises(SemcomError, match="and the images of rooms have none; train on images with classes"):
        load(config, {"rooms": ("unlabelled",)})
    config["crlsc"]["parts"]["test"]["classes"] = ["kitchen"]
    assert any("learns the classes of a, and test has others" in line for line in faults(config))


def test_a_classifier_may_learn_from_a_part_of_its_own(config):
    config["crlsc"]["images"] |= {"classifier": {"train": "a"}, "train": "public"}
    made = jobs(config)
    assert json.loads(made.classifier(0))["part"] == "a"
    assert json.loads(made.train("jscc", "r12", 0))["part"] == "public"
    for part, said in (
        ("b", "'b' is none of parts"),
        ("test", "test is a test part, here it takes a private"),
    ):
        config["crlsc"]["images"]["classifier"] = {"train": part}
        with pytest.raises(SemcomError, match=f"crlsc.images.classifier.train: {said}"):
            load(config)


def test_a_study_of_images_alone_leaves_encoders_methods_and_targets_out(config):
    for key in ("encoders", "methods", "targets"):
        del config["crlsc"][key]
    with pytest.raises(
        SemcomError, match="lent.borrowed.encoder: 'small' is none of encoders; there are none"
    ):
        load(config)
    del config["crlsc"]["images"]["methods"]["lent"]
    alone = jobs(config)
    assert alone.tested
    assert (alone.jobs.trained, alone.jobs.probed, alone.jobs.compared) == ([], [], [])
    del config["crlsc"]["images"]
    with pytest.raises(SemcomError, match="crlsc.targets: missing; only a study of `images` alone has no"):
        load(config)


def test_what_arrives_is_judged_by_one_classifier_a_seed(config):
    before = entries(jobs(config))
    made = jobs(
        changed(config, "images.classifier", {"backbone": {"use": "mobilenet_v3_small"}, "epochs": 3})
    )
    file = "results/tiny/crlsc/images/classifier/seed1/classifier.pt"
    assert {made.test_inputs(*pair, 1)["classifier"] for pair in made.tested} == {file}
    entry = json.loads(made.classifier(1))
    assert (entry["part"], entry["classifier"]["epochs"], entry["seed"]) == ("a", 3, 1)
    after = entries(made)
    assert {name for name in after if before[name] != after[name]} == {n for n in after if n[:4] == "test"}


@pytest.mark.parametrize(
    ("path", "value", "again"),
    [
        ("links.r12.train_snr_db", 5, {"train jscc r12"}),
        ("methods.vq.schemes.r12", "qpsk_uncoded", {"test vq r12"}),
        ("methods.lent.schemes.r12", "qpsk_uncoded", {"train lent any", "test lent r12"}),
        ("methods.lent.vqvae.dim", 32, {"train lent any", "test lent r12"}),
        (
            "links.late",
            {"channel": {"use": "awgn"}, "channel_uses": 128},
            {"train jscc late", "test jscc late"},
        ),
    ],
)
def test_a_change_is_in_the_entries_that_it_concerns(config, path, value, again):
    before = entries(jobs(config))
    after = entries(jobs(changed(config, f"images.{path}", value)))
    assert {name for name in after if before.get(name) != after[name]} == again


def entries(made: ImageJobs) -> dict[str, str]:
    found = {f"train {m} {link}": made.train(m, link, 0) for m, link in made.trained}
    return found | {f"test {m} {link}": made.test(m, link, 0) for m, link in made.tested}


def test_the_page_shows_a_section_that_holds(config):
    page = (Path(__file__).parents[2] / "docs/reconstruction.md").read_text()
    shown, guided, lent = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    config["crlsc"]["images"] = yaml.safe_load(shown)["crlsc"]["images"]
    assert len(jobs(config).tested) == 8
    config["crlsc"]["methods"]["guided"] = {}
    config["crlsc"]["encoders"]["resnet"] = {"backbone": {"use": "resnet18"}}
    config["crlsc"]["images"]["methods"] = yaml.safe_load(lent)
    assert len(jobs(config).tested) == 2
    config["crlsc"] |= yaml.safe_load(guided)["crlsc"]
    assert len(jobs(config).tested) == 6
