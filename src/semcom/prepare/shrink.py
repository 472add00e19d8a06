"""From a raw frame's pixels to the prepared size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semcom.prepare.description import Crop, Fit
from semcom.prepare.source import Frame

GAP = 3.0
"""Colour over 2 × GAP times its new size is first averaged over whole squares, 2×2 or more (Pillow's
`reducing_gap`): no difference that one sees, in a third of the time."""


def cropped(frame: Frame, crop: Crop | None) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
    """RGB (H, W, 3) and depth (H, W) in metres, if any, without the border."""
    if crop is None:
        return frame.rgb, frame.depth
    height, width = frame.rgb.shape[:2]
    rows, columns = crop.slices(width, height)
    return frame.rgb[rows, columns], None if frame.depth is None else frame.depth[rows, columns]


def shrink(
    frame: Frame, *, crop: Crop | None, size: tuple[int, int], fit: Fit = "squash"
) -> tuple[NDArray[np.uint8], NDArray[np.uint16] | None]:
    """Crop, then resize: RGB (H, W, 3) with an antialiasing filter, depth (H, W) to the nearest pixel, in mm.

    Depth is never averaged: between a chair and the wall behind it there is nothing.
    """
    colour, depth = cropped(frame, crop)
    if fit == "crop":
        colour = colour[middle((colour.shape[1], colour.shape[0]), size)]
    if (colour.shape[1], colour.shape[0]) != size:
        colour = _resized(colour, size)
    if depth is None:
        return np.ascontiguousarray(colour), None
    if (depth.shape[1], depth.shape[0]) != size:
        depth = depth[np.ix_(_nearest(depth.shape[0], size[1]), _nearest(depth.shape[1], size[0]))]
    return np.ascontiguousarray(colour), np.rint(depth * 1000).astype(np.uint16)


def middle(old: tuple[int, int], new: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the largest middle part of `old` (width, height) that has the shape of `new`."""
    (width, height), (across, down) = old, new
    columns = max(1, min(width, round(height * across / down)))
    rows = max(1, min(height, round(width * down / across)))
    top, left = (height - rows) // 2, (width - columns) // 2
    return slice(top, top + rows), slice(left, left + columns)


def _resized(colour: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """As Pillow's `resize(size, LANCZOS, reducing_gap=GAP)`, bit for bit; MATLAB's planes turn when small."""
    height, width = colour.shape[:2]
    across, down = squares((width, height), size)
    if colour.strides[2] > colour.strides[0]:  # (3, W, H), seen the other way round
        planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in colour.transpose(2, 1, 0)]
        small = [plane.reduce((down, across)) if across * down > 1 else plane for plane in planes]
        image = Image.merge("RGB", [plane.transpose(Image.Transpose.TRANSPOSE) for plane in small])
    else:
        image = Image.fromarray(np.ascontiguousarray(colour))
        image = image.reduce((across, down)) if across * down > 1 else image
    box = (0, 0, width / across, height / down)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, box=box))


def squares(old: tuple[int, int], new: tuple[int, int]) -> tuple[int, int]:
    """Width and height in pixels of what is averaged before the filter."""
    return max(1, int(old[0] / new[0] / GAP)), max(1, int(old[1] / new[1] / GAP))


def _nearest(source: int, target: int) -> NDArray[np.int64]:
    """For each of `target` pixels the one of `source` pixels in which its centre lies."""
    return (2 * np.arange(target) + 1) * source // (2 * target)
