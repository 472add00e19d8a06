"""Fixtures of the rooms data set: kitchens, bathrooms, doors, windows; see rooms_pieces for their frame."""

from numpy.random import Generator

from semcom.prepare.rooms_palette import SHINY, SKY, STEEL, Palette, dark
from semcom.prepare.rooms_pieces import Piece, block
from semcom.prepare.rooms_solids import Material


def counter(w: float, p: Palette, *, name: str = "counter", top: Material | None = None) -> Piece:
    """A kitchen's or bathroom's base cabinet of half width w."""
    return [
        block(name, (-w, w), (0.0, 0.58), (0.08, 0.86), p.front),
        block(name, (-w - 0.01, w + 0.01), (0.0, 0.62), (0.86, 0.91), top or p.top),
    ]


def wall_cabinet(w: float, p: Palette) -> Piece:
    """An upper cabinet."""
    return [block("cabinet", (-w, w), (0.0, 0.34), (1.42, 2.05), p.front)]


def stove(rng: Generator, p: Palette) -> Piece:
    """A stove with a dark oven door and a hood."""
    return [
        *counter(0.3, p, name="stove", top=dark(STEEL)),
        block("stove", (-0.22, 0.22), (0.58, 0.6), (0.25, 0.65), dark(STEEL), casts=False),
        block("stove", (-0.3, 0.3), (0.0, 0.4), (1.5, 1.62), STEEL),
        block("stove", (-0.12, 0.12), (0.0, 0.24), (1.6, 2.3), STEEL),
    ]


def sink(rng: Generator, p: Palette) -> Piece:
    """A cabinet with a basin and a tap."""
    return [
        *counter(0.42, p),
        block("sink", (-0.24, 0.24), (0.12, 0.52), (0.905, 0.93), STEEL, casts=False),
        block("sink", (-0.02, 0.02), (0.06, 0.1), (0.91, 1.15), SHINY),
    ]


def refrigerator(rng: Generator, p: Palette) -> Piece:
    """Two doors and their handles."""
    h = rng.uniform(1.6, 1.85)
    return [
        block("refrigerator", (-0.34, 0.34), (0.0, 0.64), (0.02, h), p.appliance),
        block(
            "refrigerator",
            (-0.34, 0.34),
            (0.638, 0.645),
            (h * 0.62, h * 0.62 + 0.02),
            dark(p.appliance),
            casts=False,
        ),
        block("refrigerator", (-0.28, -0.25), (0.64, 0.68), (h * 0.35, h * 0.58), SHINY, casts=False),
    ]


def bathtub(rng: Generator, p: Palette) -> Piece:
    """A tub: four sides around the water."""
    w, d, h = 0.8, 0.75, 0.56
    return [
        block("bathtub", (-w, w), (0.0, d), (0.0, h - 0.16), p.appliance),
        block("bathtub", (-w, w), (0.0, 0.09), (0.0, h), p.appliance),
        block("bathtub", (-w, w), (d - 0.09, d), (0.0, h), p.appliance),
        block("bathtub", (-w, -w + 0.1), (0.0, d), (0.0, h), p.appliance),
        block("bathtub", (w - 0.1, w), (0.0, d), (0.0, h), p.appliance),
    ]


def toilet(rng: Generator, p: Palette) -> Piece:
    """Bowl, seat and tank."""
    return [
        block("toilet", (-0.19, 0.19), (0.16, 0.66), (0.0, 0.4), p.appliance, shape="cylinder"),
        block("toilet", (-0.21, 0.21), (0.14, 0.7), (0.38, 0.44), p.appliance, shape="cylinder"),
        block("toilet", (-0.24, 0.24), (0.0, 0.2), (0.36, 0.8), p.appliance),
    ]


def washing_machine(rng: Generator, p: Palette) -> Piece:
    """A white box with a dark round door."""
    return [
        block("washing_machine", (-0.3, 0.3), (0.0, 0.58), (0.0, 0.86), p.appliance),
        block(
            "washing_machine",
            (-0.19, 0.19),
            (0.5, 0.62),
            (0.24, 0.62),
            dark(STEEL),
            shape="ellipsoid",
            casts=False,
        ),
        block("washing_machine", (-0.3, 0.3), (0.575, 0.59), (0.74, 0.86), STEEL, casts=False),
    ]


def door(rng: Generator, p: Palette) -> Piece:
    """A door in its frame, with a handle."""
    return [
        block("door", (-0.5, 0.5), (0.0, 0.03), (0.0, 2.08), p.trim, casts=False),
        block("door", (-0.42, 0.42), (0.0, 0.05), (0.0, 2.0), p.wood, casts=False),
        block("door", (0.28, 0.36), (0.05, 0.1), (1.0, 1.04), SHINY, casts=False),
    ]


def window(w: float, p: Palette, *, bottom: float = 1.0, top: float = 1.95) -> Piece:
    """A bright pane in a frame with a cross bar, curtains at its sides."""
    return [
        block("window", (-w - 0.06, w + 0.06), (0.0, 0.03), (bottom - 0.06, top + 0.06), p.trim, casts=False),
        block("window", (-w, w), (0.0, 0.04), (bottom, top), SKY, casts=False),
        block("window", (-0.025, 0.025), (0.0, 0.05), (bottom, top), p.trim, casts=False),
        block(
            "window", (-w - 0.22, -w + 0.02), (0.0, 0.1), (bottom - 0.3, top + 0.12), p.curtain, casts=False
        ),
        block("window", (w - 0.02, w + 0.22), (0.0, 0.1), (bottom - 0.3, top + 0.12), p.curtain, casts=False),
    ]


def panel(name: str, w: float, low: float, high: float, material: Material, trim: Material) -> Piece:
    """A framed picture, mirror or board on the wall."""
    return [
        block(name, (-w - 0.04, w + 0.04), (0.0, 0.03), (low - 0.04, high + 0.04), trim, casts=False),
        block(name, (-w, w), (0.0, 0.045), (low, high), material, casts=False),
    ]


def rug(w: float, d: float, material: Material) -> Piece:
    """A flat rug, centred at the origin."""
    return [block("rug", (-w, w), (-d, d), (0.0, 0.015), material, casts=False)]
