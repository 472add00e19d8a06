"""Object presence: which of several objects a frame shows, each by itself; mean average precision.

A class is judged if it is neither rare nor everywhere: present in a share `least` of the frames, and absent
from as many, in the training and in the test part alike. What is left says something of a model; of NYU Depth
V2's 37 classes it is 31 (bathtub, person, shower curtain, toilet and whiteboard are too rare, wall is nearly
everywhere). The server has scores for these classes and no others.
"""

import numpy as np

from semcom.files.errors import SemcomError
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import Indices
from semcom.frames.prepared import Prepared
from semcom.params.ranges import UpToHalf
from semcom.tasks.presence import Presence


class Objects(Presence):
    """Which objects a frame shows.

    Args:
        frames: prepared with objects.
        least: share of the frames, of each part, in which a class must be present, and absent.

    Raises:
        SemcomError: the data set does not say which objects its frames show, or no class is left to judge.
    """

    needs = ("objects",)

    def __init__(self, frames: DeviceFrames, *, least: UpToHalf = 0.05) -> None:
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
        names = [prepared.object_names[i] for i in chosen]
        super().__init__(prepared.objects[:, chosen], names, frames.rgb.device)


def judged(prepared: Prepared, least: float) -> Indices:
    """Columns of `prepared.objects` of the classes that are neither rare nor everywhere in either part."""
    assert prepared.objects is not None
    shares = np.array([prepared.objects[part].mean(0) for part in (prepared.train, ~prepared.train)])
    (chosen,) = np.nonzero(((shares >= least) & (shares <= 1 - least)).all(0))
    return chosen
