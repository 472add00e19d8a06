"""Tasks in which a frame has any number of classes, each by itself: average precision."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from semcom.frames.folds import Indices
from semcom.metrics.average_precision import average_precision, frame_credit, macro_f1, mean_over_present
from semcom.tasks.classes import Measured


class Presence:
    """Whether a frame has each of several classes.

    Args:
        present: (N, classes), of every frame of the data set.
        names: of the classes.
        device: that of the frames.
    """

    measure = "map"
    title = "mean average precision"
    needs: tuple[str, ...] = ()

    def __init__(self, present: NDArray[np.bool_], names: Sequence[str], device: torch.device) -> None:
        self.present, self.names, self.scores = present, tuple(names), len(names)
        self.target = torch.from_numpy(present.astype(np.float32)).to(device)

    def loss(self, scores: Tensor, index: Tensor) -> Tensor:
        """Mean binary cross-entropy in nats of scores (B, classes) of the frames at `index` (B,)."""
        return F.binary_cross_entropy_with_logits(scores, self.target[index])

    def value(self, scores: Tensor, index: Indices) -> float:
        """Mean average precision of scores (..., N, classes), of the classes that any of the frames shows."""
        present = self.present[index]
        return float(mean_over_present(average_precision(_numbers(scores), present), present).mean())

    def judge(self, scores: Tensor, index: Indices) -> tuple[Measured, dict[str, NDArray[Any]]]:
        """Metrics (S, draws) of scores (S, draws, N, classes), and what is kept of them, draws averaged.

        `chance` is the mean average precision that scores which say nothing have on average, `nll` the mean
        binary cross-entropy in nats, `macro_f1` the mean over classes of F1 at a probability of one half.
        Kept are `credit` (S, N), whose mean is the mean average precision (`metrics.average_precision`), and
        `ap` (S, classes).
        """
        present, given = self.present[index], _numbers(scores)
        precisions = average_precision(given, present)
        whole = mean_over_present(precisions, present)
        entropy = F.binary_cross_entropy_with_logits(
            torch.from_numpy(given),
            torch.from_numpy(present.astype(np.float64)).expand(given.shape),
            reduction="none",
        )
        measured = {
            "map": whole,
            "macro_f1": macro_f1(given > 0, present),
            "nll": entropy.mean((-2, -1)).numpy(),
            "chance": np.full(whole.shape, mean_over_present(present.mean(0), present)),
        }
        credit = frame_credit(given, present).mean(1)
        return measured, {"credit": credit.astype(np.float32), "ap": precisions.mean(1).astype(np.float32)}

    def truth(self, index: Indices) -> dict[str, NDArray[Any]]:
        """Presence (N, classes) in the frames at `index` (N,), and the classes' names."""
        return {"truth": self.present[index].astype(np.uint8), "classes": np.array(self.names)}


def _numbers(scores: Tensor) -> NDArray[np.float64]:
    return scores.double().cpu().numpy()
