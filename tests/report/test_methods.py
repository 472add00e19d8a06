"""What report.md says of the methods, their pre-training and their tuning."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from semcom.models.resnet import ResNet18
from semcom.params.jobs import Jobs
from semcom.params.reportentry import ReportEntry
from semcom.params.schema import load
from semcom.report import methods, text_training
from semcom.report.words import table_of

QUICKSTART = Path(__file__).parents[2] / "params/quickstart.yaml"


@pytest.fixture
def config() -> dict[str, Any]:
    both = yaml.safe_load(QUICKSTART.read_text(encoding="utf-8"))
    return {key: value for key, value in both.items() if key != "crlsc"}


def rows(entry: ReportEntry) -> dict[str, list[str]]:
    """Cells of each method."""
    lines = [line.strip("| ").split(" | ") for line in methods.section(entry) if line.startswith("| ")]
    assert lines[0] == list(methods.NAMES)
    return {line[0]: line[1:] for line in lines[2:]}


def test_a_line_a_method(config):
    own = config["methods"]["mmssl"] | {"modalities": ["depth"], "pretrain": None}
    loss = config["methods"]["intra_only"]["pretrain"] | {"loss": {"use": "mmssl", "shared_fraction": 0.5}}
    config["methods"] |= {"alone": own, "half": config["methods"]["mmssl"] | {"pretrain": loss}}
    config["methods"]["alone"]["finetune"] = own["finetune"] | {"head": {"use": "mlp", "hidden": 32}}
    entry = ReportEntry.model_validate_json(Jobs(load(config), "md5").report())
    said = rows(entry)
    assert list(said) == ["mmssl", "intra_only", "supervised", "alone", "half"]
    width = config["methods"]["mmssl"]["encoder"]["backbone"]["width_mult"]
    sizes = [
        sum(
            weight.numel()
            for weight in ResNet18(channels, tuple(config["size"]), width_mult=width).parameters()
        )
        for channels in (3, 1)
    ]
    devices, backbone, parameters, start, fusion, head = said["supervised"]
    assert (devices, start, fusion) == ("rgb, depth", "random", "concat")
    assert backbone == f"resnet18 (width {width}, stem by_size)"
    assert parameters == f"rgb {sizes[0]:,}; depth {sizes[1]:,}"
    assert head == "mlp (hidden 256, dropout 0.1)"
    epochs = config["methods"]["mmssl"]["pretrain"]["epochs"]
    assert said["mmssl"][3] == f"mmssl, {epochs} epochs of SSL"
    assert said["half"][3] == f"mmssl (shared_fraction 0.5), {epochs} epochs of SSL"
    assert said["alone"][0] == "depth"
    assert said["alone"][4:] == ["–", "mlp (hidden 32, dropout 0.1)"]


def test_weights_and_classes_that_are_not_here(config):
    entry = ReportEntry.model_validate_json(Jobs(load(config), "md5").report())
    own = entry.params["methods"]["mmssl"]
    own["encoder"] = {"backbone": {"use": "nowhere.nets:Net", "depth": 3}, "weights": "imagenet"}
    own["pretrain"]["loss"] = {"use": "nowhere.losses:VICReg", "cov": 1.0}
    own["pretrain"]["epochs"] = 1
    cells = rows(entry)["mmssl"]
    assert cells[1:3] == ["Net (depth 3)", "rgb –; depth –"]
    assert cells[3] == "weights imagenet, then VICReg (cov 1.0), 1 epoch of SSL"
    assert methods.section(entry.model_copy(update={"params": {}})) == []


def test_what_pretraining_logged_has_words_units_and_readable_numbers():
    logged = {
        "loss": 0.34764, "intra_rgb": 0.44681, "multiply_adds_rgb": 3.2479e13, "side_link_uses": 188743680.0,
        "correlation_unique": 4.2486e-05, "effective_rank_both": 67.241, "knn_accuracy_depth": 0.2468,
        "own_term": 233472.0,
    }  # fmt: skip
    table = pd.DataFrame({"method": "mmssl", "metric": list(logged), "mean": list(logged.values())})
    more = pd.DataFrame({"method": ["clip"], "metric": ["loss"], "mean": [0.5]})
    page = text_training.pretraining(pd.concat([table, more]))
    assert page[-8:] == [
        "| loss | 0.3476 | 0.5 |",
        "| intra rgb | 0.4468 |  |",
        "| multiply-adds, rgb, 10⁹ | 32,479.0 |  |",
        "| complex channel uses between the sensors | 188,743,680 |  |",
        "| correlation, unique | 0.000 |  |",
        "| effective rank, both | 67.2 |  |",
        "| k-NN accuracy on validation frames, depth, % | 24.7 |  |",
        "| own term | 233,472 |  |",
    ]


def test_columns_of_text_are_at_the_left():
    row = {
        "method": "mmssl", "link": "awgn", "labels": "all", "budget_epochs": 1, "optimiser": "adamw",
        "learning_rate": 0.003, "metric": "accuracy", "validation": 0.278,
    }  # fmt: skip
    page = text_training.optimisers(pd.DataFrame([row]))
    assert page[-3:] == [
        "| method | link | labels | budget in epochs | optimiser and rate | of validation | in % |",
        "| --- | --- | --- | ---: | --- | --- | ---: |",
        "| mmssl | awgn | all | 1 | adamw 0.003 | accuracy | 27.8 |",
    ]
    assert table_of(["a", "b", "c"], [])[1] == "| --- | ---: | ---: |"
    assert table_of(["a", "b"], [], right=False)[1] == "| --- | --- |"
