import pytest
import torch
from lightly.loss import BarlowTwinsLoss
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.correlation import EPS, correlate, standardise
from semcom.losses.intra import Intra

LAMBD = 0.0051
GRAM, DIRECT = (6, 20), (16, 20)  # N < D/2 and N > D/2


def embeddings(count: int, shape: tuple[int, int], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Correlated columns of unequal scale and offset, so that nothing is standardised by chance."""
    generator = torch.Generator().manual_seed(sum(shape))
    common = torch.randn(shape, generator=generator, dtype=torch.float64)
    scale = torch.linspace(0.5, 3.0, shape[1], dtype=torch.float64)
    noise = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(count))
    return [((common + n) * scale + scale.flip(0)).to(dtype).requires_grad_() for n in noise]


def reference(a: Tensor, b: Tensor) -> Tensor:
    """The (D, D) cross-correlation, written as the equation reads, in float64."""
    a, b = a.double(), b.double()
    za = (a - a.mean(0)) / (a.var(0, correction=0) + EPS).sqrt()
    zb = (b - b.mean(0)) / (b.var(0, correction=0) + EPS).sqrt()
    return torch.einsum("ni,nj->ij", za, zb) / len(a)


def relative(measured: Tensor, truth: Tensor) -> float:
    return ((measured - truth).norm() / truth.norm()).item()


@pytest.mark.parametrize("shape", [GRAM, DIRECT])
@pytest.mark.parametrize(("block", "columns"), [(None, slice(0, 20)), (0, slice(0, 15)), (1, slice(15, 20))])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_terms_equal_the_plain_reference(shape, block, columns, target):
    a, b = embeddings(2, shape)
    terms = correlate(standardise(a, cuts=(15,)), standardise(b, cuts=(15,)), block=block, target=target)
    c = reference(a, b)[columns, columns]
    diagonal = c.diagonal()
    torch.testing.assert_close(terms.on, (target - diagonal).square().sum(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(terms.off, c.square().sum() - diagonal.square().sum(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(terms.correlation, diagonal.mean().detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [GRAM, DIRECT])
def test_gradients_pass_gradcheck(shape):
    a, b = embeddings(2, shape)

    def terms(a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
        first, second = standardise(a, cuts=(15,)), standardise(b, cuts=(15,))
        pairs = [correlate(first, second), correlate(first, second, block=1, target=0.0)]
        return tuple(term for pair in pairs for term in (pair.on, pair.off))

    assert torch.autograd.gradcheck(terms, (a, b))


@pytest.mark.parametrize("shape", [(32, 256), (256, 256), (64, 127), (64, 128), (64, 129)])
def test_equals_lightly_and_its_gradients(shape):
    mine, theirs = embeddings(2, shape, torch.float32), embeddings(2, shape, torch.float32)
    loss, _ = Intra(lambd=LAMBD)({"rgb": (mine[0], mine[1])})
    peer = BarlowTwinsLoss(LAMBD)(*theirs) / shape[1]
    loss.backward()
    peer.backward()
    assert relative(loss, peer) < 1e-5
    for a, b in zip(mine, theirs, strict=True):
        assert relative(a.grad, b.grad) < 1e-5


@pytest.mark.parametrize(("shape", "gram"), [((9, 20), True), ((10, 20), False), ((11, 20), False)])
def test_the_form_is_chosen_by_shape(shape, gram):
    assert bool(standardise(embeddings(1, shape)[0]).grams) is gram


@pytest.mark.parametrize("shape", [GRAM, DIRECT])
def test_a_constant_column_is_harmless(shape):
    a, b = (z.detach().clone() for z in embeddings(2, shape))
    a[:, 3] = 7.0
    a.requires_grad_()
    terms = correlate(standardise(a), standardise(b))
    (terms.on + terms.off).backward()
    assert terms.on.isfinite()
    assert a.grad.isfinite().all()
    c = reference(a, b)
    torch.testing.assert_close(terms.on, (1 - c.diagonal()).square().sum())


def test_column_scale_and_offset_do_not_matter():
    a, b = (z.detach() * 100 for z in embeddings(2, GRAM))  # variances far above EPS
    scale = torch.linspace(1.0, 50.0, GRAM[1], dtype=torch.float64)
    one, other = (
        correlate(standardise(a), standardise(b)),
        correlate(standardise(a * scale + 5), standardise(b)),
    )
    torch.testing.assert_close(one.off, other.off, rtol=1e-6, atol=0)


def test_half_precision_is_widened():
    a, b = (z.detach().bfloat16() for z in embeddings(2, GRAM))
    assert standardise(a).columns.dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside, _ = Intra()({"rgb": (a, b)})
    outside, _ = Intra()({"rgb": (a.float(), b.float())})
    assert inside == outside


@pytest.mark.parametrize("shape", [(1, 8), (0, 8), (4, 0), (4,), (2, 3, 4)])
def test_unusable_shapes_are_refused(shape):
    with pytest.raises(SemcomError, match="N >= 2"):
        standardise(torch.zeros(shape))


def test_a_pair_of_unequal_shape_is_refused():
    with pytest.raises(SemcomError, match=r"\(4, 8\) and \(4, 9\)"):
        correlate(standardise(torch.randn(4, 8)), standardise(torch.randn(4, 9)))
    with pytest.raises(SemcomError, match="width and cuts"):
        correlate(standardise(torch.randn(4, 8)), standardise(torch.randn(4, 8), cuts=(2,)))
