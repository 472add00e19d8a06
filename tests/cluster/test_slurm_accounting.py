"""A cluster with accounting (slurmdbd, MariaDB): an account is asked for, and the database may fail."""

import time
from collections.abc import Iterator

import pytest

import slurm
from submitted import PRETRAINED, TARGET, Submitted, profile, same, trouble, went_on

pytestmark = pytest.mark.slurm
OUTAGE_S = 20


@pytest.fixture(scope="module")
def accounted() -> Iterator[slurm.Cluster]:
    if why := slurm.missing(accounting=True):
        pytest.exit(why, 1)
    with slurm.cluster(nodes=2, cpus=2, accounting=True) as made:
        yield made


def test_cancelled_job_and_dead_database(accounted, pretraining, undisturbed, record):
    """With sacct in place of squeue, Snakemake would wait for ever for either."""
    profile(pretraining, account="lab", qos="normal", partition="cpu", gpu_partition="cpu")
    with Submitted(pretraining, accounted, TARGET) as run:
        first = run.running("pretrain")
        run.trained()
        accounted.stop_database()
        time.sleep(OUTAGE_S)
        accounted.start_database()
        assert run.state(first) == "RUNNING"
        accounted.cancel(first.id)
        start = time.monotonic()
        second = run.running("pretrain", after=first)
        seconds = time.monotonic() - start
        trouble(pretraining)
        run.end()
        happened = f"slurmdbd away for {OUTAGE_S} s; {run.state(first)}, sent again ({run.state(second)})"
    told = accounted.run("sacct", "-X", "--noheader", "--parsable2", "--format=JobID,Account,QOS,Comment")
    assert f"{second.id}|lab|normal|rule_pretrain_wildcards_tiny_mmssl_0" in told.splitlines()
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    record(
        "accounting: outage, scancel", f"{happened}, went on after {went_on(pretraining)}", seconds, compared
    )
