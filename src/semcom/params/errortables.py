"""Where error tables of digital links are: measured beforehand, in the repository, or made by a job."""

from pathlib import Path

from semcom.files.hashes import sha256

MEASURED, MADE = Path("results/reference/links"), Path("results/data/links")


def place(file: str) -> Path:
    """Of the table that is called `file`: measured beforehand, else the one to make."""
    return MEASURED / file if (MEASURED / file).exists() else MADE / file


def measured_digest(path: Path) -> str:
    """Of a table that no job makes; empty of one that a job makes, whose inputs are known."""
    return sha256(path)[:16] if path.is_relative_to(MEASURED) else ""
