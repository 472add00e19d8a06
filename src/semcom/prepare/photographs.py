"""Patches of six photographs that scikit-learn and scikit-image carry: in colour, with stated licences.

    photograph ─► patches of 64×64 side by side, from its middle

Four photographs are for training and two for test, so that no test patch is of one that training has seen.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module, metadata

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.frames.prepared import UNLABELLED
from semcom.prepare.images_store import Known, PictureSet
from semcom.prepare.source import Split

PATCH = 64
"""Pixels a side."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Photograph:
    """A photograph in a package.

    Attributes:
        package: whose it is, by its name in package indices.
        split: of all its patches.
        sha256: of its pixels, row by row, so that the set is of the same bytes everywhere.
        licence: as the package states it.
        by: whom to name.
    """

    package: str
    split: Split
    sha256: str
    licence: str
    by: str


PHOTOGRAPHS: Mapping[str, Photograph] = {
    "china": Photograph(
        "scikit-learn",
        "test",
        "e701459344fd69797154c91add3bb5d70e5ed1a61d8bed889bab3a796104698d",
        "CC BY 2.0",
        "danielbuechele, https://www.flickr.com/photos/danielbuechele/6061409035",
    ),
    "flower": Photograph(
        "scikit-learn",
        "train",
        "3202904ed246795bf616c66d7859cd7c6080eff736c6e38dc5cc62779742033f",
        "CC BY 2.0",
        "vultilion, https://www.flickr.com/photos/vultilion/6056698931",
    ),
    "astronaut": Photograph(
        "scikit-image",
        "train",
        "a8c429c18afa7b0fd5673e598d73a21225d94c864a71bbb3885126fdecb41071",
        "public domain",
        "NASA, https://flic.kr/p/r9qvLn",
    ),
    "rocket": Photograph(
        "scikit-image",
        "train",
        "3d4435cc745752b7f9724df88c6e18817de3ce7e3d2d71c55f85f7831e68f197",
        "public domain",
        "SpaceX, https://www.flickr.com/photos/spacexphotos/16511594820",
    ),
    "chelsea": Photograph(
        "scikit-image",
        "test",
        "416b729128bfb2c3d1eb69bf9b1734a796293abc17939267b2dc94f8a5784031",
        "CC0",
        "Stefan van der Walt",
    ),
    "coffee": Photograph(
        "scikit-image",
        "train",
        "0ce2b51640b9c95f19617f03eabf40c3f0368589cc1ee1190b70966165ac184f",
        "CC0",
        "Rachel Michetti, courtesy of Pikolo Espresso Bar",
    ),
}


def pictures() -> PictureSet:
    """Every whole patch of every photograph; no classes, the photograph as the group.

    Raises:
        SemcomError: a package is not installed, or its photograph has other pixels than the one known here.
    """
    patches = {
        f"{name}/{row}/{column}": patch
        for name in PHOTOGRAPHS
        for (row, column), patch in cut(_photograph(name)).items()
    }
    # The first ones, which a sheet shows, are then of all photographs; no library's draws change hashes.
    order = sorted(patches, key=lambda name: hashlib.sha256(name.encode()).digest())
    return PictureSet(
        title="photographs: patches of six photographs of scikit-learn and scikit-image",
        known={name: _known(name.split("/")[0]) for name in order},
        pictures=((name, patches[name]) for name in order),
        classes=(UNLABELLED,),
        licence=", ".join(f"{name}: {of.licence}" for name, of in PHOTOGRAPHS.items()),
        citation="; ".join(
            [*(f"{name}: {of.by}" for name, of in PHOTOGRAPHS.items()), "each cut into patches"]
        ),
    )


def cut(photograph: Pixels) -> dict[tuple[int, int], Pixels]:
    """Patches side by side from the middle of a photograph (H, W, 3), by row and column from 1.

    What whole patches leave over at opposite rims differs by a pixel at most.
    """
    height, width = photograph.shape[:2]
    rows, columns = height // PATCH, width // PATCH
    top, left = (height - rows * PATCH) // 2, (width - columns * PATCH) // 2
    return {
        (row + 1, column + 1): photograph[top + row * PATCH :, left + column * PATCH :][:PATCH, :PATCH]
        for row in range(rows)
        for column in range(columns)
    }


def _known(name: str) -> Known:
    return Known(label=UNLABELLED, split=PHOTOGRAPHS[name].split, group=name)


def _photograph(name: str) -> Pixels:
    package = PHOTOGRAPHS[name].package
    try:
        found = _carried(name, package)
    except ImportError:
        raise SemcomError(
            f"the photograph {name!r} is in {package}, which is not installed: pip install {package}, "
            "or take the set as it is bundled, by `dvc pull data.dvc`"
        ) from None
    if hashlib.sha256(np.ascontiguousarray(found).tobytes()).hexdigest() != PHOTOGRAPHS[name].sha256:
        raise SemcomError(
            f"the photograph {name!r} of {package} {metadata.version(package)} has other pixels than the one "
            "that the set is made of: install the version of constraints.txt"
        )
    return found


def _carried(name: str, package: str) -> Pixels:
    """Pixels (H, W, 3) of a photograph that lies in a package's own files: nothing is downloaded."""
    if package == "scikit-learn":
        from sklearn.datasets import load_sample_image

        return np.asarray(load_sample_image(f"{name}.jpg"), np.uint8)
    return np.asarray(getattr(import_module("skimage.data"), name)(), np.uint8)
