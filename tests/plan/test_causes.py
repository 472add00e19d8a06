import json
import os
from pathlib import Path

from semcom.plan.attempts import checkpoint, last
from semcom.plan.causes import causes, compare
from semcom.plan.dag import Job
from semcom.tracking.journal import Journal

ENTRY = {"code": "a", "data": "b" * 36, "finetune": {"batch_size": 32}, "budgets": [1, 2], "data_name": None}


def job(**changes) -> Job:
    empty = {"old": (), "new": (), "missing": (), "changed": (), "follows": ()}
    given = {
        "rule": "finetune",
        "names": ("mmssl", "seed0"),
        "cached": False,
        "remembered": True,
        "entry": "",
    }
    rest = {"half_done": False, "sent": "", "other_inputs": False, "other_command": False}
    return Job(**{**empty, **given, **rest, "seconds": None, "journal": None, "log": "a.log", **changes})


def told(given: Job, states: Path = Path("nowhere"), running: bool = False) -> list[str]:
    return causes(given, states=states, running=running)


def test_compare_names_every_difference_and_nothing_else():
    now = json.loads(json.dumps(ENTRY))
    assert list(compare(ENTRY, now)) == []
    now |= {"code": "c", "data": "d" * 36, "budgets": [1, 2, 4], "new": {"x": "ü"}}
    now["finetune"]["batch_size"] = 64
    del now["data_name"]
    assert [text for _, text in compare(ENTRY, now)] == [
        "the code that it runs changed",
        "data version changed: bbbbbbbb → dddddddd",
        "finetune.batch_size 32 → 64",
        "budgets [1, 2] → [1, 2, 4]",
        "data_name was null, and is left out now",
        'new is new: {"x": "ü"}',
    ]


def test_of_several_data_sets_those_that_changed_are_named():
    before, now = (
        {"data": f"rooms:{'a' * 32} mine:{'b' * 32}"},
        {"data": f"rooms:{'a' * 32} yours:{'c' * 32}"},
    )
    assert [text for _, text in compare(before, now)] == [
        "data version changed: mine bbbbbbbb → yours cccccccc"
    ]


def test_lists_of_components_are_compared_one_by_one_if_there_are_as_many():
    two = [{"use": "sgd", "lr": 1}, {"use": "adamw", "lr": 2}]
    assert [text for _, text in compare({"o": two}, {"o": [two[0], {"use": "adamw", "lr": 3}]})] == [
        "o[1].lr 2 → 3"
    ]
    assert [path for path, _ in compare({"o": two}, {"o": two[:1]})] == ["o"]


def test_the_report_tells_a_key_once_and_many_differences_are_counted():
    def text(budgets: list[int], loss: int) -> tuple[str, ...]:
        more = {f"k{i}": loss for i in range(9)}
        return (repr(json.dumps({"budgets": budgets, "params": {"budgets": budgets}, **more})),)

    found = told(job(old=text([1], 0), new=text([2], 0)))
    assert found == ["budgets [1] → [2]"]
    found = told(job(old=text([1], 0), new=text([2], 1)))
    assert len(found) == 7
    assert found[-1] == "and 4 more differences"


def test_another_order_of_names_is_said():
    one, other = '{"links":{"a":1,"b":2}}', '{"links":{"b":2,"a":1}}'
    assert told(job(old=(repr(one),), new=(repr(other),))) == [
        "the order of names in the params file changed"
    ]
    assert "order" not in told(job(old=(repr(one),), new=(repr(one.replace("2", "3")),)))[0]


def test_upstream_jobs_are_named_without_seeds_and_many_by_rule():
    few = (("pretrain", ("mmssl", "seed0")), ("pretrain", ("mmssl", "seed1")), ("tune", ("mmssl", "all")))
    assert told(job(follows=few)) == ["follows from pretrain mmssl, tune mmssl all"]
    many = tuple(("evaluate", (method, "seed0")) for method in "abcd")
    assert told(job(follows=(*many, ("tune", ())))) == ["follows from evaluate, tune"]


def test_inputs_command_and_half_done_files():
    assert told(job(changed=("a.h5",), other_inputs=True, other_command=True)) == [
        "its input changed: a.h5",
        "it reads other files than before",
        "the command line of its rule changed",
    ]
    assert told(job(half_done=True)) == ["interrupted: its files are half-done"]
    assert told(job(half_done=True), running=True) == ["begun by the workflow that runs now"]
    assert told(job(missing=("a", "b"), remembered=False)) == ["never ran"]
    waiting = job(missing=("a", "b"), remembered=False, sent="17")
    assert told(waiting, running=True) == ["sent to the cluster as job 17"]
    assert told(waiting) == ["sent to the cluster as job 17 by a workflow that was killed"]
    assert told(job(missing=("a", "b"))) == ["files are gone: a and 1 more"]


def killed(path: Path, entry: dict[str, object]) -> None:
    """A journal that stops after epoch 3 of budget 5, as if killed."""
    with Journal.open(path, {"stage": "finetune"}, entry) as journal:
        for epoch in (1, 2, 3):
            journal.metrics({"loss": 1.0}, step=epoch, run={"budget_epochs": 5})
    whole = path.read_bytes().splitlines(keepends=True)
    events = [json.loads(line) | {"time": 1_700_000_000.0 + place} for place, line in enumerate(whole[:-1])]
    path.write_text("".join(json.dumps(event) + "\n" for event in events))


def state(states: Path, journal: Path, saved: float) -> None:
    """A training state of the job that wrote the journal, saved that many seconds after its start."""
    attempt = last(journal)
    (states / "abc").mkdir(parents=True)
    (states / "abc.lock").write_text(f"host {attempt.host}, pid {attempt.pid}\n")
    os.utime(states / "abc.lock", (attempt.begin, attempt.begin))
    (states / "abc/training5.pt").write_bytes(b"")
    os.utime(states / "abc/training5.pt", (attempt.begin + saved, attempt.begin + saved))


def test_a_killed_job_goes_on_after_the_epoch_of_its_checkpoint(tmp_path):
    journal, states = tmp_path / "a.jsonl", tmp_path / "states"
    killed(journal, ENTRY)
    given = job(journal=journal, entry=json.dumps(ENTRY), missing=("a",), remembered=False)
    (line,) = told(given, states)
    assert line.endswith("; begins anew")
    state(states, journal, 2.5)
    (line,) = told(given, states)
    assert line.endswith(", after budget 5, epoch 2")
    (line,) = told(job(journal=journal, entry=json.dumps(ENTRY | {"code": "c"}), missing=("a",)), states)
    assert line.endswith("; begins anew")


def test_another_job_of_the_same_process_id_has_no_part_in_it(tmp_path):
    journal, states = tmp_path / "a.jsonl", tmp_path / "states"
    killed(journal, ENTRY)
    state(states, journal, 1.5)
    later = last(journal).end + 100
    os.utime(states / "abc.lock", (later, later))
    assert checkpoint(last(journal), states) is None


def test_what_a_journal_was_asked_is_compared_as_text(tmp_path):
    entry = {"size": (64, 48), "lr": 1e-3, "on": True, "none": None, "deep": {"list": [{"use": "x"}]}}
    with Journal.open(tmp_path / "a.jsonl", {}, entry):
        pass
    attempt = last(tmp_path / "a.jsonl")
    assert attempt.status == "FINISHED"
    assert attempt.asked(json.loads(json.dumps(entry)))
    assert not attempt.asked(json.loads(json.dumps(entry | {"lr": 2e-3})))
