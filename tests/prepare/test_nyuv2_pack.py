import csv
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.prepare.source import frame, frames, open_source


def test_pixels_upright_unmirrored_and_in_metres(pack: Path, raw) -> None:
    with open_source(pack) as source:
        seen = list(frames(source))
    assert source.size == (24, 18)
    for one, rgb, value in zip(seen, raw.rgb, raw.value, strict=True):
        np.testing.assert_array_equal(one.rgb, rgb)
        np.testing.assert_allclose(one.depth, (value + 0.5) * 9.9955 / 255, rtol=1e-6)
        assert (one.rgb.dtype, one.depth.dtype) == (np.uint8, np.float32)


def test_rows_and_runs(pack: Path) -> None:
    with open_source(pack) as source:
        rows = source.rows
    assert [row.index for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.split for row in rows] == ["train", "train", "test", "test", "train", "train", "train"]
    assert [row.scene10 for row in rows] == ["kitchen"] * 3 + ["others"] * 2 + ["bedroom", "kitchen"]
    # Split and scene type both end a run, and a later run of the same type is another one.
    assert [row.group for row in rows] == [
        *("kitchen_run001", "kitchen_run001", "kitchen_run002", "cafe_run003"),
        *("cafe_run004", "bedroom_run005", "kitchen_run006"),
    ]


def edit(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [*lines, lines[-1]], "has the index 7 2 times"),
        (lambda lines: [*lines[:-1], "0,train,kitchen,kitchen"], "index '0' is not a whole number from 1"),
        (lambda lines: [*lines[:-1], "7,val,kitchen,kitchen"], "split 'val' is neither train nor test"),
        (
            lambda lines: [*lines[:-1], "7,train,cafe,kitchen"],
            "'cafe' is 'others' in ten classes, not 'kitchen'",
        ),
        (lambda lines: ["index,split,scene", *lines[1:]], "needs the columns index, split, scene27, scene10"),
        (lambda lines: lines[:1], "a line a frame"),
        (lambda lines: lines[:-1], r"has no line in meta.csv for 1 frames \(0007.webp"),
        (lambda lines: [*lines, "8,train,cafe,others"], r"rgb.zip lacks 1 frames \(0008.webp"),
    ],
)
def test_faults_of_the_table(pack: Path, change: Callable[[list[str]], list[str]], message: str) -> None:
    edit(pack / "meta.csv", change)
    with pytest.raises(SemcomError, match=message), open_source(pack):
        pass


@pytest.mark.parametrize("name", ["rgb.zip", "depth.zip"])
def test_a_truncated_archive(pack: Path, name: str) -> None:
    whole = (pack / name).read_bytes()
    (pack / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SemcomError, match=f"{name} is not a whole zip archive"), open_source(pack):
        pass


def test_a_damaged_member(pack: Path) -> None:
    data = bytearray((pack / "depth.zip").read_bytes())
    with zipfile.ZipFile(pack / "depth.zip") as archive:
        place = archive.getinfo("0003.webp").header_offset + 100
    data[place] ^= 0xFF
    (pack / "depth.zip").write_bytes(data)
    with open_source(pack) as source:
        frame(source, 1)
        with pytest.raises(SemcomError, match=r"0003.webp in .*depth.zip is damaged \(Bad CRC"):
            frame(source, 2)


def test_a_missing_file(pack: Path) -> None:
    (pack / "depth.zip").unlink()
    with pytest.raises(SemcomError, match=r"pack lacks depth.zip"), open_source(pack):
        pass


def test_the_real_pack_against_published_figures(real_pack: Path, real: Path) -> None:
    with open_source(real_pack) as source:
        rows = source.rows
        train = [i for i, row in enumerate(rows) if row.split == "train"]
        depth = np.stack([frame(source, i).depth for i in train])
    assert (len(rows), len(train)) == (1449, 795)
    assert [len({r.group for r in rows if r.split == split}) for split in ("train", "test")] == [139, 130]
    with open(real / "nyuv2_meta" / "scene27_to_scene10.csv", newline="") as file:
        table = {line["scene27"]: (int(line["train"]), int(line["test"])) for line in csv.DictReader(file)}
    counts = Counter((row.scene27, row.split) for row in rows)
    assert {t: (counts[t, "train"], counts[t, "test"]) for t in table} == table
    # TUI-NICR's statistics of the 795 original depth images are 2841.95 mm and 1417.26 mm. Nearest pixels of
    # 8 bits: the README of the pack gives both to 1 mm.
    assert float(depth.mean(dtype=np.float64)) == pytest.approx(2.842, abs=0.001)
    assert float(depth.std(dtype=np.float64)) == pytest.approx(1.417, abs=0.001)
