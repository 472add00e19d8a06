import numpy as np
import pytest
import torch
from torch import nn

from semcom.files.errors import SemcomError
from semcom.models import int8
from semcom.models.efficientnet import EfficientNetLite0
from semcom.models.encoder import Scaling
from semcom.models.int8 import pack, quantise, unpack
from semcom.models.pretrained import fitted, read
from semcom.models.vit import ViT
from semcom.params.weights import weights_file
from semcom.training.randomness import seeded


def trained(channels: int = 6) -> nn.Module:
    """Every kind of part, none at a value that it has from the start."""
    with seeded(channels, "test"):
        net = nn.Sequential(
            Scaling(3), nn.Conv2d(3, channels, 3, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Flatten(), nn.Linear(channels * 36, 5), nn.LayerNorm(5),
        )  # fmt: skip
        for tensor in (*net.parameters(), *(b for b in net.buffers() if b.is_floating_point())):
            nn.init.uniform_(tensor, 0.2, 2)
    return net.eval()


def test_whole_numbers_are_the_nearest_ones_channel_by_channel() -> None:
    weight = torch.tensor([[1.27, -0.635, 0.004], [-254.0, 3.0, 0.9], [0.0, 0.0, 0.0]])
    whole, scale = quantise(weight)
    assert whole.tolist() == [[127, -64, 0], [-127, 2, 0], [0, 0, 0]]
    torch.testing.assert_close(scale, torch.tensor([0.01, 2.0, 1.0]))


def test_no_weight_is_farther_than_half_a_step_from_its_own() -> None:
    with seeded(0, "test"):
        weight = torch.randn(32, 16, 3, 3)
    whole, scale = quantise(weight)
    off = (whole * scale.view(-1, 1, 1, 1) - weight).abs().flatten(1).amax(1)
    assert (off <= scale * 0.5001).all()
    assert (off > scale * 0.45).all()  # 144 weights a channel: the largest of so many lies near the half
    assert (whole.flatten(1).abs().amax(1) == 127).all()


def test_what_arrives_computes_what_was_sent_but_for_the_rounding() -> None:
    """Weights that are whole multiples of their scale arrive as they are, and so do the outputs."""
    net, other = trained(), trained()
    with torch.no_grad():
        for layer in (net[1], net[5]):
            layer.weight.copy_(torch.randint(-127, 128, layer.weight.shape) / 64)
            layer.weight.flatten(1)[:, 0] = 127 / 64
        for tensor in other.parameters():
            tensor.zero_()
    x = torch.randn(4, 3, 8, 8)
    unpack(other, pack(net))
    torch.testing.assert_close(other(x), net(x))
    torch.testing.assert_close(other[1].weight, net[1].weight)


def test_shipping_again_what_arrived_changes_nothing() -> None:
    net = trained()
    packed = pack(net)
    unpack(net, packed)
    for once, twice in zip(packed, pack(net), strict=True):
        np.testing.assert_allclose(once, twice, rtol=1e-6)


def test_bytes_are_counted_by_hand_and_are_those_of_the_file(tmp_path) -> None:
    packed = pack(trained())
    weights, channels = 3 * 6 * 9 + 6 * 36 * 5, 6 + 5
    rest = 2 * 3 + 2 * 6 + 5 + 2 * 5  # scaling, BatchNorm, bias, LayerNorm
    assert packed.bytes == weights + 4 * channels + 4 * rest
    int8.save(tmp_path / "net.int8", packed)
    assert 0 < (tmp_path / "net.int8").stat().st_size - packed.bytes < 1000
    for before, after in zip(packed, int8.load(tmp_path / "net.int8"), strict=True):
        np.testing.assert_array_equal(before, after)
        assert before.dtype == after.dtype


def test_a_vision_transformer_is_shipped_without_its_positions() -> None:
    net = ViT(3, (32, 32), width=32, depth=2, heads=4)
    biases = sum(p.numel() for p in net.parameters() if p.ndim == 1)
    assert len(pack(net).rest) == biases


def test_the_mentor_in_int8_says_nearly_the_same(tmp_path) -> None:
    """3.4 MB for 13.5; features of real weights keep their direction to half a degree or so."""
    file = weights_file("imagenet", "efficientnet_lite0")
    net, other = (EfficientNetLite0(3, (96, 96)).eval() for _ in range(2))
    net.load_state_dict(fitted(read(file), net, net.layout, file=file, use="lite0"), strict=False)
    packed = pack(net)
    assert packed.weights.size == sum(p.numel() for p in net.parameters() if p.ndim > 1) == 3_328_992
    unpack(other, packed)
    with seeded(0, "test"):
        x = torch.rand(8, 3, 12, 12).repeat_interleave(8, 2).repeat_interleave(8, 3)
    x = (x * 255 - 127) / 128
    cosine = nn.functional.cosine_similarity(net(x), other(x))
    assert 0.97 < cosine.min() < 0.99999


def test_errors_name_the_value_and_the_way_out(tmp_path) -> None:
    with pytest.raises(SemcomError, match=r"of Sequential: 1242 weights, 11 .* it has 1656,"):
        unpack(trained(8), pack(trained(6)))
    with pytest.raises(SemcomError, match="BatchNorm without weights or running statistics"):
        pack(nn.BatchNorm2d(3, track_running_stats=False))
    (tmp_path / "torn").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(SemcomError, match="cannot read the int8 weights in .*torn"):
        int8.load(tmp_path / "torn")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(SemcomError, match="cannot read the int8 weights in .*other.npz"):
        int8.load(tmp_path / "other.npz")
