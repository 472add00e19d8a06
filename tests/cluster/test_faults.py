"""What goes wrong on a cluster, on a real one: the training goes on to the files of a quiet run."""

import time

import pytest

from submitted import PRETRAINED, TARGET, Submitted, profile, same, trouble, went_on

pytestmark = pytest.mark.slurm


OTHER = "results/tiny/tune/supervised/awgn_k8/all/choice.json"
FAULT = "the loss was told to fail"


def test_failing_job(cluster, pretraining, undisturbed, record):
    trouble(pretraining, fault=FAULT)
    with Submitted(pretraining, cluster, TARGET, OTHER, "--retries", "0") as run:
        said = run.end(code=1)
        (failed,), (other,) = run.jobs("pretrain"), run.jobs("tune")
        states = f"pretrain {failed.state}, tune of another method {other.state}"
    assert states == "pretrain FAILED, tune of another method COMPLETED"
    assert f"error: {FAULT}" in said
    assert not (pretraining.root / TARGET).exists()
    trouble(pretraining)
    start = time.monotonic()
    with Submitted(pretraining, cluster, TARGET, OTHER) as run:
        run.end()
        seconds = time.monotonic() - start
        before = {failed.id, other.id}
        (only,) = [job for job in run.jobs() if job.id not in before]
    assert only.comment.startswith("rule_pretrain")
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    record("failing job", f"{states}; mended, started again: 1 job", seconds, compared)


def test_cancelled_job(cluster, pretraining, undisturbed, record):
    with Submitted(pretraining, cluster, TARGET) as run:
        first = run.running("pretrain")
        run.trained()
        cluster.cancel(first.id)
        start = time.monotonic()
        second = run.running("pretrain", after=first)
        seconds = time.monotonic() - start
        trouble(pretraining)
        run.end()
        states = run.state(first), run.state(second)
    assert states[0] in ("CANCELLED", "FAILED")
    assert states[1] == "COMPLETED"
    happened = f"{states[0]}, sent again ({states[1]})"
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    record("scancel", f"{happened}, went on after {went_on(pretraining)}", seconds, compared)


def test_more_memory_than_asked_for(cluster, pretraining, undisturbed, record):
    profile(pretraining, {"pretrain": [0.25, 1100]})
    trouble(pretraining, memory=900)
    with Submitted(pretraining, cluster, TARGET) as run:
        first = run.running("pretrain")
        run.wait("the end of the first attempt", lambda: run.state(first) != "RUNNING")
        start = time.monotonic()
        second = run.running("pretrain", after=first)
        seconds = time.monotonic() - start
        run.end()
        states = [
            (job.tres.partition("mem=")[2].partition(",")[0], run.state(job)) for job in (first, second)
        ]
    assert states == [("1100M", "FAILED"), ("2200M", "COMPLETED")]
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    happened = ", ".join(f"{memory} {state}" for memory, state in states)
    record("memory exceeded", happened, seconds, compared)


def test_node_fails(cluster, pretraining, undisturbed, record):
    with Submitted(pretraining, cluster, TARGET) as run:
        first = run.running("pretrain")
        run.trained()
        cluster.node_down(first.node)
        start = time.monotonic()
        try:
            run.wait("SLURM sees it", lambda: run.state(first) != "RUNNING")
            second = run.running("pretrain")
            seconds = time.monotonic() - start
            trouble(pretraining)
            run.end()
        finally:
            cluster.node_up(first.node)
    assert second.id == first.id
    assert second.node != first.node
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    happened = f"{first.node} failed, SLURM started the job again on {second.node}, went on after "
    record("node down", happened + went_on(pretraining), seconds, compared)


def test_controller_restarts(cluster, pretraining, undisturbed, record):
    with Submitted(pretraining, cluster, TARGET) as run:
        first = run.running("pretrain")
        run.trained()
        cluster.stop_controller()
        start = time.monotonic()
        trouble(pretraining)  # the job ends while nobody can be asked
        run.cluster.wait("the job's files", lambda: (pretraining.root / TARGET).exists(), timeout=300)
        cluster.start_controller()
        run.end()
        seconds = time.monotonic() - start
        (only,) = run.jobs("pretrain")
    assert only.id == first.id
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    record("slurmctld restarted", "the job ended meanwhile; seen when it answered again", seconds, compared)
