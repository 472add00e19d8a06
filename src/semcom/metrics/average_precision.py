"""Average precision of detecting classes of which a frame has any number, and what each frame adds to it.

scores of a class ─► frames in falling order ─► precision at each frame that has it ─► their mean
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError

Floats = NDArray[np.float64]


class _Ranked(NamedTuple):
    """Frames in falling order of their score, one class a row (..., C, N)."""

    order: NDArray[np.intp]
    """Frame at each rank."""
    present: Floats
    """1 where that frame has the class."""
    first: NDArray[np.intp]
    """Rank at which the frames of equal score begin."""
    precision: Floats
    """Share of frames with the class among those of this score or higher."""
    reached: Floats
    """Number of frames of this score or higher."""
    shown: Floats
    """Number of frames with the class, (C, 1)."""


def average_precision(scores: NDArray[np.floating], present: NDArray[np.bool_]) -> Floats:
    """Average precision of each class.

    Sum over thresholds of (gain in recall) × precision, without interpolation, frames of equal score at one
    threshold: scikit-learn's `average_precision_score`. Scores that say nothing give about the share of
    frames with the class.

    Args:
        scores: (..., N, C), higher where the class is thought to be there; any monotone function of them
            gives the same.
        present: (N, C), whether it is.

    Returns:
        (..., C) values in 0..1; NaN for a class that no frame has.

    Raises:
        SemcomError: shapes that do not fit, no frame, or scores that are not finite.
    """
    ranked = _rank(scores, present)
    total = (ranked.present * ranked.precision).sum(-1)
    shown = np.broadcast_to(ranked.shown[:, 0], total.shape)
    return np.asarray(np.divide(total, shown, out=np.full(total.shape, np.nan), where=shown > 0))


def mean_over_present(values: NDArray[np.floating], present: NDArray[np.bool_]) -> Floats:
    """Mean over the classes (..., C) that any of the frames (N, C) has: (...).

    Raises:
        SemcomError: no frame has any.
    """
    seen = np.asarray(present.any(0))
    if not seen.any():
        raise SemcomError(f"none of {len(present)} frames has any of the {len(seen)} classes")
    return np.asarray(values[..., seen].mean(-1))


def frame_credit(scores: NDArray[np.floating], present: NDArray[np.bool_]) -> Floats:
    """What each frame adds to the mean average precision: (..., N), whose mean over frames it is.

    With a weight w_f for every frame, mAP(w) is a smooth function that scaling all weights leaves alone. The
    credit of a frame is mAP + N · d mAP / d w_f at equal weights: the infinitesimal jackknife (Jaeckel 1972;
    Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, chapter 6). Of a plain mean over
    frames, such as accuracy, credits are the frames' own values; so whatever estimates how sure a mean over
    frames and scenes is takes credits as it takes right and wrong answers.

    Args:
        scores: (..., N, C) as for `average_precision`.
        present: (N, C).

    Raises:
        SemcomError: as there, or no frame has any of the classes.
    """
    ranked = _rank(scores, present)
    count = np.maximum(ranked.shown, 1)
    whole = (ranked.present * ranked.precision).sum(-1, keepdims=True) / count
    # A frame counts at the threshold of each frame with the class that scores the same or less: those from
    # its own group's first rank on.
    hits = _from(ranked.present / ranked.reached, ranked.first)
    misses = _from(ranked.present * ranked.precision / ranked.reached, ranked.first)
    slope = (ranked.present * (ranked.precision - whole + hits) - misses) / count
    slopes = np.empty_like(slope)
    np.put_along_axis(slopes, ranked.order, slope, axis=-1)
    mean = mean_over_present(whole[..., 0], present)
    return np.asarray(mean[..., None] + len(present) * slopes[..., present.any(0), :].mean(-2))


def macro_f1(found: NDArray[np.bool_], present: NDArray[np.bool_]) -> Floats:
    """F1 of found classes (..., N, C), averaged over the classes that any frame (N, C) has: (...).

    F1 = 2 hits / (found + present): 0 for a class that is never found.
    """
    hits = (found & present).sum(-2)
    total = found.sum(-2) + present.sum(0)
    return mean_over_present(2 * hits / np.maximum(total, 1), present)


def _rank(scores: NDArray[np.floating], present: NDArray[np.bool_]) -> _Ranked:
    _check(scores, present)
    given = np.swapaxes(np.asarray(scores, np.float64), -1, -2)
    order = np.argsort(-given, axis=-1, kind="stable")
    falling = np.take_along_axis(given, order, -1)
    here = np.take_along_axis(np.broadcast_to(present.T, given.shape), order, -1).astype(np.float64)
    rank = np.arange(len(present))
    new = np.concatenate([np.ones((*falling.shape[:-1], 1), bool), falling[..., 1:] != falling[..., :-1]], -1)
    first = np.maximum.accumulate(np.where(new, rank, 0), axis=-1)
    ends = np.concatenate([new[..., 1:], np.ones((*falling.shape[:-1], 1), bool)], -1)
    last = np.minimum.accumulate(np.where(ends, rank, len(rank))[..., ::-1], axis=-1)[..., ::-1]
    reached = last + 1.0
    precision = np.take_along_axis(here.cumsum(-1), last, -1) / reached
    return _Ranked(order, here, first, precision, reached, present.sum(0, dtype=np.float64)[:, None])


def _from(values: Floats, first: NDArray[np.intp]) -> Floats:
    """Sum of the values from rank `first` on, at every rank."""
    rest = values[..., ::-1].cumsum(-1)[..., ::-1]
    return np.take_along_axis(rest, first, -1)


def _check(scores: NDArray[np.floating], present: NDArray[np.bool_]) -> None:
    if present.ndim != 2 or not present.size or scores.shape[-2:] != present.shape:
        raise SemcomError(
            f"scores of shape {scores.shape} for presence of shape {present.shape}: the last two dimensions "
            "of both are frame and class, and there must be one of each"
        )
    if not np.isfinite(scores).all():
        raise SemcomError(
            "scores must be finite numbers, but some are not: look at the training that made them"
        )
