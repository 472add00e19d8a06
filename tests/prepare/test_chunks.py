"""Frames out of chunks of any shape; the generator of benchmarks/ makes the source, at a small size."""

import importlib.util
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest

from semcom.frames.prepared import Prepared
from semcom.params.entries import PrepareEntry
from semcom.prepare import chunks, run
from semcom.prepare.chunks import ChunkedFrames
from semcom.prepare.description import Description, write
from semcom.prepare.source import frames, open_source

FRAMES, SIZE = 41, (48, 36)


def generator() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "make_mat.py"
    spec = importlib.util.spec_from_file_location("make_mat", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made(folder: Path, layout: str) -> Path:
    generator().make(folder, frames=FRAMES, size=SIZE, chunks=layout)
    description = Description(
        format="nyuv2_mat",
        title="made up",
        licence="none",
        citation="none",
        depth="metres",
        mat="nyu_depth_v2_labeled.mat",
        splits="splits.mat",
    )
    write(folder, description)
    return folder


@pytest.mark.parametrize("slab_bytes", [chunks.SLAB_BYTES, 15_000, 1])
def test_chunks_that_span_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slab_bytes: int) -> None:
    """Also in slabs smaller than a row of chunks, and down to a frame."""
    monkeypatch.setattr(chunks, "SLAB_BYTES", slab_bytes)
    folder, draw = made(tmp_path, "span"), generator().draw
    with open_source(folder) as source:
        seen = list(frames(source))
    assert len(seen) == FRAMES
    for i, one in enumerate(seen):
        want = draw(i % generator().POOL, *SIZE)
        np.testing.assert_array_equal(one.rgb, want["images"])
        np.testing.assert_array_equal(one.depth, want["depths"])


def test_each_chunk_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(data: bytes, size: int) -> bytearray:
        calls.append(size)
        return unpack(data, size)

    unpack = chunks.zlib_decompress
    monkeypatch.setattr(chunks, "zlib_decompress", counted)
    with h5py.File(made(tmp_path, "span") / "nyu_depth_v2_labeled.mat") as file:
        for name in ("images", "depths", "instances"):
            calls.clear()
            array = ChunkedFrames(file[name])
            seen = np.stack([array.frame(i) for i in range(FRAMES)])
            assert len(calls) == file[name].id.get_num_chunks() > 1
            np.testing.assert_array_equal(seen, file[name][()])


@pytest.mark.parametrize(
    "storage",
    [
        {},
        {"chunks": (4, 5, 6)},
        {"chunks": (4, 5, 6), "compression": "lzf"},
        {"chunks": (4, 5, 6), "compression": "gzip", "shuffle": True},
        {"chunks": (11, 2, 9), "compression": "gzip"},
        {"chunks": (1, 7, 9), "compression": "gzip", "fletcher32": True},
    ],
)
def test_any_storage_in_any_order(tmp_path: Path, storage: dict[str, object]) -> None:
    values = np.random.default_rng(0).integers(0, 999, (11, 7, 9)).astype(">u2")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        array = ChunkedFrames(file.create_dataset("x", data=values, **storage))
        for i in (0, 10, 3, 4, 3):
            np.testing.assert_array_equal(array.frame(i), values[i])


def test_chunks_never_written_hold_the_fill_value(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        array = file.create_dataset("x", (6, 4), "u1", chunks=(2, 4), compression="gzip", fillvalue=7)
        array[2] = 1
        seen = ChunkedFrames(array)
        assert [seen.frame(i).tolist() for i in (0, 2, 3)] == [[7] * 4, [1] * 4, [7] * 4]


def test_both_layouts_prepare_alike(tmp_path: Path) -> None:
    entry = PrepareEntry(name="set", size=(20, 16), data="0" * 32, code="1" * 16)
    prepared = []
    for layout in ("frame", "span"):
        run(made(tmp_path / layout, layout), entry, tmp_path / f"{layout}.h5")
        prepared.append(Prepared.open(tmp_path / f"{layout}.h5"))
    assert prepared[0].attributes["sha256"] == prepared[1].attributes["sha256"]
    groups = prepared[0].group
    assert len(np.unique(groups)) == -(-FRAMES // 4)
    sides = [set(prepared[0].train[groups == group]) for group in np.unique(groups)]
    assert all(len(side) == 1 for side in sides)
