"""docs/data.md: its example of parts runs, on a made-up CIFAR-10."""

import re
from pathlib import Path

import numpy as np
import pytest

from semcom.files.errors import SemcomError
from semcom.frames.prepared import Prepared
from semcom.prepare.cifar import CLASSES

PAGE = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_of_parts(monkeypatch):
    scene = np.arange(60_000) % 10
    cifar = Prepared(
        path=Path("cifar10"),
        rgb=np.broadcast_to(scene.astype(np.uint8)[:, None, None, None], (60_000, 2, 2, 3)),
        depth_mm=None,
        scene=scene,
        train=np.arange(60_000) < 50_000,
        group=np.arange(60_000),
        index=np.arange(60_000) + 1,
        scene_names=CLASSES,
        group_names=tuple(map(str, range(60_000))),
        objects=None,
        object_names=(),
        attributes={},
    )
    monkeypatch.setattr(Prepared, "open", lambda path: cifar)
    names: dict = {}
    exec(compile(EXAMPLE, "docs/data.md", "exec"), names)
    assert {name: len(part) for name, part in names["parts"].items()} == {
        "public": 10_000,
        "a": 10_000,
        "a_test": 6_000,
    }
    wanted = [CLASSES.index(name) for name in names["animals"]]
    np.testing.assert_array_equal(np.array(wanted)[names["labels"]], names["images"][:, 0, 0, 0])
    # In the shares that the public part left: it took 10,000 of 30,000 at random, with a standard deviation
    # of 30 a class, of which half is seen here; five of them.
    assert np.abs(np.bincount(names["labels"]) - 10_000 / 6).max() < 5 * 15
    with pytest.raises(SemcomError, match="the part public is public"):
        _ = names["parts"]["public"].labels
