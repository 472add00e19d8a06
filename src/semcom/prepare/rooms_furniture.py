"""Furniture of the rooms data set; see rooms_pieces for the frame that a piece is in."""

from dataclasses import replace

from numpy.random import Generator

from semcom.prepare.rooms_palette import LEAVES, SHADE, SHINY, STEEL, Palette, dark
from semcom.prepare.rooms_pieces import Piece, block
from semcom.prepare.rooms_solids import Material


def bed(rng: Generator, p: Palette) -> Piece:
    """Frame, mattress, blanket, head board, one or two pillows."""
    w, length, h = rng.uniform(0.5, 0.85), rng.uniform(1.9, 2.1), rng.uniform(0.42, 0.58)
    piece = [
        block("bed", (-w, w), (0.0, length), (0.0, h - 0.2), p.wood),
        block("bed", (-w + 0.03, w - 0.03), (0.05, length - 0.03), (h - 0.2, h), p.linen),
        block("bed", (-w - 0.01, w + 0.01), (0.62, length + 0.01), (h - 0.22, h + 0.04), p.fabric),
        block("bed", (-w - 0.04, w + 0.04), (0.0, 0.08), (0.0, h + rng.uniform(0.35, 0.7)), p.wood),
    ]
    sides = (-w / 2, w / 2) if w > 0.62 else (0.0,)
    for x in sides:
        piece.append(
            block(
                "pillow", (x - 0.26, x + 0.26), (0.12, 0.5), (h - 0.02, h + 0.16), p.linen, shape="ellipsoid"
            )
        )
    return piece


def nightstand(rng: Generator, p: Palette) -> Piece:
    """A small cabinet with a lamp."""
    return [block("nightstand", (-0.22, 0.22), (0.0, 0.4), (0.0, 0.5), p.wood), *lamp(0.5, 0.2, p)]


def lamp(z: float, y: float, p: Palette) -> Piece:
    """A table lamp: foot and glowing shade."""
    return [
        block("lamp", (-0.03, 0.03), (y - 0.03, y + 0.03), (z, z + 0.22), dark(p.wood), shape="cylinder"),
        block(
            "lamp",
            (-0.14, 0.14),
            (y - 0.14, y + 0.14),
            (z + 0.2, z + 0.42),
            SHADE,
            shape="cylinder",
            casts=False,
        ),
    ]


def floor_lamp(rng: Generator, p: Palette) -> Piece:
    """A standing lamp."""
    return [
        block("lamp", (-0.12, 0.12), (0.05, 0.29), (0.0, 0.04), dark(p.wood), shape="cylinder"),
        block("lamp", (-0.025, 0.025), (0.145, 0.195), (0.0, 1.4), dark(p.wood), shape="cylinder"),
        block("lamp", (-0.2, 0.2), (-0.03, 0.37), (1.35, 1.65), SHADE, shape="cylinder", casts=False),
    ]


def wardrobe(rng: Generator, p: Palette) -> Piece:
    """A tall cabinet with two doors."""
    w, h = rng.uniform(0.5, 0.9), rng.uniform(1.7, 2.05)
    piece = [block("cabinet", (-w, w), (0.0, 0.58), (0.0, h), p.wood)]
    for x in (-0.015, 0.015):
        piece.append(
            block("cabinet", (x * 3 - 0.015, x * 3 + 0.015), (0.58, 0.61), (0.9, 1.15), SHINY, casts=False)
        )
    piece.append(
        block("cabinet", (-0.008, 0.008), (0.57, 0.585), (0.05, h - 0.05), dark(p.wood), casts=False)
    )
    return piece


def sideboard(rng: Generator, p: Palette) -> Piece:
    """A low cabinet, with a lamp or a vase now and then."""
    w, h = rng.uniform(0.5, 0.85), rng.uniform(0.65, 0.95)
    piece = [
        block("cabinet", (-w, w), (0.0, 0.42), (0.06, h), p.wood),
        block("cabinet", (-0.008, 0.008), (0.41, 0.43), (0.1, h - 0.05), dark(p.wood), casts=False),
    ]
    return piece + (lamp(h, 0.2, p) if rng.random() < 0.5 else [])


def sofa(rng: Generator, p: Palette) -> Piece:
    """Seat, back, arms and cushions."""
    w, h = rng.uniform(0.75, 1.1), rng.uniform(0.38, 0.46)
    piece = [
        block("sofa", (-w, w), (0.05, 0.9), (0.05, h), p.fabric),
        block("sofa", (-w, w), (0.0, 0.24), (0.05, h + 0.42), p.fabric),
        block("sofa", (-w - 0.16, -w), (0.02, 0.9), (0.05, h + 0.2), p.fabric),
        block("sofa", (w, w + 0.16), (0.02, 0.9), (0.05, h + 0.2), p.fabric),
    ]
    for x in (-w * 0.6, w * 0.6):
        piece.append(
            block("pillow", (x - 0.2, x + 0.2), (0.22, 0.42), (h, h + 0.36), p.accent, shape="ellipsoid")
        )
    return piece


def armchair(rng: Generator, p: Palette) -> Piece:
    """A short sofa."""
    return [
        block("sofa", (-0.36, 0.36), (0.05, 0.8), (0.05, 0.42), p.fabric),
        block("sofa", (-0.36, 0.36), (0.0, 0.2), (0.05, 0.85), p.fabric),
        block("sofa", (-0.48, -0.34), (0.02, 0.78), (0.05, 0.6), p.fabric),
        block("sofa", (0.34, 0.48), (0.02, 0.78), (0.05, 0.6), p.fabric),
    ]


def table(w: float, d: float, h: float, material: Material, name: str = "table") -> Piece:
    """A top on four legs, centred at the origin."""
    piece = [block(name, (-w, w), (-d, d), (h - 0.06, h), material)]
    for x in (-w + 0.06, w - 0.06):
        for y in (-d + 0.06, d - 0.06):
            piece.append(
                block(name, (x - 0.035, x + 0.035), (y - 0.035, y + 0.035), (0.0, h - 0.06), dark(material))
            )
    return piece


def chair(rng: Generator, p: Palette) -> Piece:
    """Seat, back and base, centred at the origin, its back at y < 0."""
    material = p.accent if p.soft_chairs else p.wood
    return [
        block("chair", (-0.21, 0.21), (-0.21, 0.21), (0.4, 0.47), material),
        block("chair", (-0.21, 0.21), (-0.23, -0.18), (0.45, 0.92), material),
        *(
            block(
                "chair", (x - 0.025, x + 0.025), (y - 0.025, y + 0.025), (0.0, 0.4), dark(p.wood), casts=False
            )
            for x in (-0.18, 0.18)
            for y in (-0.18, 0.18)
        ),
    ]


def desk(rng: Generator, p: Palette) -> Piece:
    """A writing table with side panels, a monitor and some papers or books."""
    w, h = rng.uniform(0.6, 0.8), 0.74
    x = rng.uniform(-0.25, 0.25)
    piece = [
        block("desk", (-w, w), (0.02, 0.72), (h - 0.05, h), p.wood),
        block("desk", (-w, -w + 0.06), (0.04, 0.7), (0.0, h - 0.05), p.wood),
        block("desk", (w - 0.4, w), (0.04, 0.7), (0.0, h - 0.05), p.wood),
        block("monitor", (x - 0.06, x + 0.06), (0.14, 0.26), (h, h + 0.12), dark(STEEL)),
        block("monitor", (x - 0.29, x + 0.29), (0.17, 0.23), (h + 0.1, h + 0.46), dark(STEEL)),
        block("monitor", (x - 0.26, x + 0.26), (0.228, 0.236), (h + 0.13, h + 0.43), p.screen, casts=False),
    ]
    if rng.random() < 0.6:
        side = -0.42 if x > 0 else 0.42
        piece.append(
            block("books", (side - 0.1, side + 0.1), (0.15, 0.4), (h, h + rng.uniform(0.08, 0.25)), p.books)
        )
    return piece


def shelf(rng: Generator, p: Palette, *, contents: str = "books") -> Piece:
    """A tall shelf, its boards full of books or boxes."""
    w, h, d = rng.uniform(0.45, 0.75), rng.uniform(1.75, 2.15), 0.34
    levels = 5
    piece = [
        block("shelf", (-w, w), (0.0, 0.04), (0.0, h), dark(p.wood)),
        block("shelf", (-w - 0.04, -w), (0.0, d), (0.0, h + 0.02), p.wood),
        block("shelf", (w, w + 0.04), (0.0, d), (0.0, h + 0.02), p.wood),
        block("shelf", (-w, w), (0.0, d), (h - 0.02, h + 0.02), p.wood),
    ]
    gap = h / levels
    for k in range(levels):
        z = k * gap
        piece.append(block("shelf", (-w, w), (0.0, d), (z, z + 0.05), p.wood, casts=False))
        full = rng.uniform(0.55, 1.0)
        left = -w if rng.random() < 0.5 else w - 2 * w * full
        top = z + 0.05 + (gap - 0.05) * rng.uniform(0.7, 0.92)
        material = replace(p.books if contents == "books" else p.boxes, seed=int(rng.integers(1 << 16)))
        piece.append(
            block(contents, (left, left + 2 * w * full), (0.05, d - 0.05), (z + 0.05, top), material)
        )
    return piece


def plant(rng: Generator, p: Palette) -> Piece:
    """A pot with two or three balls of leaves."""
    h = rng.uniform(0.5, 1.1)
    return [
        block("plant", (-0.16, 0.16), (0.06, 0.38), (0.0, 0.32), p.accent, shape="cylinder"),
        block("plant", (-0.03, 0.03), (0.19, 0.25), (0.3, h), dark(p.wood), shape="cylinder"),
        block("plant", (-0.3, 0.3), (-0.02, 0.5), (h - 0.15, h + 0.45), LEAVES, shape="ellipsoid"),
        block("plant", (-0.05, 0.33), (0.1, 0.5), (h - 0.3, h + 0.1), LEAVES, shape="ellipsoid"),
    ]


def television(rng: Generator, p: Palette) -> Piece:
    """A flat set on a low cabinet."""
    return [
        block("cabinet", (-0.7, 0.7), (0.0, 0.42), (0.04, 0.46), p.wood),
        block("television", (-0.5, 0.5), (0.16, 0.24), (0.52, 1.1), dark(STEEL)),
        block("television", (-0.07, 0.07), (0.16, 0.24), (0.44, 0.55), dark(STEEL)),
        block("television", (-0.46, 0.46), (0.236, 0.246), (0.56, 1.06), p.screen, casts=False),
    ]


def boxes(rng: Generator, p: Palette) -> Piece:
    """A small stack of boxes."""
    piece, z, w = [], 0.0, 0.32
    for _ in range(int(rng.integers(1, 4))):
        h, w = rng.uniform(0.25, 0.45), w * rng.uniform(0.75, 0.95)
        piece.append(
            block(
                "box",
                (-w, w),
                (0.05, 0.05 + 1.6 * w),
                (z, z + h),
                replace(p.boxes, seed=int(rng.integers(99))),
            )
        )
        z += h
    return piece
