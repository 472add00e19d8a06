"""A guide with a SimCLR term, and the mining of hard negatives."""

import pytest
import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.losses.contrastive import nt_xent
from semcom.losses.distillation import Cosine
from semcom.losses.guidance import Guidance, Vectors
from semcom.losses.guided import Guided
from semcom.losses.infonce import InfoNCE
from semcom.losses.mining import mine, nearest, take


def rows(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_guide_alone_is_its_mean_over_views():
    views, target = [rows(6, 4, seed=s) for s in (1, 2)], {"target": rows(6, 4)}
    value, logs = Guided(Cosine())(views, [target, target])
    each = [Cosine()(view, target)[0] for view in views]
    torch.testing.assert_close(value, sum(each) / 2)
    torch.testing.assert_close(logs, {"cosine": 1 - value})
    one, _ = Guided(Cosine())(views[:1], [target])
    assert one == each[0]


def test_the_simclr_term_has_its_weight_and_projections_of_its_own():
    views, target = [rows(6, 4, seed=s) for s in (1, 2)], {"target": rows(6, 4)}
    projections = [rows(6, 3, seed=s) for s in (3, 4)]
    both = Guided(Cosine(), simclr=0.5, temperature=0.3)
    value, logs = both(views, [target, target], projections)
    unit = [torch.nn.functional.normalize(p) for p in projections]
    contrast = nt_xent(*unit, 0.3)
    torch.testing.assert_close(value, Guided(Cosine())(views, [target, target])[0] + 0.5 * contrast)
    torch.testing.assert_close(logs["nt_xent"], contrast)
    torch.testing.assert_close(logs["cosine_views"], (unit[0] * unit[1]).sum(1).mean())
    alone, _ = Guided(None, simclr=1.0, temperature=0.3)((), (), projections)
    assert alone == contrast


def test_what_it_needs():
    assert (Guided(Cosine()).views, Guided(Cosine(), simclr=0.1).views) == (1, 2)
    assert Guided(InfoNCE(hard_negatives=7)).needs == {"target": 1, "negatives": 7}
    assert Guided(InfoNCE(hard_negatives=0)).needs == {"target": 1}
    assert Guided(None, simclr=1.0).needs == {}
    with pytest.raises(SemcomError, match="nothing to train on"):
        Guided(None)
    with pytest.raises(SemcomError, match="the guide function does not say .* self.needs"):
        Guided(lambda z, known: (z.sum(), {}))
    with pytest.raises(SemcomError, match="two views, but was given 1"):
        Guided(None, simclr=1.0)((), (), [rows(6, 3)])


def plain_nearest(vectors, queries, k):
    """Query by query, all cosines sorted."""
    found = []
    for query in queries:
        similarity = [query @ v / (query.norm() * v.norm()) for v in vectors]
        found.append(sorted(range(len(vectors)), key=lambda i: -similarity[i])[:k])
    return found


def test_nearest_is_by_cosine_whatever_the_lengths(monkeypatch):
    monkeypatch.setattr("semcom.losses.mining.BLOCK", 3)
    vectors, queries = rows(20, 5), rows(7, 5, seed=1)
    assert nearest(vectors, queries, 4).tolist() == plain_nearest(vectors, queries, 4)
    longer = nearest(vectors * torch.linspace(0.1, 5, 20)[:, None], 3 * queries, 4)
    assert longer.tolist() == plain_nearest(vectors, queries, 4)
    assert nearest(vectors, queries, 50).shape == (7, 20)


def test_negatives_are_the_nearest_without_the_positive_and_its_copies(monkeypatch):
    """Against a plain search; entries 3, 8 and 11 have one code."""
    monkeypatch.setattr("semcom.losses.mining.BLOCK", 3)
    vectors = rows(12, 5)
    vectors[8] = vectors[11] = vectors[3]
    own = torch.arange(12)
    found = nearest(vectors, vectors, 12)
    mined = mine(vectors, found, target=vectors, own=own, count=4)
    for image in range(12):
        copies = {3, 8, 11} if image in (3, 8, 11) else {image}
        expected = [p for p in found[image].tolist() if p not in copies][:4]
        assert mined[image].tolist() == expected
    skipped = mine(vectors, found, target=vectors, own=own, count=3, skip=1)
    assert skipped.tolist() == mined[:, 1:].tolist()


def test_copies_are_found_in_half_precision_too():
    vectors = rows(12, 64).half()
    vectors[8] = vectors[11] = vectors[3]
    found = nearest(vectors, vectors, 12)
    mined = mine(vectors, found, target=vectors, own=torch.full((12,), -1), count=9)
    for image in range(12):
        copies = {3, 8, 11} if image in (3, 8, 11) else {image}
        assert not copies & set(mined[image].tolist())


def test_the_own_entry_is_left_out_where_the_target_is_raw():
    """Raw mentor embeddings lie near their entries, but are not the same."""
    vectors = rows(12, 5)
    target = vectors + 0.05 * rows(12, 5, seed=1)
    own = torch.arange(12)
    mined = mine(vectors, nearest(vectors, target, 12), target=target, own=own, count=11)
    assert (mined != own[:, None]).all()
    assert (mined.sort(dim=1).values >= 0).all()


def test_an_image_without_an_entry_loses_nothing():
    vectors, target = rows(12, 5), rows(2, 5, seed=1)
    found = nearest(vectors, target, 12)
    mined = mine(vectors, found, target=target, own=torch.tensor([-1, -1]), count=6)
    assert mined.tolist() == found[:, :6].tolist()


def test_too_few_are_filled_with_none():
    """faiss pads with -1 what it does not find; a gap in the results closes."""
    vectors = rows(4, 5)
    found = torch.tensor([[0, 2, -1, 1], [1, -1, -1, -1]])
    mined = mine(vectors, found, target=vectors[:2], own=torch.tensor([0, 1]), count=6)
    assert mined.tolist() == [[2, 1, -1, -1], [-1] * 4], "no more than were found, however many are wanted"
    taken = take(vectors, mined)
    assert taken.shape == (2, 4, 5)
    torch.testing.assert_close(taken[0, :2], vectors[[2, 1]])
    assert not taken[0, 2:].any()
    assert not taken[1].any()


def test_mined_negatives_make_the_loss_harder():
    """The nearest others cost more than as many drawn at random, and both more than none."""
    vectors = rows(200, 8)
    z = vectors[:16] + rows(16, 8, seed=1)
    guide = InfoNCE(hard_negatives=10)
    own = torch.arange(16)
    hard = mine(vectors, nearest(vectors, vectors[:16], 30), target=vectors[:16], own=own, count=10)
    losses = [
        guide(z, {"target": vectors[:16], "negatives": take(vectors, positions)})[0]
        for positions in (torch.full((16, 10), -1), torch.arange(40, 200).view(16, 10), hard)
    ]
    assert losses[0] < losses[1] < losses[2]


def test_more_negatives_than_other_entries_are_refused_before_any_is_mined():
    vectors, share = Vectors(rows(100, 8), torch.arange(100)), torch.arange(5)
    message = (
        "InfoNCE wants 100 hard negatives an image, of 100 entries, .*; lower hard_negatives to at most 99"
    )
    with pytest.raises(SemcomError, match=message):
        Guidance(InfoNCE(hard_negatives=100), vectors, share, torch.device("cpu"))
    every = Guidance(InfoNCE(hard_negatives=99), vectors, share, torch.device("cpu"))
    assert every.hard is not None
    assert (every.hard.sort(dim=1).values >= 0).all()
