"""What goes wrong on a cluster, on a real one: the study goes on, and its files are those of a quiet run."""

import time

import pytest

from submitted import PRETRAINED, Submitted, profile, same, trouble

pytestmark = pytest.mark.slurm
TARGET = f"{PRETRAINED}/encoders.pt"


@pytest.fixture
def pretraining(site):
    """The checkout with its pre-training still to do, a second or so a step."""
    for file in (site.root / PRETRAINED).iterdir():
        file.unlink()
    profile(site)
    trouble(site, pause=1)
    return site


def goes_on(site) -> str:
    """Where the job says that it went on, from the log that its last attempt left."""
    text = (site.root / "logs/tiny/pretrain/mmssl_seed0.log").read_text()
    (line,) = [line for line in text.splitlines() if "goes on after" in line]
    return line.partition("goes on after ")[2].partition(",")[0]


def test_cancelled_job(cluster, pretraining, undisturbed, record):
    with Submitted(pretraining, cluster, TARGET) as run:
        first = run.running("pretrain")
        run.trained()
        cluster.cancel(first.id)
        start = time.monotonic()
        run.running("pretrain", after=first.id)
        seconds = time.monotonic() - start
        trouble(pretraining)
        run.end()
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    record("scancel", f"sent again, went on after {goes_on(pretraining)}", seconds, compared)
