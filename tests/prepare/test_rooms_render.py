"""The renderer against geometry known by hand, and what must not change its images."""

from dataclasses import replace

import numpy as np
import pytest

from semcom.prepare import rooms_render
from semcom.prepare.rooms_render import Camera, Scene, render
from semcom.prepare.rooms_scenes import RECIPES, compose, pose
from semcom.prepare.rooms_solids import Material, Solid

GREY, RED = Material((0.5, 0.5, 0.5)), Material((0.8, 0.05, 0.05))


def wall(y: float) -> Solid:
    return Solid("box", (2, y + 0.1, 1), (9, 0.1, 9), 1.0, 0.0, GREY, label=1, casts=False)


def scene(*solids: Solid, scale: float = 1.0) -> Scene:
    return Scene((4, 4, 2), (wall(4.0),), solids, (2.0, 1.0, 1.9), (1.0, 1.0, 1.0), 0.4, scale)


def box(x: float, z: float, half: float = 0.2) -> Solid:
    return Solid("box", (x, 3.0, z), (half, half, half), 1.0, 0.0, RED, label=2, instance=3)


LEVEL = Camera((2.0, 0.5, 1.0), 0.0, 0.0)


def test_depth_is_measured_along_the_axis_not_the_ray() -> None:
    frame = render(scene(), LEVEL)
    np.testing.assert_array_equal(frame.depth_mm, np.full((48, 64), 3500))
    assert (frame.labels == 1).all()


def test_right_is_right_and_up_is_up() -> None:
    frame = render(scene(box(2.8, 1.5)), LEVEL)
    rows, columns = np.nonzero(frame.labels == 2)
    # 0.8 right and 0.5 up at a distance of 2.3: 51.2 pixels focal length.
    assert columns.mean() == pytest.approx(31.5 + 51.2 * 0.8 / 2.35, abs=1.0)
    assert rows.mean() == pytest.approx(23.5 - 51.2 * 0.5 / 2.35, abs=1.0)
    seen = frame.labels == 2
    assert (frame.depth_mm[seen] >= 2300).all()
    assert (frame.instances[seen] == 3).all()
    red = frame.rgb[seen].astype(int)
    assert (red[:, 0] > red[:, 1] + 20).all()


def test_a_turned_and_tilted_camera_sees_the_box_in_its_middle() -> None:
    camera = Camera(LEVEL.position, float(np.arctan2(0.8, 2.5)), float(np.arctan2(0.5, np.hypot(0.8, 2.5))))
    rows, columns = np.nonzero(render(scene(box(2.8, 1.5, half=0.1)), camera).labels == 2)
    assert rows.mean() == pytest.approx(23.5, abs=0.7)
    assert columns.mean() == pytest.approx(31.5, abs=0.7)


def test_scale_is_seen_by_depth_only() -> None:
    room = compose(RECIPES["kitchen"], np.random.default_rng(0))
    camera = pose(room, np.random.default_rng(1))
    small, large = (render(replace(room, scale=s), camera) for s in (0.6, 1.2))
    np.testing.assert_array_equal(small.rgb, large.rgb)
    np.testing.assert_array_equal(small.labels, large.labels)
    assert np.abs(2 * small.depth_mm.astype(int) - large.depth_mm).max() <= 1


def test_culling_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    room = compose(RECIPES["living_room"], rng)
    camera = pose(room, rng)
    quick = render(room, camera)
    monkeypatch.setattr(rooms_render, "_window", lambda *_: (slice(None), slice(None)))
    slow = render(room, camera)
    for name in ("rgb", "depth_mm", "labels", "instances"):
        np.testing.assert_array_equal(getattr(quick, name), getattr(slow, name))


def test_a_box_below_the_lamp_throws_a_shadow() -> None:
    shade = replace(box(2.0, 1.5), centre=(2.0, 1.5, 1.6), casts=True)
    dark, light = (render(scene(replace(shade, casts=casts)), LEVEL).rgb for casts in (True, False))
    assert (dark <= light).all()
    assert (dark.astype(int) < light - 20).any()
