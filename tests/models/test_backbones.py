import pytest
import torch
from torchvision.models import resnet18

from semcom.models.efficientnet import EfficientNetLite0
from semcom.models.encoder import Encoders, encode_features
from semcom.models.mobilenet import MobileNetV2
from semcom.models.resnet import ResNet18
from semcom.params.sections import Encoder
from semcom.training.randomness import seeded


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_full_width_at_224_is_torchvisions_resnet18_without_classifier() -> None:
    ours, theirs = ResNet18(3, (224, 224)), resnet18(weights=None)
    theirs.fc = torch.nn.Identity()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert parameters(ours) == parameters(theirs) == 11_176_512
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 224, 224)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize(("width", "dim"), [(1.0, 512), (0.5, 256), (0.25, 128)])
def test_width_scales_every_stage(width: float, dim: int) -> None:
    net = ResNet18(1, (64, 48), width_mult=width)
    assert net.dim == dim
    assert net(torch.randn(2, 1, 48, 64)).shape == (2, dim)
    assert [stage[0].conv1.out_channels for stage in (net.layer1, net.layer2, net.layer3, net.layer4)] == [
        dim // 8,
        dim // 4,
        dim // 2,
        dim,
    ]


@pytest.mark.parametrize("size", [(224, 224), (160, 120), (64, 48), (32, 32), (28, 28), (16, 16)])
def test_the_last_map_is_at_least_two_by_two(size: tuple[int, int]) -> None:
    net = ResNet18(3, size, width_mult=0.125).eval()
    shapes = []
    net.layer4.register_forward_hook(lambda _m, _i, out: shapes.append(out.shape[-2:]))
    net(torch.randn(1, 3, size[1], size[0]))
    assert min(shapes[0]) >= 2


def test_the_original_stem_is_torchvisions_at_any_size() -> None:
    ours, theirs = ResNet18(3, (64, 48), stem="original"), resnet18(weights=None)
    theirs.fc = torch.nn.Identity()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 48, 64)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("size", [(224, 224), (64, 48), (32, 32), (16, 16)])
def test_lite0_has_a_last_map_of_at_least_two_by_two_where_it_can(size: tuple[int, int]) -> None:
    net = EfficientNetLite0(1, size).eval()
    shapes = []
    net._conv_head.register_forward_hook(lambda _m, _i, out: shapes.append(out.shape[-2:]))
    assert net(torch.randn(2, 1, size[1], size[0])).shape == (2, 1280)
    assert min(shapes[0]) >= (2 if min(size) > 16 else 1)


def test_lite0_at_random_keeps_the_size_of_its_signals() -> None:
    """A map of unit variance comes out of each convolution of its initialisation within a factor of a few."""
    with seeded(0, "test"):
        net = EfficientNetLite0(3, (64, 48)).train()
    assert parameters(net) == 3_371_008
    x = net(torch.randn(16, 3, 48, 64))
    assert 0.1 < x.std().item() < 2


def test_mobilenet_of_another_width_and_channel_count() -> None:
    net = MobileNetV2(1, (64, 48), width_mult=0.5).eval()
    assert net(torch.randn(2, 1, 48, 64)).shape == (2, net.dim)
    assert parameters(net) < parameters(MobileNetV2(1, (64, 48)))


def test_devices_share_no_weights_and_features_are_unit_vectors() -> None:
    with seeded(0, "test"):
        encoders = Encoders(
            ("rgb", "depth"), (32, 24), Encoder(backbone={"use": "resnet18", "width_mult": 0.125})
        )
    addresses = [{p.data_ptr() for p in net.parameters()} for net in encoders.backbones.values()]
    assert not addresses[0] & addresses[1]
    views = {"rgb": torch.randn(6, 3, 24, 32), "depth": torch.randn(6, 1, 24, 32)}
    features = encode_features(encoders, [views])
    assert list(features) == ["rgb", "depth", "both"]
    for vectors in features.values():
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(6))
    cosine = [features[name] @ features[name].T for name in ("rgb", "depth", "both")]
    torch.testing.assert_close(cosine[2], (cosine[0] + cosine[1]) / 2)


def test_bf16_is_an_entry_and_features_stay_fp32() -> None:
    sizes = {}
    for precision in ("fp32", "bf16"):
        with seeded(0, "test"):
            entry = Encoder(backbone={"use": "resnet18", "width_mult": 0.125}, precision=precision)
            encoders = Encoders(("rgb",), (32, 24), entry).eval()
        sizes[precision] = encoders({"rgb": torch.ones(1, 3, 24, 32)})["rgb"]
        assert sizes[precision].dtype == torch.float32
    assert not torch.equal(sizes["fp32"], sizes["bf16"])
    torch.testing.assert_close(sizes["fp32"], sizes["bf16"], rtol=0.1, atol=0.1)
