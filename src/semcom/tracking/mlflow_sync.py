"""Delivers runs to MLflow; a process of its own: `python -m semcom.tracking.mlflow_sync FOLDER STUDY URI`.

It makes a round for every line that it reads, and ends with its standard input. It prints a line whenever
the server has answered, so that `semcom.tracking.worker` can tell a slow delivery from a dead server; the
last line of a round is `done TEXT` or `error TEXT`. MLflow is imported here and nowhere else.
"""

import os
import queue
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from semcom.files.errors import SemcomError
from semcom.tracking.database import is_server
from semcom.tracking.runs import Reader, Run

if TYPE_CHECKING:
    from mlflow import MlflowClient

PROBE_S = 3
VALUE = 6000
"""MLflow takes at most so many characters in a param."""
PARAMS, METRICS = 99, 800
"""So many params and metrics go into one request, with a tag (MLflow's limits are 100, and 1000 in all)."""

TAGS = ("semcom.job", "semcom.key", "semcom.head", "semcom.journal")
"""Tags by which a delivery knows its runs: of `Run` the job, key, head and sha."""

Name = tuple[str, str]
"""A run's job and key."""

Tell = Callable[[str], None]


@dataclass
class Stored:
    """A run as it stands in MLflow."""

    id: str
    head: str
    sha: str
    status: str
    sent: set[tuple[str, int]] = field(default_factory=set)
    """Points (metric, step) that are known to be there; MLflow keeps one of two equal ones, sent twice."""

    def is_up_to_date(self, run: Run) -> bool:
        """Whether nothing of `run` is missing; the digest, or the final status, is written last."""
        return (self.sha, self.status) == (run.sha, run.status)


def probe(uri: str) -> None:
    """Ask a server whether it is there; any answer at all will do.

    Raises:
        SemcomError: No answer within the time-out.
    """
    if not is_server(uri):
        return
    try:
        urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=PROBE_S).close()
    except urllib.error.HTTPError:
        return
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise SemcomError(f"no answer within {PROBE_S} s ({reason})") from error


class Delivery:
    """Makes the experiment `study` hold exactly these journals' runs; runs of other jobs are never touched.

    A run that has only grown is added to; one whose job ran again is replaced.
    """

    def __init__(self, folder: Path, *, study: str, uri: str, tell: Tell) -> None:
        self.journals, self.study, self.uri, self.tell = Reader(folder), study, uri, tell
        self.stored: dict[Name, Stored] | None = None

    def round(self, *, anew: bool) -> str:
        """Deliver what is not there yet.

        Args:
            anew: Ask MLflow what it has: another process may have delivered since the last round.

        Returns:
            What was done, for people.

        Raises:
            SemcomError: the server did not answer, or refused.
        """
        runs = {(run.job, run.key): run for run in self.journals.read()}
        stored, self.stored = None if anew else self.stored, None  # known again when the round has succeeded
        if not runs:
            return "nothing yet"
        if stored is not None and not _gone(stored, runs) and not _due(stored, runs):
            self.stored = stored
            return "nothing new"
        probe(self.uri)
        self.tell("answered")
        from mlflow.exceptions import MlflowException

        try:
            return self._deliver(runs, stored)
        except MlflowException as error:
            raise SemcomError(" ".join(str(error).split())[:400]) from error

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow's client; importing it takes 1.6 s."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri)

    def _deliver(self, runs: dict[Name, Run], stored: dict[Name, Stored] | None) -> str:
        experiment = _experiment(self.client, self.study)
        self.tell("experiment")
        if stored is None:
            stored = self._there(experiment, {job for job, _ in runs})
        gone = _gone(stored, runs)
        for name in gone:
            self.client.delete_run(stored.pop(name).id)
            self.tell("deleted")
        due = _due(stored, runs)
        new = [name for name in due if name not in stored and name not in gone]
        for name in due:
            if name not in stored:
                stored[name] = self._create(experiment, runs[name])
            self._add(runs[name], stored[name])
        self.stored = stored
        return f"{len(new)} new runs, {len(due) - len(new)} updated, {len(runs) - len(due)} already there"

    def _there(self, experiment: str, jobs: set[str]) -> dict[Name, Stored]:
        """These jobs' runs in MLflow; the second of two of one name is deleted."""
        there: dict[Name, Stored] = {}
        token = None
        while True:
            page = self.client.search_runs([experiment], max_results=200, page_token=token)
            self.tell("page")
            for run in page:
                job, key, head, sha = (run.data.tags.get(tag, "") for tag in TAGS)
                if (job, key) in there:
                    self.client.delete_run(run.info.run_id)
                elif job in jobs:
                    there[job, key] = Stored(run.info.run_id, head, sha, run.info.status)
            token = page.token
            if not token:
                return there

    def _create(self, experiment: str, run: Run) -> Stored:
        tags = {**run.tags, **dict(zip(TAGS, (run.job, run.key, run.head), strict=False))}
        made = self.client.create_run(
            experiment, start_time=round(1000 * run.start), tags=tags, run_name=run.name
        )
        self.tell("run")
        return Stored(made.info.run_id, run.head, sha="", status="RUNNING")

    def _add(self, run: Run, stored: Stored) -> None:
        """Add what is not known to be there, in one request unless it is much; then the final status."""
        from mlflow.entities import Metric, Param, RunTag

        points = [p for p in run.points if (p.metric, p.step) not in stored.sent]
        metrics = [Metric(p.metric, p.value, round(1000 * p.time), p.step) for p in points]
        params = [] if stored.sha else [Param(key, value[:VALUE]) for key, value in run.params.items()]
        if len(metrics) > METRICS or len(params) > PARAMS:
            self.client.log_batch(stored.id, metrics=metrics[:-METRICS], params=params)
            self.tell("much")
            params = []
        tags = [RunTag(TAGS[-1], run.sha)]
        self.client.log_batch(stored.id, metrics=metrics[-METRICS:], params=params, tags=tags)
        if run.status != "RUNNING":
            self.client.set_terminated(stored.id, status=run.status, end_time=round(1000 * run.end))
        elif stored.status != "RUNNING":  # killed, and resumed now
            self.client.update_run(stored.id, status="RUNNING")
        self.tell("points")
        stored.sent.update((p.metric, p.step) for p in points)
        stored.sha, stored.status = run.sha, run.status


def _gone(stored: dict[Name, Stored], runs: dict[Name, Run]) -> list[Name]:
    """What the journals no longer say: another attempt from the start, or fewer runs of a job."""
    jobs = {job for job, _ in runs}
    return [
        name
        for name, there in stored.items()
        if name[0] in jobs and (name not in runs or runs[name].head != there.head)
    ]


def _due(stored: dict[Name, Stored], runs: dict[Name, Run]) -> list[Name]:
    return [name for name, run in runs.items() if name not in stored or not stored[name].is_up_to_date(run)]


def _experiment(client: "MlflowClient", study: str) -> str:
    """The identifier of the study's experiment, made or restored if need be."""
    found = client.get_experiment_by_name(study)
    if found is None:
        return str(client.create_experiment(study))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def main(folder: Path, study: str, uri: str) -> None:
    """Deliver the journals below `folder`, a round a line; see the module's text for what is printed."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # MLflow prints to standard output

    def tell(text: str) -> None:
        print(text, file=answers)

    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=[asked], daemon=True).start()
    delivery = Delivery(folder, study=study, uri=uri, tell=tell)
    while True:
        try:
            tell(f"done {delivery.round(anew=asked.get() == 'anew')}")
        except SemcomError as error:
            tell(f"error {error}")
        except Exception as error:
            tell(f"error {type(error).__name__}: {' '.join(str(error).split())[:400]}")
            raise


def _listen(asked: "queue.SimpleQueue[str]") -> None:
    """Pass lines on, and end the process with them: nobody is left to end it, should a server hold it."""
    for line in sys.stdin:
        asked.put(line.strip())
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
