import json
import math
from pathlib import Path

import pytest

from semcom.files.errors import Stopped
from semcom.tracking.journal import Journal, flatten

TAGS = {"study": "s", "stage": "finetune", "method": "mmssl"}


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_one_line_an_event(tmp_path):
    path = tmp_path / "ä b" / "job.jsonl"
    with Journal.open(path, TAGS, {"link": {"channel_uses": 32}, "budgets": (1, 2)}) as journal:
        journal.metrics({"loss": 0.5}, step=0)
        assert len(lines(path)) == 2  # flushed at once
        journal.metrics({"accuracy": 1}, step=-5, run={"budget_epochs": 2})
    start, first, second, end = lines(path)
    assert start["tags"] == TAGS
    assert start["params"] == {"link.channel_uses": 32, "budgets": "[1, 2]"}
    assert (first["step"], first["values"]) == (0, {"loss": 0.5})
    assert "run" not in first
    assert second["run"] == {"budget_epochs": "2"}
    assert end["status"] == "FINISHED"


def test_a_failure_passes_and_is_written(tmp_path):
    path = tmp_path / "job.jsonl"
    with pytest.raises(KeyError, match="x"), Journal.open(path, TAGS, {}):
        raise KeyError("x")
    assert lines(path)[-1]["status"] == "FAILED"


@pytest.mark.parametrize("fault", [Stopped, KeyboardInterrupt])
def test_a_stopped_job_was_killed(tmp_path, fault):
    path = tmp_path / "job.jsonl"
    with pytest.raises(fault), Journal.open(path, TAGS, {}):
        raise fault
    assert lines(path)[-1]["status"] == "KILLED"


def test_not_finite_is_strict_json_and_comes_back(tmp_path):
    path = tmp_path / "job.jsonl"
    with Journal.open(path, TAGS, {}) as journal:
        journal.metrics({"a": math.nan, "b": math.inf, "c": -math.inf}, step=0)
    values = json.loads(path.read_text().splitlines()[1], parse_constant=pytest.fail)["values"]
    assert [float(v) for v in values.values()][1:] == [math.inf, -math.inf]
    assert math.isnan(float(values["a"]))


def test_resume_drops_a_torn_line_and_keeps_the_rest(tmp_path):
    path = tmp_path / "job.jsonl"
    with Journal.open(path, TAGS, {}) as journal:
        journal.metrics({"loss": 1}, step=0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])  # the end event is torn, as by SIGKILL
    with Journal.open(path, TAGS, {}, fresh=False) as journal:
        journal.metrics({"loss": 2}, step=1)
    assert [e["event"] for e in lines(path)] == ["start", "metrics", "start", "metrics", "end"]
    with Journal.open(path, TAGS, {}):
        pass
    assert [e["event"] for e in lines(path)] == ["start", "end"]


def test_flatten():
    flat = {"a.b.c": 1, "d": None, "e": '[{"f": 2}]'}
    assert flatten({"a": {"b": {"c": 1}}, "d": None, "e": [{"f": 2}]}) == flat
