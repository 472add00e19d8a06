"""What stops a run before its first job."""

import os
from pathlib import Path

import pytest

from semcom.files.errors import SemcomError
from semcom.params.start import check_writable, start


def test_a_folder_that_may_not_be_written_is_named(tmp_path, monkeypatch):
    check_writable([tmp_path / "results/study"])
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(SemcomError, match=f"the folder {tmp_path} cannot be written; change its owner"):
        check_writable([tmp_path / "results/study"])


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(SemcomError, match="results is a file; move it out of the way"):
        check_writable([tmp_path / "results/study"])


def test_nothing_is_made(tmp_path):
    check_writable([tmp_path / "results/study"])
    assert list(tmp_path.iterdir()) == []


def test_the_params_file_is_named_relative_to_the_repository(config, tmp_path):
    (tmp_path / "data.dvc").write_text("outs:\n- {path: data/rooms, md5: abc.dir}\n")
    jobs = start(config, files=[tmp_path / "params/mine.yaml", "/elsewhere/x.yaml"], root=tmp_path)
    assert jobs.data == "abc.dir"
    assert '"params_file":"params/mine.yaml"' in jobs.report()


def test_a_data_set_that_is_not_registered_is_named(config, tmp_path):
    with pytest.raises(SemcomError, match="rooms"):
        start(config, files=[], root=tmp_path)
