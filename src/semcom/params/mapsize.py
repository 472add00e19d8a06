"""Which image sizes networks can halve or cut into patches, and which channel uses they fill."""

import math

from semcom.files.errors import SemcomError

SHRINK = 4
"""Pixels of the image a side to one of DeepJSCC's last map."""


def filters(size: tuple[int, int], channel_uses: int) -> int:
    """Filters c of DeepJSCC's last layer: c·(H/4)·(W/4) reals are the k channel uses.

    Raises:
        SemcomError: the size is no multiple of 4, or k no possible number of channel uses.
    """
    if any(side < SHRINK or side % SHRINK for side in size):
        raise SemcomError(
            f"images of {size[0]}×{size[1]} pixels cannot be halved twice; take sides that are "
            f"multiples of {SHRINK}"
        )
    places = (size[0] // SHRINK) * (size[1] // SHRINK)
    if channel_uses < 1 or 2 * channel_uses % places:
        step = places // 2 if places % 2 == 0 else places
        below = max(channel_uses // step, 1) * step
        raise SemcomError(
            f"{channel_uses} channel uses are no whole number of filters of {places} values: at "
            f"{size[0]}×{size[1]} pixels they are multiples of {step}, such as {below} or {below + step}"
        )
    return 2 * channel_uses // places


def map_size(size: tuple[int, int], halvings: int) -> tuple[int, int]:
    """Width and height of a VQ-VAE's map of indices.

    Raises:
        SemcomError: the size is no multiple of 2^halvings.
    """
    step = 1 << halvings
    if any(side % step for side in size):
        near = [max(round(side / step), 1) * step for side in size]
        raise SemcomError(
            f"images of {size[0]}×{size[1]} pixels cannot be halved {halvings} times; take fewer halvings, "
            f"or a size of multiples of {step}, such as {near[0]}×{near[1]}"
        )
    return size[0] // step, size[1] // step


def check_patches(size: tuple[int, int], *, patch: int, width: int, heads: int) -> None:
    """Whether a Vision Transformer can be made for images of this size.

    Raises:
        SemcomError: `size` and `patch`, or `width` and `heads`, do not go together.
    """
    if any(side % patch for side in size):
        fits = [p for p in range(1, min(size) + 1) if all(side % p == 0 for side in size)]
        near = min(fits, key=lambda p: abs(math.log(p / patch)))
        raise SemcomError(
            f"vit: frames of {size[0]}×{size[1]} pixels do not divide into patches of {patch}; give another "
            f"size, or patch: {near}"
        )
    if width % heads or width % 4:
        raise SemcomError(
            f"vit: width {width} must be a multiple of 4 (sines and cosines of row and column) and of heads "
            f"{heads}"
        )
