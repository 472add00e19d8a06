"""A checkout whose jobs go to the private cluster, and a Snakemake that runs there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from checkout import PARAMS, Site, checkout
from slurm import Cluster, Job

POLLING = {"slurm-init-seconds-before-status-checks": 3, "seconds-between-status-checks": 3}
"""Of the tests."""
PRETRAINED = "results/tiny/pretrain/mmssl/seed0"
TARGET = f"{PRETRAINED}/encoders.pt"


def study(folder: Path, **changed: object) -> Site:
    """A new checkout with the tiny study for one seed, pre-trained by the loss of tried.py."""
    site = checkout(folder)
    shutil.copy(Path(__file__).parent / "tried.py", folder / "src/semcom/losses")
    losses = folder / "src/semcom/losses/__init__.py"
    text = losses.read_text()
    assert text.count("LOSSES = {") == 1
    losses.write_text(text.replace("LOSSES = {", 'LOSSES = {\n    "tried": "semcom.losses.tried:Tried",'))
    params = yaml.safe_load(PARAMS) | {"seeds": [0]} | changed
    params["methods"]["mmssl"]["pretrain"] |= {"loss": {"use": "tried"}, "epochs": 10}
    (folder / "params/quickstart.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return site


def profile(site: Site, jobs: dict[str, list[float]] | None = None, **values: object) -> None:
    """Make profiles/mysite as a user does: copy profiles/slurm, edit its site values.

    Args:
        site: the checkout.
        jobs: [hours, MB] of a first attempt, by rule; small otherwise.
        values: other site values, by name.
    """
    folder = site.root / "profiles/mysite"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(site.root / "profiles/slurm", folder)
    text = (folder / "config.yaml").read_text()
    rules = re.findall(r"^    (\w+): \[", text, re.MULTILINE)
    given = {f"    {rule}": (jobs or {}).get(rule, [0.25, 1500]) for rule in rules}
    given |= {f"  {name}": value for name, value in values.items()} | POLLING
    for name, value in given.items():
        text, count = re.subn(rf"^{name}: [^#\n]*", f"{name}: {value}  ", text, flags=re.MULTILINE)
        assert count == 1, f"{name} stands {count} times in the profile"
    (folder / "config.yaml").write_text(text)


def trouble(site: Site, **kinds: object) -> None:
    """Tell the loss of this checkout what to do (tried.py)."""
    shutil.rmtree(site.root / "trouble", ignore_errors=True)
    (site.root / "trouble").mkdir()
    for kind, value in kinds.items():
        (site.root / "trouble" / kind).write_text(str(value))


class Submitted:
    """`snakemake --profile profiles/mysite …`, running."""

    def __init__(self, site: Site, cluster: Cluster, *options: str) -> None:
        self.site, self.cluster = site, cluster
        self.log = site.root / "snakemake.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", "--profile", "profiles/mysite", *options],
                cwd=site.root,
                env=site.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> "Submitted":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for job in self.jobs():
            if job.state in ("PENDING", "RUNNING"):
                self.cluster.cancel(job.id)

    @property
    def output(self) -> str:
        """What Snakemake has said so far."""
        return self.log.read_text()

    def jobs(self, rule: str = "") -> list[Job]:
        """This checkout's jobs on the cluster, oldest first."""
        ours = [job for job in self.cluster.squeue() if job.folder == str(self.site.root)]
        return [job for job in ours if job.comment.startswith(f"rule_{rule}")]

    def wait(self, what: str, ready: object, timeout: float = 300) -> float:
        """Wait until `ready()`; the seconds that it took. An early end of Snakemake is an error."""

        def looked() -> object:
            assert self.process.poll() is None, f"{what}: Snakemake ended\n{self.output}"
            return ready()

        try:
            return self.cluster.wait(what, looked, timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.output}") from None

    def running(self, rule: str, *, after: Job | None = None) -> Job:
        """Wait for a running job of `rule`, sent later than the job `after`."""
        found: list[Job] = []

        def look() -> bool:
            jobs = [job for job in self.jobs(rule) if not after or int(job.id) > int(after.id)]
            found[:] = [job for job in jobs if job.state == "RUNNING"]
            return bool(found)

        self.wait(f"a running job of {rule} (after {after})", look)
        return found[-1]

    def state(self, job: Job) -> str:
        """What squeue says of the job now."""
        (state,) = [other.state for other in self.jobs() if other.id == job.id]
        return state

    def trained(self) -> None:
        """Wait until the pre-training has left a checkpoint."""
        states = self.site.root / "results/.state"
        self.wait("a checkpoint", lambda: list(states.glob("*/training.pt")))

    def end(self, *, code: int = 0, timeout: float = 420) -> str:
        """Wait for Snakemake's end, with exit code `code`; what it said."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"not within {timeout:.0f} s: Snakemake's end\n{self.output}") from None
        assert self.process.returncode == code, self.output
        return self.output


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, by its path there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def went_on(site: Site) -> str:
    """Where the pre-training says that it went on, from the log that its last attempt left."""
    text = (site.root / "logs/tiny/pretrain/mmssl/seed0.log").read_text()
    (line,) = [line for line in text.splitlines() if "goes on after" in line]
    return line.partition("goes on after ")[2].partition(",")[0]


def same(ours: Path, theirs: Path) -> str:
    """Check that two folders hold the same files, byte for byte; which ones, for the table."""
    left, right = contents(ours), contents(theirs)
    assert left.keys() == right.keys()
    assert not [name for name in left if left[name] != right[name]]
    return f"{', '.join(sorted(name.rpartition('/')[2] for name in left))}: identical"
