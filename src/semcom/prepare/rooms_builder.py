"""Furnishes a room of the rooms data set: places pieces along its walls and remembers what stands where.

The far wall is `back` (at y = depth), `left` is x = 0, `right` is x = width; the camera stands near y = 0.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from numpy.random import Generator

from semcom.prepare import rooms_fixtures as fixtures
from semcom.prepare.rooms_palette import Palette, dark
from semcom.prepare.rooms_pieces import Piece, half_width, place
from semcom.prepare.rooms_solids import Solid

Wall = Literal["back", "left", "right"]
TURNS: Mapping[Wall, float] = MappingProxyType({"back": 180.0, "left": -90.0, "right": 90.0})


class Builder:
    """Collects the solids of one room of `size` (width, depth, height), scene units."""

    def __init__(self, size: tuple[float, float, float], *, palette: Palette, rng: Generator) -> None:
        self.size, self.palette, self.rng = size, palette, rng
        self.solids: list[Solid] = []
        self._instances: Counter[str] = Counter()
        self._taken: dict[Wall, list[tuple[float, float]]] = {wall: [] for wall in TURNS}
        sides: tuple[Wall, Wall] = ("left", "right")
        self.side, self.other = sides if rng.random() < 0.5 else sides[::-1]

    def add(self, piece: Piece, *, x: float, y: float, degrees: float) -> None:
        """Place a piece; each is an instance of its own of all its classes."""
        for name in {part.name for part in piece}:
            self._instances[name] += 1
        instances = [self._instances[part.name] for part in piece]
        for part, instance in zip(piece, instances, strict=True):
            self.solids += place([part], x=x, y=y, degrees=degrees, instance=instance)

    def at(self, wall: Wall, along: float, piece: Piece) -> None:
        """Place a piece with its back to a wall, its middle `along` the wall (from x = 0, or from y = 0)."""
        width, depth, _ = self.size
        x, y = {"back": (along, depth), "left": (0.0, along), "right": (width, along)}[wall]
        self.add(piece, x=x, y=y, degrees=TURNS[wall])
        if max(part.high[2] for part in piece) > 1.0:
            half = half_width(piece)
            self._taken[wall].append((along - half, along + half))

    def hang(self, wall: Wall, along: float, piece: Piece) -> None:
        """Place a window, a picture or the like, unless something tall is there."""
        low, high = along - half_width(piece), along + half_width(piece)
        if all(high < a or b < low for a, b in self._taken[wall]):
            self.at(wall, along, piece)

    def row(self, wall: Wall, pieces: Sequence[Piece], *, start: float, end: float, gap: float = 0.0) -> None:
        """Place pieces side by side from `start` as long as they end before `end`; the rest is left out."""
        for piece in pieces:
            half = half_width(piece)
            if start + 2 * half <= end:
                self.at(wall, start + half, piece)
                start += 2 * half + gap

    def some(self, low: float, high: float) -> float:
        """A number between low and high."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)


def picture(b: Builder, wall: Wall, along: float) -> None:
    """A picture at eye height."""
    width, low = b.some(0.2, 0.5), b.some(1.25, 1.5)
    b.hang(
        wall,
        along,
        fixtures.panel(
            "picture", width, low, low + b.some(0.35, 0.6), b.palette.picture, dark(b.palette.wood)
        ),
    )


def decorate(b: Builder) -> None:
    """A window, a door, a picture or two: every kind of room has them."""
    width, depth, _ = b.size
    if b.chance(0.6):
        wall: Wall = b.other if b.chance(0.6) else "back"
        along = b.some(0.3, 0.7) * width if wall == "back" else b.some(0.4, 0.7) * depth
        b.hang(wall, along, fixtures.window(b.some(0.4, 0.8), b.palette))
    if b.chance(0.4):
        b.hang(b.side, b.some(1.3, 2.4), fixtures.door(b.rng, b.palette))
    for _ in range(2):
        if b.chance(0.6):
            picture(b, "back", b.some(0.15, 0.85) * width)
    if b.chance(0.4):
        picture(b, b.other, b.some(0.4, 0.8) * depth)
