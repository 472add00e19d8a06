"""What stops a run before its first job."""

import os
from pathlib import Path

import pytest
import yaml

from semcom.files.errors import SemcomError
from semcom.params.keys import check_once
from semcom.params.start import check_writable, start
from semcom.params.systems import systems

ROOT = Path(__file__).parents[2]


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
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository/data.dvc").write_text("outs:\n- {path: data/rooms, md5: abc.dir}\n")
    files = [tmp_path / "repository/params/mine.yaml", tmp_path / "elsewhere/x.yaml"]
    for file in files:
        file.parent.mkdir()
        file.write_text("study: mine\n")
    jobs = start(config, files=files, root=tmp_path / "repository")
    assert jobs.data == "abc.dir"
    assert '"params_file":"params/mine.yaml"' in jobs.report()


def test_a_data_set_that_is_not_registered_is_named(config, tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(SemcomError, match="'rooms'"):
        start(config, files=[], root=tmp_path)


def test_another_folder_than_the_root_is_named(config, tmp_path):
    with pytest.raises(SemcomError, match=r"there are no params: .* has no params/quickstart\.yaml"):
        systems({}, files=[], root=tmp_path)
    with pytest.raises(SemcomError, match=r"not the repository's root: start there, or name it"):
        systems(config, files=[], root=tmp_path)


def test_claims_of_the_other_system_are_told_apart(config):
    """Each file of claims under the key of the other system."""
    both = yaml.safe_load((ROOT / "params/quickstart.yaml").read_text(encoding="utf-8"))
    config["claims"] = "crlsc"
    with pytest.raises(SemcomError, match=r"claims/crlsc\.yaml has claims on the second system: name it in"):
        systems(config, files=[], root=ROOT)
    both["crlsc"]["claims"] = "mmssl"
    with pytest.raises(SemcomError, match=r"claims/mmssl\.yaml has claims on the first system: name it by"):
        systems(both, files=[], root=ROOT)


def test_keys_that_stand_twice_are_named_with_file_and_line(config, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "study: a\nlinks:\n  k: {channel_uses: 1, channel_uses: 2}\n  l: [{x: 1,\n    x: 2}]\nstudy: b\n"
    )
    with pytest.raises(SemcomError) as caught:
        start(config, files=[tmp_path / "mine.yaml"], root=tmp_path)
    assert str(caught.value).splitlines() == [
        "a key may stand once in a section; remove one:",
        "  mine.yaml, line 3: 'channel_uses' stands in line 3 already",
        "  mine.yaml, line 5: 'x' stands in line 4 already",
        "  mine.yaml, line 6: 'study' stands in line 1 already",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: [*b, *a], y: 4}\nd: *a\n",
        "a: &a {x: *a}\n",
        '{\n\t"a": 1\n}\n',
        "",
    ],
    ids=["merged", "inside itself", "JSON with tabs", "empty"],
)
def test_what_is_no_key_twice(text, tmp_path):
    (tmp_path / "x.yaml").write_text(text)
    check_once(tmp_path / "x.yaml", "x.yaml")


@pytest.mark.parametrize("file", sorted((ROOT / "params").glob("*.yaml")), ids=lambda file: file.name)
def test_our_params_files_have_no_key_twice(file):
    check_once(file, file.name)
