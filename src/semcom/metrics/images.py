"""How near a decoded image is to the one that was sent."""

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1 / 12
"""Mean squared error of a value that was rounded to whole steps."""


def psnr_db(image: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of one image in dB: 10 log10(255² / mean squared error).

    The error counts as at least that of rounding to 8 bits, so that images which come back exactly have 58.9
    dB, and a mean over images stays finite.

    Args:
        image: (height, width, 3) colour or (height, width) grey, as it was sent.
        decoded: the same shape; of a grey image (height, width, 3) too, whose channels are averaged.
    """
    found = decoded.astype(np.float64)
    if found.ndim > image.ndim:
        found = found.mean(-1)
    error = float(np.mean((found - image) ** 2))
    return float(10 * np.log10(255**2 / max(error, ROUNDING)))
