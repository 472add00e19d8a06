"""What a user may say of a set of images."""

from dataclasses import dataclass
from pathlib import Path

from semcom.files.errors import SemcomError
from semcom.prepare.description import Fit


@dataclass(frozen=True)
class Options:
    """Options of `semcom data add` for sets of images."""

    table: Path | None = None
    """CSV with a line a picture."""
    label: str | None = None
    """Column or attribute that is the class; `none`: no classes."""
    fit: Fit | None = None
    """None: the kind's own."""
    most_bad: float = 0.01
    """Share of the pictures that may be bad."""
    test_share: float | None = None
    """Share that becomes test; None: the set's own split, a fifth where it has none."""
    seed: int = 0
    """Of that draw."""


def check_options(kind: str, options: Options) -> None:
    """Raise a SemcomError if a number is out of range or an option is of another kind."""
    for option, value in (("--most-bad", options.most_bad), ("--test-share", options.test_share)):
        if value is not None and not 0 <= value <= 1:
            raise SemcomError(f"{option} {value:g} is no share in 0..1")
    if options.test_share in (0, 1):
        raise SemcomError(f"--test-share {options.test_share:g}: train and test need pictures, say 0.2")
    if options.seed < 0:
        raise SemcomError(f"--split-seed {options.seed} must be 0 or more")
    if kind != "images" and (options.table or options.label):
        raise SemcomError(f"--table and --label are for the kind images, not for {kind}: leave them out")


def none_given(kind: str, options: Options) -> None:
    """Raise a SemcomError if an option of images is given for the RGB-D kind `kind`; a table is for both."""
    if options != Options(table=options.table):
        raise SemcomError(
            "--label, --fit, --most-bad, --test-share and --split-seed are for sets of images, not for "
            f"{kind}: leave them out"
        )
