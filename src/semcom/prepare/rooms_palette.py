"""Palettes of the rooms data set: the colours and patterns of a scene's walls, floor and furniture."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from numpy.random import Generator

from semcom.prepare.rooms_solids import Material, Pattern, Point


def hsv(hue: float, saturation: float, value: float) -> Point:
    """Linear light of a display colour, hue 0..1 around the circle; the renderer's root undoes the square."""
    channels = []
    for shift in (5.0, 3.0, 1.0):
        k = (shift + 6 * hue) % 6
        channels.append((value * (1 - saturation * max(0.0, min(k, 4 - k, 1.0)))) ** 2)
    return channels[0], channels[1], channels[2]


def dark(material: Material, *, by: float = 0.35) -> Material:
    """The same material, darker."""
    r, g, b = (by * c for c in material.colour)
    return replace(material, colour=(r, g, b))


# The same in every scene.
SHINY = Material(hsv(0.6, 0.04, 0.85))
STEEL = Material(hsv(0.6, 0.05, 0.66))
SHADE = Material(hsv(0.12, 0.25, 0.95), glow=0.9)
SKY = Material(hsv(0.57, 0.32, 0.9), hsv(0.57, 0.03, 0.95), "cloud", 0.4, glow=0.6)
LEAVES = Material(hsv(0.31, 0.6, 0.55), hsv(0.27, 0.6, 0.32), "cloud", 0.12)


@dataclass(frozen=True)
class Style:
    """Ranges that a palette is drawn from: hues, saturations, values (low, high), and patterns."""

    wall_hue: tuple[float, float]
    wall_saturation: tuple[float, float]
    wall_value: tuple[float, float]
    wall_patterns: tuple[Pattern, ...]
    floor_hue: tuple[float, float]
    floor_saturation: tuple[float, float]
    floor_patterns: tuple[Pattern, ...]
    wood_hue: tuple[float, float]
    wood_saturation: tuple[float, float]
    wood_value: tuple[float, float]
    fabric_hue: tuple[float, float]
    fabric_saturation: tuple[float, float]
    books_spread: float
    tint: Point


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "pastel": Style(
            (0.55, 0.95), (0.10, 0.32), (0.78, 0.95), ("plain", "stripes", "cloud"),
            (0.05, 0.12), (0.10, 0.30), ("cloud", "planks"),
            (0.06, 0.11), (0.12, 0.40), (0.60, 0.92),
            (0.55, 0.98), (0.20, 0.50), 0.30, (1.04, 0.98, 1.00),
        ),
        "warm": Style(
            (0.02, 0.15), (0.15, 0.45), (0.70, 0.92), ("plain", "plain", "cloud"),
            (0.04, 0.09), (0.45, 0.70), ("planks", "planks", "cloud"),
            (0.03, 0.08), (0.50, 0.75), (0.40, 0.70),
            (0.96, 1.12), (0.35, 0.75), 0.30, (1.08, 1.00, 0.88),
        ),
        "clean": Style(
            (0.08, 0.58), (0.03, 0.22), (0.82, 0.96), ("tiles", "tiles", "plain"),
            (0.05, 0.60), (0.04, 0.25), ("checks", "tiles"),
            (0.07, 0.12), (0.10, 0.50), (0.65, 0.92),
            (0.35, 0.65), (0.20, 0.60), 0.25, (0.98, 1.00, 1.03),
        ),
        "sober": Style(
            (0.08, 0.65), (0.02, 0.14), (0.68, 0.90), ("plain", "plain", "cloud"),
            (0.55, 0.68), (0.05, 0.28), ("cloud", "checks"),
            (0.04, 0.10), (0.15, 0.50), (0.30, 0.72),
            (0.55, 0.68), (0.10, 0.45), 0.25, (0.97, 1.00, 1.05),
        ),
        "fresh": Style(
            (0.14, 0.42), (0.15, 0.40), (0.75, 0.94), ("plain", "plain", "stripes"),
            (0.09, 0.30), (0.15, 0.35), ("tiles", "cloud", "planks"),
            (0.08, 0.13), (0.30, 0.55), (0.65, 0.90),
            (0.25, 0.60), (0.35, 0.75), 0.35, (1.00, 1.03, 0.95),
        ),
        "vivid": Style(
            (0.00, 1.00), (0.10, 0.35), (0.75, 0.95), ("plain", "stripes", "checks"),
            (0.02, 0.12), (0.30, 0.65), ("planks", "checks", "cloud"),
            (0.00, 1.00), (0.35, 0.75), (0.60, 0.92),
            (0.00, 1.00), (0.50, 0.85), 0.55, (1.03, 1.00, 0.95),
        ),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Palette:
    """The materials of one scene."""

    wall: Material
    floor: Material
    ceiling: Material
    trim: Material
    wood: Material
    fabric: Material
    linen: Material
    accent: Material
    books: Material
    boxes: Material
    front: Material
    top: Material
    appliance: Material
    screen: Material
    curtain: Material
    picture: Material
    rug: Material
    soft_chairs: bool
    tint: Point


def draw(style: Style, rng: Generator) -> Palette:
    """A palette of this style."""
    seed = int(rng.integers(1 << 16))
    wall_hue, wall_saturation = rng.uniform(*style.wall_hue), rng.uniform(*style.wall_saturation)
    wall_value = rng.uniform(*style.wall_value)
    fabric_hue, fabric_saturation = rng.uniform(*style.fabric_hue), rng.uniform(*style.fabric_saturation)
    wood_hue, wood_saturation = rng.uniform(*style.wood_hue), rng.uniform(*style.wood_saturation)
    wood_value, spread = rng.uniform(*style.wood_value), style.books_spread
    wall = hsv(wall_hue, wall_saturation, wall_value)
    fabric = hsv(fabric_hue, fabric_saturation, rng.uniform(0.45, 0.85))
    accent = hsv(fabric_hue + rng.uniform(0.1, 0.5), fabric_saturation, rng.uniform(0.55, 0.9))
    wood = hsv(wood_hue, wood_saturation, wood_value)
    cardboard = hsv(rng.uniform(0.06, 0.11), 0.45, 0.68)
    front = hsv(wood_hue, wood_saturation * 0.8, 0.5 + wood_value / 2)
    return Palette(
        wall=_wall(style, rng, wall, hsv(wall_hue + 0.03, wall_saturation * 1.4, wall_value * 0.86), seed),
        floor=_floor(style, rng, seed),
        ceiling=Material(hsv(wall_hue, wall_saturation * 0.2, 0.95)),
        trim=Material(hsv(wood_hue, wood_saturation * 0.3, 0.92)),
        wood=Material(wood, pattern="planks", period=0.16, seed=seed),
        fabric=_fabric(rng, fabric, accent, seed),
        linen=Material(hsv(fabric_hue, fabric_saturation * 0.15, 0.95)),
        accent=Material(accent),
        books=Material(hsv(wood_hue, 0.35, 0.62), (spread,) * 3, "mosaic", 0.07, seed),
        boxes=Material(cardboard, (spread * 0.4,) * 3, "mosaic", 0.34, seed),
        front=Material(front, dark(Material(wood)).colour, "tiles", 0.46),
        top=Material(hsv(wall_hue, 0.1, rng.uniform(0.3, 0.7))),
        appliance=Material(hsv(wall_hue, 0.03, rng.uniform(0.84, 0.97))),
        screen=Material(hsv(rng.uniform(0.5, 0.65), 0.5, 0.6), glow=0.25),
        curtain=Material(fabric, dark(Material(fabric), by=0.7).colour, "stripes", 0.07),
        picture=Material(accent, fabric, "cloud", rng.uniform(0.12, 0.3), seed + 1),
        rug=Material(fabric, accent, ("stripes", "checks", "plain")[int(rng.integers(3))], 0.28),
        soft_chairs=bool(rng.random() < 0.4),
        tint=style.tint,
    )


def _wall(style: Style, rng: Generator, colour: Point, other: Point, seed: int) -> Material:
    pattern = style.wall_patterns[int(rng.integers(len(style.wall_patterns)))]
    return Material(
        colour, other, pattern, {"tiles": 0.22, "stripes": 0.2, "cloud": 0.8}.get(pattern, 0.5), seed
    )


def _floor(style: Style, rng: Generator, seed: int) -> Material:
    pattern = style.floor_patterns[int(rng.integers(len(style.floor_patterns)))]
    hue, saturation = rng.uniform(*style.floor_hue), rng.uniform(*style.floor_saturation)
    value = rng.uniform(0.5, 0.8)
    period = {"planks": 0.17, "checks": 0.36, "tiles": 0.4}.get(pattern, 0.1)
    shift = {"checks": 0.55, "tiles": 0.6, "cloud": 0.82}.get(pattern, 0.8)
    return Material(hsv(hue, saturation, value), hsv(hue, saturation, value * shift), pattern, period, seed)


def _fabric(rng: Generator, colour: Point, accent: Point, seed: int) -> Material:
    if rng.random() < 0.35:
        return Material(colour, accent, "stripes", float(rng.uniform(0.1, 0.3)))
    return Material(colour, dark(Material(colour), by=0.75).colour, "cloud", 0.15, seed)
