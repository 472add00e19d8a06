"""The guides against sums written as the equations read, by closed forms, gradients and invariances."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.distillation import MSE, Cosine
from semcom.losses.infonce import InfoNCE
from semcom.losses.prototypes import Prototypes, effective_rank
from semcom.metrics import representation

N, H, D = 6, 5, 8
WIDE = {torch.float64: 1e-12, torch.float32: 2e-5}
GUIDES = {
    "infonce": InfoNCE(temperature=0.2, hard_negatives=H, alpha=0.5),
    "in_batch": InfoNCE(temperature=0.2, hard_negatives=0),
    "cosine": Cosine(),
    "mse": MSE(),
    "prototypes": Prototypes(neighbours=H),
    "soft_target": Prototypes(neighbours=H, form="cross_entropy"),
}
DIRECTIONAL = [name for name in GUIDES if name != "mse"]


def drawn(dtype: torch.dtype = torch.float64) -> tuple[Tensor, dict[str, Tensor]]:
    """Embeddings of unequal lengths that agree in part with their targets, and what else a guide may need."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    target = normal(N, D)
    embedding = (target + normal(N, D)) * torch.linspace(0.3, 4, N, dtype=torch.float64)[:, None]
    around = target[:, None] + 0.7 * normal(N, H, D)
    known = {"target": target, "negatives": around, "neighbours": around + 0.1, "query": normal(N, D)}
    return embedding.to(dtype).requires_grad_(), {key: value.to(dtype) for key, value in known.items()}


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return a @ b / (a.square().sum().sqrt() * b.square().sum().sqrt())


def reference_infonce(z, known, *, temperature, mined, alpha):
    terms = []
    for n, row in enumerate(z):
        candidates = [*known["target"], *(known["negatives"][n] if mined else ())]
        scores = [(cosine(row, v) / temperature).exp() for v in candidates]
        contrast = -(scores[n] / sum(scores)).log()
        terms.append(contrast + alpha * (1 - cosine(row, known["target"][n])))
    return sum(terms) / len(terms)


def reference_prototypes(z, known, *, form, r, t):
    terms = []
    for row, found, query in zip(z, known["neighbours"], known["query"], strict=True):
        scores = [(cosine(query, c) / r).exp() for c in found]
        weights = [s / sum(scores) for s in scores]
        if form == "cosine":
            p = sum(w * c / c.norm() for w, c in zip(weights, found, strict=True))
            terms.append(1 - cosine(row, p))
        else:
            said = [(cosine(row, c) / t).exp() for c in found]
            terms.append(-sum(w * (s / sum(said)).log() for w, s in zip(weights, said, strict=True)))
    return sum(terms) / len(terms)


REFERENCES = {
    "infonce": lambda z, k: reference_infonce(z, k, temperature=0.2, mined=True, alpha=0.5),
    "in_batch": lambda z, k: reference_infonce(z, k, temperature=0.2, mined=False, alpha=0),
    "cosine": lambda z, k: sum(1 - cosine(a, b) for a, b in zip(z, k["target"], strict=True)) / N,
    "mse": lambda z, k: sum((a - b) @ (a - b) for a, b in zip(z, k["target"], strict=True)) / N,
    "prototypes": lambda z, k: reference_prototypes(z, k, form="cosine", r=0.07, t=0.1),
    "soft_target": lambda z, k: reference_prototypes(z, k, form="cross_entropy", r=0.07, t=0.1),
}


@pytest.mark.parametrize("name", GUIDES)
@pytest.mark.parametrize("dtype", WIDE)
def test_equals_the_plain_reference_and_its_gradient(name, dtype):
    z, known = drawn(dtype)
    plain, exact = drawn()
    value, _ = GUIDES[name](z, known)
    expected = REFERENCES[name](plain, exact)
    value.backward()
    expected.backward()
    assert value.dtype == dtype
    assert abs(value.item() / expected.item() - 1) < WIDE[dtype]
    assert (z.grad - plain.grad).norm() < 10 * WIDE[dtype] * plain.grad.norm()


@pytest.mark.parametrize("name", GUIDES)
def test_gradients_pass_gradcheck(name):
    z, known = drawn()
    assert torch.autograd.gradcheck(lambda x: GUIDES[name](x, known)[0], z)


@pytest.mark.parametrize("name", GUIDES)
def test_the_order_of_images_does_not_matter(name):
    z, known = drawn()
    order = torch.randperm(N, generator=torch.Generator().manual_seed(1))
    value, logs = GUIDES[name](z, known)
    other, permuted = GUIDES[name](z[order], {key: v[order] for key, v in known.items()})
    torch.testing.assert_close(value, other)
    torch.testing.assert_close(logs, permuted)


@pytest.mark.parametrize("name", DIRECTIONAL)
def test_lengths_do_not_matter_and_the_gradient_turns_only(name):
    z, known = drawn()
    lengths = torch.linspace(0.1, 9, N, dtype=torch.float64)
    value, _ = GUIDES[name](z, known)
    longer = {
        key: v * (lengths[:, None] if v.ndim == 2 else lengths[:, None, None]) for key, v in known.items()
    }
    torch.testing.assert_close(value, GUIDES[name](z * lengths[:, None], known)[0])
    torch.testing.assert_close(value, GUIDES[name](z, longer)[0])
    value.backward()
    assert (z.grad * z).sum(1).abs().max() < 1e-12


def test_mse_keeps_lengths_and_is_least_at_the_target():
    z, known = drawn()
    assert MSE()(2 * z, known)[0] != MSE()(z, known)[0]
    value, logs = MSE()(known["target"], known)
    assert (value, logs["explained"]) == (0, 1)
    mean = known["target"].mean(0).expand(N, D)
    torch.testing.assert_close(MSE()(mean, known)[1]["explained"], torch.zeros((), dtype=torch.float64))


def test_infonce_in_closed_form():
    """Entries at right angles: at one's own entry, one of N candidates at cosine 1 and the others at 0."""
    entries = torch.eye(D, dtype=torch.float64)[:N]
    own = math.log(1 + (N - 1) * math.exp(-1 / 0.2))
    value, logs = GUIDES["in_batch"](entries, {"target": entries})
    assert value.item() == pytest.approx(own, rel=1e-12)
    assert (logs["cosine"], logs["negatives"]) == (1, N - 1)
    # Nothing learnt: all embeddings at one angle to all entries.
    value, _ = GUIDES["in_batch"](torch.ones(N, D, dtype=torch.float64), {"target": entries})
    assert value.item() == pytest.approx(math.log(N), rel=1e-12)


def test_copies_of_the_own_entry_are_no_negatives():
    """With three entries of one code the loss is that of a batch in which each row lacks the two others."""
    z, known = drawn()
    known["target"][1] = known["target"][2] = 3 * known["target"][0]
    value, logs = GUIDES["in_batch"](z, known)
    terms = []
    for n, row in enumerate(z):
        rest = [m for m in range(N) if m == n or not {m, n} <= {0, 1, 2}]
        scores = {m: (cosine(row, known["target"][m]) / 0.2).exp() for m in rest}
        terms.append(-(scores[n] / sum(scores.values())).log())
    torch.testing.assert_close(value, sum(terms) / N)
    assert logs["negatives"].item() == pytest.approx((3 * 3 + 3 * 5) / 6)


def test_mined_negatives_that_are_none_or_copies_change_nothing():
    z, known = drawn()
    guide = GUIDES["infonce"]
    fewer, _ = guide(z, known | {"negatives": known["negatives"][:, :3]})
    padded = known["negatives"].clone()
    padded[:, 3] = 0
    padded[:, 4] = 7 * known["target"]
    value, logs = guide(z, known | {"negatives": padded})
    torch.testing.assert_close(value, fewer)
    assert logs["negatives"] == N - 1 + 3
    value.backward()
    assert z.grad.isfinite().all()


def test_a_base_of_one_vector_asks_for_nothing():
    """Every image has the same entry: there is no negative, and no NaN."""
    z, known = drawn()
    value, logs = GUIDES["in_batch"](z, {"target": known["target"][:1].expand(N, D)})
    value.backward()
    assert (value, logs["negatives"]) == (0, 0)
    assert z.grad.abs().max() == 0


def test_prototypes_in_closed_form():
    """Two entries at right angles, a query halfway: so is the prototype, and weights are a half each."""
    pair = torch.eye(D, dtype=torch.float64)[:2]
    known = {"neighbours": pair.expand(1, 2, D), "query": pair.sum(0, keepdim=True)}
    value, logs = Prototypes(neighbours=2)(pair[:1], known)
    assert value.item() == pytest.approx(1 - math.sqrt(0.5), rel=1e-12)
    assert logs["weight"].item() == pytest.approx(0.5)
    value, _ = Prototypes(neighbours=2, form="cross_entropy", temperature=0.5)(pair[:1], known)
    assert value.item() == pytest.approx(math.log(1 + math.exp(2)) - 1, rel=1e-12)


def test_prototypes_of_fewer_neighbours_leave_out_what_is_not_there():
    z, known = drawn()
    padded = known["neighbours"].clone()
    padded[:, 3:] = 0
    for name in ("prototypes", "soft_target"):
        fewer, _ = GUIDES[name](z, known | {"neighbours": known["neighbours"][:, :3]})
        value, _ = GUIDES[name](z, known | {"neighbours": padded})
        torch.testing.assert_close(value, fewer)
    value.backward()
    assert z.grad.isfinite().all()


def test_its_own_embedding_as_query_teaches_nothing_at_equal_temperatures():
    """As the docstring says: cross-entropy's gradient is softmax minus soft target, here the same."""
    z, known = drawn()
    del known["query"]
    guide = Prototypes(neighbours=H, form="cross_entropy", retrieval_temperature=0.1, temperature=0.1)
    guide(z, known)[0].backward()
    assert z.grad.abs().max() < 1e-12
    sharper = Prototypes(neighbours=H, form="cross_entropy", retrieval_temperature=0.05, temperature=0.1)
    sharper(z, known)[0].backward()
    assert z.grad.abs().max() > 1e-3


def test_collapse_shows_in_the_effective_rank():
    """Alone, prototypes have no reason to keep two images apart; InfoNCE spreads them as the entries are."""
    generator = torch.Generator().manual_seed(0)
    entries = torch.randn(200, 16, generator=generator)
    start = torch.ones(32, 16) + 0.3 * torch.randn(32, 16, generator=generator)
    reached = {}
    for name, guide in (("prototypes", Prototypes(neighbours=10)), ("infonce", InfoNCE(hard_negatives=0))):
        z = start.clone().requires_grad_()
        optimiser = torch.optim.Adam([z], lr=0.05)
        for _ in range(200):
            near = (torch.nn.functional.normalize(z) @ torch.nn.functional.normalize(entries).T).topk(10)
            value, logs = guide(z, {"target": entries[:32], "neighbours": entries[near.indices]})
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
        reached[name] = effective_rank(torch.nn.functional.normalize(z.detach())).item()
    assert reached["prototypes"] < 6
    assert reached["infonce"] > 12


def test_effective_rank_is_that_of_the_metrics():
    generator = torch.Generator().manual_seed(0)
    for shape in ((40, 12), (12, 40)):
        rows = torch.randn(shape, generator=generator) * torch.linspace(0.01, 3, shape[1])
        expected = representation.effective_rank(rows.numpy().astype(np.float64))
        assert effective_rank(rows).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", GUIDES)
def test_half_precision_is_widened_and_logs_are_detached(name):
    z, known = drawn(torch.float32)
    half, halves = z.detach().bfloat16(), {key: v.bfloat16() for key, v in known.items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside, logs = GUIDES[name](half.requires_grad_(), halves)
    outside, _ = GUIDES[name](half.float(), {key: v.float() for key, v in halves.items()})
    assert inside.dtype == torch.float32
    assert inside == outside
    assert not any(log.requires_grad for log in logs.values())


@pytest.mark.parametrize("name", DIRECTIONAL)
def test_a_row_of_zeros_is_harmless(name):
    z, known = drawn()
    dead = z.detach().clone()
    dead[2] = 0
    value, _ = GUIDES[name](dead.requires_grad_(), known)
    value.backward()
    assert value.isfinite()
    assert dead.grad.isfinite().all()


def test_errors_name_the_value_and_the_way_out():
    z, known = drawn()
    with pytest.raises(SemcomError, match="infonce needs `negatives` .* given target"):
        GUIDES["infonce"](z, {"target": known["target"]})
    with pytest.raises(SemcomError, match="cosine needs `target` .* given nothing"):
        Cosine()(z, {})
    with pytest.raises(SemcomError, match=r"`target` of shape \(6, 7\) .* \(6, 8\).*the dimension of the"):
        MSE()(z, {"target": known["target"][:, :-1]})
    with pytest.raises(SemcomError, match=r"`neighbours` of shape \(6, 8\)"):
        Prototypes()(z, {"neighbours": known["target"]})
    with pytest.raises(SemcomError, match=r"shape \(0, 8\); it must be \(N, D\)"):
        Cosine()(z[:0], known)
    with pytest.raises(SemcomError, match="no neighbour at all|has no neighbour"):
        Prototypes()(z, {"neighbours": torch.zeros(N, H, D, dtype=torch.float64)})
