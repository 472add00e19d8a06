import pytest
import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.intra import Intra
from semcom.losses.mmssl import MMSSL

LAMBD = 0.0051
GRAM, DIRECT = (6, 20), (16, 20)  # N < D/2 and N > D/2


def embeddings(shape: tuple[int, int], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Four with correlated columns of unequal scale and offset: nothing is standardised by chance."""
    generator = torch.Generator().manual_seed(sum(shape))
    common = torch.randn(shape, generator=generator, dtype=torch.float64)
    scale = torch.linspace(0.5, 3.0, shape[1], dtype=torch.float64)
    noise = [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(4)]
    return [((common + n) * scale + scale.flip(0)).to(dtype).requires_grad_() for n in noise]


def reference(a: Tensor, b: Tensor) -> Tensor:
    """The (D, D) cross-correlation; 1e-5 is BatchNorm's eps."""
    za = (a - a.mean(0)) / (a.var(0, correction=0) + 1e-5).sqrt()
    zb = (b - b.mean(0)) / (b.var(0, correction=0) + 1e-5).sqrt()
    return torch.einsum("ni,nj->ij", za, zb) / len(a)


def reference_barlow(c: Tensor, target: float = 1.0) -> Tensor:
    identity = torch.eye(len(c), dtype=torch.bool)
    return (target - c[identity]).square().sum() + LAMBD * c[~identity].square().sum()


def relative(measured: Tensor, truth: Tensor) -> float:
    return ((measured - truth).norm() / truth.norm()).item()


def views(z):
    return {"rgb": (z[0], z[1]), "depth": (z[2], z[3])}


def reference_loss(z, shared, cross_weight):
    """The module's equations from whole correlation matrices."""
    width = z[0].shape[1]
    within = [reference_barlow(reference(z[0], z[1])), reference_barlow(reference(z[2], z[3]))]
    across = []
    for a, b in ((z[0], z[2]), (z[1], z[3])):
        c = reference(a, b)
        across.append(
            reference_barlow(c[:shared, :shared]) + reference_barlow(c[shared:, shared:], target=0.0)
        )
    return (sum(within) + cross_weight * sum(across) / 2) / 3 / width


@pytest.mark.parametrize("shape", [GRAM, DIRECT, (64, 512), (256, 256)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("fraction", "cross_weight"), [(0.75, 0.5), (0.5, 2.0), (1.0, 0.5), (0.75, 0.0)])
def test_equals_the_plain_reference_and_its_gradients(shape, dtype, fraction, cross_weight):
    z, truth = embeddings(shape, dtype), embeddings(shape)
    loss, _ = MMSSL(shared_fraction=fraction, lambd=LAMBD, cross_weight=cross_weight)(views(z))
    expected = reference_loss(truth, round(fraction * shape[1]), cross_weight)
    loss.backward()
    expected.backward()
    bound = 1e-11 if dtype == torch.float64 else 1e-5
    assert relative(loss, expected) < bound
    for mine, theirs in zip(z, truth, strict=True):
        assert relative(mine.grad, theirs.grad) < bound


def test_logs_add_up_to_the_loss():
    z = embeddings((32, 128))
    loss, logs = MMSSL(cross_weight=0.5)(views(z))
    total = (logs["intra_rgb"] + logs["intra_depth"] + 0.5 * (logs["shared"] + logs["unique"])) / 3
    torch.testing.assert_close(loss.detach(), total)
    c = [reference(z[0], z[2]).diagonal(), reference(z[1], z[3]).diagonal()]
    torch.testing.assert_close(
        logs["correlation_shared"], torch.stack([d[:96].mean() for d in c]).mean().detach()
    )
    torch.testing.assert_close(
        logs["correlation_unique"], torch.stack([d[96:].mean() for d in c]).mean().detach()
    )
    assert not any(value.requires_grad for value in logs.values())


def test_without_cross_term_it_is_intra():
    z = embeddings(GRAM)
    loss, _ = MMSSL(cross_weight=0.0)(views(z))
    alone, logs = Intra()(views(z))
    torch.testing.assert_close(loss, alone * 2 / 3)
    one, single = Intra()({"depth": (z[2], z[3])})
    assert set(single) == {"intra_depth", "correlation_depth"}
    assert one == logs["intra_depth"]


@pytest.mark.parametrize("shape", [(16, 64), (48, 64)])
def test_frames_views_and_dimensions_of_a_block_may_be_permuted(shape):
    z = [e.detach() for e in embeddings(shape)]
    generator = torch.Generator().manual_seed(0)
    frames = torch.randperm(shape[0], generator=generator)
    columns = torch.cat(
        [torch.randperm(48, generator=generator), 48 + torch.randperm(16, generator=generator)]
    )
    loss, _ = MMSSL()(views(z))
    permuted, _ = MMSSL()(views([e[frames][:, columns] for e in z]))
    swapped, _ = MMSSL()(views([z[1], z[0], z[3], z[2]]))
    torch.testing.assert_close(loss, permuted)
    torch.testing.assert_close(loss, swapped)


def test_all_dimensions_shared_leaves_the_unique_terms_out():
    _, logs = MMSSL(shared_fraction=1.0)(views(embeddings(GRAM)))
    assert "unique" not in logs
    assert "correlation_unique" not in logs


def test_training_correlates_shared_and_decorrelates_unique_dimensions():
    """Gradient descent on free embeddings reaches what the loss asks for."""
    z = [e.detach().float().requires_grad_() for e in embeddings((64, 24))]
    optimiser = torch.optim.Adam(z, lr=0.05)
    for _ in range(300):
        optimiser.zero_grad()
        loss, logs = MMSSL()(views(z))
        loss.backward()
        optimiser.step()
    assert logs["correlation_shared"] > 0.95
    assert logs["correlation_unique"].abs() < 0.05
    assert logs["correlation_rgb"] > 0.95


def test_errors_name_the_value_and_the_way_out():
    z = [e.detach() for e in embeddings(GRAM)]
    with pytest.raises(SemcomError, match=r"given \['rgb'\].*intra"):
        MMSSL()({"rgb": (z[0], z[1])})
    with pytest.raises(SemcomError, match="0.01 of 20 dimensions leaves no shared dimension"):
        MMSSL(shared_fraction=0.01)(views(z))
    with pytest.raises(SemcomError, match=r"\(6, 20\) and \(5, 20\)"):
        MMSSL()(views([z[0], z[1], z[2][:5], z[3][:5]]))
    with pytest.raises(SemcomError, match="N >= 2"):
        MMSSL()(views([e[:1] for e in z]))
    with pytest.raises(SemcomError, match="no modality"):
        Intra()({})
