"""`semcom track sync`: one delivery, such that no server can hold the workflow up."""

from dataclasses import replace
from pathlib import Path

from semcom.files.errors import SemcomError
from semcom.tracking import database
from semcom.tracking.worker import Patience, Worker, alone

HASTY = Patience(lock_s=1, probe_s=5, first_s=13, silence_s=8, request_s=5)
"""At the end of a workflow, which must not take 15 s longer whatever the server does."""
PATIENT = Patience(lock_s=600, probe_s=30, first_s=300, silence_s=120, request_s=30)
"""Asked for by a person, and for any database file: it may be locked for a while, and on cores that are all
taken importing MLflow alone takes minutes."""


def sync(study: str, *, results: Path, uri: str | None, patience: Patience = PATIENT) -> str:
    """Deliver the journals of `study` to MLflow, as often as one likes.

    Args:
        study: The study's name, and its experiment's.
        results: The folder that has the study's folder.
        uri: Where to; see `database.choose`.
        patience: How long to wait for a server; for a database file only its `lock_s` counts.

    Returns:
        What was delivered, in one line.

    Raises:
        SemcomError: Nothing or not everything was delivered, with the reason and the way out.
    """
    folder = results / study / "journal"
    target = database.choose(uri)
    if not folder.is_dir():
        raise SemcomError(f"no journals in {folder}; name a study that has run (a folder of {results})")
    try:
        database.init(target)
        limits = patience if database.is_server(target) else replace(PATIENT, lock_s=patience.lock_s)
        with open(folder / ".lock", "ab") as lock, alone(lock, limits.lock_s):
            worker = Worker(folder, study, target, request_s=limits.request_s, lock=lock)
            try:
                done = worker.round(limits)
            finally:
                worker.close()
    except (SemcomError, OSError) as error:
        option = f" --uri {uri}" if uri else ""
        later = f"the results are whole, and `semcom track sync {study}{option}` delivers later"
        raise SemcomError(f"study {study} is not delivered to {target}: {error}; {later}") from error
    return f"study {study} is delivered to {target}: {done}"
