"""How near received images are to those that were sent: PSNR and SSIM, one value an image.

Both are of images as they are stored, 8 bits a value: `pixels` rounds what a network gives, so that networks
and image files are held to the same. A figure for a data set is the mean of its images' values; the PSNR of
the mean squared error over all images is another, lower number, and not offered here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.metrics.images import ROUNDING

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

PEAK = 255
RADIUS, DEVIATION = 5, 1.5
"""Of the Gaussian window, in pixels: 11×11."""
STABLE = ((0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2)
VALUES = 2**21
"""That SSIM works on at a time: some ten arrays of 16 MB."""


def pixels(images: Tensor) -> Pixels:
    """Images (N, H, W, C) of 0…255 as stored, of a network's (N, C, H, W) in 0…1; the rest is clipped."""
    stored = (images.detach().clamp(0, 1) * PEAK).round()
    found: Pixels = stored.permute(0, 2, 3, 1).cpu().numpy().astype(np.uint8)
    return found


def psnr_db(images: Pixels, decoded: Pixels) -> Floats:
    """Peak signal-to-noise ratio (N,) in dB, 10 log10(255² / mean squared error) of each image.

    The error counts as at least that of rounding to 8 bits: images that come back exactly have 58.9 dB, and
    the mean over images stays finite.

    Args:
        images: (N, H, W, C) or (N, H, W), as they were sent.
        decoded: of the same shape.

    Raises:
        SemcomError: shapes or types that do not fit.
    """
    _check(images, decoded)
    error = [np.mean(np.square(a.astype(np.float64) - b)) for a, b in zip(images, decoded, strict=True)]
    ratio: Floats = 10 * np.log10(PEAK**2 / np.maximum(np.array(error, np.float64), ROUNDING))
    return ratio


def ssim(images: Pixels, decoded: Pixels) -> Floats:
    """Structural similarity (N,), at most 1, of each image (Wang et al. 2004, equation 13).

    Gaussian window of 11×11 and deviation 1.5, K1 = 0.01, K2 = 0.03, L = 255, windows that lie within the
    image, as in the paper; there of grey images, here of each colour, then averaged. (torchmetrics averages
    over windows across the border too, of mirrored images.)

    Args:
        images: (N, H, W, C) or (N, H, W), as they were sent, of at least 11×11 pixels.
        decoded: of the same shape.

    Raises:
        SemcomError: shapes or types that do not fit, or images smaller than a window.
    """
    _check(images, decoded)
    if min(images.shape[1:3]) < 2 * RADIUS + 1:
        raise SemcomError(
            f"images of {images.shape[2]}×{images.shape[1]} pixels are smaller than SSIM's window of "
            f"{2 * RADIUS + 1}×{2 * RADIUS + 1}"
        )
    step = max(VALUES // max(images[0].size, 1), 1) if len(images) else 1
    parts = [
        _similarity(
            images[start : start + step].astype(np.float64), decoded[start : start + step].astype(np.float64)
        )
        for start in range(0, len(images), step)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _similarity(a: Floats, b: Floats) -> Floats:
    mean_a, mean_b = _windowed(a), _windowed(b)
    variance_a, variance_b = _windowed(a * a) - mean_a**2, _windowed(b * b) - mean_b**2
    covariance = _windowed(a * b) - mean_a * mean_b
    above = (2 * mean_a * mean_b + STABLE[0]) * (2 * covariance + STABLE[1])
    below = (mean_a**2 + mean_b**2 + STABLE[0]) * (variance_a + variance_b + STABLE[1])
    found: Floats = (above / below).reshape(len(a), -1).mean(1)
    return found


def _windowed(values: Floats) -> Floats:
    """Weighted means over all windows that lie within the image, (N, H - 10, W - 10, …)."""
    weights = np.exp(-np.square(np.arange(-RADIUS, RADIUS + 1)) / (2 * DEVIATION**2))
    weights /= weights.sum()
    inner = slice(RADIUS, -RADIUS)
    rows: Any = correlate1d(values, weights, axis=1)[:, inner]
    means: Floats = correlate1d(rows, weights, axis=2)[:, :, inner]
    return means


def _check(images: Pixels, decoded: Pixels) -> None:
    if images.shape != decoded.shape or images.ndim not in (3, 4):
        raise SemcomError(
            f"images of shape {images.shape} and {decoded.shape} cannot be compared; both are (N, H, W, C), "
            "or (N, H, W) if grey"
        )
    if images.dtype != np.uint8 or decoded.dtype != np.uint8:
        raise SemcomError(
            f"images of {images.dtype} and {decoded.dtype}: they are compared as stored, in uint8; "
            "`pixels` makes them of a network's"
        )
