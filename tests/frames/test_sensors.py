"""Degraded sensors: each effect against its closed form, statistics or scipy."""

import pytest
import torch
from scipy import ndimage

from semcom.frames.device import DeviceFrames
from semcom.frames.sensors import Sensors
from semcom.training.randomness import generator


def flat(rgb: float = 0.5, depth: float = 3.0, n: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((n, 3, 48, 64), rgb), torch.full((n, 1, 48, 64), depth)


def test_without_options_frames_and_generator_stay_as_they_are(frames: DeviceFrames) -> None:
    rgb, depth = frames.take(torch.arange(20))
    depth[:, :, 3:9] = torch.nan
    draws = generator(0)
    before = draws.get_state()
    new = Sensors()(rgb, depth, draws)
    assert torch.equal(new[0], rgb)
    torch.testing.assert_close(new[1], depth, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(draws.get_state(), before)


def test_darkness_scales_colour_alone() -> None:
    rgb, depth = torch.rand(4, 3, 48, 64), torch.rand(4, 1, 48, 64) * 5
    new = Sensors(dark=0.7)(rgb, depth, generator(0))
    torch.testing.assert_close(new[0], rgb * 0.3)
    assert torch.equal(new[1], depth)


@pytest.mark.parametrize("light", [0.25, 0.5])
def test_shot_noise_grows_with_the_root_of_the_light_and_read_noise_does_not(light: float) -> None:
    rgb, depth = flat(light)
    count = rgb.numel()
    for options, expected in (
        ({"shot": 0.05}, 0.05 * light**0.5),
        ({"read": 0.02}, 0.02),
        ({"shot": 0.05, "read": 0.02}, (0.05**2 * light + 0.02**2) ** 0.5),
        ({"shot": 0.05, "dark": 0.2}, 0.05 * (0.8 * light) ** 0.5),
    ):
        noise = Sensors(**options)(rgb, depth, generator(1))[0] - (1 - options.get("dark", 0)) * light
        # A mean has the standard error sd/√n, an sd that of sd/√2n; 4.5 of them are allowed.
        assert abs(noise.mean()) < 4.5 * expected / count**0.5
        assert abs(noise.std() - expected) < 4.5 * expected / (2 * count) ** 0.5


def test_noise_stays_within_what_a_pixel_can_hold() -> None:
    new = Sensors(read=0.5)(*flat(0.5), generator(0))[0]
    assert (new.min(), new.max()) == (0, 1)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.5])
def test_blur_is_scipys_gaussian(sigma: float) -> None:
    rgb = torch.rand(2, 3, 24, 32)
    reach = -(-3 * sigma // 1)
    expected = ndimage.gaussian_filter(
        rgb.double().numpy(), (0, 0, sigma, sigma), mode="nearest", radius=(0, 0, int(reach), int(reach))
    )
    new = Sensors(blur=sigma)(rgb, torch.zeros(2, 1, 24, 32), generator(0))[0]
    torch.testing.assert_close(new, torch.from_numpy(expected).float(), rtol=1e-5, atol=1e-6)


def test_blur_may_be_wider_than_the_frame() -> None:
    rgb = torch.rand(2, 3, 16, 16)
    new = Sensors(blur=30.0)(rgb, torch.zeros(2, 1, 16, 16), generator(0))[0]
    assert new.shape == rgb.shape
    assert torch.isfinite(new).all()
    assert new.std() < rgb.std() / 2


def test_depth_noise_has_its_metres_and_steps_their_width() -> None:
    rgb, depth = flat()
    new = Sensors(depth_noise_m=0.3)(rgb, depth, generator(0))
    noise = new[1] - depth
    assert torch.equal(new[0], rgb)
    assert abs(noise.mean()) < 4.5 * 0.3 / noise.numel() ** 0.5
    assert abs(noise.std() - 0.3) < 4.5 * 0.3 / (2 * noise.numel()) ** 0.5
    ramp = torch.linspace(0.5, 9.0, 48 * 64).view(1, 1, 48, 64)
    stepped = Sensors(depth_step_m=0.25)(rgb[:1], ramp, generator(0))[1]
    assert (stepped - ramp).abs().max() <= 0.125 + 1e-5
    torch.testing.assert_close(stepped * 4, (stepped * 4).round())
    assert Sensors(depth_noise_m=5.0)(rgb, depth, generator(0))[1].min() == 0


def test_holes_are_the_share_asked_of_each_frame_in_spots() -> None:
    rgb, depth = flat(n=32)
    new = Sensors(holes=0.4)(rgb, depth, generator(0))[1]
    hole = new.isnan()
    assert (hole.flatten(1).sum(1) == round(0.4 * 48 * 64)).all()
    assert (new[~hole] == 3).all()
    assert not torch.equal(hole[0], hole[1]), "each frame has its own"
    # Of single pixels drawn at random a neighbour would be missing as often as any pixel, 40 %.
    beside = hole[..., 1:][hole[..., :-1]].float().mean()
    assert beside > 0.8
    assert Sensors(holes=1.0)(rgb, depth, generator(0))[1].isnan().all()


def test_holes_are_what_frames_without_a_measurement_are(frames: DeviceFrames) -> None:
    seen = frames.normalise(*Sensors(holes=0.5)(*frames.take(torch.arange(8)), generator(0)))
    zeros = (seen["depth"] == 0).float().mean((1, 2, 3))
    assert torch.isfinite(seen["depth"]).all()
    # Every hole becomes the mean; no frame of noise has as many values that are the mean exactly.
    assert (zeros >= 0.5).all()
    assert (zeros < 0.51).all()


def test_the_same_generator_gives_the_same_frames() -> None:
    worse = Sensors(dark=0.5, shot=0.1, read=0.1, blur=1.0, holes=0.3, depth_noise_m=0.2)
    one, same, other = (worse(*flat(), generator(seed)) for seed in (0, 0, 1))
    for a, b, c in zip(one, same, other, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
        assert not torch.equal(a.nan_to_num(), c.nan_to_num())
