"""Delivers runs to MLflow; a process of its own: `python -m semcom.tracking.mlflow_sync FOLDER STUDY URI`.

It prints a line whenever the server has answered, so that `semcom.tracking.sync` can tell a slow delivery
from a dead server; the last line is `done TEXT` or `error TEXT`. MLflow is imported here and nowhere else.
"""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semcom.files.errors import SemcomError
from semcom.tracking.database import is_server
from semcom.tracking.runs import Run, read_study

if TYPE_CHECKING:
    from mlflow import MlflowClient

PROBE_S = 3
VALUE = 6000
"""MLflow takes at most so many characters in a param."""

Identity = tuple[str, str, str]
"""A run's key, digest and status."""

Tell = Callable[[str], None]


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


def deliver(runs: Sequence[Run], *, study: str, uri: str, tell: Tell) -> str:
    """Make the experiment `study` hold exactly these jobs' runs; what is there already is left alone.

    A run counts as there when its tag `semcom.journal` is the digest of what the journal says and it has
    its final status, which is written last: one whose delivery was cut off does not count. Runs of other
    jobs are never touched.

    Returns:
        What was done, for people.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(tracking_uri=uri)
    try:
        experiment = _experiment(client, study)
        tell("experiment")
        there = _there(client, experiment, jobs={run.job for run in runs}, tell=tell)
        wanted = {_identity(run): run for run in runs}
        for found in there.keys() - wanted.keys():
            client.delete_run(there[found])
            tell("deleted")
        missing = [run for identity, run in wanted.items() if identity not in there]
        for run in missing:
            _create(client, experiment, run)
            tell("run")
    except MlflowException as error:
        raise SemcomError(" ".join(str(error).split())[:400]) from error
    new = len({run.key for run in missing} - {key for key, _, _ in there})
    return f"{new} new runs, {len(missing) - new} replaced, {len(runs) - len(missing)} already there"


def _identity(run: Run) -> Identity:
    return run.key, run.sha, run.status


def _experiment(client: "MlflowClient", study: str) -> str:
    """The identifier of the study's experiment, made or restored if need be."""
    found = client.get_experiment_by_name(study)
    if found is None:
        return str(client.create_experiment(study))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _there(client: "MlflowClient", experiment: str, *, jobs: set[str], tell: Tell) -> dict[Identity, str]:
    """MLflow's identifiers of these jobs' runs; the second of two equal ones is deleted."""
    there: dict[Identity, str] = {}
    token = None
    while True:
        page = client.search_runs([experiment], max_results=200, page_token=token)
        tell("page")
        for run in page:
            tags = run.data.tags
            if tags.get("semcom.job") not in jobs:
                continue
            found = (tags.get("semcom.key", ""), tags.get("semcom.journal", ""), run.info.status)
            if found in there:
                client.delete_run(run.info.run_id)
            there.setdefault(found, run.info.run_id)
        token = page.token
        if not token:
            return there


def _create(client: "MlflowClient", experiment: str, run: Run) -> None:
    """One run in four requests (a few more for thousands of metrics: `log_batch` cuts into pieces)."""
    from mlflow.entities import Metric, Param

    own: dict[str, Any] = {"semcom.key": run.key, "semcom.job": run.job, "semcom.journal": run.sha}
    tags = {**run.tags, **own}
    made = client.create_run(experiment, start_time=round(1000 * run.start), tags=tags, run_name=run.name)
    params = [Param(key, value[:VALUE]) for key, value in run.params.items()]
    metrics = [Metric(p.metric, p.value, round(1000 * p.time), p.step) for p in run.points]
    client.log_batch(made.info.run_id, metrics=metrics, params=params)
    if run.status != "RUNNING":
        client.set_terminated(made.info.run_id, status=run.status, end_time=round(1000 * run.end))


def main(folder: Path, study: str, uri: str) -> None:
    """Deliver the journals below `folder`; see the module's text for what is printed."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # MLflow prints to standard output

    def tell(text: str) -> None:
        print(text, file=answers)

    try:
        probe(uri)
        tell("answered")
        tell(f"done {deliver(read_study(folder), study=study, uri=uri, tell=tell)}")
    except SemcomError as error:
        tell(f"error {error}")
    except Exception as error:
        tell(f"error {type(error).__name__}: {' '.join(str(error).split())[:400]}")
        raise


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
