import hashlib
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from semcom.files.errors import SemcomError
from semcom.frames.device import DeviceFrames
from semcom.frames.views import RGBD, _blur
from semcom.training.randomness import generator

STATE_AFTER = "04692a070d21a459"


def scene(n: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Colour and depth that show the same thing: a horizontal ramp in the first channel and in metres."""
    ramp = torch.linspace(0.1, 0.9, 64).expand(n, 1, 48, 64)
    return ramp.repeat(1, 3, 1, 1), ramp * 5


def test_no_augmentation_leaves_frames_as_they_are() -> None:
    rgb, depth = scene()
    views = RGBD(crop=1.0, flip=0.0, strength=0.0)
    new_rgb, new_depth = views(rgb, depth, generator(0))
    # A full-area crop of changed ratio is cut to the frame, which narrows one side only.
    assert new_rgb.shape == rgb.shape
    assert new_depth.shape == depth.shape
    assert (new_rgb.mean() - rgb.mean()).abs() < 0.05


def test_colour_and_depth_share_their_geometry() -> None:
    rgb, depth = scene(64)
    new_rgb, new_depth = RGBD(strength=0.0)(rgb, depth, generator(1))
    # Depth is sampled to the nearest pixel, colour between pixels: they differ by half a pixel at most.
    step = (0.9 - 0.1) / 63
    assert (new_rgb[:, :1] - new_depth / 5).abs().max() <= 0.51 * step
    assert (new_depth[:, 0, 0, 0] > new_depth[:, 0, 0, -1]).any(), "some are flipped"
    assert (new_depth[:, 0, 0, 0] < new_depth[:, 0, 0, -1]).any(), "some are not"


def test_by_default_every_draw_and_byte_is_as_before_there_was_a_choice() -> None:
    """Against the steps as they were: one grid, both sampled, then colour, then the sensor."""
    rgb, depth = torch.rand(16, 3, 24, 32), torch.rand(16, 1, 24, 32) * 5
    views, draws, old = RGBD(), generator(3), generator(3)
    new = views(rgb, depth, draws)
    grid = views._grid(16, rgb.shape[-2:], old)
    colour = F.grid_sample(rgb, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    metres = F.grid_sample(depth, grid, mode="nearest", padding_mode="reflection", align_corners=False)
    before = views._colour(colour, old), views._sense(metres, old)
    for a, b in zip(new, before, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()
    assert draws.get_state().numpy().tobytes() == old.get_state().numpy().tobytes()
    # The same on every machine: which random numbers were taken, and how many.
    taken = hashlib.sha256(draws.get_state().numpy().tobytes()).hexdigest()
    assert taken.startswith(STATE_AFTER)


def test_independent_views_have_crops_and_flips_of_their_own() -> None:
    rgb, depth = scene(4096)
    one, other = (RGBD(strength=0.0, independent=choice) for choice in (False, True))
    shared, own = one(rgb, depth, generator(1)), other(rgb, depth, generator(1))
    assert torch.equal(shared[0], own[0]), "colour has the same view either way"
    slope = {name: view[1][:, 0, 0, -1] - view[1][:, 0, 0, 0] for name, view in (("s", shared), ("o", own))}
    colour = own[0][:, 0, 0, -1] - own[0][:, 0, 0, 0]
    assert ((slope["s"] > 0) == (colour > 0)).all()
    # A coin a frame: 4096 of them have a standard error of 0.8 %; 4 are allowed.
    agree = ((slope["o"] > 0) == (colour > 0)).float().mean().item()
    assert abs(agree - 0.5) < 4 * 0.5 / 64
    # The widths of the crops: uncorrelated, of which 4096 frames have a standard error of 1/64.
    widths = torch.stack([colour.abs(), slope["o"].abs()])
    assert abs(torch.corrcoef(widths)[0, 1].item()) < 4 / 64
    assert torch.corrcoef(torch.stack([colour.abs(), slope["s"].abs()]))[0, 1] > 0.99


def test_a_crop_does_not_rescale_depth() -> None:
    depth = torch.full((16, 1, 48, 64), 3.0)
    _, new = RGBD(strength=0.0)(torch.zeros(16, 3, 48, 64), depth, generator(0))
    torch.testing.assert_close(new, depth)


def test_depth_noise_has_the_stated_size() -> None:
    depth = torch.full((4096, 1, 16, 16), 5.0)
    views = RGBD(depth_scale=0.0, depth_shift_m=0.0, depth_noise_m=0.1)
    _, new = views(torch.zeros(4096, 3, 16, 16), depth, generator(0))
    # Variance: sigma uniform in 0..0.1, so E sigma² = 0.01/3, once a pixel and once a block.
    # Spread of this estimate over 4096 frames of 4 blocks: about 2.2 % (sd of sigma² is 0.9 of its mean, and
    # block noise adds 0.7 / sqrt(4)); 4 standard errors are allowed.
    expected = 2 * 0.01 / 3
    assert abs(new.var().item() / expected - 1) < 0.09


def test_equal_generators_give_equal_views_and_others_do_not() -> None:
    rgb, depth = scene()
    views = RGBD()
    first, again, other = (views(rgb, depth, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_colours_stay_in_range_and_inputs_are_not_changed() -> None:
    rgb, depth = torch.rand(64, 3, 24, 32), torch.rand(64, 1, 24, 32)
    before = rgb.clone(), depth.clone()
    new_rgb, new_depth = RGBD(strength=2.0)(rgb, depth, generator(0))
    assert new_rgb.min() >= 0
    assert new_rgb.max() <= 1
    assert new_depth.min() >= 0
    assert torch.equal(rgb, before[0])
    assert torch.equal(depth, before[1])


def test_blur_is_the_binomial_kernel_inside() -> None:
    rgb = torch.rand(2, 3, 9, 11)
    line = torch.tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line).expand(3, 1, 3, 3)
    expected = torch.nn.functional.conv2d(rgb, kernel, groups=3)
    torch.testing.assert_close(_blur(rgb)[..., 1:-1, 1:-1], expected)


def test_too_strong_jitter_is_refused() -> None:
    with pytest.raises(SemcomError, match="strength 3"):
        RGBD(strength=3.0)


def test_frames_on_the_device_are_those_of_the_file(frames: DeviceFrames) -> None:
    index = torch.tensor([3, 77, 149])
    rgb, depth = frames.take(index)
    assert torch.equal(
        (rgb * 255).round().to(torch.uint8), torch.from_numpy(frames.prepared.rgb[index]).permute(0, 3, 1, 2)
    )
    millimetres = torch.from_numpy(frames.prepared.depth_mm[index].astype(int))
    assert torch.equal((depth[:, 0] * 1000).round().long(), millimetres)


def test_plain_views_of_training_frames_are_standardised(frames: DeviceFrames) -> None:
    (views,) = frames.plain(frames.prepared.train.nonzero()[0])
    assert views["rgb"].mean((0, 2, 3)).abs().max() < 1e-4
    assert (views["rgb"].std((0, 2, 3)) - 1).abs().max() < 1e-3
    assert abs(views["depth"].mean()) < 1e-4
    assert abs(views["depth"].std() - 1) < 1e-3


def test_damaged_frames_are_refused(prepared_file: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.h5"
    content = bytearray(prepared_file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(255 - byte for byte in content[middle : middle + 8])
    damaged.write_bytes(content)
    with pytest.raises(SemcomError, match=r"damaged\.h5"):
        DeviceFrames.open(damaged, torch.device("cpu"))
