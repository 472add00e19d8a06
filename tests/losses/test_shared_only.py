"""`shared_only` is `mmssl` without a unique part; `decur_official` is the public code's sum."""

import pytest
import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.mmssl import MMSSL
from semcom.losses.shared_only import SharedOnly

LAMBD = 0.0051


def embeddings(shape: tuple[int, int]) -> list[Tensor]:
    """rgb, rgb', depth, depth': correlated columns of unequal scale and offset."""
    generator = torch.Generator().manual_seed(sum(shape))
    common = torch.randn(shape, generator=generator, dtype=torch.float64)
    scale = torch.linspace(0.5, 3.0, shape[1], dtype=torch.float64)
    noise = [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(4)]
    return [((common + n) * scale + scale.flip(0)).requires_grad_() for n in noise]


def views(z):
    return {"rgb": (z[0], z[1]), "depth": (z[2], z[3])}


def barlow(a: Tensor, b: Tensor, columns: slice = slice(None), target: float = 1.0) -> Tensor:
    """The equation with the whole matrix; 1e-5 is BatchNorm's eps."""
    z = [(e - e.mean(0)) / (e.var(0, correction=0) + 1e-5).sqrt() for e in (a, b)]
    c = (z[0].T @ z[1] / len(a))[columns, columns]
    penalty = LAMBD * c.square()
    return penalty.sum() - penalty.diagonal().sum() + (target - c.diagonal()).square().sum()


def same(loss: Tensor, expected: Tensor, z: list[Tensor], truth: list[Tensor]) -> None:
    torch.testing.assert_close(loss, expected, rtol=1e-11, atol=0)
    loss.backward()
    expected.backward()
    for mine, theirs in zip(z, truth, strict=True):
        theirs_grad = torch.zeros_like(theirs) if theirs.grad is None else theirs.grad
        torch.testing.assert_close(mine.grad, theirs_grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 20), (16, 20)])
@pytest.mark.parametrize("cross_weight", [0.5, 1.0, 2.0])
def test_shared_only_equals_the_plain_reference_and_its_gradients(shape, cross_weight):
    z, truth = embeddings(shape), embeddings(shape)
    loss, logs = SharedOnly(lambd=LAMBD, cross_weight=cross_weight)(views(z))
    across = (barlow(truth[0], truth[2]) + barlow(truth[1], truth[3])) / 2
    within = barlow(truth[0], truth[1]) + barlow(truth[2], truth[3])
    torch.testing.assert_close(logs["shared"], across.detach() / shape[1])
    assert not any("unique" in name for name in logs)
    same(loss, (within + cross_weight * across) / 3 / shape[1], z, truth)


@pytest.mark.parametrize("cross_weight", [0.5, 1.3])
def test_a_shared_fraction_of_one_is_shared_only(cross_weight):
    z = embeddings((8, 12))
    whole = MMSSL(shared_fraction=1.0, cross_weight=cross_weight)(views(z))
    assert whole == SharedOnly(cross_weight=cross_weight)(views(z))
    assert MMSSL(shared_fraction=0.75)(views(z))[0] != SharedOnly()(views(z))[0]


def test_of_the_fractions_only_the_cross_modal_term_depends():
    z = embeddings((8, 16))
    losses, logs = zip(
        *(MMSSL(shared_fraction=f)(views(z)) for f in (0.25, 0.5, 0.75, 0.875, 1.0)), strict=True
    )
    assert len({log["intra_rgb"].item() for log in logs}) == 1
    assert len({loss.item() for loss in losses}) == 5


@pytest.mark.parametrize("shape", [(6, 20), (16, 20)])
@pytest.mark.parametrize("fraction", [0.75, 0.5, 1.0])
def test_decur_official_equals_the_published_sum_and_its_gradients(shape, fraction):
    """(BT_r + BT_d + (shared + unique) / 2) / 3, of the first views, not divided by the width."""
    z, truth = embeddings(shape), embeddings(shape)
    loss, logs = MMSSL(shared_fraction=fraction, lambd=LAMBD, decur_official=True)(views(z))
    cut = round(fraction * shape[1])
    shared = barlow(truth[0], truth[2], slice(0, cut))
    unique = barlow(truth[0], truth[2], slice(cut, None), target=0.0)
    within = barlow(truth[0], truth[1]) + barlow(truth[2], truth[3])
    torch.testing.assert_close(logs["shared"], shared.detach())
    same(loss, (within + (shared + unique) / 2) / 3, z, truth)


def test_decur_official_sees_no_second_views_across_modalities():
    z = embeddings((6, 8))
    one, other = (MMSSL(decur_official=True)(views(e))[1] for e in (z, [z[0], z[1], z[2], z[1]]))
    assert one["shared"] == other["shared"]
    one, other = (MMSSL()(views(e))[1] for e in (z, [z[0], z[1], z[2], z[1]]))
    assert one["shared"] != other["shared"]


def test_an_error_has_the_loss_own_name():
    z = embeddings((4, 3))
    with pytest.raises(SemcomError, match="the loss `shared_only` needs the modalities rgb and depth"):
        SharedOnly()({"depth": (z[2], z[3])})
