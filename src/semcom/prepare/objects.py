"""Which objects a frame shows: the 40-class task of NYU Depth V2 without its three "other..." classes.

An object is present if it covers more than a hundredth of the frame, cropped or not. The .mat has maps of 894
labels, which `classMapping40.mat` (S. Gupta et al., CVPR 2013) takes to 40 classes; the small pack has the
counts of labelled pixels, at 640x480, in `objects40.csv`. Both give the same classes in the same order.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError

SHARE = 0.01
CSV_PIXELS = 640 * 480
REST = "other"
"""Classes whose name begins so hold what has no class of its own."""


@dataclass(frozen=True, eq=False)
class ObjectMap:
    """Labels to object classes."""

    names: tuple[str, ...]
    column: NDArray[np.int64]
    """Class of each label 0, 1, ...; len(names) where it has none."""
    path: Path

    def present(self, labels: NDArray[np.uint16], *, where: str) -> NDArray[np.bool_]:
        """(classes,) true where more than a hundredth of the label map is of the class.

        Raises:
            SemcomError: a label that the mapping lacks.
        """
        largest = int(labels.max())
        if largest >= len(self.column):
            raise SemcomError(
                f"{where} has the label {largest}, but {self.path} maps 1..{len(self.column) - 1}: "
                f"take the classMapping40.mat that belongs to the .mat, or add it without one"
            )
        counts = np.bincount(self.column[labels].ravel(), minlength=len(self.names) + 1)[:-1]
        return np.asarray(counts > SHARE * labels.size)


def read_mapping(path: Path) -> ObjectMap:
    """The mapping in classMapping40.mat (MATLAB version 5: `mapClass`, `className`)."""
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=["mapClass", "className"])
        classes = np.ravel(content["mapClass"]).astype(np.int64)
        names = [str(np.ravel(name)[0]).replace(" ", "_") for name in np.ravel(content["className"])]
    # scipy raises whatever a damaged byte leads it to.
    except Exception as error:
        raise SemcomError(
            f"{path} cannot be read as classMapping40.mat, with mapClass and className ({error!r}): "
            f"take the original, or add the data without it"
        ) from None
    if not len(classes) or classes.min() < 1 or classes.max() > len(names):
        raise SemcomError(f"mapClass in {path} must name classes 1..{len(names)}: take the original")
    kept = [number for number, name in enumerate(names) if not name.startswith(REST)]
    column = np.full(len(names), len(kept))
    column[kept] = np.arange(len(kept))
    return ObjectMap(
        names=tuple(names[number] for number in kept),
        column=np.concatenate([[len(kept)], column[classes - 1]]),
        path=path,
    )


def read_counts(path: Path, indices: Sequence[int]) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Class names and presence (frames, classes) of the frames `indices`, from objects40.csv.

    Raises:
        SemcomError: the table is no table of counts, or has not one line for each frame.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            head, *lines = [line for line in csv.reader(file) if line]
        if head[0] != "index" or len(set(head)) < len(head) or len(head) < 2:
            raise ValueError("its first line must be `index` and the names of the classes")
        table = np.array(lines, dtype=np.int64)
        if table.shape != (len(lines), len(head)) or (table[:, 1:] < 0).any():
            raise ValueError("each line must have an index and a count of pixels a class")
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise SemcomError(f"{path} is no table of labelled pixels ({error}): copy it again") from None
    if sorted(table[:, 0]) != sorted(indices):
        raise SemcomError(
            f"{path} has {len(table)} lines that are not the {len(indices)} frames of meta.csv: "
            f"take the table that belongs to the pack"
        )
    place = {int(index): line for line, index in enumerate(table[:, 0])}
    counts = table[[place[index] for index in indices], 1:]
    return tuple(head[1:]), counts > SHARE * CSV_PIXELS
