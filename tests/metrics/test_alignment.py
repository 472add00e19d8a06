import numpy as np
import pytest
from sklearn import linear_model

from semcom.files.errors import SemcomError
from semcom.metrics.alignment import PENALTIES, Ridge, exchanged_bytes, ridge_map
from semcom.metrics.heads import unit


def spaces(count: int, *, noise: float, source: int = 10, target: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Two encoders' unit vectors of the same images: linear maps of one latent, and noise."""
    draws = np.random.default_rng(0)
    latent, maps = draws.normal(size=(count, 5)), [draws.normal(size=(5, d)) for d in (source, target)]
    embedded = (latent @ m + 0.3 + noise * draws.normal(size=(count, m.shape[1])) for m in maps)
    return tuple(unit(part).astype(np.float32) for part in embedded)


@pytest.mark.parametrize("count", [200, 12])
def test_each_penalty_is_scikit_learns_ridge(count):
    x, y = (part.astype(np.float64) for part in spaces(count, noise=0.2, source=20))
    level = np.square(x - x.mean(0)).mean()
    made = Ridge.of(x, y)
    for penalty in PENALTIES:
        peer = linear_model.Ridge(alpha=count * penalty * level).fit(x, y)
        weight, offset = made.weights(penalty)
        np.testing.assert_allclose(x @ weight + offset, peer.predict(x), atol=1e-6)
        np.testing.assert_allclose(made.predict(x, penalty), peer.predict(x), atol=1e-6)


@pytest.mark.parametrize(("count", "error"), [(40, 0.1), (3000, 0.03)])
def test_the_penalty_is_one_that_new_images_like_too(count, error):
    """Nearly the best in hindsight, where the worst is far behind; and what held-out images told was true."""
    x, y = spaces(4000, noise=0.6, source=40)
    new_x, new_y = x[3000:], y[3000:]
    found = ridge_map(x[:count], y[:count], seed=0)
    made = Ridge.of(x[:count].astype(np.float64), y[:count].astype(np.float64))
    truth = [(unit(made.predict(new_x, penalty)) * new_y).sum(1).mean() for penalty in PENALTIES]
    reached = (found(new_x) * new_y).sum(1).mean()
    assert max(truth) - 0.02 < reached <= max(truth) + 1e-6
    assert min(truth) < max(truth) - 0.04
    assert found.validation == pytest.approx(reached, abs=error)


def test_a_linear_map_is_found():
    draws = np.random.default_rng(0)
    x = unit(draws.normal(size=(500, 10)))
    turn, _ = np.linalg.qr(draws.normal(size=(10, 10)))
    found = ridge_map(x[:400], x[:400] @ turn, seed=0)
    np.testing.assert_allclose(found(x[400:]), x[400:] @ turn, atol=2e-3)  # fp16 sent
    np.testing.assert_allclose(np.linalg.norm(found(x), axis=1), 1)


def test_the_order_of_images_does_not_matter_to_the_fit_and_bytes_are_counted():
    x, y = spaces(300, noise=0.3)
    order = np.random.default_rng(1).permutation(300)
    one, other = ridge_map(x, y, seed=0), ridge_map(x[order], y[order], seed=0)
    assert one.penalty == other.penalty
    np.testing.assert_allclose(one.weight, other.weight, atol=1e-9)
    assert one.exchanged_bytes == exchanged_bytes(300, 6) == 300 * 6 * 2
    assert one.images == 300


def test_too_few_or_unequal_images_are_refused():
    x, y = spaces(20, noise=0.3)
    with pytest.raises(SemcomError, match="at least 10 images .* 9 of the one and 9 of the other"):
        ridge_map(x[:9], y[:9], seed=0)
    with pytest.raises(SemcomError, match="20 of the one and 19 of the other"):
        ridge_map(x, y[:-1], seed=0)


def test_embeddings_that_are_not_finite_or_cannot_be_sent_are_refused():
    x, y = spaces(20, noise=0.3)
    broken = x.copy()
    broken[3, 1] = np.nan
    with pytest.raises(SemcomError, match="the source's embeddings of 1 of 20 images .* first of image 3"):
        ridge_map(broken, y, seed=0)
    with pytest.raises(SemcomError, match="the target's embeddings of 1 of 20 images .* first of image 3"):
        ridge_map(y, broken, seed=0)
    with pytest.raises(SemcomError, match="go up to 70000, fp16, in which they are sent, to 65504; scale"):
        ridge_map(x, y / np.abs(y).max() * 70000, seed=0)
    with pytest.raises(SemcomError, match=r"of shape \(20,\) to some of \(20, 6\): give \(n, D\)"):
        ridge_map(x[:, 0], y, seed=0)
