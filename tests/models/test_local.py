import pytest
import torch
from torch import nn

from semcom.files.errors import SemcomError
from semcom.models.local import LocalEncoder, embed, projection, read, saved
from semcom.params.sections import Encoder
from semcom.training import weights
from semcom.training.batchnorm import recompute
from semcom.training.randomness import seeded

SMALL = Encoder(backbone={"use": "resnet18", "width_mult": 0.125})


def network(**options) -> LocalEncoder:
    with seeded(0, "test"):
        return LocalEncoder((32, 32), SMALL, dim=20, **options)


def images(count: int = 6) -> dict[str, torch.Tensor]:
    return {"rgb": torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))}


def test_a_linear_projection_is_the_matrix_and_the_bias() -> None:
    net = network().eval()
    seen = net(images())
    (layer,) = net.projection
    torch.testing.assert_close(seen.space, seen.features @ layer.weight.T + layer.bias)
    torch.testing.assert_close(seen.features, net.encoders(images())["rgb"])
    assert seen.contrast is None


def test_a_projection_with_hidden_layers() -> None:
    layers = projection(8, 20, (16, 12))
    shapes = [tuple(m.weight.shape) for m in layers if isinstance(m, nn.Linear)]
    assert shapes == [(16, 8), (12, 16), (20, 12)]
    assert [type(m).__name__ for m in layers][1:3] == ["BatchNorm1d", "ReLU"]
    assert [m.bias is not None for m in layers if isinstance(m, nn.Linear)] == [False, False, True]


def test_simclrs_projector_is_a_way_of_its_own() -> None:
    """Its loss does not reach the projection, nor the guide's its projector; both reach the backbone."""
    for name, other in (("space", "contrast"), ("contrast", "projection")):
        net = network(hidden=(16,), contrast=(24, 12))
        seen = net(images())
        assert (seen.space.shape, seen.contrast.shape) == ((6, 20), (6, 12))
        getattr(seen, name).square().sum().backward()
        assert all(p.grad is None for p in getattr(net, other).parameters())
        assert net.encoders.backbones["rgb"].conv1.weight.grad.norm() > 0


def test_embeddings_are_unit_vectors_whatever_the_batches() -> None:
    net = network()
    x = images()["rgb"]
    recompute(net, [{"rgb": x}])
    features, space = embed(net, [{"rgb": part} for part in x.split(4)])
    torch.testing.assert_close(space.norm(dim=1), torch.ones(6))
    whole = embed(net, [{"rgb": x}])
    torch.testing.assert_close((features, space), whole)
    torch.testing.assert_close(space, nn.functional.normalize(net(images()).space))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_embeddings_are_fp32_in_any_precision(precision) -> None:
    entry = SMALL.model_copy(update={"precision": precision})
    seen = LocalEncoder((32, 32), entry, dim=20, contrast=(8, 8))(images())
    assert {tensor.dtype for tensor in seen} == {torch.float32}


@pytest.mark.parametrize("dim", ["x", -5, 1280.0, True, None])
def test_a_file_that_says_no_dimension_is_refused(dim, tmp_path) -> None:
    path = tmp_path / "encoder.pt"
    weights.save(path, saved(network()) | {"dim": dim})
    with pytest.raises(SemcomError, match=rf"encoder\.pt says that its space has {dim!r} dimensions"):
        read(path, size=(32, 32), encoder=SMALL, hidden=(), device=torch.device("cpu"))
