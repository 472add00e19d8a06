import io

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from semcom.files.errors import SemcomError
from semcom.quantise import usage
from semcom.quantise.vq import VectorQuantiser


def drawn(count: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed))


def started(codes: int, dim: int, **options: float) -> VectorQuantiser:
    quantiser = VectorQuantiser(codes, dim, **options)
    quantiser.start(drawn(20 * codes, dim, seed=9), seed=0)
    return quantiser


def bits(module: torch.nn.Module) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in module.state_dict().items()}


def test_it_starts_from_k_means():
    """As near to the vectors as scikit-learn's k-means gets; codes drawn among them are much farther away."""
    vectors = drawn(2000, 4)

    def away(codes: torch.Tensor) -> float:
        return float(torch.cdist(vectors, codes).amin(1).square().mean())

    quantiser = VectorQuantiser(32, 4)
    quantiser.start(vectors.view(20, 100, 4), seed=3)
    reference = KMeans(32, n_init=1, init="random", random_state=0).fit(vectors.numpy()).cluster_centers_
    assert away(quantiser.codebook) < 1.03 * away(torch.from_numpy(reference))
    assert away(quantiser.codebook) < 0.8 * away(vectors[:32])
    shares = torch.bincount(quantiser.encode(vectors), minlength=32) / 2000
    torch.testing.assert_close(quantiser.share, shares)


def test_codes_follow_their_vectors_as_moving_averages():
    """Against the paper's appendix A.1, code by code in float64, with counts for batches of one size."""
    quantiser = started(6, 3, decay=0.9, dead_below=0.0).train()
    means = quantiser.codebook.double().numpy()
    counts = quantiser.share.double().numpy() * 50
    totals = means * counts[:, None]
    for step in range(20):
        z = drawn(50, 3, seed=100 + step) + step / 10
        index = quantiser(z).indices.numpy()
        for code in range(6):
            chosen = z.double().numpy()[index == code]
            counts[code] = 0.9 * counts[code] + 0.1 * len(chosen)
            totals[code] = 0.9 * totals[code] + 0.1 * chosen.sum(0)
        np.testing.assert_allclose(quantiser.codebook.numpy(), totals / counts[:, None], rtol=2e-5, atol=2e-6)


def test_it_trains_like_vector_quantize_pytorch():
    library = pytest.importorskip("vector_quantize_pytorch")
    ours = started(8, 4, decay=0.8, commitment=0.3, dead_below=0.0).train()
    theirs = library.VectorQuantize(4, 8, decay=0.8, commitment_weight=0.3, eps=0.0)
    book = theirs._codebook
    book.embed.copy_(ours.codebook[None])
    book.embed_avg.copy_(ours.sums[None] * 64)
    book.cluster_size.copy_(ours.share[None] * 64)
    for step in range(10):
        z = drawn(64, 4, seed=step)
        mine, (codes, index, loss) = ours(z), theirs(z[None])
        assert torch.equal(mine.indices, index[0])
        torch.testing.assert_close(mine.vectors, codes[0])
        torch.testing.assert_close(mine.loss, loss.squeeze())
        torch.testing.assert_close(ours.codebook, book.embed[0], rtol=1e-5, atol=1e-6)


def test_gradients_pass_straight_through_and_commit():
    quantiser = started(16, 4, commitment=0.25).eval()
    z = drawn(30, 4, seed=5).view(5, 6, 4).requires_grad_()
    weights = drawn(30, 4, seed=6).view(5, 6, 4)
    out = quantiser(z)
    assert torch.equal(out.indices, quantiser.encode(z))
    assert torch.equal(out.vectors, quantiser.decode(out.indices))
    (straight,) = torch.autograd.grad((out.vectors * weights).sum(), z, retain_graph=True)
    assert torch.equal(straight, weights)
    (commits,) = torch.autograd.grad(out.loss, z)
    torch.testing.assert_close(commits, 0.25 * 2 * (z - quantiser.decode(out.indices)) / z.numel())
    assert out.loss.item() == pytest.approx(0.25 * (z - out.vectors).square().mean().item())


def test_a_dead_code_becomes_a_vector_of_the_batch():
    quantiser = started(8, 2).train()
    quantiser.codebook[3] = 1e4  # where no vector is
    quantiser.share[3], quantiser.sums[3] = 1e-9, 1e-5
    batch = drawn(64, 2, seed=7)
    index = quantiser(batch, torch.Generator().manual_seed(0)).indices
    assert not (index == 3).any()
    assert (batch == quantiser.codebook[3]).all(1).any()
    quantiser.begin_epoch()
    for step in range(20):
        quantiser(drawn(64, 2, seed=200 + step))
    assert quantiser.tally[3] > 0


def test_dead_codes_are_left_alone_if_asked():
    quantiser = started(8, 2, dead_below=0.0).train()
    quantiser.codebook[3], quantiser.share[3], quantiser.sums[3] = 1e4, 0.0, 0.0
    for step in range(5):
        quantiser(drawn(64, 2, seed=step))
    assert (quantiser.codebook[3] == 1e4).all()
    assert quantiser.codebook.isfinite().all()


def test_most_codes_are_in_use_on_an_encoder_that_moves():
    """All codes far from where the vectors go: revived, over 80 % are in use over the next epoch."""
    quantiser = started(64, 4).train()
    draws = torch.Generator().manual_seed(1)
    for step in range(600):
        quantiser(drawn(128, 4, seed=step) + min(step / 20, 20), draws)
    quantiser.begin_epoch()
    for step in range(50):
        quantiser(drawn(128, 4, seed=1000 + step) + 20, draws)
    assert quantiser.usage().used > 0.8
    assert 0.5 * 64 < quantiser.usage().perplexity <= 64


def test_usage_is_of_the_epoch_not_of_a_batch():
    quantiser = started(32, 2, dead_below=0.0).train()
    quantiser.begin_epoch()
    seen = [quantiser(drawn(8, 2, seed=step)).indices for step in range(100)]
    whole = torch.cat(seen)
    assert quantiser.usage() == usage.of_indices(whole, codes=32)
    assert quantiser.usage().used > 0.9
    assert max(usage.of_indices(one, codes=32).used for one in seen) <= 8 / 32
    quantiser.begin_epoch()
    assert quantiser.usage() == usage.Usage(0.0, 1.0)


def test_evaluation_leaves_every_bit_of_the_state():
    quantiser = started(16, 3)
    quantiser.train()(drawn(40, 3))
    before = bits(quantiser)
    quantiser.encode(drawn(40, 3, seed=1))
    quantiser.eval()(1000 * drawn(40, 3, seed=2))
    quantiser.usage()
    assert bits(quantiser) == before
    quantiser.train()(drawn(40, 3, seed=3))
    assert bits(quantiser) != before  # the comparison sees changes


def test_saved_and_loaded_it_gives_the_same_indices_and_goes_on_alike():
    quantiser = started(16, 3).train()
    for step in range(5):
        quantiser(drawn(40, 3, seed=step))
    buffer = io.BytesIO()
    torch.save(quantiser.state_dict(), buffer)
    buffer.seek(0)
    other = VectorQuantiser(16, 3)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    z = drawn(500, 3, seed=77)
    assert torch.equal(other.encode(z), quantiser.encode(z))
    for one in (quantiser, other):
        one.train()(z, torch.Generator().manual_seed(5))
    assert bits(other) == bits(quantiser)


def test_the_same_seed_gives_the_same_start():
    first, again, other = (VectorQuantiser(16, 3) for _ in range(3))
    for one, seed in ((first, 1), (again, 1), (other, 2)):
        one.start(drawn(400, 3), seed=seed)
    assert bits(first) == bits(again) != bits(other)


def test_reordered_codes_keep_what_is_known_of_them():
    quantiser = started(8, 2).train()
    quantiser(drawn(100, 2))
    z, before = drawn(50, 2, seed=4), {name: value.clone() for name, value in quantiser.state_dict().items()}
    index = quantiser.encode(z)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    quantiser.reorder(order)
    assert torch.equal(order[quantiser.encode(z)], index)
    for name in ("codebook", "share", "sums", "tally"):
        assert torch.equal(getattr(quantiser, name), before[name][order])
    with pytest.raises(SemcomError, match="names each of 0 to 7 once"):
        quantiser.reorder(torch.zeros(8, dtype=torch.int64))


def test_what_is_asked_wrongly_is_named():
    quantiser = VectorQuantiser(16, 3)
    for ask in (quantiser, quantiser.encode):
        with pytest.raises(SemcomError, match=r"call start\(vectors, seed=…\) first"):
            ask(drawn(4, 3))
    with pytest.raises(SemcomError, match=r"call start\(vectors, seed=…\) first"):
        quantiser.decode(torch.tensor([0]))
    with pytest.raises(SemcomError, match="15 vectors cannot start a codebook of 16 codes"):
        quantiser.start(drawn(15, 3), seed=0)
    with pytest.raises(SemcomError, match="not all finite"):
        quantiser.start(drawn(16, 3) / 0, seed=0)
    quantiser.start(drawn(16, 3), seed=0)
    with pytest.raises(SemcomError, match=r"\(2, 3, 4\) for codes of 3 dimensions"):
        quantiser.encode(torch.zeros(2, 3, 4))
    with pytest.raises(SemcomError, match="indices 0 to 16 are not all of 16"):
        quantiser.decode(torch.tensor([0, 16]))
    with pytest.raises(SemcomError, match="indices 0 to 16 are not all of 16 codes"):
        usage.of_indices(torch.tensor([0, 16]), codes=16)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e20])
def test_vectors_without_a_nearest_code_are_refused(value):
    quantiser = VectorQuantiser(4, 3)
    quantiser.start(drawn(16, 3), seed=0)
    vectors = drawn(5, 3)
    vectors[2, 1] = value
    for ask in (quantiser.train(), quantiser.eval(), quantiser.encode):
        with pytest.raises(SemcomError, match="vectors to quantise are not finite"):
            ask(vectors)


@pytest.mark.parametrize(
    ("counts", "used", "perplexity"),
    [([5, 5, 5, 5], 1.0, 4.0), ([8, 0, 0, 0], 0.25, 1.0), ([2, 1, 1, 0], 0.75, 2**1.5), ([0, 0], 0.0, 1.0)],
)
def test_usage_of_counts(counts, used, perplexity):
    found = usage.of_counts(torch.tensor(counts))
    assert found.used == used
    assert found.perplexity == pytest.approx(perplexity)
    assert found.bits == pytest.approx(np.log2(perplexity))
