"""A .mat as large as nyu_depth_v2_labeled.mat and in its layout, of made-up frames, with its splits.mat.

    python benchmarks/make_mat.py FOLDER [--frames 1449] [--size 640x480] [--chunks frame|span]

Frames are smooth colours with noise and a white border, and Kinect-like depth; `POOL` frames are drawn and
packed once, and their chunks are written again and again, so that the gigabytes take seconds. Chunks are
whole frames (`frame`), or parts of several frames, of another shape in each array (`span`).
"""

import argparse
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from deflate import zlib_compress
from numpy.typing import NDArray
from PIL import Image

from semcom.prepare.matfile_write import (
    ARRAYS,
    USER_BLOCK,
    mark,
    write_accelerations,
    write_cells,
    write_header,
    write_splits,
)

POOL, NAMES, A_SCENE = 24, 894, 4
TYPES = ("bedroom", "kitchen", "living_room", "bathroom", "dining_room", "office", "study", "playroom")
MAT = "nyu_depth_v2_labeled.mat"
# Frames a chunk, and into how many parts each further axis is cut.
SPANS = {
    "images": (4, 3, 4, 4),
    "depths": (8, 4, 4),
    "rawDepths": (1, 1, 1),
    "labels": (2, 2, 1),
    "instances": (24, 8, 8),
}


def draw(number: int, width: int, height: int) -> dict[str, NDArray[Any]]:
    """Frame `number` of the pool, by the names of the file's arrays, upright."""
    draws = np.random.default_rng(number)
    images = np.clip(_smooth(draws, width, height, 3) + draws.integers(-3, 4, (height, width, 3)), 0, 255)
    edge = max(1, width // 80)
    for side in (np.s_[:edge], np.s_[-edge:], np.s_[:, :edge], np.s_[:, -edge:]):
        images[side] = 255
    far = np.linspace(1.0, 0.6, height)[:, None]  # floors are near and at the bottom
    disparity = np.rint(640 + 350 * far * _smooth(draws, width, height, 1)[..., 0] / 255)
    raw = (351.3 / (1092.5 - disparity)).astype(np.float32)
    filled = raw + draws.integers(0, 20, raw.shape).astype(np.float32) / 1000
    raw[draws.random((height, width)) < 0.02] = 0
    raw[height // 4 : height // 2, width // 3 : width // 2] = 0
    labels = np.kron(draws.integers(0, NAMES + 1, (6, 8)), np.ones((height // 6, width // 8), int))
    grown = np.pad(labels, ((0, height - labels.shape[0]), (0, width - labels.shape[1])))
    return {
        "images": images.astype(np.uint8),
        "depths": filled,
        "rawDepths": raw,
        "labels": grown.astype(np.uint16),
        "instances": (grown % 3).astype(np.uint8),
    }


def _smooth(draws: np.random.Generator, width: int, height: int, channels: int) -> NDArray[np.int64]:
    coarse = draws.integers(0, 256, (12, 16, channels), dtype=np.uint8)
    planes = [Image.fromarray(coarse[..., c]).resize((width, height), Image.BICUBIC) for c in range(channels)]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1).astype(np.int64)


def make(folder: Path, *, frames: int, size: tuple[int, int], chunks: str) -> Path:
    """Write both files into `folder`; the path of the large one."""
    folder.mkdir(parents=True, exist_ok=True)
    pool = [draw(number, *size) for number in range(POOL)]
    with h5py.File(folder / MAT, "w", userblock_size=USER_BLOCK, libver="earliest") as file:
        for name, (_, _, matlab) in ARRAYS.items():
            reversed_axes = np.stack([one[name].T for one in pool])
            span, *parts = SPANS[name] if chunks == "span" else (1,) * reversed_axes.ndim
            cut = [-(-length // n) for length, n in zip(reversed_axes.shape[1:], parts, strict=True)]
            mark(_write(file, name, reversed_axes, frames, (min(span, frames), *cut)), matlab)
        write_accelerations(file, frames)
        scenes = [i // A_SCENE for i in range(frames)]
        types = [TYPES[scene % len(TYPES)] for scene in scenes]
        write_cells(
            file,
            {
                "names": [f"object {i}" for i in range(1, NAMES + 1)],
                "scenes": [f"{kind}_{scene:04d}" for kind, scene in zip(types, scenes, strict=True)],
                "sceneTypes": types,
            },
        )
    write_header(folder / MAT)
    test = [i + 1 for i, scene in enumerate(scenes) if scene // len(TYPES) % 2]
    write_splits(folder / "splits.mat", [i for i in range(1, frames + 1) if i not in set(test)], test)
    return folder / MAT


def _write(
    file: h5py.File, name: str, pool: NDArray[Any], frames: int, chunks: tuple[int, ...]
) -> h5py.Dataset:
    """Frame i is frame i % POOL of the pool, and so with the chunks, whose frames divide POOL."""
    array = file.create_dataset(
        name, (frames, *pool.shape[1:]), pool.dtype, chunks=chunks, compression="gzip", compression_opts=3
    )
    packed: dict[tuple[int, ...], bytes] = {}
    for cell in np.ndindex(*(-(-s // c) for s, c in zip(array.shape, chunks, strict=True))):
        offset = tuple(i * c for i, c in zip(cell, chunks, strict=True))
        key = (offset[0] % POOL, *offset[1:])
        if key not in packed:
            chunk = np.zeros(chunks, pool.dtype)
            part = pool[tuple(slice(o, o + c) for o, c in zip(key, chunks, strict=True))]
            chunk[tuple(slice(s) for s in part.shape)] = part
            packed[key] = bytes(zlib_compress(chunk, 3))
        array.id.write_direct_chunk(offset, packed[key])
    return array


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to; gigabytes, so outside the repository")
    parser.add_argument("--frames", type=int, default=1449)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--chunks", choices=("frame", "span"), default="frame")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    path = make(given.folder, frames=given.frames, size=(width, height), chunks=given.chunks)
    print(f"{path}: {given.frames} frames, {path.stat().st_size / 1e9:.2f} GB")
