"""The contrastive losses against sums written as the equations read, against lightly, and by invariances."""

import math

import pytest
import torch
from lightly.loss import NTXentLoss
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.clip import CLIP
from semcom.losses.simclr import SimCLR

SHAPES = [(6, 20), (16, 5), (2, 3)]
WIDE = {torch.float64: 1e-12, torch.float32: 1e-5}


def embeddings(shape: tuple[int, int], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Four of unequal lengths that agree in part: rgb, rgb', depth, depth'."""
    generator = torch.Generator().manual_seed(sum(shape))
    common = torch.randn(shape, generator=generator, dtype=torch.float64)
    length = torch.linspace(0.3, 4.0, shape[0], dtype=torch.float64).unsqueeze(1)
    noise = [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(4)]
    return [((common + n) * length).to(dtype).requires_grad_() for n in noise]


def views(z):
    return {"rgb": (z[0], z[1]), "depth": (z[2], z[3])}


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return a @ b / (a.square().sum().sqrt() * b.square().sum().sqrt())


def one_of(positive: Tensor, candidates: list[Tensor]) -> Tensor:
    return -(positive.exp() / sum(candidate.exp() for candidate in candidates)).log()


def reference_clip(z, temperature):
    """Frame by frame, both directions, both views."""
    terms = []
    for a, b in ((z[0], z[2]), (z[1], z[3])):
        for queries, keys in ((a, b), (b, a)):
            for n, query in enumerate(queries):
                logits = [cosine(query, key) / temperature for key in keys]
                terms.append(one_of(logits[n], logits))
    return sum(terms) / len(terms)


def reference_simclr(pairs, temperature):
    """Row by row over both views: all rows but itself are candidates."""
    terms = []
    for first, second in pairs:
        rows, count = [*first, *second], len(first)
        for i, row in enumerate(rows):
            logits = {j: cosine(row, other) / temperature for j, other in enumerate(rows) if j != i}
            terms.append(one_of(logits[(i + count) % len(rows)], list(logits.values())))
    return sum(terms) / len(terms)


def relative(measured: Tensor, truth: Tensor) -> float:
    return ((measured - truth).norm() / truth.norm()).item()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize("temperature", [0.07, 1.0])
@pytest.mark.parametrize("loss", ["clip", "simclr"])
def test_equals_the_plain_reference_and_its_gradients(shape, dtype, temperature, loss):
    z, truth = embeddings(shape, dtype), embeddings(shape)
    if loss == "clip":
        value, _ = CLIP(temperature=temperature)(views(z))
        expected = reference_clip(truth, temperature)
    else:
        value, _ = SimCLR(temperature=temperature)(views(z))
        expected = reference_simclr([truth[:2], truth[2:]], temperature)
    value.backward()
    expected.backward()
    assert value.dtype == dtype
    assert relative(value, expected) < WIDE[dtype]
    for mine, theirs in zip(z, truth, strict=True):
        assert (mine.grad - theirs.grad).norm() < 10 * WIDE[dtype] * theirs.grad.norm() + WIDE[dtype]


@pytest.mark.parametrize("temperature", [0.1, 0.5])
@pytest.mark.parametrize("dtype", WIDE)
def test_simclr_equals_lightly_and_its_gradients(temperature, dtype):
    mine, theirs = embeddings((64, 32), dtype), embeddings((64, 32), dtype)
    value, logs = SimCLR(temperature=temperature)(views(mine))
    peer = NTXentLoss(temperature=temperature)
    parts = [peer(*theirs[:2]), peer(*theirs[2:])]
    value.backward()
    (sum(parts) / 2).backward()
    assert relative(value, sum(parts) / 2) < WIDE[dtype]
    torch.testing.assert_close(logs["nt_xent_depth"], parts[1].detach())
    for a, b in zip(mine, theirs, strict=True):
        assert relative(a.grad, b.grad) < WIDE[dtype]


@pytest.mark.parametrize("loss", [CLIP(), SimCLR()])
def test_gradients_pass_gradcheck(loss):
    assert torch.autograd.gradcheck(lambda *z: loss(views(z))[0], embeddings((4, 3)))


def test_logs_add_up_to_the_loss():
    z = embeddings((12, 8))
    value, logs = CLIP()(views(z))
    assert set(logs) == {"rgb_to_depth", "depth_to_rgb", "cosine_cross"}
    torch.testing.assert_close(value.detach(), (logs["rgb_to_depth"] + logs["depth_to_rgb"]) / 2)
    assert logs["rgb_to_depth"] != logs["depth_to_rgb"]
    pairs = [cosine(a[n], b[n]) for a, b in ((z[0], z[2]), (z[1], z[3])) for n in range(12)]
    torch.testing.assert_close(logs["cosine_cross"], torch.stack(pairs).mean().detach())
    both, parts = SimCLR()(views(z))
    assert set(parts) == {"nt_xent_rgb", "nt_xent_depth", "cosine_rgb", "cosine_depth"}
    torch.testing.assert_close(both.detach(), (parts["nt_xent_rgb"] + parts["nt_xent_depth"]) / 2)
    alone, one = SimCLR()({"depth": (z[2], z[3])})
    assert set(one) == {"nt_xent_depth", "cosine_depth"}
    assert alone == parts["nt_xent_depth"]
    assert not any(value.requires_grad for value in (logs | parts).values())


@pytest.mark.parametrize("loss", [CLIP(), SimCLR()])
def test_lengths_and_the_order_of_frames_and_views_do_not_matter(loss):
    z = [e.detach() for e in embeddings((9, 7))]
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    value, _ = loss(views(z))
    longer, _ = loss(views([e * torch.linspace(1, 9, 9).unsqueeze(1) for e in z]))
    permuted, _ = loss(views([e[order] for e in z]))
    swapped, _ = loss(views([z[1], z[0], z[3], z[2]]))
    for other in (longer, permuted, swapped):
        torch.testing.assert_close(value, other)


def test_clip_compares_no_two_views_of_one_modality():
    """The gradient of the first views' term does not reach the second views."""
    z = embeddings((5, 4))
    first = CLIP()(views(z))[0] - CLIP()(views([z[1], z[1], z[3], z[3]]))[0] / 2
    first.backward()
    assert z[0].grad.norm() > 0.01
    assert z[1].grad.norm() < 1e-12
    assert z[3].grad.norm() < 1e-12


@pytest.mark.parametrize(("loss", "candidates"), [(CLIP(), 16), (SimCLR(), 31)])
def test_embeddings_that_are_all_one_cost_the_logarithm_of_the_candidates(loss, candidates):
    z = [torch.ones(16, 4, dtype=torch.float64)] * 4
    assert loss(views(z))[0].item() == pytest.approx(math.log(candidates), rel=1e-12)


def test_a_row_of_zeros_is_harmless():
    z = [e.detach().clone() for e in embeddings((6, 4))]
    z[0][2] = 0
    for embedding in z:
        embedding.requires_grad_()
    for loss in (CLIP(), SimCLR()):
        value, _ = loss(views(z))
        value.backward()
        assert value.isfinite()
        assert all(embedding.grad.isfinite().all() for embedding in z)


def test_half_precision_is_widened():
    z = [e.detach().bfloat16() for e in embeddings((6, 20))]
    for loss in (CLIP(), SimCLR()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            inside, _ = loss(views(z))
        outside, _ = loss(views([e.float() for e in z]))
        assert inside.dtype == torch.float32
        assert inside == outside


def test_training_brings_together_what_belongs_together():
    """Gradient descent on free embeddings reaches what the loss asks for."""
    for loss, key in ((CLIP(), "cosine_cross"), (SimCLR(), "cosine_rgb")):
        z = [e.detach().float().requires_grad_() for e in embeddings((32, 16))]
        optimiser = torch.optim.Adam(z, lr=0.05)
        for _ in range(200):
            optimiser.zero_grad()
            value, logs = loss(views(z))
            value.backward()
            optimiser.step()
        assert value < 0.05, "it started above 1"
        assert logs[key] > 0.75, "it started at about 0.5"


def test_errors_name_the_value_and_the_way_out():
    z = [e.detach() for e in embeddings((6, 20))]
    with pytest.raises(SemcomError, match=r"`clip` needs .* given \['rgb'\].*simclr"):
        CLIP()({"rgb": (z[0], z[1])})
    with pytest.raises(SemcomError, match="`simclr` was given no modality"):
        SimCLR()({})
    with pytest.raises(SemcomError, match=r"\(6, 20\) and \(6, 20\) and \(5, 20\) and \(5, 20\)"):
        CLIP()(views([z[0], z[1], z[2][:5], z[3][:5]]))
    for loss in (CLIP(), SimCLR()):
        with pytest.raises(SemcomError, match=r"shape \(1, 20\).*N >= 2.*raise batch_size"):
            loss(views([e[:1] for e in z]))
