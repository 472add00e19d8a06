"""The renderer's solids, boxes, upright cylinders, ellipsoids turned about the vertical; their patterns."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
Grid: TypeAlias = tuple[Array, Array, Array]
Point: TypeAlias = tuple[float, float, float]
Pattern: TypeAlias = Literal["plain", "stripes", "checks", "tiles", "planks", "mosaic", "cloud"]


@dataclass(frozen=True)
class Material:
    """Albedo 0..1 (linear light), the pattern's second colour and period (scene units), and own light."""

    colour: Point
    other: Point = (0.0, 0.0, 0.0)
    pattern: Pattern = "plain"
    period: float = 0.3
    seed: int = 0
    glow: float = 0.0


@dataclass(frozen=True)
class Solid:
    """A convex solid: its centre, half extents, and the cosine and sine of its turn about the vertical."""

    shape: Literal["box", "cylinder", "ellipsoid"]
    centre: Point
    half: Point
    cosine: float
    sine: float
    material: Material
    label: int
    instance: int = 1
    casts: bool = True

    def corners(self) -> Iterator[Point]:
        """The eight corners of the box around it."""
        for sx, sy, sz in itertools.product((-1, 1), repeat=3):
            x, y = sx * self.half[0], sy * self.half[1]
            yield (
                self.centre[0] + self.cosine * x - self.sine * y,
                self.centre[1] + self.sine * x + self.cosine * y,
                self.centre[2] + sz * self.half[2],
            )


def local(solid: Solid, vector: Any, *, free: bool = False) -> tuple[Any, Any, Any]:
    """A point (or, if `free`, a direction) in the solid's own frame, where the solid fills -1..1."""
    x, y, z = vector if free else (v - c for v, c in zip(vector, solid.centre, strict=True))
    c, s = solid.cosine, solid.sine
    return (c * x + s * y) / solid.half[0], (c * y - s * x) / solid.half[1], z / solid.half[2]


def hits(solid: Solid, start: Any, direction: Any) -> tuple[Array, Array]:
    """Where rays enter and leave the solid, in lengths of `direction`; entry behind exit: they miss it."""
    o, d = local(solid, start), local(solid, direction, free=True)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if solid.shape == "ellipsoid":
            return _ball(o, d)
        slabs = [_slab(o[2], d[2])]
        slabs += [_ball(o[:2], d[:2])] if solid.shape == "cylinder" else [_slab(o[i], d[i]) for i in (0, 1)]
        near, far = slabs[0]
        for n, f in slabs[1:]:
            near, far = np.maximum(near, n), np.minimum(far, f)
    return near, far


def _slab(o: Any, d: Array) -> tuple[Array, Array]:
    """Entry and exit of -1..1 along one axis."""
    inverse = 1 / d
    middle, reach = -o * inverse, np.abs(inverse)
    return middle - reach, middle + reach


def _ball(o: tuple[Any, ...], d: tuple[Any, ...]) -> tuple[Array, Array]:
    """Entry and exit of the unit ball (of the unit circle, with two axes); a miss enters at infinity."""
    a = sum(x * x for x in d)
    b = sum(p * x for p, x in zip(o, d, strict=True))
    c = sum(p * p for p in o) - 1
    square = b * b - a * c
    root = np.sqrt(np.where(square < 0, np.float32(0), square))
    near = np.where(square < 0, np.float32(np.inf), (-b - root) / a)
    return near, (-b + root) / a


def shade(solid: Solid, points: Any) -> tuple[Array, Array]:
    """Albedo (3, n) and unit normal (3, n) at points (3 of (n,)) of the solid's surface."""
    p = np.stack(local(solid, points)).astype(np.float32)
    size = np.array(solid.half, dtype=np.float32)[:, None]
    if solid.shape == "ellipsoid":
        n = p / size
        n = n / np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2])
        axis = np.full(p.shape[1], 1)
    else:
        magnitude = np.abs(p)
        if solid.shape == "cylinder":
            around = np.sqrt(p[0] * p[0] + p[1] * p[1])
            axis = np.where(magnitude[2] > around, 2, 1)
            n = np.stack([p[0], p[1], np.zeros_like(p[0])]) / np.maximum(around, np.float32(1e-6))
            n = np.where(axis == 2, np.stack([0 * p[0], 0 * p[0], np.sign(p[2])]), n)
        else:
            axis = np.argmax(magnitude, axis=0)
            n = np.sign(p) * (axis == np.arange(3)[:, None])
    world = np.stack([solid.cosine * n[0] - solid.sine * n[1], solid.sine * n[0] + solid.cosine * n[1], n[2]])
    at = p * size
    u = np.where(axis == 0, at[1], at[0])
    v = np.where(axis == 2, at[1], at[2])
    return paint(solid.material, u + size[0, 0], v + size[2, 0]), world.astype(np.float32)


def paint(material: Material, u: Array, v: Array) -> Array:
    """The material's albedo (3, n) at surface coordinates u, v."""
    colour = np.array(material.colour, dtype=np.float32)[:, None]
    other = np.array(material.other, dtype=np.float32)[:, None]
    s, t = u / np.float32(material.period), v / np.float32(material.period)
    i, j = np.floor(s).astype(np.int64), np.floor(t).astype(np.int64)
    match material.pattern:
        case "plain":
            return np.broadcast_to(colour, (3, u.size)).copy()
        case "stripes":
            return np.where(i % 2 == 0, colour, other)
        case "checks":
            return np.where((i + j) % 2 == 0, colour, other)
        case "tiles":
            return np.where((s - i < 0.12) | (t - j < 0.12), other, colour)
        case "planks":
            long = np.floor(s * np.float32(0.2) + chance(j, 0 * j, material.seed)).astype(np.int64)
            return colour * (np.float32(0.78) + np.float32(0.4) * chance(long, j, material.seed + 1))
        case "mosaic":
            cells = [
                chance(i, np.floor(t * np.float32(0.3)).astype(np.int64), material.seed + k) for k in range(3)
            ]
            return np.clip(colour + other * (2 * np.stack(cells) - 1), np.float32(0.02), np.float32(0.95))
        case "cloud":
            return colour + (other - colour) * _smooth(s, t, i, j, material.seed)


def chance(i: NDArray[np.int64], j: NDArray[np.int64], seed: int) -> Array:
    """A number of 0..1 for each pair of integers: an integer hash, the same everywhere."""
    h = (i.astype(np.uint32) * np.uint32(0x9E3779B1)) ^ (j.astype(np.uint32) * np.uint32(0x85EBCA77))
    h = h ^ np.uint32((seed * 0xC2B2AE3D) & 0xFFFFFFFF)
    for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39)):
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    h = h ^ (h >> np.uint32(15))
    return (h >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)


def _smooth(s: Array, t: Array, i: NDArray[np.int64], j: NDArray[np.int64], seed: int) -> Array:
    """Value noise of 0..1: hashes at the integers, blended between them."""
    a, b = (x * x * (3 - 2 * x) for x in ((s - i).astype(np.float32), (t - j).astype(np.float32)))
    low = chance(i, j, seed) * (1 - a) + chance(i + 1, j, seed) * a
    high = chance(i, j + 1, seed) * (1 - a) + chance(i + 1, j + 1, seed) * a
    blend: Array = low * (1 - b) + high * b
    return blend
