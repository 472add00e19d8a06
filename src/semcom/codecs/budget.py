"""The best quality that fits into a number of bytes."""

from typing import Literal, NamedTuple

from semcom.codecs import payload
from semcom.codecs.images import Pixels, encode, known
from semcom.files.errors import SemcomError

Counted = Literal["file", "payload"]
"""What the budget is for: the whole file, or what is left without container headers."""


class Fitted(NamedTuple):
    """An image that fits.

    Attributes:
        data: the file.
        quality: the one it was encoded at.
        file_bytes: length of the file.
        payload_bytes: of them without container headers.
    """

    data: bytes
    quality: int
    file_bytes: int
    payload_bytes: int


def at_quality(image: Pixels, *, codec: str, quality: int) -> Fitted:
    """One image at a given quality, with its two sizes."""
    data = encode(image, codec=codec, quality=quality)
    return Fitted(data, quality, len(data), payload.count(data))


def within(image: Pixels, *, codec: str, budget_bytes: int, counted: Counted = "payload") -> Fitted:
    """One image at the highest quality whose size is within the budget.

    Sizes nearly rise with the quality: a bisection finds a quality that fits and whose successor does not.
    Where the order breaks, a still higher one might fit too.

    Raises:
        SemcomError: even the lowest quality does not fit; the message has its size.
    """

    def size(fitted: Fitted) -> int:
        return fitted.payload_bytes if counted == "payload" else fitted.file_bytes

    low, high = known(codec).qualities
    best = at_quality(image, codec=codec, quality=low)
    if size(best) > budget_bytes:
        raise SemcomError(
            f"a {image.shape[1]}×{image.shape[0]} image takes {size(best)} bytes ({counted}) as {codec} at "
            "its lowest "
            f"quality, {low}, more than the budget of {budget_bytes}; raise the budget or take smaller images"
        )
    above = high + 1
    while above - best.quality > 1:
        middle = at_quality(image, codec=codec, quality=(best.quality + above) // 2)
        if size(middle) <= budget_bytes:
            best = middle
        else:
            above = middle.quality
    return best
