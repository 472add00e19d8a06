"""Conditions at test time: what their keys may be, whom they concern, and which jobs."""

import json
from typing import Any

import pytest

from semcom.files.errors import SemcomError
from semcom.params.conditions import Condition, ConditionsEntry
from semcom.params.jobs import Jobs
from semcom.params.reportentry import ReportEntry
from semcom.params.schema import load, own_classes

PLACE = ("awgn_k32", "all", 0)


@pytest.fixture
def study(config: dict[str, Any]) -> dict[str, Any]:
    """The quickstart with conditions, and a method of colour alone."""
    config["methods"]["rgb_only"] = config["methods"]["supervised"] | {"modalities": ["rgb"]}
    config["evaluate"]["conditions"] = {
        "rgb_lost": {"lost": ["rgb"]},
        "dark": {"degraded": {"use": "sensors", "dark": 0.7, "holes": "0.5"}},
    }
    return config


def entry(config: dict[str, Any], method: str = "mmssl") -> ConditionsEntry:
    return ConditionsEntry.model_validate_json(Jobs(load(config), "md5").conditions(method, *PLACE))


def test_an_entry_has_the_sweeps_settings_and_the_conditions_filled_in(study):
    found = entry(study)
    assert found.evaluate.draws == 10
    assert (found.link_name, found.labels, found.seed) == PLACE
    assert found.conditions["rgb_lost"] == Condition(lost=("rgb",))
    degraded = found.conditions["dark"].degraded
    assert (degraded["dark"], degraded["holes"], degraded["blur"]) == (0.7, 0.5, 0.0)


def test_a_condition_is_left_out_for_a_method_that_lacks_its_modality_or_has_no_other(study):
    jobs = Jobs(load(study), "md5")
    both = ["dark", "rgb_lost"]
    assert {name: sorted(found) for name, found in jobs.conditions_of.items()} == {
        "mmssl": both,
        "intra_only": both,
        "supervised": both,
        "rgb_only": ["dark"],
    }
    assert set(entry(study, "rgb_only").conditions) == {"dark"}
    report = ReportEntry.model_validate_json(jobs.report())
    assert set(report.conditions_of["rgb_only"]) == {"dark"}
    assert report.conditions == {"rgb_lost": "rgb lost", "dark": "sensors, dark 0.7, holes 0.5"}
    study["evaluate"]["conditions"].pop("dark")
    assert "rgb_only" not in Jobs(load(study), "md5").conditions_of
    study["evaluate"]["conditions"] = {"depth_lost": {"lost": ["depth"]}}
    assert "rgb_only" not in Jobs(load(study), "md5").conditions_of


def texts(config: dict[str, Any]) -> dict[str, str]:
    jobs = Jobs(load(config), "md5")
    found = {"evaluate": jobs.evaluate("mmssl", *PLACE)}
    found["digital"] = jobs.digital.evaluate("mmssl", "pq_k32", "all", 0)
    found |= {"tune": jobs.tune("mmssl", "awgn_k32", "all"), "finetune": jobs.finetune("mmssl", *PLACE)}
    return found | ({"conditions": jobs.conditions("mmssl", *PLACE)} if jobs.conditions_of else {})


def test_conditions_concern_no_other_job(study):
    before = texts(study)
    study["evaluate"]["conditions"]["depth_lost"] = {"lost": ["depth"]}
    after = texts(study)
    assert {name for name in before if before[name] != after[name]} == {"conditions"}
    del study["evaluate"]["conditions"]
    without = texts(study)
    assert without == {name: text for name, text in before.items() if name != "conditions"}
    assert "conditions" not in json.loads(without["evaluate"])["evaluate"]


def test_longer_sweeps_and_other_heads_concern_them(study):
    before = texts(study)
    study["evaluate"]["draws"] = 3
    assert texts(study)["conditions"] != before["conditions"]
    study["evaluate"]["draws"] = 10
    study["methods"]["mmssl"]["finetune"]["fusion"] = "average"
    assert texts(study)["conditions"] != before["conditions"]


def test_the_code_of_its_views_is_part_of_the_job_and_of_no_other(study, monkeypatch):
    def codes() -> dict[str, str]:
        return {name: json.loads(text)["code"] for name, text in texts(study).items()}

    before = codes()
    study["evaluate"]["conditions"]["dark"]["degraded"] = {"use": "rgbd"}
    after = codes()
    assert {name for name in before if before[name] != after[name]} == {"conditions"}


def test_a_users_own_views_are_named_for_import(study):
    own = {"use": "mylab.views:Rain"}
    study = load(study)
    conditions = study.evaluate.conditions | {"rain": Condition(degraded=own)}
    changed = study.model_copy(
        update={"evaluate": study.evaluate.model_copy(update={"conditions": conditions})}
    )
    assert own_classes(study) == {}
    assert own_classes(changed) == {"evaluate.conditions.rain.degraded.use": "mylab.views:Rain"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"lost": ["sound"]}, "x.lost[0]: 'sound' is not one of rgb, depth"),
        ({"lost": ["rgb", "rgb"]}, "x.lost: rgb stands twice; each item may stand once"),
        ({"lost": ["rgb", "depth"]}, "x: loses every modality, and the server would hear nothing; leave one"),
        ({"lost": []}, "x: takes lost: [depth] or degraded: {use: sensors, …}, one of them"),
        ({}, "x: takes lost: [depth] or degraded: {use: sensors, …}, one of them"),
        ({"lost": ["rgb"], "degraded": {"use": "sensors"}}, "x: takes lost: [depth] or degraded: {use: s"),
        ({"last": ["rgb"]}, "x.last: no such key (its value is ['rgb']); did you mean 'lost'?; keys here: d"),
        ({"degraded": {"use": "sensor"}}, "x.degraded.use: 'sensor' is unknown; did you mean 'sensors'?; ch"),
        ({"degraded": {"use": "sensors", "dark": 1.5}}, "x.degraded.dark: 1.5 is not a number ≥ 0 and ≤ 1"),
        ({"degraded": {"use": "sensors", "blur": -1}}, "x.degraded.blur: -1 is not a number ≥ 0"),
        ({"degraded": {"use": "sensors", "fog": 1}}, "x.degraded.fog: no such key"),
        ({"degraded": "sensors"}, "x.degraded: 'sensors' is not a component, {use: NAME, option: value, …}"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_path(study, value, said):
    study["evaluate"]["conditions"] = {"x": value}
    with pytest.raises(SemcomError) as caught:
        load(study)
    lines = str(caught.value).splitlines()[1:]
    assert any(line.startswith(f"  evaluate.conditions.{said}") for line in lines), lines


def test_a_name_that_is_not_plain_is_refused(study):
    study["evaluate"]["conditions"] = {"rgb lost": {"lost": ["rgb"]}}
    with pytest.raises(SemcomError, match="'rgb lost' is not a plain name"):
        load(study)


def test_a_condition_for_no_method_is_refused(study):
    study["methods"] = {"rgb_only": study["methods"]["rgb_only"]}
    del study["digital"]
    with pytest.raises(SemcomError) as caught:
        load(study)
    said = "evaluate.conditions.rgb_lost.lost: no method of the study has rgb and another modality beside"
    assert said in str(caught.value)


def test_a_fusion_that_is_none_is_refused(study):
    study["methods"]["mmssl"]["finetune"]["fusion"] = "averages"
    with pytest.raises(
        SemcomError, match="'averages' is not one of concat, average; did you mean 'average'?"
    ):
        load(study)
