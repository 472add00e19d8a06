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
    fold = _spread(scene[movable], group[movable], seed=seed // FOLDS)
    validation = movable[fold == seed % FOLDS]
    return np.setdiff1d(frames, validation), validation


def _spread(scene: Indices, group: Indices, *, seed: int) -> Indices:
    """Fold (N,) of every frame: whole groups, each class as evenly as they allow.

    Greedy, as good as scikit-learn's StratifiedGroupKFold on our data (tests), whose import costs a second
    in every job. Groups come in random order, those that hold most of a class first; each goes where the
    classes that it holds are rarest so far, and of equal folds to the emptiest.
    """
    classes, c = np.unique(scene, return_inverse=True)
    groups, g = np.unique(group, return_inverse=True)
    share = np.zeros((len(groups), len(classes)))
    np.add.at(share, (g, c), 1)
    share /= share.sum(0)
    order = np.random.default_rng([seed, 0]).permutation(len(groups))
    held, fold = np.zeros((FOLDS, len(classes))), np.zeros(len(groups), np.int64)
    for i in order[np.argsort(-share[order].max(1), kind="stable")]:
        fold[i] = np.lexsort((held.sum(1), held @ share[i]))[0]
        held[fold[i]] += share[i]
    return fold[g]


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
