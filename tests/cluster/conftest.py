"""The private cluster, an undisturbed local run to compare with, and the fault table."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import slurm
from checkout import Site
from submitted import PRETRAINED, TARGET, profile, study, trouble

ROWS = pytest.StashKey[list[tuple[str, str, str, str]]]()
HEAD = ("case", "what happened", "seconds to recovery", "files compared")
Record = Callable[[str, str, float | None, str], None]


@pytest.fixture(scope="module")
def cluster() -> Iterator[slurm.Cluster]:
    """Two nodes of two CPUs, without accounting."""
    if why := slurm.missing():
        pytest.exit(why, 1)
    with slurm.cluster(nodes=2, cpus=2) as made:
        yield made


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A checkout in which the pre-training has run on this machine, without a cluster and without trouble."""
    site = study(tmp_path_factory.mktemp("undisturbed") / "köln x")
    site.snakemake("--cores", "2", TARGET)
    return site


@pytest.fixture
def pretraining(undisturbed: Site, tmp_path: Path) -> Site:
    """A copy of it with the pre-training still to do, a second or so a step, and profiles/mysite."""
    site = Site(Path(shutil.copytree(undisturbed.root, tmp_path / "köln x")))
    for file in (site.root / PRETRAINED).iterdir():
        file.unlink()
    profile(site)
    trouble(site, pause=1)
    return site


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Add a row to the fault table; called at the end of a test, with what the test saw."""

    def add(case: str, happened: str, seconds: float | None, compared: str) -> None:
        row = (case, happened, "" if seconds is None else f"{seconds:.0f}", compared)
        request.config.stash.setdefault(ROWS, []).append(row)

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = terminalreporter.config.stash.get(ROWS, [])
    if not rows:
        return
    terminalreporter.section("faults")
    widths = [max(len(row[column]) for row in (HEAD, *rows)) for column in range(len(HEAD))]
    for row in (HEAD, *rows):
        line = " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        terminalreporter.write_line(line.rstrip())
