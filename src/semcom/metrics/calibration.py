"""How well a classifier knows what it does not know: negative log-likelihood and calibration error."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from semcom.files.errors import SemcomError

Floats = NDArray[np.float64]


def nll(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> Floats:
    """Mean negative log-likelihood of the true classes, in nats.

    Args:
        scores: (..., N, C) unnormalised log-probabilities (a network's outputs before the softmax), for
            example (SNRs, draws, N, C).
        labels: (N,) true classes in 0..C-1.

    Returns:
        (...) values of 0 and more; ln C for scores that say nothing.

    Raises:
        SemcomError: shapes that do not fit, a class without a score, or scores that are not finite.
    """
    given = _checked(scores, labels)
    of_truth = given[..., np.arange(len(labels)), labels]
    return np.asarray((logsumexp(given, axis=-1) - of_truth).mean(-1))


def ece(scores: NDArray[np.floating], labels: NDArray[np.integer], *, bins: int = 15) -> Floats:
    """Expected calibration error of the most probable class.

    Mean over frames of |accuracy - mean confidence| of the frame's bin, with `bins` of equal width on
    0..1, the upper edge within: ((b-1)/bins, b/bins] (Guo et al. 2017, arXiv 1706.04599, with 15 bins;
    norm L1). It grows with fewer frames, even for a calibrated classifier: compare at equal N only.

    Args:
        scores: (..., N, C) as for `nll`.
        labels: (N,) true classes in 0..C-1.
        bins: number of bins.

    Returns:
        (...) values in 0..1.

    Raises:
        SemcomError: as for `nll`, or no bin.
    """
    if bins < 1:
        raise SemcomError(f"{bins} bins of confidence: give at least 1; 15 is usual")
    given = _checked(scores, labels)
    confidence = np.exp(given.max(-1) - logsumexp(given, axis=-1))
    gap = (given.argmax(-1) == labels) - confidence
    edges = np.arange(1, bins) / bins
    where = np.searchsorted(edges, confidence, side="left")
    # One histogram for all of (...): each has bins of its own.
    lists, frames = gap.reshape(-1, len(labels)), where.reshape(-1, len(labels))
    own = frames + bins * np.arange(len(lists))[:, None]
    sums = np.bincount(own.ravel(), lists.ravel(), minlength=bins * len(lists)).reshape(-1, bins)
    return np.asarray((np.abs(sums).sum(-1) / len(labels)).reshape(gap.shape[:-1]))


def _checked(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> Floats:
    """The scores in double precision."""
    if labels.ndim != 1 or not len(labels) or scores.ndim < 2 or scores.shape[-2] != len(labels):
        raise SemcomError(
            f"scores of shape {scores.shape} for labels of shape {labels.shape}: the scores' last two "
            "dimensions are frame and class, and there must be at least one frame"
        )
    if labels.min() < 0 or labels.max() >= scores.shape[-1]:
        raise SemcomError(
            f"labels from {labels.min()} to {labels.max()}, but scores for the classes 0 to "
            f"{scores.shape[-1] - 1}: give every class a score"
        )
    if not np.isfinite(scores).all():
        raise SemcomError(
            "scores must be finite numbers, but some are not: look at the training that made them"
        )
    return scores.astype(np.float64)
