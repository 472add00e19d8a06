"""Channel uses in proportion to what is sent."""

from semcom.files.errors import SemcomError


def cbr(channel_uses: int, *, channels: int, size: tuple[int, int]) -> float:
    """Channel uses a source value, k / (C·H·W).

    Args:
        channel_uses: k complex channel uses an image, pilots included.
        channels: C of the image.
        size: width and height in pixels.
    """
    return channel_uses / (channels * size[0] * size[1])


def uses(ratio: float, *, channels: int, size: tuple[int, int]) -> int:
    """Channel uses k an image at a ratio; undoes `cbr`.

    Raises:
        SemcomError: they would be no whole number.
    """
    exact = ratio * channels * size[0] * size[1]
    if round(exact) < 1 or abs(exact - round(exact)) > 1e-6 * exact:
        raise SemcomError(
            f"a ratio of {ratio:g} is {exact:g} channel uses for {size[0]}×{size[1]} pixels of {channels} "
            f"values; take {max(round(exact), 1)} channel uses, a ratio of "
            f"{cbr(max(round(exact), 1), channels=channels, size=size):.6g}"
        )
    return round(exact)
