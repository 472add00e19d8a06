import subprocess
import sys
from pathlib import Path

import pytest

from semcom.files.errors import SemcomError
from semcom.params.dataversion import data_version, registered


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "x y ü"
    (root / "data").mkdir(parents=True)
    (root / "data.dvc").write_text(
        "outs:\n- path: data/rooms\n  remote: bundled\n  md5: aa11.dir\n- path: data/halls\n  md5: bb22.dir\n"
    )
    (root / "data" / "nyuv2.dvc").write_text("outs:\n- md5: cc33.dir\n  size: 3\n  path: nyuv2\n")
    return root


def test_versions_of_bundled_and_own_sets(root: Path) -> None:
    assert registered(root) == ["halls", "nyuv2", "rooms"]
    assert [data_version(root, name) for name in registered(root)] == ["bb22.dir", "cc33.dir", "aa11.dir"]


def test_an_unknown_name(root: Path) -> None:
    with pytest.raises(SemcomError) as caught:
        data_version(root, "nyu2")
    assert "no data set 'nyu2'" in str(caught.value)
    assert "did you mean 'nyuv2'?" in str(caught.value)
    assert "Registered: halls, nyuv2, rooms" in str(caught.value)
    assert "semcom data add" in str(caught.value)


def test_nothing_registered(tmp_path: Path) -> None:
    assert registered(tmp_path) == []
    with pytest.raises(SemcomError, match=r"has neither data.dvc nor a folder data, .* --directory ROOT"):
        data_version(tmp_path, "rooms")
    (tmp_path / "data").mkdir()
    with pytest.raises(SemcomError, match="Registered: none"):
        data_version(tmp_path, "rooms")


def test_damaged_and_unfinished_files(root: Path) -> None:
    own = root / "data" / "nyuv2.dvc"
    own.write_text("outs:\n- path: nyuv2\n")
    with pytest.raises(SemcomError, match="'nyuv2' is registered without its md5"):
        data_version(root, "nyuv2")
    for text in ("outs: [", "stages: {}", "", "outs:\n- md5: aa"):
        own.write_text(text)
        with pytest.raises(SemcomError, match=r"nyuv2.dvc is not a DVC file with `outs`"):
            data_version(root, "rooms")


def test_needs_nothing_heavy() -> None:
    """Every start of Snakemake imports this."""
    heavy = "'dvc', 'h5py', 'numpy', 'torch', 'pydantic', 'PIL'"
    code = f"import sys, semcom.params.dataversion; print({{{heavy}}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
