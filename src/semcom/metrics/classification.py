"""Accuracy of predictions, and of retrieval from a bank of labelled features."""

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError

Floats = NDArray[np.float64]


def accuracy(predicted: NDArray[np.integer], labels: NDArray[np.integer]) -> Floats:
    """Share of frames classified right.

    Args:
        predicted: (..., N) classes, for example (SNRs, draws, N).
        labels: (N,) true classes.

    Returns:
        (...) values in 0..1; a zero-dimensional array for (N,) predictions.

    Raises:
        SemcomError: the frames differ in number, or there are none.
    """
    _check(predicted, labels)
    return np.asarray((predicted == labels).mean(-1))


def balanced_accuracy(predicted: NDArray[np.integer], labels: NDArray[np.integer]) -> Floats:
    """Recall averaged over the classes that occur in `labels`; shapes and errors as for `accuracy`."""
    _check(predicted, labels)
    right = predicted == labels
    return np.asarray(np.mean([right[..., labels == c].mean(-1) for c in np.unique(labels)], axis=0))


def knn_predict(
    bank: NDArray[np.floating],
    bank_labels: NDArray[np.integer],
    queries: NDArray[np.floating],
    *,
    neighbours: int,
    temperature: float | None = None,
) -> NDArray[np.integer]:
    """Classify by the nearest features of a labelled bank, in cosine similarity.

    Args:
        bank: (M, D) features, normalised here.
        bank_labels: (M,) their classes.
        queries: (N, D) features to classify.
        neighbours: how many of the nearest vote, at most M.
        temperature: None gives each neighbour one vote; else a neighbour of similarity s has
            exp(s / temperature) votes (Wu et al. 2018, arXiv 1805.01978, use 0.07).

    Returns:
        (N,) classes; of classes with equally many votes the smallest.

    Raises:
        SemcomError: more neighbours are asked for than the bank holds, or none.
    """
    if not 1 <= neighbours <= len(bank):
        raise SemcomError(f"{neighbours} neighbours of a bank of {len(bank)} features: give 1 to {len(bank)}")
    similarity = _unit(queries) @ _unit(bank).T
    nearest = np.argpartition(-similarity, neighbours - 1, axis=1)[:, :neighbours]
    votes = np.ones(nearest.shape)
    if temperature is not None:
        # Less the largest exponent: the same order, and no overflow at a small temperature.
        votes = np.exp(
            (np.take_along_axis(similarity, nearest, 1) - similarity.max(1, keepdims=True)) / temperature
        )
    classes, column = np.unique(bank_labels, return_inverse=True)
    tally = np.zeros((len(queries), len(classes)))
    np.add.at(tally, (np.arange(len(queries))[:, None], column[nearest]), votes)
    return np.asarray(classes[tally.argmax(1)])


def knn_accuracy(
    bank: NDArray[np.floating],
    bank_labels: NDArray[np.integer],
    queries: NDArray[np.floating],
    labels: NDArray[np.integer],
    *,
    neighbours: int,
    temperature: float | None = None,
) -> float:
    """Accuracy of `knn_predict` on (N, D) queries whose classes are `labels` (N,), in 0..1."""
    predicted = knn_predict(bank, bank_labels, queries, neighbours=neighbours, temperature=temperature)
    return float(accuracy(predicted, labels))


def _unit(features: NDArray[np.floating]) -> NDArray[np.floating]:
    """Rows scaled to length 1; a zero row stays zero."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.where(length == 0, 1, length))


def _check(predicted: NDArray[np.integer], labels: NDArray[np.integer]) -> None:
    if labels.ndim != 1 or not len(labels) or predicted.shape[-1:] != labels.shape:
        raise SemcomError(
            f"predictions of shape {predicted.shape} for labels of shape {labels.shape}: "
            "the last dimension of both is the frame, and there must be at least one"
        )
