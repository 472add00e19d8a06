"""One process at a time: a file held by flock, in which the holder's host and pid stand.

The kernel lets go of it whatever ends the process. The file itself stays: removing it would let two later
processes lock two files of one name.
"""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semcom.files.errors import SemcomError

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def alone(path: Path, *, what: str, way: str) -> Iterator[bool]:
    """Hold `path` meanwhile; False where the file system knows no locks, and nothing keeps another out.

    Args:
        path: the file; its folder is made.
        what: is held, for the error, such as `data/lab is being added`.
        way: what to do then.

    Raises:
        SemcomError: naming host and pid of the process that holds it; or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (held until the end)
    except OSError as error:
        raise SemcomError(f"cannot write {path}: {error.strerror}; make its folder writable") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in NO_LOCKS:
                yield False
                return
            file.seek(0)
            holder = file.read().strip() or "just starting"
            raise SemcomError(f"{what} by another process ({holder}): {way}") from error
        try:
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), f"host {socket.gethostname()}, pid {os.getpid()}\n".encode())
        except OSError as error:  # it names no file
            raise OSError(error.errno, error.strerror, file.name) from error
        yield True
