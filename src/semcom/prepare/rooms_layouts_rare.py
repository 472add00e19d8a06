"""Layouts of the rooms data set: shelves, and what the types in `others` look like."""

from dataclasses import replace

from semcom.prepare import rooms_fixtures as fixtures
from semcom.prepare import rooms_furniture as furniture
from semcom.prepare.rooms_builder import Builder, Wall
from semcom.prepare.rooms_pieces import block
from semcom.prepare.rooms_solids import Material


def shelves(b: Builder, contents: str = "books") -> None:
    """Tall shelves along two or three walls, one row in the middle now and then."""
    width, depth, _ = b.size
    for wall, length in (("back", width), (b.side, depth - 0.4), (b.other, depth - 0.4)):
        if wall == "back" or b.chance(0.75):
            pieces = [furniture.shelf(b.rng, b.palette, contents=contents) for _ in range(4)]
            at: Wall = "back" if wall == "back" else b.side if wall == b.side else b.other
            b.row(
                at,
                pieces,
                start=b.some(0.05, 0.5) + (0 if wall == "back" else 1.2),
                end=length,
                gap=b.some(0.0, 0.12),
            )
    if b.chance(0.5):
        x, y = width * b.some(0.4, 0.6), depth * b.some(0.5, 0.6)
        b.add(furniture.table(0.55, 0.35, 0.7, b.palette.wood), x=x, y=y, degrees=b.some(-10, 10))
        b.add([replace(part, low=(part.low[0], part.low[1] - 0.3, part.low[2] + 0.7),
                       high=(part.high[0], part.high[1] - 0.3, part.high[2] * 0.6 + 0.7))
               for part in furniture.boxes(b.rng, b.palette)[:1]], x=x, y=y, degrees=0)  # fmt: skip


def storage(b: Builder) -> None:
    """Shelves full of boxes, more boxes on the floor."""
    shelves(b, "box")
    for _ in range(int(b.rng.integers(1, 4))):
        b.add(
            furniture.boxes(b.rng, b.palette),
            x=b.some(0.8, b.size[0] - 0.8),
            y=b.some(2.0, b.size[1] - 1.0),
            degrees=b.some(0, 90),
        )


def foyer(b: Builder) -> None:
    """A door at the far wall, a small cabinet, a plant; much free floor."""
    width, depth, _ = b.size
    b.at("back", b.some(0.3, 0.7) * width, fixtures.door(b.rng, b.palette))
    b.row(
        b.side,
        [furniture.sideboard(b.rng, b.palette), furniture.wardrobe(b.rng, b.palette)],
        start=b.some(1.4, 2.0),
        end=depth,
        gap=0.3,
    )
    b.add(fixtures.rug(0.7, 1.1, b.palette.rug), x=width / 2, y=depth * 0.6, degrees=0)
    if b.chance(0.7):
        b.at("back", 0.35 if b.other == "left" else width - 0.35, furniture.plant(b.rng, b.palette))


def laundry(b: Builder) -> None:
    """Washing machines in a row, a sink, wall cabinets, boxes."""
    width, depth, _ = b.size
    pieces = [fixtures.washing_machine(b.rng, b.palette) for _ in range(int(b.rng.integers(2, 5)))]
    b.row(
        "back",
        [*pieces, fixtures.sink(b.rng, b.palette), fixtures.counter(0.4, b.palette)],
        start=b.some(0.1, 0.6),
        end=width,
        gap=0.03,
    )
    b.row("back", [fixtures.wall_cabinet(0.45, b.palette)] * 2, start=b.some(0.4, 1.2), end=width)
    if b.chance(0.6):
        b.row(b.side, [furniture.shelf(b.rng, b.palette, contents="box")], start=depth - 2.0, end=depth - 0.6)
    b.add(furniture.boxes(b.rng, b.palette), x=width * b.some(0.3, 0.7), y=depth * 0.6, degrees=b.some(0, 90))


def playroom(b: Builder) -> None:
    """Balls and blocks on the floor, a low table, a low shelf."""
    width, depth, _ = b.size
    p = b.palette
    b.add(fixtures.rug(1.2, 0.9, p.rug), x=width / 2, y=depth * 0.55, degrees=b.some(-10, 10))
    for _ in range(int(b.rng.integers(6, 12))):
        r = b.some(0.1, 0.22)
        colour = Material((b.some(0.05, 0.9), b.some(0.05, 0.9), b.some(0.05, 0.9)))
        ball = block(
            "toy", (-r, r), (-r, r), (0.0, 2 * r), colour, shape="ellipsoid" if b.chance(0.5) else "box"
        )
        b.add([ball], x=b.some(0.5, width - 0.5), y=b.some(1.7, depth - 0.4), degrees=b.some(0, 90))
    b.add(
        furniture.table(0.4, 0.3, 0.5, p.wood),
        x=width * b.some(0.3, 0.7),
        y=depth * b.some(0.6, 0.75),
        degrees=b.some(0, 40),
    )
    b.row(
        b.side, [furniture.sideboard(b.rng, p), furniture.shelf(b.rng, p)], start=b.some(1.6, 2.0), end=depth
    )
