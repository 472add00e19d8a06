"""Prepared frames: the reader of the prepared format, folds and label fractions, augmented views."""

VIEWS = {
    "rgbd": "semcom.frames.views:RGBD",
    "sensors": "semcom.frames.sensors:Sensors",
}
