"""A small ray caster: convex solids in a room, one lamp, colour and depth of what a camera sees.

Lengths are in the scene's own unit. `scale`, metres a unit, turns depth into metres and touches nothing else:
a colour image does not tell how large a room is, depth does.

Per pixel only + - * / sqrt, comparisons and integer hashes are used, in single precision, and no matrix
products: their bits do not depend on the CPU or its thread count.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semcom.prepare.rooms_solids import Array, Grid, Solid, hits, shade
from semcom.prepare.rooms_styles import Style, shown

SUBSAMPLES = 3  # rays a pixel and axis; the middle one gives depth and labels
FOCAL = 0.80  # focal length in image widths: 64 degrees across, as the Kinect of NYU Depth V2 has
LAMP_RADIUS = 0.22  # each ray of a pixel sees another point of the lamp, which softens shadows


@dataclass(frozen=True)
class Camera:
    """Where the camera stands (x right, y into the room, z up) and looks: turned right, tilted up (rad)."""

    position: tuple[float, float, float]
    turn: float
    tilt: float


@dataclass(frozen=True)
class Scene:
    """A room of `size` (width, depth, height) from the origin, its solids, and its lamp with a tint."""

    size: tuple[float, float, float]
    shell: tuple[Solid, ...]
    solids: tuple[Solid, ...]
    lamp: tuple[float, float, float]
    tint: tuple[float, float, float]
    ambient: float
    scale: float


@dataclass(frozen=True)
class Frame:
    """What a camera sees: colour (H, W, 3), depth (H, W) in mm, labels and instances (H, W)."""

    rgb: NDArray[np.uint8]
    depth_mm: NDArray[np.uint16]
    labels: NDArray[np.uint16]
    instances: NDArray[np.uint8]


def render(
    scene: Scene, camera: Camera, *, width: int = 64, height: int = 48, style: Style = "plain"
) -> Frame:
    """Cast `SUBSAMPLES`² rays a pixel; depth is measured along the optical axis, as a depth sensor does.

    `style` is of the colour alone.
    """
    directions = _directions(camera, width * SUBSAMPLES, height * SUBSAMPLES)
    nearest, winner = _cast(scene, camera, directions)
    solids = (*scene.shell, *scene.solids)
    rgb = shown(*_light(scene, camera, directions, nearest, winner), _things(scene)[winner], style)
    rgb = rgb.reshape(3, height, SUBSAMPLES, width, SUBSAMPLES)
    total = rgb[:, :, 0, :, 0] * 0
    for i in range(SUBSAMPLES):
        for j in range(SUBSAMPLES):
            total = total + rgb[:, :, i, :, j]
    middle = (slice(SUBSAMPLES // 2, None, SUBSAMPLES),) * 2
    # A square root stands for the display's gamma.
    pixels = np.sqrt(np.clip(total / SUBSAMPLES**2, 0, 1)) * np.float32(255)
    return Frame(
        rgb=np.ascontiguousarray(np.rint(pixels).astype(np.uint8).transpose(1, 2, 0)),
        depth_mm=np.rint(nearest[middle] * np.float32(1000 * scene.scale)).astype(np.uint16),
        labels=np.array([solid.label for solid in solids], dtype=np.uint16)[winner[middle]],
        instances=np.array([solid.instance for solid in solids], dtype=np.uint8)[winner[middle]],
    )


def _things(scene: Scene) -> NDArray[np.int64]:
    """A number for each solid, one for those of one object; walls, floor and ceiling are each their own."""
    of_objects = [256 * solid.label + solid.instance for solid in scene.solids]
    return np.array([*(-1 - i for i in range(len(scene.shell))), *of_objects], dtype=np.int64)


def _axes(camera: Camera) -> tuple[tuple[float, float, float], ...]:
    """Right, forward and up as unit vectors; rounded, so that no library's last digit matters."""
    st, ct, sp, cp = (round(f(a), 9) for a in (camera.turn, camera.tilt) for f in (math.sin, math.cos))
    return (ct, -st, 0.0), (st * cp, ct * cp, sp), (-st * sp, -ct * sp, cp)


def _directions(camera: Camera, columns: int, rows: int) -> Grid:
    """Rays (3 of (rows, columns)) with 1 along the optical axis, so that a ray's length is its depth."""
    right, forward, up = _axes(camera)
    u = (np.arange(columns, dtype=np.float32) + np.float32(0.5 - columns / 2)) / np.float32(FOCAL * columns)
    v = (np.float32(rows / 2 - 0.5) - np.arange(rows, dtype=np.float32)) / np.float32(FOCAL * columns)
    x, y, z = (f + u[None, :] * r + v[:, None] * p for r, f, p in zip(right, forward, up, strict=True))
    return x, y, z


def _cast(scene: Scene, camera: Camera, directions: Grid) -> tuple[Array, NDArray[np.int64]]:
    """Depth and number of the nearest solid of each ray."""
    shape = directions[0].shape
    nearest = np.full(shape, np.inf, dtype=np.float32)
    winner = np.zeros(shape, dtype=np.int64)
    for i, solid in enumerate((*scene.shell, *scene.solids)):
        window = _window(solid, camera, shape)
        near, far = hits(solid, camera.position, tuple(d[window] for d in directions))
        seen = (near <= far) & (near > 1e-3) & (near < nearest[window])
        nearest[window][seen] = near[seen]
        winner[window][seen] = i
    return nearest, winner


def _window(solid: Solid, camera: Camera, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of rays that can meet the solid: around its corners, or all if one is behind."""
    right, forward, up = _axes(camera)
    columns: list[float] = []
    rows: list[float] = []
    for corner in solid.corners():
        away = [c - p for c, p in zip(corner, camera.position, strict=True)]
        along = [sum(a * b for a, b in zip(away, axis, strict=True)) for axis in (right, forward, up)]
        if along[1] < 0.05:
            return slice(None), slice(None)
        columns.append(along[0] / along[1] * FOCAL * shape[1] + shape[1] / 2)
        rows.append(shape[0] / 2 - along[2] / along[1] * FOCAL * shape[1])
    return _span(rows), _span(columns)


def _span(values: list[float]) -> slice:
    """Whole numbers from 0 on around all values, with one to spare at each side."""
    return slice(math.floor(max(min(values) - 1, 0)), math.ceil(max(max(values) + 1, 0)))


def _light(
    scene: Scene, camera: Camera, directions: Grid, nearest: Array, winner: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Albedo and light (3, rows, columns): ambient light and, where not hidden, the lamp's."""
    points = [p + d * nearest for p, d in zip(camera.position, directions, strict=True)]
    albedo = np.zeros((3, *nearest.shape), dtype=np.float32)
    normal = np.zeros((3, *nearest.shape), dtype=np.float32)
    glow = np.zeros(nearest.shape, dtype=np.float32)
    for i, solid in enumerate((*scene.shell, *scene.solids)):
        mine = winner == i
        if mine.any():
            albedo[:, mine], normal[:, mine] = shade(solid, tuple(p[mine] for p in points))
            glow[mine] = solid.material.glow
    to_lamp = _to_lamp(scene, points)
    squared = sum(a * a for a in to_lamp)
    cosine = np.clip(sum(n * a for n, a in zip(normal, to_lamp, strict=True)) / np.sqrt(squared), 0, None)
    start = tuple(p + n * np.float32(0.01) for p, n in zip(points, normal, strict=True))
    lamp = np.float32(1.5) * cosine / (1 + squared / np.float32(4))
    lamp = np.where(_hidden(scene, start, to_lamp), np.float32(0), lamp)
    ambient = scene.ambient * (1 + np.float32(0.25) * normal[2]) * _corners(scene, points, normal)
    tint = np.array(scene.tint, dtype=np.float32)[:, None, None]
    return albedo, tint * (lamp + ambient) + glow


def _to_lamp(scene: Scene, points: list[Array]) -> Grid:
    """Vectors from points to the lamp; the rays of one pixel aim at points of a square around it."""
    rows, columns = points[0].shape
    offsets = (np.arange(SUBSAMPLES, dtype=np.float32) - SUBSAMPLES // 2) * np.float32(LAMP_RADIUS)
    dx = np.tile(offsets, columns // SUBSAMPLES)[None, :]
    dy = np.tile(offsets, rows // SUBSAMPLES)[:, None]
    x, y, z = (np.float32(v) for v in scene.lamp)
    return (x + dx) - points[0], (y + dy) - points[1], z - points[2]


def _hidden(scene: Scene, start: Grid, to_lamp: Grid) -> NDArray[np.bool_]:
    """Points from which a solid hides the lamp."""
    hidden = np.zeros(start[0].shape, dtype=np.bool_)
    lowest = start[2].min(axis=1)
    for solid in scene.solids:
        if not solid.casts:
            continue
        # From above a solid's top the way to a lamp that hangs higher is free: such rows are skipped.
        top = solid.centre[2] + solid.half[2] + 0.01
        below = np.flatnonzero(lowest <= (top if scene.lamp[2] > top else np.inf))
        rows = slice(below[0], below[-1] + 1) if below.size else slice(0)
        near, far = hits(solid, tuple(a[rows] for a in start), tuple(a[rows] for a in to_lamp))
        hidden[rows] |= (near <= far) & (far > 0) & (near < 1)
    return hidden


def _corners(scene: Scene, points: list[Array], normal: Array) -> Array:
    """Ambient light that is left near the room's edges, 0.55..1: a stand-in for ambient occlusion."""
    left = np.ones(points[0].shape, dtype=np.float32)
    for axis in range(3):
        for distance in (points[axis], scene.size[axis] - points[axis]):
            open_ = np.clip(distance, 0, None) / (np.clip(distance, 0, None) + np.float32(0.12))
            flat = normal[axis] * normal[axis]  # a wall does not darken itself
            left = left * (1 - np.float32(0.45) * (1 - open_) * (1 - flat))
    return left
