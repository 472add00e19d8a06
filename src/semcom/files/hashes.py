"""Content hashes of files and of texts."""

import hashlib
from pathlib import Path

from semcom.files.errors import SemcomError


def sha256(path: Path) -> str:
    """The file's SHA-256 as 64 hexadecimal digits.

    Raises:
        SemcomError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SemcomError(f"cannot read {path}: {error.strerror}; run the job that makes it") from error


def digest(*parts: str) -> str:
    """16 hexadecimal digits of the parts in their order; moving text between parts changes it."""
    return hashlib.sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()[:16]
