"""How the rooms data set is shown: as a camera sees a room, or as a painter would show it.

As in the renderer, only + - * /, comparisons and integer hashes are used, in single precision.
"""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from semcom.prepare.rooms_solids import Array, chance

Style: TypeAlias = Literal["plain", "painted"]
PIGMENTS = ((0.45, 0.05, 0.50), (0.40, 0.55, 0.05), (0.05, 0.35, 0.60))
"""How much of red, green and blue each channel of a painting takes: other hues, less saturated."""
TONES = 3.0  # steps of light from darkness to 1
STROKE = (4, 17)  # rays, height and width of a stroke of the brush
UNEVEN = 0.35  # a stroke is up to half of this lighter or darker than its neighbour
INK = (0.012, 0.008, 0.03)  # linear light of the outlines
LINE = 2  # rays, their width; a pixel has 3


def shown(albedo: Array, light: Array, thing: NDArray[np.int64], style: Style) -> Array:
    """Linear colour (3, rows, columns) of what the rays meet.

    Args:
        albedo: (3, rows, columns) 0..1.
        light: (3, rows, columns) that falls on it, or comes from it.
        thing: (rows, columns) number of the object that a ray meets.
        style: `plain`: their product. `painted`: light in flat tones, other pigments, strokes, outlines.
    """
    if style == "plain":
        lit: Array = albedo * light
        return lit
    painted = _mixed(albedo) * _flat(light) * _strokes(thing)
    for channel, ink in zip(painted, INK, strict=True):
        channel[_outlines(thing)] = np.float32(ink)
    return painted


def _mixed(albedo: Array) -> Array:
    """The albedo in a painter's pigments."""
    red, green, blue = albedo
    return np.stack(
        [np.float32(r) * red + np.float32(g) * green + np.float32(b) * blue for r, g, b in PIGMENTS]
    )


def _flat(light: Array) -> Array:
    """Light of the same tint in few steps, the middle of each."""
    brightness = (light[0] + light[1] + light[2]) / np.float32(3)
    step = (np.floor(brightness * np.float32(TONES)) + np.float32(0.5)) / np.float32(TONES)
    flat: Array = light * (step / np.maximum(brightness, np.float32(1e-3)))
    return flat


def _strokes(thing: NDArray[np.int64]) -> Array:
    """(rows, columns) around 1: strokes side by side, each object has its own."""
    rows, columns = (np.arange(n, dtype=np.int64) for n in thing.shape)
    row = np.broadcast_to((rows // STROKE[0])[:, None], thing.shape)
    shift = np.floor(chance(row, thing, 1) * np.float32(STROKE[1])).astype(np.int64)
    along = (columns[None, :] + shift) // STROKE[1]
    uneven: Array = 1 + np.float32(UNEVEN) * (chance(along, row + 997 * thing, 2) - np.float32(0.5))
    return uneven


def _outlines(thing: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(rows, columns) Rays just before, to the right or below, another object begins."""
    edge = np.zeros(thing.shape, dtype=np.bool_)
    for away in range(1, LINE + 1):
        edge[:, :-away] |= thing[:, :-away] != thing[:, away:]
        edge[:-away] |= thing[:-away] != thing[away:]
    return edge
