"""The section `changing`: what its keys may be, and which jobs they concern."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from semcom.files.errors import SemcomError
from semcom.params.entries import ChangingEntry
from semcom.params.jobs import Jobs
from semcom.params.reportentry import ReportEntry
from semcom.params.schema import load, own_classes

RAYLEIGH = {"channel": {"use": "rayleigh"}, "snr_db": 5}
CHANGING = {"link": "awgn_k32", "states": [RAYLEIGH, {"channel": {"use": "awgn"}, "snr_db": 0}]}


@pytest.fixture
def study(config: dict[str, Any]) -> dict[str, Any]:
    """The quickstart (budgets 1, 4 and 8), with one changing channel."""
    config["changing"] = {"world": {key: value for key, value in CHANGING.items()}}
    config["changing"]["world"]["states"] = [dict(state) for state in CHANGING["states"]]
    return config


def test_the_guides_example_has_no_fault(config):
    guide = (Path(__file__).parents[2] / "docs/changing.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    given = load(config | yaml.safe_load(example) | {"budgets": [1, 2, 5, 8, 10, 20]}).changing["outdoors"]
    assert (len(given.states), given.start_budget) == (3, 20)


def entry(config: dict[str, Any], method: str = "mmssl") -> ChangingEntry:
    return ChangingEntry.model_validate_json(Jobs(load(config), "md5").changing("world", method, 1))


def test_defaults_are_the_studys(study):
    given = Jobs(load(study), "md5").changes["world"]
    assert given.methods == ("mmssl", "intra_only", "supervised")
    assert (given.budgets, given.start_budget, given.labels) == ((1, 4, 8), 8, "all")
    job = entry(study)
    assert (job.budgets, job.start_budget, job.draws, job.seed) == ((1, 4, 8), 8, 10, 1)
    assert (job.link_name, job.link.channel_uses, job.fraction) == ("awgn_k32", 32, 1.0)
    assert job.states[0].channel == {
        "use": "rayleigh",
        "csi": "receiver",
        "pilots": None,
        "equaliser": "mmse",
    }
    assert [state.name for state in job.states] == ["rayleigh 5 dB", "awgn 0 dB"]


def test_a_state_is_named_by_what_is_not_usual(study):
    study["changing"]["world"]["states"][0]["channel"] = {"use": "rayleigh", "csi": "none"}
    assert entry(study).states[0].name == "rayleigh (csi none) 5 dB"


def test_what_is_asked_is_handed_over(study):
    study["labels"]["half"] = 0.5
    study["changing"]["world"] |= {"budgets": [1, 4], "start_budget": 4, "labels": "half"}
    job = entry(study)
    assert (job.budgets, job.start_budget, job.labels, job.fraction) == ((1, 4), 4, "half", 0.5)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "link",
            "awgn_k3",
            ".link: 'awgn_k3' is none of links; did you mean 'awgn_k32'?; there are awgn_k32",
        ),
        (
            "states",
            [],
            ".states: [] is not a list, each item a section with the keys channel, snr_db (at lea",
        ),
        ("state", [], ".state: no such key (its value is []); did you mean 'states'?; keys here: budgets, l"),
        ("budgets", [1, 5], ".budgets: 5 is none of the study's budgets, 1, 4, 8, which alone are tuned"),
        ("budgets", [4, 1], ".budgets: 1 follows 4; the list must rise from item to item"),
        ("budgets", [0, 1], ".budgets[0]: 0 is not a whole number ≥ 1"),
        ("start_budget", 5, ".start_budget: 5 is none of the study's budgets, 1, 4, 8, which alone are tun"),
        ("labels", "al", ".labels: 'al' is none of labels; did you mean 'all'?; there are all"),
        ("methods", ["supervised", "mssl"], ".methods: 'mssl' is none of methods; did you mean 'mmssl'?"),
        ("methods", ["mmssl"], ".methods: lacks supervised, the rival, whose accuracy from scratch is what"),
        ("methods", ["supervised"] * 2, ".methods: supervised stands twice; each item may stand once"),
    ],
)
def test_a_fault_is_named_with_its_path(study, key, value, said):
    study["changing"]["world"][key] = value
    (line,) = faults(study)
    assert line.startswith(f"  changing.world{said}")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("snr_db", 61, "[1].snr_db: 61 is not a number ≥ -30 and ≤ 60"),
        ("snr_db", {"uniform": [0, 5]}, "[1].snr_db: {'uniform': [0, 5]} is not a number ≥ -30 and ≤ 60"),
        ("channel", {"use": "raleigh"}, "[1].channel.use: 'raleigh' is unknown; did you mean 'rayleigh'?;"),
        (
            "channel",
            {"use": "awgn", "pilots": 2},
            "[1].channel.pilots: no such key (its value is 2); keys her",
        ),
        (
            "channel",
            {"use": "rayleigh", "csi": "x"},
            "[1].channel.csi: 'x' is not one of none, receiver, est",
        ),
        (
            "channel",
            {"use": "rayleigh", "pilots": 2},
            "[1].channel.pilots: 2 pilots go with csi: estimated o",
        ),
        (
            "channel",
            {"use": "rician", "csi": "estimated"},
            "[1].channel.pilots: missing; csi: estimated take",
        ),
        (
            "snr",
            5,
            "[1].snr: no such key (its value is 5); did you mean 'snr_db'?; keys here: channel, snr_db",
        ),
    ],
)
def test_a_fault_of_a_state_is_named_with_its_place(study, key, value, said):
    study["changing"]["world"]["states"][1][key] = value
    (line,) = faults(study)
    assert line.startswith(f"  changing.world.states{said}")


def test_a_fault_of_the_only_state_is_no_fault_of_the_list(study):
    study["changing"]["world"]["states"] = [RAYLEIGH | {"snr_db": 65}]
    (line,) = faults(study)
    assert line == "  changing.world.states[0].snr_db: 65 is not a number ≥ -30 and ≤ 60"


def faults(config: dict[str, Any]) -> list[str]:
    with pytest.raises(SemcomError) as caught:
        load(config)
    return str(caught.value).splitlines()[1:]


def test_a_link_of_another_task_is_refused(study):
    study["links"]["objects"] = study["links"]["awgn_k32"] | {"task": "objects"}
    study["changing"]["world"]["link"] = "objects"
    (line,) = faults(study)
    assert line.startswith(
        "  changing.world.link: objects has the task objects; a changing channel knows scene"
    )


def test_names_that_differ_in_case_only(study):
    study["changing"]["World"] = study["changing"]["world"]
    (line,) = faults(study)
    assert line.startswith("  changing.World: differs from changing.world in case only")


def test_a_study_without_a_rival(study):
    del study["methods"]["supervised"]
    (line,) = faults(study)
    assert line.startswith("  changing.world: every method pre-trains; add one that does not")


def test_own_channels_of_states_and_own_optimisers_are_found(study, tmp_path, monkeypatch):
    (tmp_path / "mylab.py").write_text(
        "class Fog:\n    def __call__(self, symbols, n0, generator=None):\n        return symbols\n"
    )
    monkeypatch.chdir(tmp_path)
    study["changing"]["world"]["states"][1]["channel"] = {"use": "mylab:Fog"}
    given = load(study)
    assert own_classes(given) == {"changing.world.states[1].channel.use": "mylab:Fog"}
    assert given.changing["world"].states[1].name == "Fog 0 dB"


def jobs(config: dict[str, Any]) -> dict[str, str]:
    made = Jobs(load(config), "md5")
    found = {f"changing {method}": made.changing("world", method, 0) for method in made.study.methods}
    return found | {
        "report": made.report(),
        "tune": made.tune("mmssl", "awgn_k32", "all"),
        "finetune": made.finetune("mmssl", "awgn_k32", "all", 0),
        "evaluate": made.evaluate("mmssl", "awgn_k32", "all", 0),
    }


def changed(config: dict[str, Any], change) -> set[str]:
    before = jobs(config)
    change(config)
    after = jobs(config)
    return {name for name in before if before[name] != after[name]}


CHANGES = {"changing mmssl", "changing intra_only", "changing supervised"}


def test_a_change_concerns_its_own_jobs(study):
    world = study["changing"]["world"]
    assert changed(study, lambda c: world.update(budgets=[1])) == CHANGES | {"report"}
    assert changed(study, lambda c: world.update(start_budget=4)) == CHANGES | {"report"}
    assert changed(study, lambda c: world["states"][0].update(snr_db=6)) == CHANGES | {"report"}
    assert changed(study, lambda c: world.update(methods=["mmssl", "supervised"])) == {"report"}
    assert changed(study, lambda c: c["methods"]["mmssl"]["finetune"].update(warmup=0.1)) == {
        "changing mmssl",
        "report",
        "tune",
        "finetune",
        "evaluate",
    }
    assert changed(study, lambda c: c["evaluate"].update(snr_db=[0])) == {"evaluate", "report"}


def test_the_section_concerns_no_other_job(study):
    with_it = Jobs(load(study), "md5")
    del study["changing"]
    without = Jobs(load(study), "md5")
    assert without.changes == {}
    for method in with_it.study.methods:
        assert with_it.tune(method, "awgn_k32", "all") == without.tune(method, "awgn_k32", "all")
        for ask in ("finetune", "evaluate"):
            texts = {getattr(made, ask)(method, "awgn_k32", "all", 2) for made in (with_it, without)}
            assert len(texts) == 1
    assert ReportEntry.model_validate_json(with_it.report()).changing["world"].labels == "all"


def test_the_code_of_a_states_channel_counts(study):
    with_fading = entry(study).code
    study["changing"]["world"]["states"][0]["channel"] = {"use": "awgn"}
    assert entry(study).code != with_fading
