"""Small raw data in the two formats of NYU Depth V2, made on the spot, and the real pack where it is."""

import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from semcom.prepare.description import NYU_CROP, Crop, Description, write
from semcom.prepare.matfile_write import write_labeled_mat, write_splits
from semcom.prepare.nyuv2_pack import METRES

WIDTH, HEIGHT = 24, 18
SCENES = (
    ("train", "kitchen"),
    ("train", "kitchen"),
    ("test", "kitchen"),
    ("test", "cafe"),
    ("train", "cafe"),
    ("train", "bedroom"),
    ("train", "kitchen"),
)


@dataclass(frozen=True)
class Raw:
    """Frames as they go into a raw file."""

    rgb: list[NDArray[np.uint8]]
    value: list[NDArray[np.uint8]]
    """Depth in the pack's 8 bits."""
    splits: list[str]
    types: list[str]

    @property
    def depth(self) -> list[NDArray[np.float32]]:
        return [METRES[value] for value in self.value]


@pytest.fixture
def raw() -> Raw:
    """Seven frames without any symmetry."""
    draws = np.random.default_rng(3)
    count = len(SCENES)
    return Raw(
        rgb=[draws.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(count)],
        value=[draws.integers(18, 256, (HEIGHT, WIDTH), dtype=np.uint8) for _ in range(count)],
        splits=[split for split, _ in SCENES],
        types=[scene for _, scene in SCENES],
    )


def webp(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", lossless=True, exact=True)
    return buffer.getvalue()


def store(path: Path, images: Sequence[NDArray[np.uint8]]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number, image in enumerate(images, 1):
            archive.writestr(f"{number:04d}.webp", webp(image))


def write_pack(folder: Path, raw: Raw) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    store(folder / "rgb.zip", raw.rgb)
    store(folder / "depth.zip", [np.repeat(value[..., None], 3, axis=2) for value in raw.value])
    ten = {"cafe": "others"}
    lines = [
        f"{i},{split},{scene},{ten.get(scene, scene)}"
        for i, (split, scene) in enumerate(zip(raw.splits, raw.types, strict=True), 1)
    ]
    (folder / "meta.csv").write_text("\n".join(["index,split,scene27,scene10", *lines]) + "\n")
    return folder


def write_mat(folder: Path, raw: Raw, *, mat: str = "labeled.mat") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    nothing = np.zeros(raw.depth[0].shape)
    write_labeled_mat(
        folder / mat,
        (
            {
                "rgb": rgb,
                "depth_m": depth,
                "labels": nothing.astype(np.uint16),
                "instances": nothing.astype(np.uint8),
                "scene": f"{scene}_{i // 2:04d}",
                "scene_type": scene,
            }
            for i, (rgb, depth, scene) in enumerate(zip(raw.rgb, raw.depth, raw.types, strict=True))
        ),
        ["wall"],
    )
    train, test = ([i for i, s in enumerate(raw.splits, 1) if s == split] for split in ("train", "test"))
    write_splits(folder / "splits.mat", train, test)
    return folder


def describe(folder: Path, *, mat: str | None = None, crop: Crop | None = None) -> Path:
    description = Description(
        format="nyuv2_mat" if mat else "nyuv2_pack",
        title="a test",
        licence="none",
        citation="none",
        depth="metres",
        mat=mat,
        splits="splits.mat" if mat else None,
        crop=crop,
    )
    write(folder, description)
    return folder


@pytest.fixture
def pack(tmp_path: Path, raw: Raw) -> Path:
    return describe(write_pack(tmp_path / "pack", raw))


@pytest.fixture
def mat(tmp_path: Path, raw: Raw) -> Path:
    return describe(write_mat(tmp_path / "mat", raw), mat="labeled.mat")


@pytest.fixture
def make_pack() -> Callable[[Path, Raw], Path]:
    return write_pack


@pytest.fixture
def make_mat() -> Callable[[Path, Raw], Path]:
    return write_mat


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real data."""
    folder = os.environ.get("SEMCOM_TEST_DATA")
    if not folder:
        pytest.skip("SEMCOM_TEST_DATA does not name a folder with real data (nyuv2_192x144, nyuv2_meta)")
    return Path(folder)


@pytest.fixture
def real_pack(real: Path, tmp_path: Path) -> Path:
    """The small pack of NYU Depth V2 with a description, by symbolic links."""
    folder = tmp_path / "nyuv2"
    folder.mkdir()
    for name in ("rgb.zip", "depth.zip", "meta.csv"):
        (folder / name).symlink_to(real / "nyuv2_192x144" / name)
    return describe(folder, crop=NYU_CROP)


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this one's DVC settings and a tiny bundled set `rooms`."""
    root, here = tmp_path_factory.mktemp("origin") / "origin", Path(__file__).parents[2]
    (root / "data" / "rooms").mkdir(parents=True)
    (root / "data" / "rooms" / "frames.txt").write_text("version 1")
    (root / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"):
        shutil.copyfile(here / name, root / name)
    (root / "data.dvc").write_text("outs:\n- path: data/rooms\n  remote: bundled\n")
    for command in (
        ["git", "init", "-q", "."],
        [sys.executable, "-m", "dvc", "commit", "-f", "data.dvc"],
        [sys.executable, "-m", "dvc", "push", "-r", "bundled"],
        ["git", "add", "-A"],
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "-m", "start"],
    ):
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    return root


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Path:
    """A fresh clone of it, in a path with spaces and umlauts; nothing is pulled yet."""
    path = tmp_path / "a clone ü"
    subprocess.run(["git", "clone", "-q", origin, path], check=True)
    return path
