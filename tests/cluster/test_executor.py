"""The executor's question for MinJobAge, answered while the controller is away."""

import snakemake_executor_plugin_slurm as plugin

from semcom.cluster import executor


def test_the_last_answer_stands_in_for_none(monkeypatch):
    answers = iter([None, 300, None, 120, None])
    monkeypatch.setattr(plugin, "get_min_job_age", lambda: next(answers))
    executor.remember_min_job_age()
    executor.remember_min_job_age()  # twice is once
    assert [plugin.get_min_job_age() for _ in range(5)] == [None, 300, 300, 120, 120]


def test_the_executor_still_asks_under_that_name():
    assert "get_min_job_age" in plugin.Executor.check_active_jobs.__code__.co_names
