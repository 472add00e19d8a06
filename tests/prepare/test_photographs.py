"""Patches of photographs: the bundled bytes are those that the packages carry, cut side by side."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_sample_image

from semcom.files.errors import SemcomError
from semcom.prepare import bundled, photographs
from semcom.prepare.source import Source, open_source

ROOT = Path(__file__).parents[2]


def entries() -> dict[str, str]:
    """Of the registered version: each file's md5."""
    outs = yaml.safe_load((ROOT / "data.dvc").read_text())["outs"]
    (entry,) = [out for out in outs if out["path"] == "data/photographs"]
    return {file["relpath"]: file["md5"] for file in json.loads(place(entry["md5"]).read_text())}


def place(md5: str) -> Path:
    return ROOT / "bundled/files/md5" / md5[:2] / md5[2:]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    """The set as the repository carries it."""
    for name, md5 in entries().items():
        (tmp_path / name).symlink_to(place(md5))
    with open_source(tmp_path) as source:
        yield source


def test_patches_lie_side_by_side_in_the_middle() -> None:
    picture = np.arange(131 * 200 * 3, dtype=np.int64).reshape(131, 200, 3)
    patches = photographs.cut(picture)
    assert list(patches) == [(row, column) for row in (1, 2) for column in (1, 2, 3)]
    rows = [np.concatenate([patches[row, column] for column in (1, 2, 3)], axis=1) for row in (1, 2)]
    np.testing.assert_array_equal(np.concatenate(rows), picture[1:129, 4:196])


def test_the_bundled_patches_are_scikit_learns_photographs(source: Source) -> None:
    lines = place(entries()["images.csv"]).read_text().splitlines()[1:]
    found = {line.split(",")[4]: position for position, line in enumerate(lines)}
    for name in ("china", "flower"):
        patches = photographs.cut(load_sample_image(f"{name}.jpg"))
        assert len(patches) == 60
        for (row, column), patch in patches.items():
            np.testing.assert_array_equal(source.pixels(found[f"{name}/{row}/{column}"])[0], patch)


def test_no_photograph_is_on_both_sides_and_each_is_named(source: Source) -> None:
    sides = Counter((row.group, row.split) for row in source.rows)
    assert sides == {
        ("china", "test"): 60,
        ("chelsea", "test"): 28,
        ("flower", "train"): 60,
        ("rocket", "train"): 60,
        ("astronaut", "train"): 64,
        ("coffee", "train"): 54,
    }
    for name in photographs.PHOTOGRAPHS:
        assert f"{name}: " in source.description.licence
        assert f"{name}: " in source.description.citation
    assert len({row.group for row in source.rows[:24]}) == 6, "the first ones show all"


def test_made_anew_the_set_has_the_registered_bytes(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    bundled.MAKERS["photographs"](tmp_path)
    made = {
        path.name: hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for path in tmp_path.iterdir()
    }
    assert made == entries()


def test_what_is_not_installed_or_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(photographs, "import_module", missing)
    with pytest.raises(SemcomError, match=r"'astronaut' is in scikit-image, which is not installed: pip"):
        photographs.pictures()
    one = np.array(load_sample_image("china.jpg"))
    one[200, 300, 1] ^= 1
    monkeypatch.setattr(photographs, "_carried", lambda name, package: one)
    with pytest.raises(SemcomError, match=r"'china' of scikit-learn \d.* has other pixels than the one"):
        photographs.pictures()
