"""`learnt` and `pretrain.snapshots` in params files, and the entries that they change."""

from typing import Any

import pytest

from semcom.files.errors import SemcomError
from semcom.params.entries import LearntEntry
from semcom.params.jobs import Jobs
from semcom.params.reportentry import ReportEntry
from semcom.params.schema import load


def entries(config: dict[str, Any]) -> dict[str, str]:
    jobs = Jobs(load(config), "md5")
    return {
        "pretrain": jobs.pretrain("mmssl", 0),
        "learnt": jobs.learnt("mmssl", 0),
        "knowledge": jobs.knowledge("mmssl", 0),
        "finetune": jobs.finetune("mmssl", "awgn_k32", "all", 0),
        "report": jobs.report(),
    }


def changed(config: dict[str, Any], section: dict[str, Any], key: str, value: object) -> set[str]:
    before = entries(config)
    section[key] = value
    after = entries(config)
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("section", "methods"),
    [
        (None, ()),
        ({}, ("mmssl", "intra_only")),
        ({"methods": ["intra_only"]}, ("intra_only",)),
        ({"methods": []}, ()),
    ],
)
def test_methods_that_are_looked_into(config, section, methods):
    if section is not None:
        config["learnt"] = section
    study = load(config)
    assert study.learnt_methods == methods
    report = ReportEntry.model_validate_json(Jobs(study, "md5").report())
    assert report.learnt == methods


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"methods": ["mmsl"]}, "learnt.methods: 'mmsl' is none of methods; did you mean 'mmssl'?"),
        ({"methods": ["supervised"]}, "learnt.methods: supervised does not pre-train, so there is nothing"),
        ({"method": ["mmssl"]}, "learnt.method: no such key"),
        (True, "learnt: True is not a section with the keys methods"),
    ],
)
def test_faults(config, section, said):
    config["learnt"] = section
    with pytest.raises(SemcomError) as caught:
        load(config)
    assert said in str(caught.value)


def test_a_study_that_pretrains_nothing_has_nothing_to_look_into(config):
    config["methods"] = {"supervised": config["methods"]["supervised"]}
    config["digital"] = {}
    config["learnt"] = {}
    with pytest.raises(SemcomError, match="learnt: looks into pre-training, and no method pre-trains"):
        load(config)
    config["learnt"] = {"methods": []}
    assert load(config).learnt_methods == ()


def test_the_entry_is_what_the_verb_parses(config):
    config["methods"]["mmssl"]["pretrain"]["snapshots"] = [0, 4]
    entry = LearntEntry.model_validate_json(Jobs(load(config), "md5").learnt("mmssl", 2))
    assert (entry.seed, entry.pretrain.snapshots, entry.pretrain.epochs) == (2, (0, 4), 8)


def test_asking_changes_the_report_alone_and_a_snapshot_the_pretraining(config):
    pretrain = config["methods"]["mmssl"]["pretrain"]
    assert changed(config, config, "learnt", {}) == {"report"}
    assert changed(config, pretrain, "snapshots", [0]) == {"pretrain", "learnt", "report"}
    assert changed(config, config["methods"]["mmssl"]["finetune"], "batch_size", 16) == {"finetune", "report"}
