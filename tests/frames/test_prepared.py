"""The reader of the prepared format, on a file written with h5py alone."""

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.frames.prepared import FORMAT, Prepared

N, H, W = 5, 6, 8


@pytest.fixture
def content() -> dict[str, np.ndarray]:
    draws = np.random.default_rng(1)
    return {
        "rgb": draws.integers(0, 256, (N, H, W, 3), dtype=np.uint8),
        "depth_mm": draws.integers(0, 10_000, (N, H, W), dtype=np.uint16),
        "scene": np.array([0, 1, 1, 0, 1]),
        "split": np.array([1, 0, 1, 1, 0], np.uint8),
        "group": np.array([0, 1, 1, 2, 2]),
        "index": np.array([1, 2, 3, 5, 7]),
        "group_names": np.array([b"a_1", b"b_1", "Küche".encode()]),
    }


def content_hash(content: dict[str, np.ndarray]) -> str:
    """The hash as the format defines it, in one go."""
    parts = [hashlib.sha256(content[name].tobytes()).digest() for name in ("rgb", "depth_mm")]
    parts += [content[name].astype("<i8").tobytes() for name in ("scene", "split", "group", "index")]
    parts.append("ä\0b\0\0a_1\0b_1\0Küche".encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.fixture
def path(tmp_path: Path, content: dict[str, np.ndarray]) -> Path:
    path = tmp_path / "prepared frames.h5"
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file[name] = values
        file.attrs.update({"format": FORMAT, "format_version": 1, "class_names": ["ä", "b"]})
        file.attrs["sha256"] = content_hash(content)
    return path


def test_reads_what_was_written(path: Path, content: dict[str, np.ndarray]) -> None:
    opened = Prepared.open(path)
    for name in ("rgb", "depth_mm", "scene", "group", "index"):
        np.testing.assert_array_equal(getattr(opened, name), content[name])
        assert getattr(opened, name).dtype == content[name].dtype
    np.testing.assert_array_equal(opened.train, content["split"] == 1)
    assert opened.train.dtype == bool
    assert (opened.scene_names, opened.group_names) == (("ä", "b"), ("a_1", "b_1", "Küche"))
    assert len(opened) == N
    opened.verify()


def test_maps_the_file_read_only(path: Path) -> None:
    opened = Prepared.open(path)
    for array in (opened.rgb, opened.depth_mm):
        assert isinstance(array.base, np.memmap)
        assert not array.flags.writeable
    before = int(opened.rgb[2, 3, 4, 1])
    with h5py.File(path, "r+") as file:
        file["rgb"][2, 3, 4, 1] = before ^ 0xFF
    # The map shows the file's bytes, and the checksum sees that one of them changed.
    assert opened.rgb[2, 3, 4, 1] == before ^ 0xFF
    with pytest.raises(SemcomError, match=r"prepared frames.h5 has the SHA-256 .* damaged; remove it"):
        opened.verify()


def test_truncated(path: Path) -> None:
    whole = path.read_bytes()
    for keep in (len(whole) - 1, len(whole) // 2, 10, 0):
        path.write_bytes(whole[:keep])
        with pytest.raises(SemcomError, match="is not a whole prepared file"):
            Prepared.open(path)


def test_missing_other_and_newer_files(path: Path, tmp_path: Path) -> None:
    with pytest.raises(SemcomError, match="there is no prepared file"):
        Prepared.open(tmp_path / "none.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 3
    with pytest.raises(SemcomError, match="format version 3, this semcom reads 1 and 2"):
        Prepared.open(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["format"]
    with pytest.raises(SemcomError, match="but no prepared one"):
        Prepared.open(path)


def test_a_lost_member_and_a_compressed_one(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        values = file["rgb"][()]
        del file["rgb"]
        file.create_dataset("rgb", data=values, compression="gzip")
    with pytest.raises(SemcomError, match="/rgb in .* is not contiguous uint8"):
        Prepared.open(path)
    with h5py.File(path, "r+") as file:
        del file["rgb"]
    with pytest.raises(SemcomError, match="is not a whole prepared file"):
        Prepared.open(path)


def test_a_file_without_depth(path: Path, content: dict[str, np.ndarray]) -> None:
    """Format version 2; the hash has nothing in the place of depth."""
    with h5py.File(path, "r+") as file:
        del file["depth_mm"]
        file.attrs["format_version"], file.attrs["name"] = 2, "cifar10"
        file.attrs["sha256"] = content_hash(content | {"depth_mm": np.zeros(0, np.uint16)})
    opened = Prepared.open(path)
    opened.verify()
    assert opened.depth_mm is None
    np.testing.assert_array_equal(opened.rgb, content["rgb"])
    with pytest.raises(SemcomError, match="the data set 'cifar10' has no depth; methods with modality depth"):
        _ = opened.depth
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 1
    with pytest.raises(SemcomError, match="is not a whole prepared file"):
        Prepared.open(path)  # with depth, it must be there
