import os
import subprocess
from pathlib import Path

import pytest

from semcom.files.atomic import atomic, write_text
from semcom.files.errors import SemcomError
from semcom.files.hashes import digest, sha256
from semcom.files.provenance import commit, machine
from semcom.files.tables import write_rows


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail() -> None:
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_folders_are_made_and_umlauts_kept(tmp_path: Path) -> None:
    path = tmp_path / "mit Leerzeichen" / "über.txt"
    write_text(path, "grün\n")
    assert path.read_bytes() == "grün\n".encode()


def test_a_full_disk_is_one_message_with_a_way_out(tmp_path: Path) -> None:
    # /dev/full gives the error of a full disk to whatever writes to it.
    message = r"cannot write .*a\.txt: No space left on device; .*free some space"

    def fill() -> None:
        with atomic(tmp_path / "a.txt"), open("/dev/full", "w", buffering=1) as full:
            full.write("x\n")

    with pytest.raises(SemcomError, match=message):
        fill()


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(SemcomError, match="cannot write .*results.*; name another file$"):
        write_text(tmp_path / "results" / "a.txt", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SemcomError, match="folder: Is a directory; name another file$"):
        write_text(tmp_path / "folder", "x")


def test_digest_tells_parts_apart() -> None:
    assert digest("ab", "c") != digest("a", "bc") != digest("abc")
    assert digest("a", "b") != digest("b", "a")
    assert digest("a") == digest("a")


def test_sha256_of_known_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_tables_quote_what_needs_it(tmp_path: Path) -> None:
    write_rows(tmp_path / "t.csv", [{"name": "a,b", "snr_db": -5}, {"name": "c", "snr_db": 0.1}])
    assert (tmp_path / "t.csv").read_text() == 'name,snr_db\n"a,b",-5\nc,0.1\n'


def test_commit_says_when_files_differ(tmp_path: Path) -> None:
    assert commit(tmp_path) == "unknown"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "f").write_text("1")
    for command in (["init", "-q"], ["add", "f"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    clean = commit(tmp_path)
    assert len(clean) == 12
    (tmp_path / "untracked").write_text("")
    assert commit(tmp_path) == clean
    (tmp_path / "f").write_text("2")
    assert commit(tmp_path) == f"{clean}-dirty"


def test_machine_names_what_decides_about_bits() -> None:
    said = machine()
    assert {"cpu", "torch", "python"} <= said.keys()
    assert all(said.values())
