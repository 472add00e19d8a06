"""Small images side by side in one, so that they share its headers.

An image file of 32×32 pixels is mostly container, and codecs have little to predict from. A mosaic is kind to
them: it takes many images that are there at once, and that are lost at once. Say so beside the figure.
"""

import numpy as np

from semcom.codecs.images import Pixels
from semcom.files.errors import SemcomError

EMPTY = 128
"""Grey of places without an image, on the last mosaic."""


def join(images: Pixels, *, across: int = 8, down: int = 8) -> Pixels:
    """Mosaics (M, down · H, across · W, …) of images (N, H, W, …), row by row; M = ⌈N / (across · down)⌉.

    Raises:
        SemcomError: there are no images, or no places for them.
    """
    if not len(images) or images.ndim < 3 or across < 1 or down < 1:
        raise SemcomError(
            f"a mosaic of {across}×{down} places is made of images (N, H, W, …), not of shape {images.shape}"
        )
    count = -(-len(images) // (across * down))
    places = np.full((count * across * down, *images.shape[1:]), EMPTY, images.dtype)
    places[: len(images)] = images
    height, width = images.shape[1:3]
    rows = places.reshape(count, down, across, *images.shape[1:]).swapaxes(2, 3)
    return rows.reshape(count, down * height, across * width, *images.shape[3:])


def split(mosaics: Pixels, *, count: int, across: int = 8, down: int = 8) -> Pixels:
    """Undo `join` of N = `count` images.

    Raises:
        SemcomError: the mosaics do not divide into so many images.
    """
    height, width = mosaics.shape[1:3]
    if height % down or width % across or not 0 < count <= len(mosaics) * across * down:
        raise SemcomError(
            f"{len(mosaics)} mosaics of {width}×{height} pixels do not divide into {count} images, "
            f"{across}×{down} on each"
        )
    rest = mosaics.shape[3:]
    rows = mosaics.reshape(len(mosaics), down, height // down, across, width // across, *rest).swapaxes(2, 3)
    return rows.reshape(-1, height // down, width // across, *rest)[:count]
