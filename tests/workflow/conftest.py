"""A whole checkout with a tiny data set, in a folder whose name has a space and an umlaut."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from checkout import Site, checkout


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the tiny study has run, made once for all test processes, and never changed.

    `first.log` is what Snakemake said.
    """
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site" / "köln x"
    root.parent.mkdir(exist_ok=True)
    with open(root.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "first.log").exists():
            site = checkout(root)
            (root / "first.log").write_text(site.snakemake("--cores", "2"))
    return root


@pytest.fixture(scope="session")
def finished(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The finished checkout, for tests that leave it as it is."""
    return Site(Path(shutil.copytree(pristine, tmp_path_factory.mktemp("finished") / "köln x")))


@pytest.fixture
def copied(pristine: Path, tmp_path: Path) -> Site:
    """The finished checkout, for a test that changes it."""
    return Site(Path(shutil.copytree(pristine, tmp_path / "köln x")))
