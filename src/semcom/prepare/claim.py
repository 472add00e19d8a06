"""A name in data/ for one `semcom data add`: held, cleared of what a killed one left, and free.

Meanwhile there are, beside data/NAME, the folders data/.NAME.new.PID (the copy, before it takes its place),
.NAME.old.PID (what it replaces), .NAME.urls.PID (what is got from addresses) and those of what is packed.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semcom.files.errors import SemcomError
from semcom.files.lock import alone
from semcom.params.dataversion import registered
from semcom.prepare import dvc
from semcom.progress import log

TEMPORARY = ("new", "urls", "pairs", "converted", "images")
"""Kinds of folders `.NAME.KIND.…` that are of no use to a later add."""
LOCKS = Path(".dvc/tmp/semcom")
"""Beside DVC's own, which git ignores."""


@contextmanager
def claimed(root: Path, name: str, *, replace: bool = False) -> Iterator[None]:
    """Hold data/`name` of the repository `root` for one add, from its first check to its end.

    Raises:
        SemcomError: the name is not plain, another add of it is alive, or it is taken and `replace` is False;
            `root` is no repository.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise SemcomError(f"the name {name!r} must be letters, digits, _ and -, beginning with a letter")
    dvc.check_root(root)
    way = "wait for it, or choose another --name"
    with alone(root / LOCKS / f"{name}.lock", what=f"data/{name} is being added", way=way) as kept:
        (root / "data").mkdir(exist_ok=True)
        if kept:
            _recover(root, name)
        _check_free(root, name, replace)
        yield


def _recover(root: Path, name: str) -> None:
    """Remove what killed adds of `name` left, and put back what one of them had moved away.

    None of them is alive, or it would hold the name.
    """
    data = root / "data"
    for old in data.glob(f".{name}.old.*"):
        if _is_registered(root, name):
            shutil.rmtree(old)
        else:
            shutil.rmtree(data / name, ignore_errors=True)
            old.rename(data / name)
            log.info("data/%s is put back to what it was before an add that was killed", name)
    for kind in TEMPORARY:
        for left in data.glob(f".{name}.{kind}.*"):
            shutil.rmtree(left)
            log.info("removed data/%s, which an add that was killed had left", left.name)


def _is_registered(root: Path, name: str) -> bool:
    """Whether data/`name` holds its registered version: the killed add had done all but the clearing."""
    known = (root / "data" / name).exists() and name in registered(root)
    return known and dvc.is_current(root, *dvc.targets(root, name))


def _check_free(root: Path, name: str, replace: bool) -> None:
    known = name in registered(root)
    if known and dvc.is_bundled(root, name):
        raise SemcomError(f"{name!r} is a bundled data set: give yours another name with --name")
    folder = root / "data" / name
    if not replace and (known or (folder.exists() and any(folder.iterdir()))):
        raise SemcomError(
            f"data/{name} exists already: give --replace to replace it (the old version stays in DVC's "
            f"cache), or --name for another name"
        )
