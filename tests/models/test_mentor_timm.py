"""Mentors of timm: timm's own features, on pixels scaled as timm says of the weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from semcom.files.errors import SemcomError
from semcom.models.mentor_timm import Timm
from semcom.training.randomness import seeded

timm = pytest.importorskip("timm", reason="needs the extra mentors, which dev has: make setup")
from safetensors.torch import save_file  # noqa: E402 (it comes with timm)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    small = [Image.fromarray(image).resize((64, 64)) for image in load_sample_images().images]
    return np.stack([np.asarray(image) for image in small])


@pytest.mark.parametrize(
    ("name", "dim"),
    [("resnet10t.c3_in1k", 512), ("mobilenetv3_small_050.lamb_in1k", 1024), ("vit_tiny_patch16_224", 192)],
)
def test_features_are_timms_own(name: str, dim: int, pictures: np.ndarray, tmp_path: Path) -> None:
    with seeded(0, name):
        theirs = timm.create_model(name, pretrained=False)
        for key, value in theirs.state_dict().items():
            if "running" in key:
                value.uniform_(0.5, 1.5)
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    theirs.reset_classifier(0)
    said = timm.data.resolve_model_data_config(theirs)
    for file in ("w.pth", "w.safetensors"):
        mentor = Timm(name=name, weights=str(tmp_path / file))
        assert mentor.size == said["input_size"][:0:-1]
        assert mentor.dim == dim
        pixels = mentor.prepare(pictures)
        mean, std = (torch.tensor(said[key]).view(3, 1, 1) for key in ("mean", "std"))
        with torch.inference_mode():
            expected = theirs.eval()((pixels / 255 - mean) / std)
            torch.testing.assert_close(mentor(pixels), expected, rtol=1e-3, atol=1e-4)


def test_what_is_refused(tmp_path: Path) -> None:
    torch.save(timm.create_model("resnet10t").state_dict(), tmp_path / "w.pth")
    with pytest.raises(SemcomError, match="another architecture than resnet14t: it has no layer1"):
        Timm(name="resnet14t", weights=str(tmp_path / "w.pth"))
    with pytest.raises(SemcomError, match="timm has no network 'resnet10x'; did you mean 'resnet1"):
        Timm(name="resnet10x", weights="random")
    with pytest.raises(SemcomError, match="no file gone for the mentor resnet10t"):
        Timm(name="resnet10t", weights="gone")
    (tmp_path / "w.safetensors").write_bytes((tmp_path / "w.pth").read_bytes())
    with pytest.raises(SemcomError, match=r"w\.safetensors is no file of safetensors"):
        Timm(name="resnet10t", weights=str(tmp_path / "w.safetensors"))
