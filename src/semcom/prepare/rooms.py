"""The rooms data set: a procedural RGB-D set of indoor scenes in the layout of NYU Depth V2's labelled set.

docs/rooms.md says how its scene types differ, and how well small networks tell them apart.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.prepare import description
from semcom.prepare.matfile_write import write_labeled_mat, write_mapping, write_splits
from semcom.prepare.rooms_pieces import LABELS, NAMES
from semcom.prepare.rooms_render import Frame, Scene, render
from semcom.prepare.rooms_scenes import RECIPES, compose, pose
from semcom.prepare.rooms_styles import Style
from semcom.progress import Progress

SCENES = 330
FRAMES = 4  # of each scene
TEST_SHARE = 0.4  # of each type's scenes
DEPTH_MM = (300, 10_000)
TOO_NEAR = 0.9  # scene units; a frame with a quarter of its pixels nearer shows one thing only
DEPTH_STEP_MM = 5  # finer than a Kinect's from 1.3 m on; halves the file
COLOUR_STEP = 3  # not to be seen, and saves a third
HOLES = ("window", "mirror", "monitor", "television")  # where a Kinect gets no pattern back
KINECT_STEP = 2.87e-3  # 1/m, of 1/depth: 1/8 pixel of disparity at 580 pixels and 75 mm


def make(folder: Path, *, seed: int = 0, scenes: int = SCENES, frames: int = FRAMES) -> None:
    """Render rooms_labeled.mat and write what belongs to it into `folder`: same arguments, same bytes.

    Args:
        folder: where to; made if need be.
        seed: another seed, another set of the same kind.
        scenes: rooms in all; two of each of the scene types at least.
        frames: views of each scene, 1 at least.

    Raises:
        SemcomError: too few scenes or frames, or the folder cannot be written.
    """
    order = in_order(scenes, seed=seed, frames=frames)
    train, test = split(order, seed=seed, frames=frames)
    write_labeled_mat(folder / "rooms_labeled.mat", _counted(order, seed, frames), NAMES)
    write_splits(folder / "splits.mat", train, test)
    write_mapping(folder / "objects.mat", NAMES)
    description.write(
        folder,
        description.Description(
            format="nyuv2_mat",
            title="rooms: procedural RGB-D frames of indoor scenes",
            licence="Apache-2.0",
            citation="semcom, docs/rooms.md",
            depth="metres, noise-free, in whole steps of 5 mm",
            mat="rooms_labeled.mat",
            splits="splits.mat",
            objects="objects.mat",
        ),
    )


def in_order(scenes: int, *, seed: int, frames: int) -> list[str]:
    """The type of each scene, in the order in which they are drawn.

    Raises:
        SemcomError: too few scenes or frames.
    """
    if frames < 1:
        raise SemcomError(f"frames = {frames}: every scene needs a view; give 1 or more")
    types = scene_types(scenes)
    return [types[i] for i in np.random.default_rng([seed, 0]).permutation(len(types))]


def scene_types(scenes: int) -> list[str]:
    """The type of each scene: shares of RECIPES by largest remainder, two of each type at least."""
    if scenes < 2 * len(RECIPES):
        raise SemcomError(
            f"scenes = {scenes}: train and test need one of each type; give {2 * len(RECIPES)} or more"
        )
    total = sum(recipe.share for recipe in RECIPES.values())
    exact = {name: scenes * recipe.share / total for name, recipe in RECIPES.items()}
    counts = {name: max(2, int(value)) for name, value in exact.items()}
    while sum(counts.values()) != scenes:
        sign = 1 if sum(counts.values()) < scenes else -1
        free = [name for name in counts if sign > 0 or counts[name] > 2]
        counts[max(free, key=lambda name: sign * (exact[name] - counts[name]))] += sign
    return [name for name, count in counts.items() for _ in range(count)]


def split(types: list[str], *, seed: int = 0, frames: int = FRAMES) -> tuple[list[int], list[int]]:
    """Numbers (from 1) of the train and test frames: whole scenes, `TEST_SHARE` of each type's."""
    rng = np.random.default_rng([seed, 1])
    held: set[int] = set()
    for name in RECIPES:
        mine = [i for i, kind in enumerate(types) if kind == name]
        count = min(max(1, round(TEST_SHARE * len(mine))), len(mine) - 1)
        held |= {mine[i] for i in rng.permutation(len(mine))[:count]}
    numbers = {i: range(frames * i + 1, frames * (i + 1) + 1) for i in range(len(types))}
    train = [n for i, mine in numbers.items() if i not in held for n in mine]
    return train, [n for i in sorted(held) for n in numbers[i]]


def _counted(types: list[str], seed: int, frames: int) -> Iterator[dict[str, Any]]:
    """Every frame, and how far it is."""
    progress = Progress(len(types))
    for i, frame in enumerate(draw_frames(types, seed=seed, frames=frames), start=1):
        yield frame
        if i % frames == 0:
            progress.step(i // frames, f"{i // frames} of {len(types)} scenes")


def draw_frames(
    types: list[str], *, seed: int, frames: int, style: Style = "plain"
) -> Iterator[dict[str, Any]]:
    """Every frame of every scene, in the form that the writer takes."""
    counts: Counter[str] = Counter()
    for i, kind in enumerate(types):
        counts[kind] += 1
        rng = np.random.default_rng([seed, 2, i])
        scene = compose(RECIPES[kind], rng)
        for _ in range(frames):
            frame = view(scene, rng, style=style)
            depth_m = metres(frame.depth_mm)
            yield {
                "rgb": frame.rgb // COLOUR_STEP * COLOUR_STEP,
                "depth_m": depth_m,
                "raw_depth_m": sensed(depth_m, frame.labels),
                "labels": frame.labels,
                "instances": frame.instances,
                "scene": f"{kind}_{counts[kind]:04d}",
                "scene_type": kind,
            }


def metres(depth_mm: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Depth in metres, whole multiples of `DEPTH_STEP_MM`."""
    steps = (depth_mm + DEPTH_STEP_MM // 2) // DEPTH_STEP_MM
    return (steps * DEPTH_STEP_MM / 1000).astype(np.float32)


def sensed(depth_m: NDArray[np.float32], labels: NDArray[np.uint16]) -> NDArray[np.float32]:
    """What a Kinect would give without noise: whole steps of disparity, in mm; 0 on glass and screens."""
    disparity = np.rint(1 / (depth_m.astype(np.float64) * KINECT_STEP))
    raw = np.rint(1000 / (disparity * KINECT_STEP)) / 1000
    return np.where(np.isin(labels, [LABELS[name] for name in HOLES]), 0, raw).astype(np.float32)


def view(scene: Scene, rng: Generator, *, style: Style = "plain") -> Frame:
    """A frame of the scene from a place where nothing is too near or too far for a depth sensor."""
    for _ in range(100):
        frame = render(scene, pose(scene, rng), style=style)
        near = np.mean(frame.depth_mm < TOO_NEAR * 1000 * scene.scale)
        if DEPTH_MM[0] <= frame.depth_mm.min() and frame.depth_mm.max() <= DEPTH_MM[1] and near < 0.25:
            return frame
    raise SemcomError("no place for the camera in 100 draws: a scene of this seed has no room; take another")
