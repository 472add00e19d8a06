"""The rooms data set in a second style: other rooms, as a painter would show them, and no depth."""

from collections.abc import Iterator
from typing import Any

from semcom.prepare.classes import NYU10, label
from semcom.prepare.images_store import Known, PictureSet
from semcom.prepare.rooms import FRAMES, draw_frames, in_order, split

SCENES = 200
SEED = 1
"""Not that of the rooms in the first style: no room is in both sets."""


def pictures(*, seed: int = SEED, scenes: int = SCENES, frames: int = FRAMES) -> PictureSet:
    """A set of images of 64×48 pixels; they are rendered as they are read. Same arguments, same pixels.

    Args:
        seed: another seed, another set of the same kind.
        scenes: rooms in all; two of each of the scene types at least.
        frames: views of each scene, 1 at least.

    Raises:
        SemcomError: too few scenes or frames.
    """
    types = in_order(scenes, seed=seed, frames=frames)
    test = set(split(types, seed=seed, frames=frames)[1])
    known = {
        f"room_{i // frames + 1:04d}/{i % frames + 1}": Known(
            label=NYU10[label(types[i // frames])],
            split="test" if i + 1 in test else "train",
            group=f"room_{i // frames + 1:04d}",
        )
        for i in range(len(types) * frames)
    }
    drawn = draw_frames(types, seed=seed, frames=frames, style="painted")
    return PictureSet(
        title="rooms_painted: procedural images of indoor scenes, in a painter's style",
        known=known,
        pictures=_named(list(known), drawn),
        classes=NYU10,
        licence="Apache-2.0",
        citation="semcom, docs/rooms.md",
        fit="squash",
    )


def _named(names: list[str], drawn: Iterator[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    yield from ((name, frame["rgb"]) for name, frame in zip(names, drawn, strict=True))
