from pathlib import Path

import pytest

from semcom import progress


def test_messages_go_to_standard_error_and_to_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    progress.start("pretrain x seed0", tmp_path / "logs" / "a.log")
    progress.log.info("hello")
    assert capsys.readouterr().err == "[pretrain x seed0] hello\n"
    assert (tmp_path / "logs" / "a.log").read_text() == "[pretrain x seed0] hello\n"


def test_time_left_counts_this_jobs_own_pace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    progress.start("x", tmp_path / "a.log")
    steps = progress.Progress(100, done=60, every=5)
    now += 10
    steps.step(70, "seventy")
    now += 1
    steps.step(71, "too soon")
    now += 3699
    steps.step(80, "eighty")
    assert (tmp_path / "a.log").read_text().splitlines() == [
        "[x] seventy  (70 %, 0:30 left)",
        "[x] eighty  (80 %, 1:01:50 left)",
    ]
