"""Folders of RGB-D pairs: five real conventions of depth, sizes that differ, faults of tables."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semcom.files.errors import SemcomError
from semcom.frames.prepared import Prepared
from semcom.params.dataversion import data_version, registered
from semcom.params.entries import PrepareEntry
from semcom.prepare import run
from semcom.prepare.add_rgbd import add_rgbd
from semcom.prepare.description import Coding, Description
from semcom.prepare.overview import contact_sheet
from semcom.prepare.rgbd import metres, read_table
from semcom.prepare.source import frames, open_source

HEAD = "colour,depth,scene,split,group"
LINES = [
    "rgb/a.png,depth/a.png,desk,train,lab",
    "rgb/b.jpg,depth/b.png,desk,train,lab",
    "rgb/c.png,depth/c.png,sofa,train,flat",
    "rgb/d.png,depth/d.png,sofa,test,house",
]


def table(path: Path, lines: list[str], head: str = HEAD) -> Path:
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Colours of 48x36 (one of 64x48), depths of 24x18 in mm: columns 1000, 1100, … and one hole."""
    root = tmp_path / "my pairs ü"
    for part in ("rgb", "depth"):
        (root / part).mkdir(parents=True)
    draws = np.random.default_rng(0)
    for name in ("a.png", "b.jpg", "c.png", "d.png"):
        shape = (48, 64, 3) if name == "c.png" else (36, 48, 3)
        Image.fromarray(draws.integers(0, 256, shape, dtype=np.uint8)).save(root / "rgb" / name)
        depth = np.tile(np.arange(1000, 3400, 100, dtype=np.uint16), (18, 1))
        depth[0, 0] = 0
        Image.fromarray(depth).save(root / "depth" / f"{name[0]}.png")
    table(root / "pairs.csv", LINES)
    return root


def add(clone: Path, folder: Path, *, name: str = "mine", **changes: object) -> None:
    given: dict = {"table": folder / "pairs.csv", "scale": 1000.0} | changes
    add_rgbd(clone, [folder], name=name, **given)


def test_added_prepared_and_shown(clone: Path, folder: Path, tmp_path: Path) -> None:
    add(clone, folder)
    data = clone / "data" / "mine"
    assert sorted(path.name for path in data.iterdir()) == [
        "colour.zip", "dataset.json", "depth.zip", "pairs.csv",
    ]  # fmt: skip
    with zipfile.ZipFile(data / "colour.zip") as archive:
        assert archive.read("000002") == (folder / "rgb" / "b.jpg").read_bytes()
    with open_source(data) as source:
        seen = list(frames(source))
    assert [one.rgb.shape for one in seen] == [(36, 48, 3)] * 2 + [(48, 64, 3), (36, 48, 3)]
    assert all(one.depth.shape == (18, 24) for one in seen)
    assert seen[0].depth[0, :3].tolist() == pytest.approx([0, 1.1, 1.2])
    entry = PrepareEntry(name="mine", size=(24, 18), data=data_version(clone, "mine"), code="1" * 16)
    run(data, entry, tmp_path / "out.h5")
    prepared = Prepared.open(tmp_path / "out.h5")
    prepared.verify()
    assert prepared.scene_names == ("desk", "sofa")
    assert prepared.scene.tolist() == [0, 0, 1, 1]
    assert prepared.train.tolist() == [True] * 3 + [False]
    assert [prepared.group_names[i] for i in prepared.group] == ["lab", "lab", "flat", "house"]
    # Each colour is resized from its own size; depth is there already.
    np.testing.assert_array_equal(prepared.depth_mm[2, 5], np.arange(1000, 3400, 100))
    for i, name in ((2, "c.png"), (3, "d.png")):
        with Image.open(folder / "rgb" / name) as image:
            want = np.asarray(image.resize((24, 18), Image.Resampling.LANCZOS))
        np.testing.assert_array_equal(prepared.rgb[i], want)
    contact_sheet(data, tmp_path / "sheet.png")


def test_the_same_pairs_have_the_same_version_and_two_folders_are_one(
    clone: Path, folder: Path, tmp_path: Path
) -> None:
    add(clone, folder)
    first = data_version(clone, "mine")
    (tmp_path / "other").mkdir()
    (folder / "depth").rename(tmp_path / "other" / "depth")
    # The title has the name of the set, so the same name.
    add_rgbd(
        clone,
        [folder, tmp_path / "other"],
        name="mine",
        table=folder / "pairs.csv",
        scale=1000.0,
        replace=True,
    )
    assert data_version(clone, "mine") == first


def swap(folder: Path, old: str, new: str) -> None:
    text = (folder / "pairs.csv").read_text()
    assert old in text
    (folder / "pairs.csv").write_text(text.replace(old, new))


def eight_bits(folder: Path) -> None:
    Image.fromarray(np.full((18, 24), 99, np.uint8)).save(folder / "depth" / "c.png")


def holes(folder: Path) -> None:
    """Half of each depth: as a disparity 0 would be something near."""
    for path in (folder / "depth").iterdir():
        with Image.open(path) as picture:
            depth = np.array(picture)
        depth[:, ::2] = 0
        Image.fromarray(depth).save(path)


def square(folder: Path) -> None:
    Image.fromarray(np.full((24, 24), 1500, np.uint16)).save(folder / "depth" / "c.png")


def cut(folder: Path) -> None:
    path = folder / "rgb" / "b.jpg"
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize(
    ("fault", "changes", "message"),
    [
        (lambda f: None, {"scale": 50.0}, r"depth/a.png reaches 66 m .* scale 50; rooms end at 10.5 m.*1000"),
        (lambda f: None, {"scale": 5000.0}, r"no depth of 4 pairs is over 0.66 m with the scale 5000"),
        (lambda f: None, {"scale": None}, "--depth-scale is missing: with --depth-coding linear .* metre"),
        (lambda f: None, {"scale": -1.0}, "--depth-scale -1.0"),
        (lambda f: None, {"coding": "nyu_raw"}, "nyu_raw has none"),
        (
            holes,
            {"coding": "nyu_raw", "scale": None},
            r"% of depth would be measured by --depth-coding nyu_raw .*under 20 % .*linear, 1000\): linear",
        ),
        (lambda f: None, {"table": None}, "--table is missing"),
        (
            lambda f: (f / "depth" / "c.png").unlink(),
            {},
            "line 4 of the table names depth/c.png, which is not",
        ),
        (eight_bits, {}, r"depth/c.png \(line 4 of the table\) is .* 'L', 8 bits .*16-bit PNG"),
        (
            square,
            {},
            "rgb/c.png has 64x48 pixels and depth/c.png 24x24: another shape is another field of view",
        ),
        (cut, {}, "rgb/b.jpg is no whole picture"),
        (
            lambda f: swap(f, "sofa,train", "sofa,val"),
            {},
            "line 4 of .*'val' is neither train nor test; vali",
        ),
        (lambda f: swap(f, "house", "lab"), {}, "group 'lab' is train in line 2 and test in line 5"),
        (lambda f: swap(f, ",flat", ","), {}, "line 4 of .*group is empty"),
        (lambda f: swap(f, "rgb/d.png", "rgb/a.png"), {}, "rgb/a.png stands in the lines 2 and 5"),
        (lambda f: swap(f, "sofa", "desk"), {}, "1 scene classes"),
        (lambda f: swap(f, "test", "train"), {}, "2 scene classes .* the splits train: two classes"),
        (lambda f: swap(f, "scene,", "label,"), {}, "lacks the columns scene"),
        (lambda f: table(f / "pairs.csv", []), {}, "lacks lines"),
        (lambda f: (f / "pairs.csv").unlink(), {}, "cannot be read as a CSV table"),
    ],
)
def test_each_fault_says_what_and_the_way_out(
    clone: Path, folder: Path, fault: Callable[[Path], object], changes: dict[str, object], message: str
) -> None:
    fault(folder)
    with pytest.raises(SemcomError, match=message):
        add(clone, folder, **changes)
    assert registered(clone) == ["rooms"]
    assert [path.name for path in (clone / "data").iterdir()] == [".gitignore"]


def test_tables_of_a_spreadsheet(tmp_path: Path) -> None:
    """With a byte order mark, further columns and blanks."""
    text = "\ufeffnote," + HEAD + "\n" + "\n".join("x, " + line for line in LINES) + "\n"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert [pair.colour for pair in read_table(tmp_path / "t.csv")][:2] == ["rgb/a.png", "rgb/b.jpg"]


def read(data: bytes | Path, coding: Coding, scale: float | None) -> np.ndarray:
    description = Description(
        format="rgbd", title="", licence="", citation="", depth="", depth_scale=scale, depth_coding=coding
    )
    with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as picture:
        values = np.asarray(picture).astype(np.uint16)
    return metres(values, description, where="it")


@pytest.mark.parametrize(
    ("name", "coding", "scale", "holes", "far"),
    [
        ("redwood_depth.png", "linear", 1000.0, 0.13, 2.702),
        ("TUM_depth.png", "linear", 5000.0, 0.19, 46655 / 5000),
        ("SUN_depth.png", "sun", 1000.0, 0.18, 9.87),
    ],
)
def test_real_conventions(
    real: Path, name: str, coding: Coding, scale: float, holes: float, far: float
) -> None:
    """Holes and the farthest pixel are those that the samples' README has."""
    depth = read(real / "rgbd_samples" / name, coding, scale)
    assert float((depth == 0).mean()) == pytest.approx(holes, abs=0.005)
    assert float(depth.max()) == pytest.approx(far, abs=0.005)


def test_raw_nyu_disparity(real: Path) -> None:
    with zipfile.ZipFile(real / "rgbd_samples" / "open3d_NYU_raw_pair.zip") as archive:
        data = archive.read("NYU_depth.pgm")
    depth = read(data, "nyu_raw", None)
    stored = np.frombuffer(data[-2 * 480 * 640 :], "<u2").reshape(480, 640).astype(float)
    with np.errstate(divide="ignore"):
        want = np.where(stored < 1092.5, 351.3 / (1092.5 - stored), 0)
    np.testing.assert_allclose(depth, want, rtol=1e-6)
    assert depth.min() == 0
    assert depth[depth > 0].min() == pytest.approx(351.3 / (1092.5 - 839), abs=1e-4)


def test_real_pairs_of_every_source_in_one_set_each(real: Path, clone: Path, tmp_path: Path) -> None:
    """From files to frames; the fifth convention, 8 bits, is refused."""
    samples = real / "rgbd_samples"
    for archive in ("open3d_NYU_raw_pair.zip", "nyuv2_640x480_10pairs.zip"):
        zipfile.ZipFile(samples / archive).extractall(tmp_path / "nyu")
    (tmp_path / "copies").mkdir()
    eight = sorted((tmp_path / "nyu").glob("*_depth8.png"))[0].name
    for colour, depth, coding, scale, message in (
        ("redwood_color.jpg", "redwood_depth.png", "linear", 1000.0, None),
        ("TUM_color.png", "TUM_depth.png", "linear", 5000.0, None),
        ("TUM_color.png", "TUM_depth.png", "linear", 1000.0, "TUM_depth.png reaches 46.6"),
        ("SUN_color.jpg", "SUN_depth.png", "sun", 1000.0, None),
        ("SUN_color.jpg", "SUN_depth.png", "linear", 1000.0, "reaches 64.*--depth-coding sun"),
        ("NYU_color.ppm", "NYU_depth.pgm", "nyu_raw", None, None),
        (eight.replace("_depth8.png", "_rgb.jpg"), eight, "linear", 1000.0, "8 bits"),
    ):
        lines = []
        for i, split in enumerate(("train", "test")):
            for name in (colour, depth):
                source = next(f / name for f in (samples, tmp_path / "nyu") if (f / name).exists())
                (tmp_path / "copies" / f"{i}_{name}").write_bytes(source.read_bytes())
            lines.append(f"{i}_{colour},{i}_{depth},scene{i},{split},room{i}")
        given = {
            "table": table(tmp_path / "pairs.csv", lines),
            "scale": scale,
            "coding": coding,
            "replace": True,
        }
        if message:
            with pytest.raises(SemcomError, match=message):
                add_rgbd(clone, [tmp_path / "copies"], name="real", **given)
            continue
        add_rgbd(clone, [tmp_path / "copies"], name="real", **given)
        with open_source(clone / "data" / "real") as opened:
            one = next(iter(frames(opened)))
        assert one.rgb.shape == (480, 640, 3)
        assert one.depth.shape == (480, 640)
