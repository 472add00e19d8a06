"""Object presence: which of several objects a frame shows, each by itself; mean average precision.

A class is judged if it is neither rare nor everywhere: present in a share `least` of the frames, and absent
from as many, in the training and in the test part alike. What is left says something of a model; of NYU Depth
V2's 37 classes it is 31 (bathtub, person, shower curtain, toilet and whiteboard are too rare, wall is nearly
everywhere). The server has scores for these classes and no others.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from semcom.files.errors import SemcomError
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import Indices
from semcom.frames.prepared import Prepared
from semcom.metrics.average_precision import average_precision, frame_credit, macro_f1, mean_over_present
from semcom.params.ranges import Fraction
from semcom.tasks.classes import Measured


class Objects:
    """Which objects a frame shows.

    Args:
        frames: prepared with objects.
        least: share of the frames, of each part, in which a class must be present, and absent.

    Raises:
        SemcomError: the data set does not say which objects its frames show, or no class is left to judge.
    """

    measure = "map"
    title = "mean average precision"
    needs = ("objects",)

    def __init__(self, frames: DeviceFrames, *, least: Fraction = 0.05) -> None:
        prepared = frames.prepared
        if prepared.objects is None:
            raise SemcomError(
                f"{prepared.path} does not say which objects its frames show, which the task objects needs: "
                "add the data with them (docs/data.md, Objects), or give the link the task scene"
            )
        chosen = judged(prepared, least)
        if not len(chosen):
            raise SemcomError(
                f"none of the {len(prepared.object_names)} objects of {prepared.path} is present in, and "
                f"absent from, {least:g} of the training and of the test frames; lower the task's `least`"
            )
        self.names = tuple(prepared.object_names[i] for i in chosen)
        self.scores = len(chosen)
        self.present = prepared.objects[:, chosen]
        """(N, scores), of every frame of the data set."""
        self.target = torch.from_numpy(self.present.astype(np.float32)).to(frames.rgb.device)

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


def judged(prepared: Prepared, least: float) -> Indices:
    """Columns of `prepared.objects` of the classes that are neither rare nor everywhere in either part."""
    assert prepared.objects is not None
    shares = np.array([prepared.objects[part].mean(0) for part in (prepared.train, ~prepared.train)])
    (chosen,) = np.nonzero(((shares >= least) & (shares <= 1 - least)).all(0))
    return chosen


def _numbers(scores: Tensor) -> NDArray[np.float64]:
    return scores.double().cpu().numpy()
