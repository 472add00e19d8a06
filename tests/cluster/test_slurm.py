"""The private cluster leaves nothing behind, however it ends."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import processes
import slurm

pytestmark = pytest.mark.slurm
JOB = ("sbatch", "--mem=100", "--output=/dev/null", "--wrap=setsid sleep 987 & srun sleep 987")


def sleeping() -> list[int]:
    """Processes of the jobs above, wherever they went."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if re.fullmatch(rb"(/usr/bin/|/bin/)?sleep\0987\0", (entry / "cmdline").read_bytes()):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def left() -> tuple[object, ...]:
    """What a cluster could leave behind: files in two places, processes."""
    etc = {path: path.read_bytes() for path in slurm.ETC.rglob("*") if path.is_file()}
    return etc, list(Path("/tmp").glob("semcom-slurm-*")), slurm.KEPT.exists(), sleeping()


@pytest.fixture(autouse=True)
def possible():
    if why := slurm.missing():
        pytest.exit(why, 1)


def test_nothing_is_left_when_a_test_fails():
    before, marks = left(), []

    def failing() -> None:
        with slurm.cluster() as made:
            made.run(*JOB)
            made.wait("the job's two processes", lambda: len(sleeping()) == 2)
            marks.append((made.folder, made.mark))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert left() == before
    assert not processes.found(*marks[0])


def test_the_next_cluster_removes_what_a_killed_one_left():
    before = left()
    command = [sys.executable, slurm.__file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert any("ends it" in line for line in process.stdout)
        subprocess.run(JOB, check=True, capture_output=True, timeout=30)
        folder = Path(slurm.OURS.read_text())
        process.send_signal(signal.SIGKILL)
    assert folder.exists()
    with slurm.cluster(nodes=1) as made:
        assert not folder.exists()
        assert made.squeue() == []
    assert left() == before
