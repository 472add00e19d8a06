"""Snakemake or its batch job is killed while jobs run: what the user sees, and how the study goes on."""

import signal
import subprocess
import sys
import time

import pytest

import processes
from submitted import PRETRAINED, TARGET, Submitted, same, trouble

pytestmark = pytest.mark.slurm
OPTIONS = (TARGET, "--profile", "profiles/mysite")
# The first of the two lines of docs/cluster.md; the second is `snakemake --unlock …  && snakemake …`.
CANCEL = """squeue -h --me -o '%i %j %Z' | awk -v here="$(pwd -P)" \
    '$2 ~ /^semcom_/ && substr($0, index($0, $3)) == here {print $1}' | xargs -r scancel"""
MODULE = (sys.executable, "-m")
RESUME = ("semcom", "cluster", "resume", *OPTIONS)


def killed(run):
    """The running pre-training of a Snakemake that is killed; three seconds a step, so that it outlasts
    what is done with it."""
    job = run.running("pretrain")
    run.trained()
    trouble(run.site, pause=3)
    run.process.kill()
    run.process.wait()
    return job


def cancelled(cluster, job):
    """Wait for the job's end. Only then may its steps be fast again: it would train to its end first."""
    cluster.wait("the orphan's end", lambda: cluster.job(job.id)["JobState"] == "CANCELLED")


def stranger(cluster, name, folder):
    """A job that is not this checkout's; its number."""
    command = (
        "sbatch",
        "--parsable",
        "--mem=100",
        f"--job-name={name}",
        f"--chdir={folder}",
        "--wrap=sleep 900",
    )
    return cluster.run(*command, "--output=/dev/null").strip()


def test_killed_snakemake_run_again_by_hand(cluster, pretraining, undisturbed, record):
    with Submitted(pretraining, cluster, TARGET) as run:
        orphan = killed(run)
        assert "It can be removed with the --unlock argument" in pretraining.snakemake(*OPTIONS, code=1)
        pretraining.snakemake("--unlock", *OPTIONS)
        said = pretraining.snakemake(*OPTIONS, code=1)
        assert "1 job of an earlier run of this folder still in SLURM's queue" in said
        assert f"{orphan.id} rule_pretrain" in said
        assert "`semcom cluster resume OPTIONS`" in said
        assert [job.id for job in run.jobs("pretrain")] == [orphan.id]
        start = time.monotonic()
        other = stranger(cluster, "semcom_1", pretraining.root.parent)
        subprocess.run(["bash", "-c", CANCEL], cwd=pretraining.root, check=True, timeout=60)
        cancelled(cluster, orphan)
        trouble(pretraining)
        pretraining.snakemake("--unlock", *OPTIONS)
        pretraining.snakemake(*OPTIONS)
        seconds = time.monotonic() - start
    assert cluster.job(other)["JobState"] == "RUNNING"
    cluster.cancel(other)
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    record("Snakemake killed, run again", "refused beside the orphan, ran after scancel", seconds, compared)


def test_killed_snakemake_resumed(cluster, pretraining, undisturbed, record, tmp_path):
    theirs = [stranger(cluster, "semcom_1", tmp_path), stranger(cluster, "mine", pretraining.root)]
    with Submitted(pretraining, cluster, TARGET) as run:
        orphan = killed(run)
        assert "would cancel 1 job" in pretraining.run(*RESUME, "--dry-run")
        said = pretraining.run(*RESUME, "--no-such-option", code=1)
        assert "nothing was done" in said
        assert cluster.job(orphan.id)["JobState"] == "RUNNING"
        start = time.monotonic()
        resuming = pretraining.start(*RESUME)
        cancelled(cluster, orphan)
        trouble(pretraining)
        said, _ = resuming.communicate()
        seconds = time.monotonic() - start
        assert resuming.returncode == 0, said
        assert f"cancelling 1 job of the killed run:\n  {orphan.id} rule_pretrain" in said
        (_, second) = run.jobs("pretrain")
    first, second = cluster.job(orphan.id), cluster.job(second.id)
    assert (first["JobState"], second["JobState"]) == ("CANCELLED", "COMPLETED")
    assert first["EndTime"] <= second["StartTime"]
    assert [cluster.job(job)["JobState"] for job in theirs] == ["RUNNING", "RUNNING"]
    cluster.run("scancel", *theirs)
    assert "goes on after" in (pretraining.root / "logs/tiny/pretrain/mmssl/seed0.log").read_text()
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    record("Snakemake killed, resumed", "orphan cancelled, went on at its checkpoint", seconds, compared)
    assert "Nothing to be done" in pretraining.run(*RESUME)


def test_killed_snakemake_resumed_with_its_jobs(cluster, pretraining, undisturbed, record):
    with Submitted(pretraining, cluster, TARGET) as run:
        orphan = killed(run)
        trouble(pretraining, pause=0.1)
        start = time.monotonic()
        said = pretraining.run(*RESUME, "--adopt")
        seconds = time.monotonic() - start
        assert "waiting for 1 job" in said
        assert "Nothing to be done" in said
        assert [job.id for job in run.jobs("pretrain")] == [orphan.id]
    compared = same(pretraining.root / PRETRAINED, undisturbed.root / PRETRAINED)
    record("Snakemake killed, resumed --adopt", "waited for the orphan, kept its files", seconds, compared)


def test_a_living_snakemake_is_not_resumed(cluster, pretraining):
    with Submitted(pretraining, cluster, TARGET) as run:
        job = run.running("pretrain")
        said = pretraining.run(*RESUME, code=1)
        assert f"pid {run.process.pid}" in said
        assert "Snakemake still works in this folder" in said
        assert cluster.job(job.id)["JobState"] == "RUNNING"
        run.process.send_signal(signal.SIGINT)
        run.process.wait(120)
        cluster.wait("Ctrl-C cancels the job", lambda: cluster.job(job.id)["JobState"] == "CANCELLED")


class Whole:
    """The checkout's batch script, as `semcom cluster script` prints it: three minutes, warned after two."""

    def __init__(self, cluster, site):
        self.cluster, self.site = cluster, site
        words = ("--cpus", "2", "--memory", "4000", "--time", "3", "--warning", "60")
        (site.root / "whole.sh").write_text(self.run(*MODULE, "semcom", "cluster", "script", *words, TARGET))

    def run(self, *command):
        """What a command prints to standard output."""
        site = self.site
        done = subprocess.run(command, cwd=site.root, env=site.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def send(self, *options):
        """Submit it; the job's number."""
        return self.run("sbatch", "--parsable", *options, "whole.sh")

    def said(self, job):
        path = self.site.root / f"logs/semcom-whole-{job}.log"
        return path.read_text() if path.exists() else ""

    def state(self, job):
        return self.cluster.job(job)["JobState"]

    def wait(self, job, *states):
        self.cluster.wait(f"batch job {job} in {states}", lambda: self.state(job) in states, 300)


def test_the_batch_job_killed_and_out_of_time(cluster, pretraining, undisturbed, record):
    root = pretraining.root
    whole = Whole(cluster, pretraining)
    trouble(pretraining, pause=4)
    first = whole.send("--time=30")
    cluster.wait("a checkpoint", lambda: list((root / "results/.state").glob("*/training.pt")), 300)
    said = pretraining.run(*RESUME, code=1)
    assert "Snakemake still works in this folder" in said
    assert f"cancel it with scancel {first};" in said
    # Not by scancel: before SIGKILL it sends SIGTERM, at which Snakemake tidies up.
    processes.kill(processes.found(root, f"SLURM_JOB_ID={first}"))
    whole.wait(first, "FAILED", "CANCELLED", "COMPLETED", "NODE_FAIL")

    second = whole.send()
    cluster.wait("the warning", lambda: "goes back into the queue" in whole.said(second), 300)
    whole.wait(second, "PENDING")
    assert "a batch job runs or will run the whole workflow" in pretraining.run(*RESUME, code=1)
    trouble(pretraining)
    start = time.monotonic()
    cluster.run("scontrol", "update", f"jobid={second}", "StartTime=now", "TimeLimit=30")
    whole.wait(second, "COMPLETED")
    seconds = time.monotonic() - start
    assert "restart 1" in whole.said(second)
    assert "unlocking: the run that held the lock is gone" in whole.said(second)
    compared = same(root / PRETRAINED, undisturbed.root / PRETRAINED)
    record("batch job killed, then out of time", "sent again, requeued itself, went on", seconds, compared)
