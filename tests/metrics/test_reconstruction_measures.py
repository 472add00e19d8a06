import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images

from semcom.files.errors import SemcomError
from semcom.metrics import images as single
from semcom.metrics.reconstruction import VALUES, pixels, psnr_db, ssim


def photographs(count: int, side: int) -> np.ndarray:
    """Real pixels, (count, side, side, 3)."""
    whole = load_sample_images().images
    return np.stack([whole[i % 2][7 * i : 7 * i + side, 20 * i : 20 * i + side] for i in range(count)])


def noisy(images: np.ndarray, deviation: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, deviation, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


def ssim_by_definition(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004, equations 6, 13 to 17, window by window, on one grey image."""
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    weights = np.outer(line, line) / np.outer(line, line).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = []
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            x, y = (image[i : i + 11, j : j + 11].astype(np.float64) for image in (a, b))
            mx, my = (weights * x).sum(), (weights * y).sum()
            sxx, syy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
            sxy = (weights * (x - mx) * (y - my)).sum()
            found.append((2 * mx * my + c1) * (2 * sxy + c2) / ((mx**2 + my**2 + c1) * (sxx + syy + c2)))
    return float(np.mean(found))


@pytest.mark.parametrize("deviation", [2, 20, 80])
def test_ssim_is_the_papers(deviation):
    images = photographs(3, 24)
    decoded = noisy(images, deviation)
    expected = [
        np.mean([ssim_by_definition(a[..., c], b[..., c]) for c in range(3)])
        for a, b in zip(images, decoded, strict=True)
    ]
    np.testing.assert_allclose(ssim(images, decoded), expected, rtol=1e-9)
    grey = [ssim_by_definition(a[..., 1], b[..., 1]) for a, b in zip(images, decoded, strict=True)]
    np.testing.assert_allclose(ssim(images[..., 1], decoded[..., 1]), grey, rtol=1e-9)


def test_both_are_those_of_torchmetrics():
    measures = pytest.importorskip("torchmetrics.functional.image")
    images = photographs(5, 48)
    decoded = noisy(images, 15)
    sent, received = (torch.from_numpy(x).permute(0, 3, 1, 2).double() for x in (images, decoded))
    _, everywhere = measures.structural_similarity_index_measure(
        received, sent, data_range=255.0, reduction="none", return_full_image=True
    )
    theirs = everywhere[:, :, 5:-5, 5:-5].mean((1, 2, 3))  # without windows across the border
    np.testing.assert_allclose(ssim(images, decoded), theirs.numpy(), rtol=1e-6)
    theirs = measures.peak_signal_noise_ratio(
        received, sent, data_range=255.0, reduction="none", dim=(1, 2, 3)
    )
    np.testing.assert_allclose(psnr_db(images, decoded), theirs.numpy(), rtol=1e-6)


def test_psnr_is_of_each_image_and_its_mean_is_not_that_of_the_mean_error():
    images = photographs(2, 16)
    decoded = np.stack([noisy(images[0], 3), noisy(images[1], 40)])
    found = psnr_db(images, decoded)
    assert found.tolist() == [single.psnr_db(a, b) for a, b in zip(images, decoded, strict=True)]
    pooled = 10 * np.log10(255**2 / np.square(images.astype(float) - decoded).mean())
    assert found.mean() > pooled + 3
    assert psnr_db(images, images).tolist() == pytest.approx([58.92] * 2, abs=0.01)
    one_step = images.astype(int) + np.where(images < 255, 1, -1)
    assert psnr_db(images, one_step.astype(np.uint8)) == pytest.approx(20 * np.log10(255))


def test_ssim_of_equal_images_is_one_and_of_negatives_below_nought():
    images = photographs(2, 32)
    np.testing.assert_allclose(ssim(images, images), 1.0, rtol=1e-12)
    noise = np.random.default_rng(1).integers(80, 176, images.shape, dtype=np.uint8)
    assert (ssim(noise, 255 - noise) < -0.9).all()
    a, b = images, noisy(images, 30)
    np.testing.assert_allclose(ssim(a, b), ssim(b, a), rtol=1e-12)


def test_images_do_not_see_each_other():
    """Also across the pieces that they are worked on in."""
    images = photographs(3, 16)
    many = np.concatenate([images] * (VALUES // images[0].size // 2))
    decoded = noisy(images, 20)
    found = ssim(many, np.concatenate([decoded] * (len(many) // 3)))
    assert len(many) * images[0].size > VALUES
    np.testing.assert_allclose(found, np.tile(ssim(images, decoded), len(many) // 3), rtol=1e-12)
    assert ssim(images[:0], images[:0]).shape == psnr_db(images[:0], images[:0]).shape == (0,)


def test_a_networks_images_are_rounded_and_clipped():
    values = torch.tensor([[-1.0, 0.0, 0.499 / 255], [0.501 / 255, 1.0, 7.0]], requires_grad=True)
    assert pixels(values.view(1, 1, 2, 3)).tolist() == [[[[0], [0], [0]], [[1], [255], [255]]]]
    images = photographs(2, 12)
    assert np.array_equal(pixels(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255), images)


def test_what_cannot_be_compared_is_named():
    images = photographs(2, 10)
    with pytest.raises(SemcomError, match="10×10 pixels are smaller than SSIM's window of 11×11"):
        ssim(images, images)
    with pytest.raises(SemcomError, match=r"\(2, 10, 10, 3\) and \(2, 10, 10\) cannot be compared"):
        psnr_db(images, images[..., 0])
    with pytest.raises(SemcomError, match="float64 and uint8: they are compared as stored"):
        psnr_db(images / 255, images)
