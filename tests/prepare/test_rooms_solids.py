"""Solids against a brute-force oracle: points along the ray that satisfy the solid's own inequality."""

import math
from typing import Literal

import numpy as np
import pytest

from semcom.prepare.rooms_solids import Material, Solid, chance, hits, paint, shade

GREY = Material((0.5, 0.5, 0.5))


def solid(shape: Literal["box", "cylinder", "ellipsoid"], degrees: float) -> Solid:
    angle = math.radians(degrees)
    return Solid(shape, (0.3, 4.0, 0.8), (0.9, 0.4, 0.6), math.cos(angle), math.sin(angle), GREY, label=1)


def inside(s: Solid, points: np.ndarray) -> np.ndarray:
    """Which points (3, n) lie in the solid, in float64 and written apart from the code under test."""
    x, y, z = points - np.array(s.centre)[:, None]
    turned = np.stack([s.cosine * x + s.sine * y, -s.sine * x + s.cosine * y, z]) / np.array(s.half)[:, None]
    if s.shape == "box":
        return np.abs(turned).max(axis=0) <= 1
    if s.shape == "cylinder":
        return (np.hypot(turned[0], turned[1]) <= 1) & (np.abs(turned[2]) <= 1)
    return (turned**2).sum(axis=0) <= 1


@pytest.mark.parametrize("shape", ["box", "cylinder", "ellipsoid"])
@pytest.mark.parametrize("degrees", [0, 30, -75])
def test_entry_and_exit_agree_with_sampling(
    shape: Literal["box", "cylinder", "ellipsoid"], degrees: float
) -> None:
    s, rng = solid(shape, degrees), np.random.default_rng(3)
    start = (0.1, 0.2, 1.3)
    directions = rng.uniform((-0.35, 1, -0.35), (0.35, 1, 0.35), (400, 3)).T.astype(np.float32)
    near, far = hits(s, start, tuple(directions))
    t = np.linspace(0, 8, 8001)
    met = 0
    for i in range(directions.shape[1]):
        within = inside(s, np.array(start)[:, None] + directions[:, i : i + 1] * t)
        if within.sum() > 2:  # shorter chords fall between the samples
            met += 1
            assert near[i] <= far[i]
            assert near[i] == pytest.approx(t[within].min(), abs=1.1e-3)
            assert far[i] == pytest.approx(t[within].max(), abs=1.1e-3)
        elif near[i] <= far[i]:
            assert far[i] - near[i] < 3e-3
    assert 40 < met < 350


@pytest.mark.parametrize("shape", ["box", "cylinder", "ellipsoid"])
def test_normals_are_those_of_the_surface(shape: Literal["box", "cylinder", "ellipsoid"]) -> None:
    s, rng = solid(shape, 30), np.random.default_rng(4)
    start = np.array([0.1, 0.2, 1.9])
    directions = rng.uniform((-0.2, 1, -0.45), (0.3, 1, -0.1), (300, 3)).T.astype(np.float32)
    near, far = hits(s, tuple(start), tuple(directions))
    met = far - near > 0.05
    points = start[:, None] + directions[:, met] * near[met]
    _, normals = shade(s, tuple(points))
    np.testing.assert_allclose((normals**2).sum(axis=0), 1, atol=1e-5)
    # A step along the normal leaves the solid, the same step back enters it; edges excepted.
    outside = inside(s, points + 2e-3 * normals)
    within = inside(s, points - 2e-3 * normals)
    assert not outside.any()
    assert within.mean() > 0.97


def test_patterns_have_their_period() -> None:
    u = np.arange(0, 2, 0.01, dtype=np.float32) + np.float32(0.005)
    zero = np.zeros_like(u)
    stripes = paint(Material((1, 1, 1), (0, 0, 0), "stripes", 0.25), u, zero)[0]
    np.testing.assert_array_equal(stripes, np.floor(u / 0.25) % 2 == 0)
    checks = Material((1, 1, 1), (0, 0, 0), "checks", 0.5)
    np.testing.assert_array_equal(paint(checks, u, zero + np.float32(0.6)), 1 - paint(checks, u, zero))
    for pattern in ("plain", "stripes", "checks", "tiles", "planks", "mosaic", "cloud"):
        albedo = paint(Material((0.6, 0.4, 0.2), (0.3, 0.2, 0.1), pattern, 0.1, seed=5), u, u)
        assert albedo.shape == (3, u.size)
        assert albedo.dtype == np.float32
        assert 0 <= albedo.min() <= albedo.max() <= 1


def test_chance_is_uniform_and_fixed() -> None:
    i, j = (a.ravel() for a in np.meshgrid(np.arange(-100, 100), np.arange(100)))
    drawn = chance(i, j, 7)
    # 20,000 uniform numbers: the mean's standard deviation is 0.0020, the variance's 0.00053; both within 4.
    assert abs(drawn.mean() - 1 / 2) < 4 * 0.0020
    assert abs(drawn.var() - 1 / 12) < 4 * 0.00053
    low = np.mean(drawn.reshape(200, 100)[:, :-1] * drawn.reshape(200, 100)[:, 1:]) - 1 / 4
    assert abs(low) < 4 * 0.0016  # neighbours are independent: 0.22 / sqrt(19,800)
