"""`semcom data add` in a repository with a real DVC."""

import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.params.dataversion import data_version, registered
from semcom.prepare import dvc
from semcom.prepare.add import add
from semcom.prepare.identify import identify
from semcom.prepare.source import open_source


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def nothing_added(clone: Path) -> None:
    assert registered(clone) == ["rooms"]
    assert [path.name for path in (clone / "data").iterdir()] == [".gitignore"]


def test_a_read_only_pack_is_copied_and_a_plain_pull_keeps_it(clone: Path, pack: Path) -> None:
    (pack / "dataset.json").unlink()
    before = contents(pack)
    for path in (*pack.iterdir(), pack):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        add(clone, "nyuv2", [pack], name="nyuv2")
        assert contents(pack) == before
        assert all(not path.stat().st_mode & 0o222 for path in pack.iterdir())
    finally:
        pack.chmod(0o755)
    added = contents(clone / "data" / "nyuv2")
    assert added.keys() == before.keys() | {"dataset.json"}
    assert all(path.stat().st_mode & stat.S_IWUSR for path in (clone / "data" / "nyuv2").iterdir())
    assert registered(clone) == ["nyuv2", "rooms"]
    # The trap: with a glob for data/ in .gitignore, DVC overlooks data/nyuv2.dvc and deletes the folder.
    done = dvc.call(clone, "pull")
    assert done.returncode == 0, done.stderr
    assert "D\t" not in done.stdout
    assert contents(clone / "data" / "nyuv2") == added
    assert (clone / "data" / "rooms").is_dir()


def test_a_mat_and_its_splits_in_any_order(clone: Path, mat: Path, raw) -> None:
    frames, splits = mat / "labeled.mat", mat / "splits.mat"
    add(clone, "nyuv2", [splits, frames], name="mine")
    with open_source(clone / "data" / "mine") as source:
        assert [row.scene27 for row in source.rows] == raw.types
        assert source.description.crop is None
    wanted = {"nyu_depth_v2_labeled.mat": frames, "splits.mat": splits}
    for paths in ([frames, splits], [frames], [mat]):
        assert identify(paths)[0] == wanted


def test_a_taken_name_needs_replace(
    clone: Path, pack: Path, make_pack: Callable, raw, tmp_path: Path
) -> None:
    add(clone, "nyuv2", [pack], name="nyuv2")
    first = data_version(clone, "nyuv2")
    other = make_pack(tmp_path / "other", replace(raw, types=["cafe"] * 7))
    with pytest.raises(SemcomError, match=r"data/nyuv2 exists already: give --replace"):
        add(clone, "nyuv2", [other], name="nyuv2")
    assert data_version(clone, "nyuv2") == first
    add(clone, "nyuv2", [other], name="nyuv2", replace=True)
    assert data_version(clone, "nyuv2") != first
    assert (clone / "data" / "nyuv2" / "meta.csv").read_bytes() == (other / "meta.csv").read_bytes()
    assert sorted(path.name for path in (clone / "data").iterdir()) == [".gitignore", "nyuv2", "nyuv2.dvc"]


def test_a_failure_of_dvc_puts_the_old_set_back(
    clone: Path, pack: Path, make_pack: Callable, raw, tmp_path: Path
) -> None:
    add(clone, "nyuv2", [pack], name="nyuv2")
    before, version = contents(clone / "data" / "nyuv2"), data_version(clone, "nyuv2")
    other = make_pack(tmp_path / "other", replace(raw, types=["cafe"] * 7))
    # A second file for one output makes every DVC command fail.
    (clone / "twice.dvc").write_text("outs:\n- path: data/nyuv2\n")
    with pytest.raises(SemcomError, match=r"`dvc add data/nyuv2` failed: .*nothing was added"):
        add(clone, "nyuv2", [other], name="nyuv2", replace=True)
    assert contents(clone / "data" / "nyuv2") == before
    assert data_version(clone, "nyuv2") == version
    assert not [path for path in (clone / "data").iterdir() if path.name.startswith(".nyuv2")]


def test_names(clone: Path, pack: Path) -> None:
    with pytest.raises(SemcomError, match="'rooms' is a bundled data set"):
        add(clone, "nyuv2", [pack], name="rooms", replace=True)
    for name in ("a/b", "..", "a b", ".x", "1"):
        with pytest.raises(SemcomError, match="must be letters, digits"):
            add(clone, "nyuv2", [pack], name=name)
    with pytest.raises(SemcomError, match="no kind of data set 'nyu': known are nyuv2"):
        add(clone, "nyu", [pack], name="nyuv2")
    (clone / "data" / "nyuv2").mkdir()
    (clone / "data" / "nyuv2" / "precious").write_text("mine")
    with pytest.raises(SemcomError, match="exists already"):
        add(clone, "nyuv2", [pack], name="nyuv2")
    assert (clone / "data" / "nyuv2" / "precious").read_text() == "mine"


def test_incomplete_and_missing_sources(clone: Path, pack: Path, mat: Path, tmp_path: Path) -> None:
    (pack / "depth.zip").unlink()
    (tmp_path / "empty").mkdir()
    for paths, message in (
        ([pack], r"lacks depth.zip"),
        ([tmp_path / "empty"], r"has neither rgb.zip, depth.zip, meta.csv nor a .mat"),
        ([tmp_path / "none"], "there is no"),
        ([mat / "labeled.mat", mat / "labeled.mat"], "2 labelled .mat and 0 splits.mat"),
        ([mat / "splits.mat"], "0 labelled .mat and 1 splits.mat"),
    ):
        with pytest.raises(SemcomError, match=message):
            add(clone, "nyuv2", paths, name="nyuv2")
    nothing_added(clone)


def test_faulty_sources_add_nothing(clone: Path, mat: Path) -> None:
    whole = (mat / "labeled.mat").read_bytes()
    (mat / "labeled.mat").write_bytes(whole[:-10])
    with pytest.raises(SemcomError, match="labeled.mat is truncated"):
        add(clone, "nyuv2", [mat], name="nyuv2")
    (mat / "labeled.mat").write_bytes(whole)
    with h5py.File(mat / "labeled.mat", "r+") as file:
        file["depths"][-1] = np.float32(1000) * file["depths"][-1]
    with pytest.raises(SemcomError, match=r"frame 7 of .* looks like millimetres"):
        add(clone, "nyuv2", [mat], name="nyuv2")
    nothing_added(clone)


def test_outside_a_repository(tmp_path: Path, pack: Path) -> None:
    with pytest.raises(SemcomError, match="run this in the root of a clone"):
        add(tmp_path, "nyuv2", [pack], name="nyuv2")
    assert not (tmp_path / "data" / "nyuv2").exists()


def test_the_real_pack(clone: Path, real: Path) -> None:
    add(clone, "nyuv2", [real / "nyuv2_192x144"], name="nyuv2")
    with open_source(clone / "data" / "nyuv2") as source:
        assert source.description.crop is not None
        assert len(source.rows) == 1449
    shutil.rmtree(clone / "data" / "nyuv2")


ADD = """
import sys
from pathlib import Path
from semcom.prepare import add, dvc

def stop(*_, **__):
    print("there", flush=True)
    sys.stdin.read()

{call} = stop
add.add(Path(sys.argv[1]), "nyuv2", [Path(sys.argv[2])], name="nyuv2", replace=True)
"""


@contextmanager
def stopped_at(call: str, clone: Path, source: Path) -> Iterator[subprocess.Popen[str]]:
    """An add of `source` with --replace, in a process of its own that waits where it calls `call`; killed."""
    command = [sys.executable, "-c", ADD.format(call=call), clone, source]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_add_of_one_name_ends_and_names_the_first(
    clone: Path, pack: Path, make_pack: Callable, raw, tmp_path: Path
) -> None:
    other = make_pack(tmp_path / "other", replace(raw, types=["cafe"] * 7))
    with stopped_at("add.survey", clone, other) as first:
        said = rf"data/nyuv2 is being added by another process \(host \S+, pid {first.pid}\): wait"
        for again in (False, True):
            with pytest.raises(SemcomError, match=said):
                add(clone, "nyuv2", [pack], name="nyuv2", replace=again)
        nothing_added(clone)
        add(clone, "nyuv2", [pack], name="another")
    add(clone, "nyuv2", [pack], name="nyuv2")


@pytest.mark.parametrize(
    ("call", "after"),
    [
        ("add.write", "first"),
        ("dvc.call", "first"),
        ("add.shutil.rmtree", "second"),
    ],
)
def test_what_a_killed_add_left_is_cleared_by_the_next(
    clone: Path, pack: Path, make_pack: Callable, raw, tmp_path: Path, call: str, after: str
) -> None:
    """Killed while it copies, before DVC knows the new version, and before the old one goes."""
    add(clone, "nyuv2", [pack], name="nyuv2")
    kept = {"first": contents(clone / "data" / "nyuv2")}
    other = make_pack(tmp_path / "other", replace(raw, types=["cafe"] * 7))
    with stopped_at(call, clone, other):
        pass
    assert [path for path in (clone / "data").iterdir() if path.name.startswith(".nyuv2")]
    seen = subprocess.run(
        ["git", "status", "--porcelain", "-uall", "data"],
        cwd=clone,
        check=True,
        capture_output=True,
        text=True,
    )
    assert seen.stdout.splitlines() == [" M data/.gitignore", "?? data/nyuv2.dvc"]
    with pytest.raises(SemcomError, match="data/nyuv2 exists already"):
        add(clone, "nyuv2", [pack], name="nyuv2")
    assert not [path for path in (clone / "data").iterdir() if path.name.startswith(".nyuv2")]
    assert dvc.is_current(clone, "data/nyuv2.dvc")
    kept["second"] = contents(clone / "data" / "nyuv2")
    assert (kept["first"] == kept["second"]) == (after == "first")


def test_an_add_killed_between_two_versions_gives_the_old_one_back(clone: Path, pack: Path) -> None:
    add(clone, "nyuv2", [pack], name="nyuv2")
    first = contents(clone / "data" / "nyuv2")
    (clone / "data" / "nyuv2").rename(clone / "data" / ".nyuv2.old.7")
    with pytest.raises(SemcomError, match="data/nyuv2 exists already"):
        add(clone, "nyuv2", [pack], name="nyuv2")
    assert contents(clone / "data" / "nyuv2") == first
    assert not list((clone / "data").glob(".nyuv2*"))
