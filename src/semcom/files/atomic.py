"""Files appear whole or not at all: written beside their place, synced, renamed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semcom.files.errors import SemcomError

TAKEN = (errno.EISDIR, errno.EEXIST, errno.ENOTDIR)
"""A folder stands where the file should, or a file where its folder should."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and renamed to `path`, else removed.

    Raises:
        SemcomError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError as error:
        free = "make its folder writable and free some space, then run the same command again"
        way = "name another file" if error.errno in TAKEN else free
        raise SemcomError(f"cannot write {path}: {error.strerror or error}; {way}") from error
    finally:
        # Nothing is left behind, whatever went wrong; after the rename there is nothing to remove.
        if temporary.exists():
            temporary.unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
