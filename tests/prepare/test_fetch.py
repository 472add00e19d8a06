"""`semcom data fetch` in a clone whose remote is a folder of the repository, with a real DVC."""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from semcom.files.errors import SemcomError
from semcom.params.dataversion import data_version
from semcom.prepare import dvc
from semcom.prepare.add import add
from semcom.prepare.fetch import fetch


def get(clone: Path, name: str = "rooms") -> None:
    fetch(clone, name, md5=data_version(clone, name), stamp=clone / "results" / f"{name}.ok", pause_s=0)


def stamp(clone: Path, name: str = "rooms") -> str | None:
    path = clone / "results" / f"{name}.ok"
    return path.read_text().strip() if path.exists() else None


def objects(folder: Path) -> list[Path]:
    """The data objects of a DVC store, not the folder lists."""
    return [path for path in (folder / "files").rglob("*") if path.is_file() and path.suffix != ".dir"]


def damage(folder: Path) -> None:
    for path in objects(folder):
        path.chmod(0o644)
        path.write_bytes(b"damaged")


def test_a_fresh_clone_then_without_any_remote(clone: Path) -> None:
    get(clone)
    assert (clone / "data" / "rooms" / "frames.txt").read_text() == "version 1"
    assert stamp(clone) == data_version(clone, "rooms")
    shutil.rmtree(clone / "bundled")
    shutil.rmtree(clone / "results")
    get(clone)
    assert stamp(clone) == data_version(clone, "rooms")


def test_another_version_and_an_unknown_name(clone: Path) -> None:
    with pytest.raises(SemcomError, match=r"registered in the version .*\.dir, but abc was asked for"):
        fetch(clone, "rooms", md5="abc", stamp=clone / "s")
    with pytest.raises(SemcomError, match="no data set 'room' .* did you mean 'rooms'"):
        fetch(clone, "room", md5="abc", stamp=clone / "s")
    assert not (clone / "s").exists()


def test_a_remote_without_the_bytes_and_back(clone: Path, tmp_path: Path) -> None:
    shutil.copytree(clone / "bundled", tmp_path / "kept")
    for path in objects(clone / "bundled"):
        path.unlink()
    with pytest.raises(SemcomError, match=r"data/rooms is not here .*`git checkout -- bundled`"):
        get(clone)
    assert stamp(clone) is None
    shutil.rmtree(clone / "bundled")
    shutil.copytree(tmp_path / "kept", clone / "bundled")
    get(clone)
    assert stamp(clone) is not None


def test_corrupt_on_the_remote(clone: Path) -> None:
    damage(clone / "bundled")
    with pytest.raises(SemcomError, match=r"data/rooms is not here .*undamaged"):
        get(clone)
    assert stamp(clone) is None
    assert not (clone / "data" / "rooms").exists()


def test_an_edited_bundled_set_is_fetched_anew_and_a_corrupt_cache_mended(clone: Path) -> None:
    get(clone)
    (clone / "data" / "rooms" / "frames.txt").write_text("edited")
    get(clone)
    assert (clone / "data" / "rooms" / "frames.txt").read_text() == "version 1"
    damage(clone / ".dvc" / "cache")
    shutil.rmtree(clone / "data" / "rooms")
    get(clone)
    assert (clone / "data" / "rooms" / "frames.txt").read_text() == "version 1"


def test_a_users_changed_set_is_never_overwritten(clone: Path, pack: Path) -> None:
    add(clone, "nyuv2", [pack], name="nyuv2")
    get(clone, "nyuv2")
    with open(clone / "data" / "nyuv2" / "meta.csv", "a") as file:
        file.write("precious\n")
    with pytest.raises(SemcomError, match=r"data/nyuv2 was changed by hand.*keep it with `dvc add"):
        get(clone, "nyuv2")
    assert "precious" in (clone / "data" / "nyuv2" / "meta.csv").read_text()
    dvc.call(clone, "checkout", "--force", "data/nyuv2.dvc")
    shutil.rmtree(clone / "data" / "nyuv2")
    get(clone, "nyuv2")  # from the cache: a user's set needs no remote on the machine that added it
    shutil.rmtree(clone / "data" / "nyuv2")
    shutil.rmtree(clone / ".dvc" / "cache")
    with pytest.raises(SemcomError, match="data/nyuv2 is not here .*dvc remote add.*--replace"):
        get(clone, "nyuv2")


def test_waits_while_another_process_holds_the_lock(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (clone / ".dvc" / "tmp").mkdir()
    waited: list[float] = []
    with open(clone / ".dvc" / "tmp" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 2:
                fcntl.flock(lock, fcntl.LOCK_UN)

        monkeypatch.setattr(dvc.time, "sleep", sleep)
        get(clone)
    assert waited == [2.0, 6.0]
    assert stamp(clone) is not None


def test_tries_five_times_when_the_network_fails(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulls, call = [], dvc.call

    def unreachable(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        if arguments[0] != "pull":
            return call(root, *arguments)
        pulls.append(arguments)
        return subprocess.CompletedProcess([], 1, "", "ERROR: unexpected error - timed out\n")

    monkeypatch.setattr(dvc, "call", unreachable)
    with pytest.raises(SemcomError, match=r"data/rooms is not here .*timed out"):
        get(clone)
    assert pulls == [("pull", "--force", "data/rooms")] * 5


def test_a_copy_without_git(clone: Path) -> None:
    shutil.rmtree(clone / ".git")
    with pytest.raises(SemcomError, match=r"`dvc config --local core.no_scm true`"):
        get(clone)
    dvc.call(clone, "config", "--local", "core.no_scm", "true")
    get(clone)
    assert stamp(clone) is not None


def test_the_verb_says_one_line_and_fails(clone: Path) -> None:
    command = [sys.executable, "-m", "semcom", "data", "fetch", "room", "--md5", "abc", "--stamp", "s"]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "did you mean 'rooms'?" in done.stderr
    assert "Traceback" not in done.stderr
