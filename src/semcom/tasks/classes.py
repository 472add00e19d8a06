"""Tasks in which a frame has one class of several: cross-entropy, accuracy."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from semcom.frames.folds import Indices
from semcom.metrics.calibration import ece, nll
from semcom.metrics.classification import accuracy, balanced_accuracy

Measured = dict[str, NDArray[np.float64]]


class Classes:
    """One class a frame.

    Args:
        target: (N,) int64 class of every frame of the data set, on the frames' device.
        scores: number of classes.
    """

    measure = "accuracy"
    title = "accuracy"
    needs: tuple[str, ...] = ()

    def __init__(self, target: Tensor, scores: int) -> None:
        self.target, self.scores = target, scores

    def loss(self, scores: Tensor, index: Tensor) -> Tensor:
        """Cross-entropy in nats of scores (B, classes) of the frames at `index` (B,)."""
        return F.cross_entropy(scores, self.target[index])

    def value(self, scores: Tensor, index: Indices) -> float:
        """Accuracy of scores (..., N, classes) of the frames at `index` (N,), averaged over all else."""
        truth = self.target[torch.from_numpy(index).to(self.target.device)]
        return float((scores.argmax(-1) == truth).float().mean())

    def judge(self, scores: Tensor, index: Indices) -> tuple[Measured, dict[str, NDArray[Any]]]:
        """Metrics (S, draws) of scores (S, draws, N, classes), and the classes `predicted` (S, draws, N)."""
        truth, given = self.truth(index)["truth"], scores.float().cpu().numpy()
        classes = scores.argmax(-1).to(torch.uint8).cpu().numpy()
        measured = accuracies(classes, truth) | {"nll": nll(given, truth), "ece": ece(given, truth)}
        return measured, {"predicted": classes}

    def truth(self, index: Indices) -> dict[str, NDArray[Any]]:
        """The class of each of the frames at `index` (N,)."""
        return {"truth": self.target.cpu().numpy()[index]}


def accuracies(classes: NDArray[np.uint8], truth: NDArray[np.int64]) -> Measured:
    """Accuracy and balanced accuracy (S, draws) of classes (S, draws, N)."""
    balanced = [[balanced_accuracy(one, truth) for one in draws] for draws in classes]
    return {"accuracy": accuracy(classes, truth), "balanced_accuracy": np.array(balanced)}
