"""Tasks in params files: what a link may say, what each job is told, and what is refused."""

from pathlib import Path

import pytest
import yaml

from semcom.files.errors import SemcomError
from semcom.params import tasks
from semcom.params.entries import TuneEntry
from semcom.params.jobs import Jobs
from semcom.params.reportentry import ReportEntry
from semcom.params.schema import load

ROOT = Path(__file__).parents[2]
OBJECTS = {"channel": {"use": "awgn"}, "channel_uses": 32, "task": "objects"}
MINE = """
class Mine:
    measure = "f1"
    title = "F1"
    needs = ()

    def __init__(self, frames, *, share: float = 0.5): ...
    def loss(self, scores, index): ...
    def value(self, scores, index): ...
    def judge(self, scores, index): ...
    def truth(self, index): ...
"""


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Path:
    (tmp_path / "mylab").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mylab"


def test_a_name_stands_for_a_component(config):
    config["links"]["objects_k32"] = OBJECTS
    links = load(config).links
    assert links["awgn_k32"].task == {"use": "scene"}
    assert links["objects_k32"].task == {"use": "objects", "least": 0.05}
    config["links"]["objects_k32"] = OBJECTS | {"task": {"use": "objects", "least": 0.1}}
    assert load(config).links["objects_k32"].task["least"] == 0.1


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("object", "task.use: 'object' is unknown; did you mean 'objects'?; choices: scene, objects"),
        ({"use": "objects", "last": 0.1}, "task.last: no such key (its value is 0.1); did you mean 'least'?"),
        ({"use": "objects", "least": 0.6}, "task.least: 0.6 is not a number ≥ 0 and ≤ 0.5"),
        (5, "links.objects_k32.task: 5 is not a component, {use: NAME, option: value, …}"),
    ],
)
def test_a_wrong_task_is_named(config, task, said):
    config["links"]["objects_k32"] = OBJECTS | {"task": task}
    with pytest.raises(SemcomError) as caught:
        load(config)
    assert said in str(caught.value)


def test_links_are_tuned_on_the_first_one_of_their_task(config):
    config["links"] |= {"one": OBJECTS, "fading": {"channel": {"use": "rayleigh"}, "channel_uses": 32}}
    config["links"] |= {
        "two": OBJECTS | {"channel_uses": 8},
        "strict": OBJECTS | {"task": {"use": "objects", "least": 0.1}},
    }
    jobs = Jobs(load(config), "md5")
    assert {link: jobs.tune_link(link) for link in jobs.study.links} == {
        "awgn_k32": "awgn_k32", "one": "one", "fading": "awgn_k32", "two": "one", "strict": "strict",
    }  # fmt: skip
    assert jobs.tune_links == ["awgn_k32", "one", "strict"]
    entry = TuneEntry.model_validate_json(jobs.tune("mmssl", "one", "all"))
    assert (entry.link_name, entry.link.task["use"]) == ("one", "objects")
    report = ReportEntry.model_validate_json(jobs.report())
    assert (report.measure("two").metric, report.measure("two").title) == ("map", "mean average precision")
    assert report.measure("pq_k32").metric == "accuracy", "a digital link is as its analog one"


def test_another_task_changes_the_jobs_of_its_link_alone(config):
    config["links"]["more"] = {"channel": {"use": "awgn"}, "channel_uses": 32}
    before = Jobs(load(config), "md5")
    config["links"]["more"]["task"] = "objects"
    after = Jobs(load(config), "md5")
    for ask in ("finetune", "evaluate"):
        texts = [getattr(jobs, ask)("mmssl", "awgn_k32", "all", 0) for jobs in (before, after)]
        assert texts[0] == texts[1]
        texts = [getattr(jobs, ask)("mmssl", "more", "all", 0) for jobs in (before, after)]
        assert texts[0] != texts[1]
    assert before.pretrain("mmssl", 0) == after.pretrain("mmssl", 0)
    assert before.calibration("more") == after.calibration("more")


def test_a_task_of_ones_own(config, lab):
    (lab / "tasks.py").write_text(MINE)
    config["links"]["mine"] = OBJECTS | {"task": {"use": "mylab.tasks:Mine"}}
    study = load(config)
    assert study.links["mine"].task == {"use": "mylab.tasks:Mine", "share": 0.5}
    assert tasks.about(study.links["mine"].task).measure.title == "F1"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('    title = "F1"\n', "", "has no attribute title that is written out in its class, as a task must"),
        ('title = "F1"', "title = str(1)", "Mine has no attribute title that is written out"),
        ("needs = ()", 'needs = "objects"', "Mine has no attribute needs that is written out"),
        ("value(self, scores, index)", "value(self, scores)", "called with (scores, index) by value"),
        ("    def truth(self, index): ...\n", "", "Mine has no truth(index), as a task must"),
        ("frames, *,", "frames, size, *,", "a task is made with (frames), and options stand behind a `*`"),
    ],
)  # fmt: skip
def test_a_task_of_another_form_is_refused(config, lab, old, new, said, request):
    module = f"tasks_{abs(hash(request.node.name))}"
    assert old in MINE
    (lab / f"{module}.py").write_text(MINE.replace(old, new))
    config["links"]["mine"] = OBJECTS | {"task": {"use": f"mylab.{module}:Mine"}}
    with pytest.raises(SemcomError) as caught:
        load(config)
    assert said in str(caught.value)


def test_a_changing_channel_knows_scenes_only(config):
    config["links"]["objects_k32"] = OBJECTS
    state = {"channel": {"use": "rayleigh"}, "snr_db": 5}
    config["changing"] = {"world": {"link": "objects_k32", "states": [state]}}
    with pytest.raises(
        SemcomError, match="objects_k32 has the task objects; a changing channel knows scene only"
    ):
        load(config)


def test_objects_on_nyuv2_share_the_core_studys_jobs():
    core, objects = (
        Jobs(load(yaml.safe_load((ROOT / f"params/{name}.yaml").read_text(encoding="utf-8"))), "md5")
        for name in ("nyuv2", "nyuv2_objects")
    )
    assert objects.study.study == core.study.study
    assert objects.study.report != core.study.report
    assert objects.prepare() == core.prepare()
    assert objects.tune_links == ["objects_k32"]
    for seed in core.study.seeds:
        assert objects.pretrain("mmssl", seed) == core.pretrain("mmssl", seed)


@pytest.mark.parametrize("name", ["nyuv2_links", "nyuv2_changing"])
def test_other_links_on_nyuv2_share_the_jobs_of_the_factors(name):
    factors, other = (
        Jobs(load(yaml.safe_load((ROOT / f"params/{file}.yaml").read_text(encoding="utf-8"))), "md5")
        for file in ("nyuv2_factors", name)
    )
    assert other.study.study == factors.study.study
    assert other.study.report != factors.study.report
    assert other.pretrain("mmssl", 0) == factors.pretrain("mmssl", 0)
    for method in other.study.methods:
        assert other.tune(method, "awgn_k32", "all") == factors.tune(method, "awgn_k32", "all")
        for ask in ("finetune", "evaluate"):
            place = (method, "awgn_k32", "all", 0)
            assert getattr(other, ask)(*place) == getattr(factors, ask)(*place)
