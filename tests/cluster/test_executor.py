"""The mended executor: its question for MinJobAge, and how often it looks at the queue."""

from types import SimpleNamespace

import pytest
import snakemake_executor_plugin_slurm as plugin

from semcom.cluster import executor


@pytest.fixture
def mended(monkeypatch):
    answers = iter([None, 300, None, 120, None])
    monkeypatch.setattr(plugin, "get_min_job_age", lambda: next(answers))
    monkeypatch.setattr(plugin, "Executor", type("Executor", (plugin.Executor,), {}))
    executor.mend()
    executor.mend()  # twice is once
    return plugin


def test_the_last_answer_stands_in_for_none(mended):
    assert [mended.get_min_job_age() for _ in range(5)] == [None, 300, 300, 120, 120]


def test_looks_do_not_become_rare(mended):
    settings = SimpleNamespace(seconds_between_status_checks=3)
    made = mended.Executor.__new__(mended.Executor)
    made.workflow = SimpleNamespace(remote_execution_settings=settings)
    made.next_seconds_between_status_checks = made.next_seconds_between_status_checks + 10
    assert made.next_seconds_between_status_checks == 3


def test_the_executor_still_has_both_under_these_names():
    names = plugin.Executor.check_active_jobs.__code__.co_names
    assert {"get_min_job_age", "next_seconds_between_status_checks"} <= set(names)
