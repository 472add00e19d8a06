"""Bring a registered data set into data/ and stamp it with its version."""

import time
from pathlib import Path

from semcom.files.atomic import write_text
from semcom.files.errors import SemcomError
from semcom.params.dataversion import data_version
from semcom.prepare import dvc
from semcom.progress import log

UNSAVED = "unsaved files"
HELPLESS = (UNSAVED, "checkout failed", "errno 2]", "no remote", "unable to find", "does not exist")
"""Faults that waiting does not mend (`dvc.call` has waited for a lock); the rest may be the network."""


def fetch(root: Path, name: str, *, md5: str, stamp: Path, pause_s: float = dvc.FIRST_PAUSE_S) -> None:
    """Make data/`name` hold exactly the version `md5`, then write `md5` to `stamp`, atomically.

    Nothing is pulled if the bytes are there already, so this needs no network then.

    Raises:
        SemcomError: no such data set; another version is registered by now; no remote has the bytes, or
            they are corrupt there; or the folder was edited by hand and would be overwritten.
    """
    registered = data_version(root, name)
    if registered != md5:
        raise SemcomError(
            f"the data set {name!r} is registered in the version {registered}, but {md5} was asked for: "
            f"it has changed since the jobs were planned; start snakemake again"
        )
    targets = dvc.targets(root, name)
    if dvc.is_current(root, *targets):
        log.info("data/%s is there already, version %s", name, md5)
    else:
        _pull(root, name, targets, pause_s)
        log.info("data/%s pulled, version %s", name, md5)
    write_text(stamp, md5 + "\n")


def _pull(root: Path, name: str, targets: list[str], pause_s: float) -> None:
    # A bundled set can always be had again; a user's own is never overwritten where DVC has no copy of it.
    force = ["--force"] if dvc.is_bundled(root, name) else []
    for attempt in range(1, dvc.ATTEMPTS + 1):
        done = dvc.call(root, "pull", *force, *targets)
        if done.returncode == 0:
            break
        fault = dvc.fault(done)
        if dvc.imports(root, name) and not dvc.is_locked(fault) and UNSAVED not in fault:
            return _from_the_source(root, name, targets)
        helpless = dvc.is_locked(fault) or any(text in fault.lower() for text in HELPLESS)
        if attempt == dvc.ATTEMPTS or helpless:
            raise SemcomError(_message(root, name, targets, fault))
        log.info("dvc pull: %s; attempt %d of %d in %g s", fault, attempt + 1, dvc.ATTEMPTS, pause_s)
        time.sleep(pause_s)
        pause_s *= 3
    if dvc.is_current(root, *targets):
        return
    # After a damaged cache object pull mends the cache alone; checkout brings the mended file.
    dvc.call(root, "checkout", *force, *targets)
    if not dvc.is_current(root, *targets):
        raise SemcomError(_message(root, name, targets, "its bytes still differ from its version"))


def _from_the_source(root: Path, name: str, targets: list[str]) -> None:
    """Get what no cache and no remote has from its address; only if it is the registered version."""
    before = {target: (root / target).read_bytes() for target in targets}
    version = data_version(root, name)
    log.info("neither DVC's cache nor a remote has data/%s: getting it from its addresses", name)
    done = dvc.call(root, "update", *targets)
    changed = done.returncode == 0 and data_version(root, name) != version
    if done.returncode == 0 and not changed and dvc.is_current(root, *targets):
        return
    for target, content in before.items():
        (root / target).write_bytes(content)
    if changed:
        raise SemcomError(
            f"the addresses of data/{name} hold other bytes than the registered version {version}, which "
            f"neither DVC's cache nor a remote has: take them as a new version with "
            f"`dvc update {' '.join(targets)}`, or name a remote that has the old one (`dvc remote add`)"
        )
    raise SemcomError(_message(root, name, targets, dvc.fault(done)))


def _message(root: Path, name: str, targets: list[str], fault: str) -> str:
    """The fault and the way out, which depends on whose data it is."""
    target = " ".join(targets)
    if dvc.is_locked(fault):
        return f"another DVC process holds the lock of the repository: wait for its end, run again ({fault})"
    if UNSAVED in fault:
        return (
            f"data/{name} was changed by hand, or copied here without DVC's cache: "
            f"keep it with `dvc add data/{name}` (the same bytes keep their version), or throw it away with "
            f"`dvc checkout --force {target}`"
        )
    if dvc.is_bundled(root, name):
        way_out = "complete the folder of the bundled sets with `git checkout -- bundled`"
    else:
        way_out = (
            f"name a remote that has it (`dvc remote add`; `dvc status --cloud {target}` looks), "
            f"or add it again from its source: semcom data add KIND PATH… --name {name} --replace"
        )
    return (
        f"data/{name} is not here in its registered version, and neither DVC's cache nor a remote gave it "
        f"whole and undamaged ({fault}): {way_out}, then run the same command again"
    )
