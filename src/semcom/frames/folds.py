"""Which frames train, validate and carry labels: by whole groups, another fifth for each seed."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError

Indices = NDArray[np.int64]
FOLDS = 5


def validation_fold(
    scene: Indices, group: Indices, train: NDArray[np.bool_], *, seed: int
) -> tuple[Indices, Indices]:
    """Split the training part into four fifths to train on and one fifth to validate on.

    Seeds 0 to 4 take the five folds of one split, seeds 5 to 9 those of another. Groups (rooms) lie on one
    side. A class with a single group stays in training, since it could be learnt from nothing else.

    Args:
        scene: (N,) class of every frame.
        group: (N,) group of every frame.
        train: (N,) true for the official training part.
        seed: the run's seed.

    Returns:
        Sorted indices of the frames to train on and of those to validate on.

    Raises:
        SemcomError: fewer groups than folds.
    """
    (frames,) = np.nonzero(train)
    classes = np.unique(scene[frames])
    single = [c for c in classes if len(np.unique(group[frames][scene[frames] == c])) == 1]
    movable = frames[~np.isin(scene[frames], single)]
    groups = len(np.unique(group[movable]))
    if groups < FOLDS:
        raise SemcomError(
            f"{groups} groups of training frames cannot be split into {FOLDS} folds; "
            "a validation split needs at least that many rooms"
        )
    from sklearn.model_selection import StratifiedGroupKFold  # 1.2 s that evaluation need not wait for

    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed // FOLDS)
    folds = list(splitter.split(movable, scene[movable], group[movable]))
    validation = np.sort(movable[folds[seed % FOLDS][1]])
    return np.setdiff1d(frames, validation), validation


def labelled(frames: Indices, scene: Indices, *, fraction: float, seed: int) -> Indices:
    """The frames that carry a label: a stratified draw without replacement, at least one a class.

    Args:
        frames: indices of the frames to train on.
        scene: (N,) class of every frame.
        fraction: share of every class that is labelled, in (0, 1].
        seed: the run's seed; the draw is the same for every method.

    Returns:
        Sorted indices.
    """
    generator = np.random.default_rng([seed, 1])
    chosen = []
    for c in np.unique(scene[frames]):
        members = generator.permutation(frames[scene[frames] == c])
        chosen.append(members[: ceil(fraction * len(members))])
    return np.sort(np.concatenate(chosen))
