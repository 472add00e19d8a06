"""Data registered by its address, from a server on loopback, with a real DVC."""

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest

from semcom.files.errors import SemcomError
from semcom.params.dataversion import data_version, registered
from semcom.params.entries import PrepareEntry
from semcom.prepare import dvc, run
from semcom.prepare.add_urls import add_urls, is_url
from semcom.prepare.fetch import fetch


class Handler(http.server.SimpleHTTPRequestHandler):
    """With an ETag, as public servers give one."""

    def end_headers(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_file():
            self.send_header("ETag", f'"{path.stat().st_mtime_ns:x}"')
        super().end_headers()

    def log_message(self, *parts: object) -> None:
        pass


@pytest.fixture
def server(mat: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the folder with the .mat."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (mat / "dataset.json").unlink()
    handler = functools.partial(Handler, directory=str(mat))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def get(root: Path) -> str:
    """Fetch as the workflow does; the version."""
    version = data_version(root, "nyuv2")
    fetch(root, "nyuv2", md5=version, stamp=root / "results" / "nyuv2.ok", pause_s=0)
    assert (root / "results" / "nyuv2.ok").read_text().strip() == version
    return version


def commit(clone: Path) -> None:
    for command in (
        ["add", "-A"],
        ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=clone, check=True)


def another(clone: Path, tmp_path: Path) -> Path:
    path = tmp_path / "another clone"
    subprocess.run(["git", "clone", "-q", clone, path], check=True)
    return path


def change(mat: Path) -> None:
    with h5py.File(mat / "labeled.mat", "r+") as file:
        file["images"][0] = 255 - file["images"][0]


def test_registered_fetched_anew_and_updated(clone: Path, mat: Path, server: str, tmp_path: Path) -> None:
    add_urls(clone, [f"{server}/labeled.mat", str(mat / "splits.mat")], name="nyuv2")
    data = clone / "data" / "nyuv2"
    assert sorted(path.name for path in data.iterdir()) == [
        ".gitignore", "dataset.json", "labeled.mat", "labeled.mat.dvc", "splits.mat",
    ]  # fmt: skip
    assert registered(clone) == ["nyuv2", "rooms"]
    assert (data / "labeled.mat").read_bytes() == (mat / "labeled.mat").read_bytes()
    commit(clone)
    first = get(clone)
    # A plain pull, with the file gone: from the cache.
    (data / "labeled.mat").unlink()
    assert dvc.call(clone, "pull").returncode == 0
    assert (data / "labeled.mat").is_file()
    # A fresh clone without cache and remote: the workflow's fetch goes to the address.
    fresh = another(clone, tmp_path)
    assert get(fresh) == first
    entry = PrepareEntry(name="nyuv2", size=(24, 18), data=first, code="1" * 16)
    run(fresh / "data" / "nyuv2", entry, tmp_path / "out.h5")
    assert subprocess.run(
        ["git", "status", "--porcelain", "data"], cwd=fresh, check=True, capture_output=True
    ).stdout == b""  # fmt: skip
    # Other bytes at the source are another version: refused where the old one is wanted, taken by update.
    change(mat)
    shutil.rmtree(fresh / ".dvc" / "cache")
    (fresh / "data" / "nyuv2" / "labeled.mat").unlink()
    with pytest.raises(SemcomError, match=r"hold other bytes than the registered version .*dvc update"):
        get(fresh)
    assert data_version(fresh, "nyuv2") == first
    assert dvc.call(fresh, "update", "data/nyuv2/labeled.mat.dvc").returncode == 0
    assert get(fresh) != first
    assert (fresh / "data" / "nyuv2" / "labeled.mat").read_bytes() == (mat / "labeled.mat").read_bytes()


def test_a_plain_pull_in_a_fresh_clone_with_a_remote(
    clone: Path, mat: Path, server: str, tmp_path: Path
) -> None:
    add_urls(clone, [f"{server}/labeled.mat", f"{server}/splits.mat"], name="nyuv2")
    dvc.call(clone, "remote", "add", "-d", "lab", str(tmp_path / "remote"))
    assert dvc.call(clone, "push", *dvc.targets(clone, "nyuv2")).returncode == 0
    commit(clone)
    (mat / "labeled.mat").unlink()
    fresh = another(clone, tmp_path)
    done = dvc.call(fresh, "pull")
    assert done.returncode == 0, done.stderr
    assert get(fresh) == data_version(clone, "nyuv2")


def test_what_is_in_git_is_part_of_the_version(clone: Path, mat: Path, server: str) -> None:
    add_urls(clone, [f"{server}/labeled.mat", str(mat / "splits.mat")], name="nyuv2")
    first = data_version(clone, "nyuv2")
    description = clone / "data" / "nyuv2" / "dataset.json"
    description.write_text(
        description.read_text().replace('"depths"', '"rawDepths"').replace("Depth V2", "x")
    )
    assert data_version(clone, "nyuv2") != first


def test_faults_add_nothing(clone: Path, mat: Path, server: str, tmp_path: Path) -> None:
    (mat / "broken.mat").write_bytes((mat / "labeled.mat").read_bytes()[:3000])
    (tmp_path / "large.mat").write_bytes(bytes(2**20 + 1))
    splits = str(mat / "splits.mat")
    for sources, message in (
        ([f"{server}/none.mat", splits], r"DVC cannot get http://127.*/none.mat: "),
        ([f"{server}/broken.mat", splits], "broken.mat is truncated"),
        ([f"{server}/labeled.mat"], "1 labelled .mat and 0 splits.mat"),
        ([f"{server}/labeled.mat", str(tmp_path / "large.mat")], "too large for git"),
        ([f"{server}/labeled.mat", "nowhere.mat"], "is no file"),
        ([f"{server}/labeled.mat", f"{server}/labeled.mat"], "a second file of that name"),
        ([f"{server}/", splits], "no file is named"),
    ):
        with pytest.raises(SemcomError, match=message):
            add_urls(clone, sources, name="nyuv2")
        assert registered(clone) == ["rooms"]
        assert [path.name for path in (clone / "data").iterdir()] == [".gitignore"]


def test_the_verb_tells_addresses_from_paths(clone: Path, mat: Path, server: str) -> None:
    assert [is_url(text) for text in ("https://x.org/a", "a/b.mat", "C://x", "s3://b/k")] == [
        True,
        False,
        False,
        True,
    ]
    command = [sys.executable, "-m", "semcom", "data", "add", "nyuv2", f"{server}/labeled.mat"]
    done = subprocess.run(
        [*command, str(mat / "splits.mat"), "--depth", "raw"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"rawDepths"' in (clone / "data" / "nyuv2" / "dataset.json").read_text()
