"""Sets of images out of what is there already: the colour half of RGB-D frames, scikit-learn's digits."""

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.params.dataversion import data_version
from semcom.prepare.description import IMAGES
from semcom.prepare.images_store import Known, PictureSet
from semcom.prepare.source import Source, WithObjects


def half(root: Path, name: str, source: Source) -> PictureSet:
    """The colour of the RGB-D set `name` below `root`, open as `source`: same split, groups and crop.

    Whole frames are squashed to the prepared size, as RGB-D frames are, so that the pixels are the same.

    Raises:
        SemcomError: the set has no depth already.
    """
    description = source.description
    if description.format == IMAGES:
        raise SemcomError(f"{name} is a set of images already; use it as it is")
    objects = source if isinstance(source, WithObjects) and source.object_names else None
    known = {
        str(row.index): Known(
            row.scene10, row.split, row.group, tuple(map(bool, objects.objects(i))) if objects else ()
        )
        for i, row in enumerate(source.rows)
    }
    there = {one.label for one in known.values()}
    return PictureSet(
        title=f"{description.title}, colour alone (data/{name}, version {data_version(root, name)})",
        known=known,
        pictures=((str(row.index), source.pixels(i)[0]) for i, row in enumerate(source.rows)),
        classes=tuple(label for label in description.classes if label in there),
        attribute_names=objects.object_names if objects else (),
        licence=description.licence,
        citation=description.citation,
        fit="squash",
        crop=description.crop,
    )


def digits() -> PictureSet:
    """The 1,797 handwritten digits of scikit-learn: 8×8, 0..16 scaled to 0..255, no split of their own."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    pixels = np.rint(loaded.images * (255 / 16)).astype(np.uint8)
    return PictureSet(
        title=f"handwritten digits of scikit-learn {metadata.version('scikit-learn')}",
        known={str(number): Known(str(label)) for number, label in enumerate(loaded.target)},
        pictures=_numbered(pixels),
        licence="CC BY 4.0 (UCI); the package's BSD-3-Clause",
        citation="E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998",
    )


def _numbered(pixels: NDArray[np.uint8]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    yield from ((str(number), one) for number, one in enumerate(pixels))
