"""Made-up picture files: each has a colour of its own, and a tree of them is a dict of paths and bytes."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def pixels(number: int, *, size: tuple[int, int] = (12, 9)) -> NDArray[np.uint8]:
    """Noise that only this number gives; `size` is width and height."""
    return np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)


def picture(number: int, *, size: tuple[int, int] = (12, 9)) -> bytes:
    """A lossless picture of `pixels(number)`."""
    buffer = io.BytesIO()
    Image.fromarray(pixels(number, size=size)).save(buffer, "PNG")
    return buffer.getvalue()


def numbered(*names: str) -> dict[str, bytes]:
    """A picture a name."""
    return {name: picture(number) for number, name in enumerate(names)}


def write_tree(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, files: Mapping[str, bytes], *, prefix: str = "") -> Path:
    with tarfile.open(path, "w:" + path.suffix[1:].removeprefix("tar")) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path
