import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score

from semcom.files.errors import SemcomError
from semcom.metrics.readout import (
    PENALTIES,
    PROBE_PENALTIES,
    Parts,
    cross_r2,
    matching_correlation,
    probe_accuracy,
    rotated,
    standardised,
)

SIZES = (80, 40, 60)


def parts(draw: np.random.Generator, dim: int, *, scale: float = 1.0) -> Parts:
    return Parts(*(scale * draw.standard_normal((n, dim)) for n in SIZES))


def mixed(x: Parts, weight: np.ndarray, draw: np.random.Generator, noise: float) -> Parts:
    return Parts(*(p @ weight + noise * draw.standard_normal((len(p), weight.shape[1])) for p in x))


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.fixture
def scaled(draw: np.random.Generator) -> Parts:
    """Columns of very different means and scales."""
    x = parts(draw, 20)
    return Parts(*(5 + p * np.logspace(-2, 2, 20) for p in x))


def by_scikit_learn(x: Parts, y: Parts) -> tuple[float, float]:
    """Ridge regressions on all columns, standardised; the penalty with the best validation error."""
    mean, deviation = x.train.mean(0), x.train.std(0)
    train, validation, test = ((p - mean) / deviation for p in x)
    fits = [Ridge(alpha=len(train) * penalty).fit(train, y.train) for penalty in PENALTIES]
    best = min(fits, key=lambda fit: np.square(fit.predict(validation) - y.validation).sum())
    predicted = best.predict(test)
    return (
        r2_score(y.test, predicted, multioutput="variance_weighted"),
        r2_score(y.test, predicted, multioutput="uniform_average"),
    )


@pytest.mark.parametrize("dim", [20, 200], ids=["narrow", "wider than the training frames are many"])
@pytest.mark.parametrize("noise", [0.5, 30.0])
def test_r2_is_that_of_scikit_learns_ridge(draw: np.random.Generator, dim: int, noise: float) -> None:
    x = parts(draw, dim, scale=4.0)
    y = mixed(x, draw.standard_normal((dim, 7)) * np.logspace(-1, 1, 7), draw, noise)
    assert tuple(cross_r2(rotated(x), y)) == pytest.approx(by_scikit_learn(x, y), abs=1e-8)


def test_r2_of_a_linear_map_of_noise_and_of_a_constant(draw: np.random.Generator, scaled: Parts) -> None:
    exact = mixed(scaled, draw.standard_normal((20, 6)), draw, 0.0)
    assert cross_r2(rotated(scaled), exact).weighted == pytest.approx(1.0, abs=1e-3)
    none = cross_r2(rotated(scaled), parts(draw, 6))
    # The strongest penalty leaves the training mean: off by 1/80 and 1/60 of the variance, some 3 %.
    assert -0.2 < none.weighted < 0.1
    assert np.isnan(cross_r2(rotated(scaled), Parts(*(np.ones((n, 2)) for n in SIZES)))).all()


def test_r2_says_in_both_averages_which_columns_count(draw: np.random.Generator) -> None:
    x = parts(draw, 3)
    y = Parts(*(np.hstack([10 * p[:, :1], draw.standard_normal((len(p), 1))]) for p in x))
    found = cross_r2(rotated(x), y)
    assert found.weighted == pytest.approx(1, abs=0.05), "of 101 parts of variance 100 are explained"
    assert found.uniform == pytest.approx(0.5, abs=0.1), "one column of two is"
    dead = Parts(*(np.hstack([p, np.full((len(p), 1), 7.0)]) for p in y))
    assert cross_r2(rotated(x), dead) == pytest.approx(found), "a constant has nothing to explain"


def test_a_linear_map_does_not_change_r2_of_what_is_explained_exactly(
    draw: np.random.Generator, scaled: Parts
) -> None:
    y = mixed(scaled, draw.standard_normal((20, 4)), draw, 1.0)
    turned, _ = np.linalg.qr(draw.standard_normal((4, 4)))
    a = cross_r2(rotated(scaled), y).weighted
    b = cross_r2(rotated(scaled), Parts(*(3 * p @ turned for p in y))).weighted
    assert a == pytest.approx(b, abs=1e-9), "a rotation of what is explained, and one scale"


def test_rotation_keeps_inner_products_and_drops_what_is_constant(scaled: Parts) -> None:
    wide = Parts(*(np.hstack([p, np.full((len(p), 3), 0.7)]) for p in scaled))
    found = rotated(wide)
    mean, deviation = scaled.train.mean(0), scaled.train.std(0)
    for part, given in zip(found, scaled, strict=True):
        plain = (given - mean) / deviation
        assert part.shape[1] == 20
        np.testing.assert_allclose(part @ part.T, plain @ plain.T, atol=1e-9)
    nothing = rotated(Parts(*(np.full((n, 4), 0.3) for n in SIZES)))
    assert [part.shape for part in nothing] == [(n, 1) for n in SIZES]


@pytest.mark.parametrize("dim", [20, 200], ids=["narrow", "wider than the training frames are many"])
def test_probe_is_scikit_learns_logistic_regression(draw: np.random.Generator, dim: int) -> None:
    latent = parts(draw, 6)
    x = mixed(latent, draw.standard_normal((6, dim)), draw, 2.0)
    labels = mixed(latent, draw.standard_normal((6, 3)), draw, 1.0)
    classes = Parts(*(p.argmax(1) for p in labels))
    mean, deviation = x.train.mean(0), x.train.std(0)
    train, validation, test = ((p - mean) / deviation for p in x)
    fits = [
        LogisticRegression(C=1 / (penalty * len(train)), max_iter=5000, tol=1e-7).fit(train, classes.train)
        for penalty in PROBE_PENALTIES
    ]
    best = max(fits, key=lambda fit: fit.score(validation, classes.validation))
    expected = best.score(test, classes.test)
    assert 0.45 < expected < 0.97
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = probe_accuracy(rotated(x), classes)
    # Fits end at a tolerance: a frame on the border may fall to either side.
    assert found == pytest.approx(expected, abs=1 / 60 + 1e-9)


def test_matching_correlation_is_the_mean_diagonal(draw: np.random.Generator) -> None:
    a = draw.standard_normal((50, 6))
    b = a * 3 + draw.standard_normal((50, 6)) + 2
    expected = np.corrcoef(a.T, b.T)[:6, 6:].diagonal().mean()
    assert matching_correlation(a, b) == pytest.approx(expected)
    assert matching_correlation(a, -b) == pytest.approx(-expected)
    assert matching_correlation(a, b[:, ::-1]) == pytest.approx(0, abs=0.2)
    a[:, 0] = 4.0
    assert matching_correlation(a, b) == pytest.approx(
        np.corrcoef(a[:, 1:].T, b[:, 1:].T)[:5, 5:].diagonal().sum() / 6
    )
    assert np.all(standardised(a)[:, 0] == 0)


def test_what_does_not_go_together_is_refused(scaled: Parts, draw: np.random.Generator) -> None:
    with pytest.raises(SemcomError, match=r"\[80, 40, 60\] frames .* do not go with \[80, 40, 59\]"):
        cross_r2(scaled, scaled._replace(test=scaled.test[1:]))
    with pytest.raises(SemcomError, match="at least 2 classes"):
        probe_accuracy(rotated(scaled), Parts(*(np.zeros(n, int) for n in SIZES)))
    with pytest.raises(SemcomError, match="do not match"):
        matching_correlation(np.zeros((3, 2)), np.zeros((3, 3)))
