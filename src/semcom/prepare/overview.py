"""What is in data/: tables for the terminal and a contact sheet."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.params.dataversion import data_version, versions
from semcom.prepare import dvc
from semcom.prepare.description import IMAGES, Crop, Description
from semcom.prepare.shrink import cropped
from semcom.prepare.source import Frame, Row, WithObjects, frame, open_source

TEXTS = ("class", "scene types")
PAIRS = 4
"""Pairs of colour and depth a class on the contact sheet; of images without depth twice as many."""
LINES = 40
"""Classes on it at most."""


@dataclass(frozen=True)
class Facts:
    """What a data folder holds."""

    description: Description
    rows: tuple[Row, ...]
    size: tuple[int, int]
    attributes: tuple[str, ...]
    """Names of objects, or of images' attributes."""

    def count(self, split: str, scene: str | None = None) -> int:
        """Frames of a split, of one class if given."""
        return sum(row.split == split and scene in (None, row.scene10) for row in self.rows)

    def groups(self, split: str, scene: str | None = None) -> int:
        """Groups of a split, of one class if given."""
        return len({row.group for row in self.rows if row.split == split and scene in (None, row.scene10)})


def facts(folder: Path) -> Facts:
    """Read headers and tables of a data folder, no frames."""
    with open_source(folder) as source:
        names = source.object_names if isinstance(source, WithObjects) else ()
        return Facts(source.description, source.rows, source.size, names)


def listing(root: Path) -> RenderableType:
    """One line of figures a registered data set, and below all of them what each is: 80 columns hold both."""
    table = Table(title="Data sets (frames: train + test; groups: train + test)", box=SIMPLE_HEAD)
    for column in ("name", "frames", "pixels", "classes", "groups", "version"):
        table.add_column(column, overflow="fold", no_wrap=column == "name")
    titles = Table.grid(padding=(0, 1))
    titles.add_column(no_wrap=True)
    titles.add_column(overflow="fold")
    for name, md5 in sorted(versions(root).items()):
        try:
            seen = facts(root / "data" / name)
        except SemcomError as error:
            here = (root / "data" / name).exists()
            text = str(error) if here else f"not here: `dvc pull {' '.join(dvc.targets(root, name))}`"
            table.add_row(name, "", "", "", "", (md5 or "")[:8])
            titles.add_row(f" {name}", text)
            continue
        titles.add_row(f" {name}", seen.description.title)
        table.add_row(
            name,
            f"{seen.count('train')} + {seen.count('test')}",
            f"{seen.size[0]}x{seen.size[1]}",
            str(len(seen.description.classes)),
            f"{seen.groups('train')} + {seen.groups('test')}",
            (md5 or "")[:8],
        )
    return Group(table, titles)


def details(root: Path, name: str) -> RenderableType:
    """Everything that is known of one data set, its files' checksums included."""
    md5 = data_version(root, name)
    folder = root / "data" / name
    seen = facts(folder)
    matches = dvc.is_current(root, *dvc.targets(root, name))
    description = seen.description
    crop = description.crop
    head = Table("", "", title=f"data/{name}", show_header=False)
    head.columns[1].overflow = "fold"
    for key, value in (
        ("title", description.title),
        ("format", description.format),
        ("frames", f"{len(seen.rows)} of {seen.size[0]}x{seen.size[1]} pixels"),
        ("colour", "uint8, sRGB"),
        *_beside_colour(seen),
        ("crop", f"rows {crop.rows}, columns {crop.columns} at {crop.size}" if crop else "none"),
        ("split", f"{seen.count('train')} train, {seen.count('test')} test"),
        (
            "groups",
            f"{seen.groups('train')} train, {seen.groups('test')} test; the largest {_largest(seen.rows)}",
        ),
        ("version", f"{md5} ({'data/ matches it' if matches else 'data/ DIFFERS from it'})"),
        *((f"sha256 {file}", sha256(folder / file)) for file in description.files()),
        ("licence", description.licence),
        ("citation", description.citation),
    ):
        head.add_row(key, value)
    return Group(head, _classes(seen))


def _beside_colour(seen: Facts) -> list[tuple[str, str]]:
    description = seen.description
    if description.format == IMAGES:
        names = ", ".join(seen.attributes[:PAIRS]) + " …" * (len(seen.attributes) > PAIRS)
        return [
            ("depth", "none"),
            ("attributes", f"{len(seen.attributes)}: {names}" if seen.attributes else "none"),
            ("other shapes", f"brought to the prepared size by {description.fit}"),
        ]
    return [
        ("depth", f"read as metres; stored: {description.depth}"),
        ("objects", f"of each frame, by {description.objects}" if description.objects else "not known"),
    ]


def _largest(rows: Sequence[Row]) -> str:
    group, count = Counter(row.group for row in rows).most_common(1)[0]
    return f"{group} with {count} frames"


def _classes(seen: Facts) -> Table:
    table = Table(title="Scene classes, in label order")
    for column in ("label", "class", "train", "test", "train groups", "test groups", "scene types"):
        table.add_column(column, justify="left" if column in TEXTS else "right", overflow="fold")
    for label, scene in enumerate(seen.description.classes):
        types = sorted({row.scene27 for row in seen.rows if row.scene10 == scene})
        counts = [seen.count("train", scene), seen.count("test", scene)]
        groups = [seen.groups("train", scene), seen.groups("test", scene)]
        table.add_row(str(label), scene, *map(str, counts + groups), ", ".join(types))
    return table


def contact_sheet(folder: Path, output: Path) -> None:
    """Write a PNG: a row a class; colour and, if any, depth side by side, with a scale in metres."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with open_source(folder) as source:
        depth = source.description.format != IMAGES
        classes = source.description.classes[:LINES]
        count = PAIRS if depth else 2 * PAIRS
        chosen = [[frame(source, i) for i in _spread(source.rows, scene, count)] for scene in classes]
        crop = source.description.crop
        title = f"{source.description.title} (data/{folder.name})"
    figure = Figure(figsize=(2 * PAIRS * 1.45 + 1.2, 1.28 * len(classes) + 0.6), layout="constrained")
    axes = figure.subplots(len(classes), 2 * PAIRS, squeeze=False)
    for line, scene in zip(axes, classes, strict=True):
        for axis in line:
            axis.set(xticks=[], yticks=[], frame_on=False)
        line[0].set_ylabel(scene, fontsize=9)
    for line, shown in zip(axes, chosen, strict=True):
        for one, axis in zip(shown, line[::2] if depth else line, strict=False):
            axis.imshow(cropped(one, crop)[0])
            axis.set_title(_caption(one), fontsize=6, loc="left", pad=2)
    if depth:
        _show_depth(figure, axes, chosen, crop)
    figure.suptitle(title, fontsize=10)
    FigureCanvasAgg(figure)
    with atomic(output) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _show_depth(figure: Any, axes: Any, chosen: Sequence[Sequence[Frame]], crop: Crop | None) -> None:
    """Depth in the axes at the right of colour, all on one scale."""
    depths = [[cropped(one, crop)[1] for one in row] for row in chosen]
    # A few far corners would leave all else dark.
    flat = np.concatenate([np.ravel(one) for row in depths for one in row if one is not None])
    far = float(np.percentile(flat, 99)) or 1.0
    for line, row in zip(axes, depths, strict=True):
        for axis, one in zip(line[1::2], row, strict=False):
            values = np.asarray(one)
            image = axis.imshow(np.where(values > 0, values, np.nan), cmap="viridis", vmin=0, vmax=far)
    figure.colorbar(image, ax=axes, label="depth / m", shrink=0.5, aspect=40, extend="max")


def _caption(one: Frame) -> str:
    return f"{one.row.index} {one.row.split}, {one.row.group}"


def _spread(rows: Sequence[Row], scene: str, count: int) -> list[int]:
    """Positions of up to `count` frames of a class, each of another group, spread over the set."""
    first: dict[str, int] = {}
    for position, row in enumerate(rows):
        if row.scene10 == scene:
            first.setdefault(row.group, position)
    positions = list(first.values())
    picks = np.linspace(0, len(positions) - 1, min(count, len(positions))).round().astype(int)
    return [positions[pick] for pick in picks]
