"""Scenes of the rooms data set: which type has which layout, palette and scale, and where the camera stands.

A scene type is told by three things, each drawn with some overlap between the types:

    layout    what stands where            seen in colour and in depth
    palette   colours and patterns         seen in colour only
    scale     metres a scene unit          seen in depth only (camera and furniture grow with the room)
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from numpy.random import Generator

from semcom.prepare.rooms_builder import Builder, decorate
from semcom.prepare.rooms_layouts import LAYOUTS
from semcom.prepare.rooms_palette import STYLES, Palette, draw
from semcom.prepare.rooms_pieces import LABELS
from semcom.prepare.rooms_render import Camera, Scene
from semcom.prepare.rooms_solids import Material, Solid

SCALES = MappingProxyType({"small": 0.62, "medium": 1.0, "large": 1.62})  # metres a scene unit
SCALE_JITTER = 0.06


@dataclass(frozen=True)
class Recipe:
    """A scene type: its layout, palette and scale, each with weights of what else may be drawn."""

    layouts: Mapping[str, float]
    palettes: Mapping[str, float]
    scales: Mapping[str, float]
    share: float


M, L, S = "medium", "large", "small"
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "bedroom": Recipe({"bed": 0.7, "sofa": 0.3}, {"pastel": 0.9, "warm": 0.1}, {M: 0.8, S: 0.2}, 1.3),
        "living_room": Recipe(
            {"sofa": 0.7, "bed": 0.3}, {"warm": 0.9, "pastel": 0.1}, {M: 0.8, L: 0.2}, 1.15
        ),
        "kitchen": Recipe(
            {"kitchen": 0.7, "bathroom": 0.3}, {"clean": 0.8, "fresh": 0.2}, {M: 0.8, S: 0.2}, 1.1
        ),
        "bathroom": Recipe(
            {"bathroom": 0.7, "kitchen": 0.3}, {"clean": 0.8, "pastel": 0.2}, {S: 0.8, M: 0.2}, 0.95
        ),
        "dining_room": Recipe(
            {"dining": 0.75, "classroom": 0.25}, {"warm": 0.8, "fresh": 0.2}, {M: 0.6, L: 0.4}, 0.95
        ),
        "office": Recipe({"desks": 1.0}, {"sober": 0.85, "clean": 0.15}, {L: 0.9, M: 0.1}, 0.9),
        "home_office": Recipe({"desks": 1.0}, {"sober": 0.75, "warm": 0.25}, {S: 0.85, M: 0.15}, 0.9),
        "classroom": Recipe(
            {"classroom": 0.6, "desks": 0.25, "dining": 0.15},
            {"fresh": 0.75, "warm": 0.25},
            {L: 0.75, M: 0.25},
            0.85,
        ),
        "bookstore": Recipe(
            {"shelves": 0.85, "desks": 0.15}, {"vivid": 0.65, "warm": 0.35}, {L: 0.5, M: 0.5}, 0.8
        ),
        "foyer": Recipe({"foyer": 1.0}, {"warm": 0.4, "fresh": 0.3, "sober": 0.3}, {M: 0.5, L: 0.5}, 0.13),
        "laundry_room": Recipe({"laundry": 1.0}, {"clean": 0.4, "sober": 0.6}, {S: 0.5, M: 0.5}, 0.13),
        "basement": Recipe({"storage": 1.0}, {"sober": 1.0}, {M: 0.5, L: 0.5}, 0.3),
        "home_storage": Recipe({"storage": 1.0}, {"sober": 0.7, "clean": 0.3}, {M: 0.5, L: 0.5}, 0.2),
        "playroom": Recipe({"playroom": 1.0}, {"vivid": 0.7, "pastel": 0.3}, {M: 0.7, S: 0.3}, 0.14),
        "study": Recipe({"desks": 1.0}, {"warm": 0.5, "pastel": 0.5}, {L: 1.0}, 0.2),
    }
)


def compose(recipe: Recipe, rng: Generator) -> Scene:
    """A scene of this type: room, furniture, colours, light and scale."""
    layout, style = _pick(recipe.layouts, rng), _pick(recipe.palettes, rng)
    scale = SCALES[_pick(recipe.scales, rng)] * rng.uniform(1 - SCALE_JITTER, 1 + SCALE_JITTER)
    size = (rng.uniform(3.5, 4.5), rng.uniform(3.8, 4.7), rng.uniform(2.35, 2.7))
    palette = draw(STYLES[style], rng)
    builder = Builder(size, palette=palette, rng=rng)
    LAYOUTS[layout](builder)
    decorate(builder)
    lamp = (size[0] * rng.uniform(0.35, 0.65), size[1] * rng.uniform(0.35, 0.6), size[2] - 0.15)
    warmth, power = rng.uniform(-0.08, 0.08), rng.uniform(0.85, 1.15)
    red, green, blue = palette.tint
    return Scene(
        size=size,
        shell=_shell(size, palette),
        solids=tuple(builder.solids),
        lamp=lamp,
        tint=(red * power * (1 + warmth), green * power, blue * power * (1 - warmth)),
        ambient=rng.uniform(0.4, 0.5),
        scale=scale,
    )


def pose(scene: Scene, rng: Generator) -> Camera:
    """Somewhere near the room's open side, looking into it."""
    width, depth, _ = scene.size
    x, y, z = width * rng.uniform(0.22, 0.78), rng.uniform(0.12, 0.7), rng.uniform(1.25, 1.6)
    target = (width * rng.uniform(0.18, 0.82), depth * rng.uniform(0.8, 0.95), rng.uniform(0.55, 0.95))
    dx, dy = target[0] - x, target[1] - y
    return Camera((x, y, z), math.atan2(dx, dy), math.atan2(target[2] - z, math.hypot(dx, dy)))


def _pick(weights: Mapping[str, float], rng: Generator) -> str:
    """A key, drawn with its weight."""
    keys, total = list(weights), sum(weights.values())
    at = rng.random() * total
    for key in keys:
        at -= weights[key]
        if at < 0:
            return key
    return keys[-1]


def _shell(size: tuple[float, float, float], palette: Palette) -> tuple[Solid, ...]:
    """Floor, ceiling and four walls as slabs outside the room."""
    w, d, h = (v / 2 for v in size)

    def slab(
        centre: tuple[float, float, float], half: tuple[float, float, float], name: str, m: Material
    ) -> Solid:
        return Solid("box", centre, half, 1.0, 0.0, m, label=LABELS[name], casts=False)

    t = 0.1
    walls = [
        slab((-t, d, h), (t, d + t, h + t), "wall", palette.wall),
        slab((2 * w + t, d, h), (t, d + t, h + t), "wall", palette.wall),
        slab((w, -t, h), (w + t, t, h + t), "wall", palette.wall),
        slab((w, 2 * d + t, h), (w + t, t, h + t), "wall", palette.wall),
    ]
    floor = slab((w, d, -t), (w + t, d + t, t), "floor", palette.floor)
    ceiling = slab((w, d, 2 * h + t), (w + t, d + t, t), "ceiling", palette.ceiling)
    return (floor, ceiling, *walls)
