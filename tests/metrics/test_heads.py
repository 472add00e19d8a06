import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier

from semcom.files.errors import SemcomError
from semcom.metrics.heads import (
    PENALTIES,
    Labelled,
    Linear,
    Nearest,
    centre,
    centred,
    class_means,
    linear,
    logistic,
    principal,
    unit,
)
from semcom.metrics.retrieval import precision_at


def drawn(count: int, *, classes: int = 4, dim: int = 12, spread: float = 1.5, seed: int = 0) -> Labelled:
    """Unit vectors about a mean of each class; the means are the same for every seed."""
    means = np.random.default_rng(99).normal(size=(classes, dim))
    draws = np.random.default_rng(seed)
    labels = draws.integers(classes, size=count)
    return Labelled(unit(means[labels] + spread * draws.normal(size=(count, dim))), labels)


def peer(penalty: float, x, classes, tol: float = 1e-8) -> LogisticRegression:
    """Of two classes scikit-learn has one score, the difference of ours, whose squares weigh half."""
    halves = 2 if len(np.unique(classes)) == 2 else 1
    return LogisticRegression(C=halves / (penalty * len(x)), max_iter=5000, tol=tol).fit(x, classes)


@pytest.mark.parametrize("classes", [2, 4])
def test_linear_is_scikit_learns_with_the_penalty_that_validation_likes(classes):
    train, validation, test = (drawn(n, classes=classes, seed=s) for s, n in enumerate((60, 400, 500)))
    x = 12**0.5 * train.features
    fits = [peer(p, x, train.classes) for p in PENALTIES]
    scores = [fit.score(12**0.5 * validation.features, validation.classes) for fit in fits]
    best = int(np.argmax(scores))
    head = linear(train, validation)
    assert 0 < best < len(PENALTIES) - 1
    assert head.penalty == PENALTIES[best]
    assert head.validation == pytest.approx(scores[best], abs=1 / 400)
    expected = fits[best].predict(12**0.5 * test.features)
    assert (head.predict(test.features) == expected).mean() > 0.99  # fits end at a tolerance
    assert 0.5 < (expected == test.classes).mean() < 0.98
    scaled = Linear(3 * head.weight, 3 * head.offset, head.classes, 1.0, 0.0)
    assert (scaled.predict(test.features) == head.predict(test.features)).all()


@pytest.mark.parametrize("classes", [2, 4])
def test_of_fewer_images_than_dimensions_it_is_scikit_learns_too(classes):
    """It is fitted in as many columns as there are images; the peer in all of them."""
    train, validation = (drawn(n, classes=classes, dim=90, seed=s) for s, n in enumerate((40, 400)))
    x = 90**0.5 * train.features
    head = logistic(Labelled(x, train.classes), validation, penalties=[0.01])
    fit = peer(0.01, x, train.classes)
    found = head.weight if classes > 2 else head.weight[1:] - head.weight[:1]
    np.testing.assert_allclose(found, fit.coef_, atol=0.02 * np.abs(fit.coef_).max())
    assert head.weight.shape == (classes, 90)


def test_at_the_weakest_penalty_the_loss_is_no_higher_than_scikit_learns():
    """Of features that hardly vary in most directions, as encoders' do, so that plain steps are many."""
    bulk = drawn(600, dim=60)
    shrunk = unit(bulk.features * 0.8 ** np.arange(60))
    x, penalty = 60**0.5 * shrunk, PENALTIES[-1]
    ours = logistic(Labelled(x, bulk.classes), bulk, penalties=[penalty])
    fit = peer(penalty, x, bulk.classes, tol=1e-4)
    found, expected = (
        log_loss(bulk.classes, softmax(x @ w.T + b, axis=1)) + penalty * np.square(w - w.mean(0)).sum() / 2
        for w, b in ((ours.weight, ours.offset), (fit.coef_, fit.intercept_))
    )
    assert found < 1.001 * expected


@pytest.mark.parametrize("shape", [(9, 5), (5, 9)])
def test_empty_directions_are_left_out(shape):
    x = np.random.default_rng(0).normal(size=shape)
    x[:, 2], x[3] = x[:, 1], 0
    columns, squares, directions = principal(x)
    assert columns.shape == (shape[0], 4)
    np.testing.assert_allclose(columns @ directions.T, x, atol=1e-12)
    np.testing.assert_allclose(np.square(columns).mean(0), squares)
    assert principal(np.zeros((3, 2)))[0].shape == (3, 0)


def test_classes_keep_their_names():
    train = drawn(80)
    renamed = Labelled(train.features, np.array([7, 3, 30, 11])[train.classes])
    plain = linear(train, train).predict(train.features)
    assert (linear(renamed, renamed).predict(train.features) == np.array([7, 3, 30, 11])[plain]).all()
    plain = class_means(train).predict(train.features)
    assert (class_means(renamed).predict(train.features) == np.array([7, 3, 30, 11])[plain]).all()


def test_class_means_are_scikit_learns_nearest_of_the_means_of_unit_length():
    train, test = drawn(200), drawn(300, seed=1)
    head = class_means(train)
    means = np.stack([train.features[train.classes == c].mean(0) for c in range(4)])
    np.testing.assert_allclose(head.means, unit(means))
    peer = KNeighborsClassifier(1).fit(head.means, np.arange(4))
    assert (head.predict(test.features) == peer.predict(test.features)).all()


def test_nearest_is_scikit_learns_vote_and_takes_all_of_a_small_bank():
    bank, test = drawn(101), drawn(300, seed=1)
    for k in (1, 5):
        peer = KNeighborsClassifier(k).fit(bank.features, bank.classes)
        votes = np.sort(peer.predict_proba(test.features), axis=1)
        sure = (
            votes[:, -1] > votes[:, -2]
        )  # of equally many the peer has the smallest class, this the nearest
        assert sure.mean() > 0.8
        found, expected = Nearest(bank, k).predict(test.features), peer.predict(test.features)
        assert (found[sure] == expected[sure]).all()
    few = Labelled(bank.features[:3], np.array([2, 2, 1]))
    assert (Nearest(few, 5).predict(test.features) == 2).all()


def test_centring_takes_off_the_mean_direction_whatever_the_lengths():
    draws = np.random.default_rng(0)
    features = 5 + draws.normal(size=(4000, 12))
    mean = centre(features)
    np.testing.assert_allclose(mean, unit(features).mean(0))
    plain = centred(features, mean)
    np.testing.assert_allclose(np.linalg.norm(plain, axis=1), 1)
    assert np.linalg.norm(unit(features).mean(0)) > 0.9
    assert np.linalg.norm(plain.mean(0)) < 0.05  # 3 standard errors of a mean of 4000 unit vectors
    lengths = draws.uniform(0.1, 9, size=(4000, 1))
    np.testing.assert_allclose(centred(features * lengths, centre(features * lengths)), plain)
    assert not unit(np.zeros((2, 3))).any()


def test_one_class_alone_is_refused():
    one = Labelled(drawn(9).features, np.ones(9, int))
    with pytest.raises(SemcomError, match="at least 2 classes, and all 9 images are of one"):
        linear(one, one)


def test_precision_counts_the_right_ones_among_the_nearest(monkeypatch):
    monkeypatch.setattr("semcom.metrics.retrieval.BLOCK", 7)
    bank, queries = drawn(50), drawn(20, seed=1)
    expected = []
    for query, own in zip(*queries, strict=True):
        order = sorted(range(50), key=lambda i: -(query @ bank.features[i]))
        expected.append(sum(bank.classes[i] == own for i in order[:6]) / 6)
    lengths = np.linspace(0.1, 7, 50)[:, None]
    found = precision_at(bank.features * lengths, bank.classes, 3 * queries.features, queries.classes, k=6)
    assert found == pytest.approx(np.mean(expected))
    with pytest.raises(SemcomError, match="precision at 51 in a base of 50 features: give 1 to 50"):
        precision_at(*bank, *queries, k=51)


def test_features_in_half_precision_do_not_overflow():
    """Of 4,096 dimensions the scale is 64, so that 2,000 goes beyond what float16 holds."""
    draws = np.random.default_rng(0)
    classes = draws.integers(2, size=40)
    half = (1000 * (1 + classes[:, None]) * np.sign(draws.normal(size=4096))).astype(np.float16)
    halves, singles = Labelled(half, classes), Labelled(half.astype(np.float32), classes)
    found, expected = linear(halves, halves), linear(singles, singles)
    assert found.validation == 1
    np.testing.assert_array_equal(found.weight, expected.weight)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(value):
    train = drawn(30)
    broken = Labelled(train.features.copy(), train.classes)
    broken.features[[4, 7], 2] = value
    message = "features of 2 of 30 images are not finite, first of image 4; look at the encoder"
    for fit in (
        lambda: linear(broken, train),
        lambda: logistic(broken, train, penalties=[1.0]),
        lambda: class_means(broken),
    ):
        with pytest.raises(SemcomError, match=f"training {message}"):
            fit()
    for fit in (lambda: linear(train, broken), lambda: logistic(train, broken, penalties=[1.0])):
        with pytest.raises(SemcomError, match=f"validation {message}"):
            fit()
    with pytest.raises(SemcomError, match=f"bank {message}"):
        Nearest(broken, 5)


def test_what_does_not_go_together_is_refused():
    train, (features, classes) = drawn(30), drawn(20, seed=1)
    cases = {
        r"validation features of shape \(20, 12\) and classes of shape \(19,\)": (features, classes[:-1]),
        r"validation features of shape \(12,\) and classes of shape \(\)": (features[0], np.array(1)),
        r"validation features of shape \(0, 12\) are empty; give at least one": (features[:0], classes[:0]),
        "training features have 12 dimensions, validation features 11": (features[:, 1:], classes),
        "class of validation image 3 is NaN": (features, np.where(np.arange(20) == 3, np.nan, classes)),
        r"no validation image has a class of the training images \('\d' is none, \d is one\)": (
            features,
            classes.astype(str),
        ),
    }
    for message, given in cases.items():
        with pytest.raises(SemcomError, match=message):
            linear(train, Labelled(*given))
    with pytest.raises(SemcomError, match=r"training features of shape \(0, 12\) are empty"):
        linear(Labelled(features[:0], classes[:0]), train)
    with pytest.raises(SemcomError, match=r"bank features of shape \(20, 12\) and classes of shape \(9,\)"):
        Nearest(Labelled(features, classes[:9]), 3)
    for penalties in ([], [1.0, 0.0], [-1.0], [np.nan], [np.inf]):
        with pytest.raises(SemcomError, match=r"penalties \[.*\] of a linear head; give at least one"):
            logistic(train, train, penalties=penalties)
