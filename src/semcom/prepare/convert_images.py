"""Images of any layout: a function of the user's gives them one by one, without depth.

    paths ─► mylab.data:images ─► ColourPicture … ─► the raw format of `semcom.prepare.images`

The function's module may say TITLE, LICENCE and CITATION.
"""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.prepare.images import member
from semcom.prepare.images_store import Known, PictureSet, png
from semcom.prepare.source import Split


@dataclass(frozen=True, eq=False)
class ColourPicture:
    """One image of a data set without depth."""

    rgb: NDArray[np.uint8]
    """(H, W, 3); sizes may differ."""
    label: str
    """Its class."""
    split: Split | None = None
    """`train` or `test`; None for all: the split is drawn."""
    group: str = ""
    """Images that show one thing; validation never cuts a group. Empty: a group of its own."""


def collect(pictures: Iterable[object], archive: Path, *, where: str) -> PictureSet:
    """Check every picture and keep its pixels, losslessly, in the zip `archive` until they are read again.

    Args:
        pictures: each a `ColourPicture`.
        archive: a new file.
        where: what messages call the source.

    Raises:
        SemcomError: something is no `ColourPicture` or lacks a class.
    """
    known: dict[str, Known] = {}
    with zipfile.ZipFile(archive, "w") as kept:
        for index, picture in enumerate(pictures, 1):
            whole = _checked(picture, f"picture {index} of {where}")
            kept.writestr(member(index), png(whole.rgb))
            known[member(index)] = Known(str(whole.label), whole.split, str(whole.group))
    return PictureSet(title=where, known=known, pictures=_again(archive))


def _again(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as kept:
        for name in kept.namelist():
            yield name, kept.read(name)


def _checked(given: object, where: str) -> ColourPicture:
    if not isinstance(given, ColourPicture):
        raise SemcomError(
            f"{where} is a {type(given).__name__}, the first one a ColourPicture: yield one of them for all"
        )
    rgb = np.asarray(given.rgb)
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise SemcomError(f"{where}: rgb is {rgb.dtype} {rgb.shape}; it must be uint8 (H, W, 3)")
    if given.split not in ("train", "test", None):
        raise SemcomError(f"{where}: split {given.split!r} is neither train nor test nor None")
    if not given.label:
        raise SemcomError(f"{where} has no label; name its class")
    return given
