"""Layouts of the rooms data set: what stands where, seen by both sensors. Each fills an empty room."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from semcom.prepare import rooms_fixtures as fixtures
from semcom.prepare import rooms_furniture as furniture
from semcom.prepare.rooms_builder import Builder, Wall
from semcom.prepare.rooms_layouts_rare import foyer, laundry, playroom, shelves, storage
from semcom.prepare.rooms_palette import SKY, STEEL
from semcom.prepare.rooms_solids import Material


def bed(b: Builder) -> None:
    """A bed with its head at the far wall or a side wall, nightstands, a wardrobe."""
    width, depth, _ = b.size
    piece = furniture.bed(b.rng, b.palette)
    half = max(part.high[0] for part in piece)
    wall: Wall = "back" if b.chance(0.65) else b.side
    middle = b.some(0.38, 0.62) * width if wall == "back" else b.some(0.58, 0.72) * depth
    if b.chance(0.6):
        b.add(fixtures.rug(1.3, 1.0, b.palette.rug), x=width / 2, y=depth * 0.55, degrees=b.some(-8, 8))
    b.at(wall, middle, piece)
    for sign in (-1, 1):
        if b.chance(0.75):
            b.at(wall, middle + sign * (half + 0.28), furniture.nightstand(b.rng, b.palette))
    b.row(b.other, [furniture.wardrobe(b.rng, b.palette)], start=b.some(1.6, 2.2), end=depth - 0.1)
    if b.chance(0.4):
        b.at(b.other, b.some(1.2, 1.5), furniture.sideboard(b.rng, b.palette))


def sofa(b: Builder) -> None:
    """A sofa at a wall, a low table before it, a television or an armchair, a lamp or a plant."""
    width, depth, _ = b.size
    wall: Wall = "back" if b.chance(0.65) else b.side
    middle = b.some(0.4, 0.6) * width if wall == "back" else b.some(0.55, 0.7) * depth
    if b.chance(0.7):
        b.add(fixtures.rug(1.2, 1.0, b.palette.rug), x=width / 2, y=depth * 0.55, degrees=b.some(-8, 8))
    b.at(wall, middle, furniture.sofa(b.rng, b.palette))
    x, y = (middle, depth - 1.6) if wall == "back" else (1.6 if wall == "left" else width - 1.6, middle)
    turn = 0.0 if wall == "back" else 90.0
    b.add(
        furniture.table(b.some(0.35, 0.55), 0.28, 0.42, b.palette.wood),
        x=x,
        y=y,
        degrees=turn + b.some(-6, 6),
    )
    pieces = [
        furniture.television(b.rng, b.palette),
        furniture.armchair(b.rng, b.palette),
        furniture.shelf(b.rng, b.palette),
    ]
    order = [pieces[i] for i in b.rng.permutation(3)]
    b.row(b.other, order[:2], start=b.some(1.3, 1.7), end=depth - 0.1, gap=0.2)
    corner = 0.35 if b.side == "left" else width - 0.35
    if b.chance(0.7):
        b.at(
            "back",
            corner,
            furniture.floor_lamp(b.rng, b.palette) if b.chance(0.5) else furniture.plant(b.rng, b.palette),
        )


def kitchen(b: Builder) -> None:
    """Counters along the far wall and a side wall, wall cabinets, stove, refrigerator, sometimes a table."""
    width, depth, _ = b.size
    p = b.palette
    pieces = [
        fixtures.stove(b.rng, p),
        fixtures.sink(b.rng, p),
        fixtures.counter(0.35, p),
        fixtures.counter(0.45, p),
    ]
    order = [
        fixtures.refrigerator(b.rng, p),
        *(pieces[i] for i in b.rng.permutation(4)),
        fixtures.counter(0.5, p),
    ]
    b.row("back", order if b.side == "left" else order[1:] + order[:1], start=0.02, end=width)
    b.row("back", [fixtures.wall_cabinet(0.4, p)] * 2, start=b.some(0.9, 1.6), end=width)
    if b.chance(0.7):
        b.row(
            b.side,
            [fixtures.counter(0.5, p), fixtures.counter(0.4, p)],
            start=b.some(1.4, 1.9),
            end=depth - 0.6,
        )
        b.row(b.side, [fixtures.wall_cabinet(0.45, p)], start=b.some(1.6, 2.0), end=depth - 0.4)
    if b.chance(0.45):
        x, y = width * b.some(0.4, 0.6), depth * b.some(0.45, 0.55)
        b.add(furniture.table(0.5, 0.4, 0.74, p.wood), x=x, y=y, degrees=b.some(-10, 10))
        b.add(furniture.chair(b.rng, p), x=x + 0.2, y=y - 0.5, degrees=b.some(-20, 20))


def bathroom(b: Builder) -> None:
    """Wash stand and mirror, tub, toilet, now and then a cabinet or a washing machine."""
    width, depth, _ = b.size
    p = b.palette
    stand, middle = fixtures.sink(b.rng, p), b.some(0.3, 0.7) * width
    b.at("back", middle, stand)
    mirror = Material(tuple_mix(p.wall, SKY), SKY.colour, "cloud", 0.7, glow=0.05)
    b.at("back", middle, fixtures.panel("mirror", b.some(0.3, 0.5), 1.15, b.some(1.7, 1.95), mirror, STEEL))
    b.at(b.side, depth - b.some(0.95, 1.1), fixtures.bathtub(b.rng, p))
    for wall, along in (
        ("back", middle + (0.85 if b.side == "left" else -0.85)),
        (b.other, b.some(1.7, 2.4)),
    ):
        if 0.3 < along < width - 0.3 and b.chance(0.75):
            b.at("back" if wall == "back" else b.other, along, fixtures.toilet(b.rng, p))
            break
    extra = [fixtures.washing_machine(b.rng, p), furniture.wardrobe(b.rng, p), fixtures.counter(0.5, p)]
    b.row(b.other, [extra[int(b.rng.integers(3))]], start=b.some(2.2, 2.6), end=depth)
    if b.chance(0.6):
        b.add(fixtures.rug(0.5, 0.32, p.rug), x=width / 2, y=depth * 0.6, degrees=b.some(-10, 10))


def tuple_mix(first: Material, second: Material) -> tuple[float, float, float]:
    """The colour half-way between two materials."""
    r, g, b = ((a + c) / 2 for a, c in zip(first.colour, second.colour, strict=True))
    return r, g, b


def dining(b: Builder) -> None:
    """A table in the middle with chairs around it, a sideboard, a plant."""
    width, depth, _ = b.size
    x, y, turn = width * b.some(0.42, 0.58), depth * b.some(0.55, 0.65), b.some(-12, 12)
    w, d = b.some(0.6, 0.95), b.some(0.42, 0.52)
    if b.chance(0.5):
        b.add(fixtures.rug(w + 0.6, d + 0.6, b.palette.rug), x=x, y=y, degrees=turn)
    b.add(furniture.table(w, d, 0.75, b.palette.wood), x=x, y=y, degrees=turn)
    for side in (-w * 0.5, w * 0.5):
        for sign in (-1, 1):
            if b.chance(0.9):
                out = d + b.some(0.05, 0.25)
                b.add(
                    furniture.chair(b.rng, b.palette),
                    x=x + side,
                    y=y + sign * out,
                    degrees=turn + (0 if sign < 0 else 180),
                )
    b.row(b.side, [furniture.sideboard(b.rng, b.palette)], start=b.some(1.4, 2.2), end=depth)
    b.at("back", b.some(0.25, 0.75) * width, furniture.sideboard(b.rng, b.palette))
    if b.chance(0.5):
        b.at("back", 0.35 if b.side == "left" else width - 0.35, furniture.plant(b.rng, b.palette))


def desks(b: Builder) -> None:
    """Desks along the walls with chairs, a shelf, a cabinet."""
    width, depth, _ = b.size
    count = 1 + b.chance(0.5)
    start = b.some(0.3, 0.9)
    for k in range(count):
        x = start + 0.8 + 1.75 * k
        if x + 0.8 <= width:
            b.at("back", x, furniture.desk(b.rng, b.palette))
            b.add(furniture.chair(b.rng, b.palette), x=x + b.some(-0.2, 0.2), y=depth - b.some(0.85, 1.1),
                  degrees=b.some(-35, 35))  # fmt: skip
    pieces = [
        furniture.shelf(b.rng, b.palette),
        furniture.sideboard(b.rng, b.palette),
        furniture.desk(b.rng, b.palette),
    ]
    order = [pieces[i] for i in b.rng.permutation(3)]
    b.row(b.side, order[:2], start=b.some(1.3, 1.6), end=depth - 0.75, gap=0.1)
    if b.chance(0.5):
        b.row(b.other, [furniture.shelf(b.rng, b.palette)], start=b.some(1.6, 2.4), end=depth - 0.75)


def classroom(b: Builder) -> None:
    """Rows of small tables with chairs that face a board on the far wall."""
    width, depth, _ = b.size
    p = b.palette
    green = Material((0.05, 0.13, 0.09), (0.08, 0.19, 0.13), "cloud", 0.5, p.wall.seed)
    white = Material((0.85, 0.87, 0.88))
    b.at("back", width / 2 + b.some(-0.4, 0.4), fixtures.panel("blackboard", b.some(0.8, 1.3), 0.95, 1.85,
         green if b.chance(0.5) else white, p.wood))  # fmt: skip
    columns = 3 if width > 4.0 else 2
    for row in range(2):
        for column in range(columns):
            x = width * (column + 0.5) / columns + b.some(-0.08, 0.08)
            y = depth - 1.35 - 1.15 * row + b.some(-0.06, 0.06)
            b.add(furniture.table(0.42, 0.26, 0.7, p.wood, "desk"), x=x, y=y, degrees=b.some(-5, 5))
            if b.chance(0.85):
                b.add(furniture.chair(b.rng, p), x=x, y=y - 0.42, degrees=b.some(-15, 15))
    if b.chance(0.4):
        b.row(b.side, [furniture.shelf(b.rng, p)], start=depth - 1.6, end=depth)


LAYOUTS: Mapping[str, Callable[[Builder], None]] = MappingProxyType(
    {
        "bed": bed,
        "sofa": sofa,
        "kitchen": kitchen,
        "bathroom": bathroom,
        "dining": dining,
        "desks": desks,
        "classroom": classroom,
        "shelves": shelves,
        "storage": storage,
        "foyer": foyer,
        "laundry": laundry,
        "playroom": playroom,
    }
)
