"""How sure a difference is over seeds and test images, where seeds may draw test images of their own.

differences and groups of each seed ─► means, totals of groups ─► variances ─► Estimate
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics.intervals import Estimate, over_seeds


def over_seeds_and_images(
    differences: Sequence[NDArray[np.floating]], groups: Sequence[NDArray[np.integer]]
) -> Estimate:
    """Mean difference between two methods, for other seeds and other test images.

    The paired t over seeds speaks of the images that were tested. If all seeds are tested on the same ones,
    an unlucky draw of images moves all their differences alike, which the seeds' spread does not show. So

        variance = s² / S + mean covariance of two seeds' means,

    the covariance being that of groups of images that both have: sum over groups of the product of their
    totals of residuals, over the product of the seeds' numbers of images. Seeds that have no image in common
    have none, and this is the t over seeds; with the same images for all it is `scenes.crossed`, up to
    its weights of unequal groups. Set to 0 where its estimate is negative. Degrees of freedom are
    Satterthwaite's of the mean squares, as there, but not below the smaller of S - 1 and groups - 1.

    Args:
        differences: of each seed, (N,) of its test images, such as -1, 0, 1.
        groups: of each seed, (N,) group of every image; images of one group are one draw.

    Returns:
        Estimate of shape ().

    Raises:
        SemcomError: fewer than two seeds or groups, or lengths that differ.
    """
    if [np.shape(d) for d in differences] != [np.shape(g) for g in groups]:
        raise SemcomError("differences and groups must be of the same test images: give one of each an image")
    seeds = len(differences)
    by_seed = over_seeds(np.array([d.mean() for d in differences]))
    every = np.unique(np.concatenate(groups))
    if len(every) < 2:
        raise SemcomError("test images of one group do not say how groups differ: at least 2 are needed")
    residuals = np.zeros((seeds, len(every)))
    for row, (values, group) in enumerate(zip(differences, groups, strict=True)):
        place = np.searchsorted(every, group)
        np.add.at(residuals[row], place, (values - values.mean()) / len(values))
    scale = len(every) / (len(every) - 1)
    of_groups = scale * np.square(residuals.mean(0)).sum()  # of groups, their interaction with seeds in it
    own = scale * np.square(residuals).sum() / seeds
    covariance = max((seeds * of_groups - own) / (seeds - 1), 0.0)
    if covariance <= 1e-12 * own:  # nothing but rounding
        return by_seed
    of_seeds = by_seed.standard_error**2
    spread = of_seeds**2 / (seeds - 1) + of_groups**2 / (len(every) - 1)
    spread += (of_groups - covariance) ** 2 / ((seeds - 1) * (len(every) - 1))
    variance = of_seeds + covariance
    df = np.maximum(variance**2 / spread, min(seeds, len(every)) - 1)
    return Estimate(by_seed.mean, np.sqrt(variance), df)
