"""Pieces of the rooms data set: a few solids each, in a frame of their own.

A piece stands on the floor with the middle of its back at the origin, x along its width, y away from the wall
behind it, z up, in scene units (metres at scale 1). `place` puts it into the room.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from semcom.prepare.rooms_solids import Material, Solid

NAMES = (
    "wall", "floor", "ceiling", "window", "door", "picture", "rug", "bed",
    "pillow", "nightstand", "cabinet", "sofa", "table", "chair", "desk", "monitor",
    "shelf", "books", "counter", "refrigerator", "stove", "bathtub", "toilet", "sink",
    "mirror", "lamp", "plant", "blackboard", "box", "washing_machine", "toy", "television",
)  # fmt: skip
LABELS = {name: i + 1 for i, name in enumerate(NAMES)}


@dataclass(frozen=True)
class Part:
    """A solid between two corners, in the frame of its piece."""

    name: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    material: Material
    shape: Literal["box", "cylinder", "ellipsoid"] = "box"
    casts: bool = True


Piece = list[Part]


def block(
    name: str,
    x: tuple[float, float],
    y: tuple[float, float],
    z: tuple[float, float],
    material: Material,
    *,
    shape: Literal["box", "cylinder", "ellipsoid"] = "box",
    casts: bool = True,
) -> Part:
    """A part that fills the ranges x, y, z."""
    return Part(name, (x[0], y[0], z[0]), (x[1], y[1], z[1]), material, shape, casts)


def place(piece: Iterable[Part], *, x: float, y: float, degrees: float, instance: int = 1) -> list[Solid]:
    """The piece with its origin at (x, y) of the room, turned left by `degrees`."""
    c, s = (round(f(math.radians(degrees)), 9) for f in (math.cos, math.sin))
    solids = []
    for part in piece:
        mx, my, mz = ((low + high) / 2 for low, high in zip(part.low, part.high, strict=True))
        half = tuple(max((high - low) / 2, 1e-3) for low, high in zip(part.low, part.high, strict=True))
        centre = (x + c * mx - s * my, y + s * mx + c * my, mz)
        solids.append(
            Solid(
                part.shape, centre, (half[0], half[1], half[2]), c, s, part.material,
                label=LABELS[part.name], instance=instance, casts=part.casts,
            )
        )  # fmt: skip
    return solids


def half_width(piece: Piece) -> float:
    """How far the piece reaches to its sides."""
    return max(max(abs(part.low[0]), abs(part.high[0])) for part in piece)
