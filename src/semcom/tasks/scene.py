"""The scene's class, one of the data set's."""

from semcom.frames.device import DeviceFrames
from semcom.tasks.classes import Classes


class Scene(Classes):
    """Which scene a frame shows."""

    def __init__(self, frames: DeviceFrames) -> None:
        super().__init__(frames.scene, len(frames.prepared.scene_names))
