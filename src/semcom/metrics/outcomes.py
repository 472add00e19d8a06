"""Which test images a frozen encoder is right about, kept beside its accuracies: intervals need to know.

verb ─► {target: Outcomes} ─► .npz ─► report
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError

LINEAR = "linear"
"""The head that a question is of where it names none."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Of the test images of one target.

    Attributes:
        index: (N,) number of each image in its data set.
        group: (N,) what shows the same thing, such as the scene of a frame.
        right: (N,) each, whether the answer is the image's class, by what was asked (`asked`).
    """

    index: NDArray[np.integer]
    group: NDArray[np.integer]
    right: Mapping[str, NDArray[np.bool_]]


def asked(*names: object) -> str:
    """Name of a question: `features/linear/0.1`."""
    return "/".join(f"{name:g}" if isinstance(name, float) else str(name) for name in names)


def across(space: str, images: object, owner: str, guest: str, head: str) -> str:
    """Name of a question of an owner's head on a guest's vectors: `space/0/a/b`, `space/0/a/b/class_mean`."""
    return asked(space, images, owner, guest, *([head] if head != LINEAR else []))


def write(path: Path, outcomes: Mapping[str, Outcomes]) -> None:
    """Write the outcomes of each target, atomically; a bit or so an image and question."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for target, of in outcomes.items():
        arrays[f"{target}.index"], arrays[f"{target}.group"] = of.index, of.group
        arrays[f"{target}.asked"] = np.array(list(of.right))
        arrays[f"{target}.right"] = np.stack(list(of.right.values()))
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read(path: Path) -> dict[str, Outcomes]:
    """The outcomes of each target.

    Raises:
        SemcomError: the file is missing or damaged.
    """
    if not path.is_file():
        raise SemcomError(f"{path} is missing; run snakemake, which makes what is missing")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        targets = dict.fromkeys(name.rpartition(".")[0] for name in arrays)
        return {target: _of(arrays, target) for target in targets}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise SemcomError(
            f"{path} is damaged ({str(error).strip() or type(error).__name__}); remove it and run snakemake "
            "again"
        ) from error


def _of(arrays: Mapping[str, NDArray[np.generic]], target: str) -> Outcomes:
    index, group, names, right = (arrays[f"{target}.{part}"] for part in ("index", "group", "asked", "right"))
    fitting = index.ndim == names.ndim == 1 and right.shape == (len(names), len(index))
    if not (fitting and group.shape == index.shape and right.dtype == np.bool_ and index.dtype.kind in "iu"):
        shapes = [array.shape for array in (index, group, names, right)]
        raise ValueError(f"arrays of {target} do not go together: {shapes}")
    return Outcomes(
        index.astype(np.int64),
        group.astype(np.int64),
        dict(zip(names.tolist(), right.astype(np.bool_), strict=True)),
    )
