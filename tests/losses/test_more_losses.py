"""The losses as a user meets them: their gradients, their optima, what they predict."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax
from scipy.stats import norm
from sklearn.linear_model import GammaRegressor, PoissonRegressor, QuantileRegressor
from sklearn.metrics import mean_pinball_loss
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.activations import Logistic, Softmax
from sklearn_backprop.losses import (
    LOSSES,
    BinaryFocal,
    BinaryLogLoss,
    Focal,
    Gaussian,
    Huber,
    LogLoss,
    Loss,
    Quantile,
    check_loss,
)

VARIANTS = [
    Huber(0.3),
    Quantile(0.9),
    Quantile([0.05, 0.5, 0.95]),
    LogLoss(label_smoothing=0.2),
    BinaryLogLoss(label_smoothing=0.2),
    *(kind(gamma) for kind in (Focal, BinaryFocal) for gamma in (0, 0.5, 1.0, 5.0)),
]
over_losses = pytest.mark.parametrize(
    "loss", [*(kind() for kind in LOSSES.values()), *VARIANTS], ids=repr
)
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0.0}


def targets_for(loss, n_samples=40):
    random = np.random.RandomState(3)
    if loss.output_activation == "softmax":
        return np.eye(4)[random.randint(0, 4, n_samples)]
    if loss.task == "classification":
        return random.randint(0, 2, (n_samples, 2))
    n_targets = 1 if np.size(getattr(loss, "quantile", 0)) > 1 else 2
    return random.gamma(2.0, size=(n_samples, n_targets))


def linear_data(n_samples=150, seed=0):
    random = np.random.RandomState(seed)
    X = random.standard_normal((n_samples, 3))
    return X, np.exp(0.5 * X[:, 0] - 0.3 * X[:, 1] + 0.2)


# gradients


@over_losses
def test_every_loss_passes_its_check(loss):
    assert check_loss(loss, targets_for(loss)) < 1e-5


@over_losses
def test_check_catches_a_wrong_slope_of_every_loss(loss, monkeypatch):
    right = type(loss).gradient
    monkeypatch.setattr(type(loss), "gradient", lambda self, Y, A: 1.001 * right(self, Y, A))
    with pytest.raises(AssertionError, match="gradient is"):
        check_loss(loss, targets_for(loss))


class Quartic(Loss):
    """``r⁴ / 4``: a loss such as a user writes."""

    standardizes_targets = True

    def pointwise(self, Y, A):
        return (A - Y) ** 4 / 4

    def gradient(self, Y, A):
        return (A - Y) ** 3


class WrongInOnePlace(Quartic):
    def gradient(self, Y, A):
        gradient = super().gradient(Y, A)
        gradient[4, 1] *= -1
        return gradient


class WrongDelta(Quartic):
    canonical = True  # which says that error × slope is A - Y


def test_check_says_where_the_sign_is_wrong_and_what_is_right():
    Y = np.random.RandomState(0).standard_normal((9, 2))
    A = np.random.RandomState(0).standard_normal((9, 2))  # the outputs that the check draws
    with pytest.raises(AssertionError, match=r"gradient is .* for sample 4, output 1, where") as e:
        check_loss(WrongInOnePlace(), Y + 1.0)
    given, found = (
        float(str(e.value).split(word)[1].split()[0].strip(".")) for word in (" is ", "give ")
    )
    assert given == -found == pytest.approx(-((A - Y - 1)[4, 1] ** 3), rel=1e-4)


def test_check_tests_the_delta_too():
    Y = np.ones((5, 1))
    assert check_loss(Quartic(), Y) < 1e-5
    with pytest.raises(AssertionError, match="output_delta is"):
        check_loss(WrongDelta(), Y)


def test_a_loss_of_ones_own_trains_to_its_own_optimum():
    y = np.array([0.0, 0.0, 0.0, 1.0])  # (1 - a)³ = 3 a³ at the best constant
    model = BackpropRegressor(
        loss=Quartic(), standardize=False, max_iter=500, tol=1e-12, initializer="zeros", **LINEAR
    )
    expected = 1 / (1 + 3 ** (1 / 3))
    assert model.fit(np.zeros((4, 1)), y).predict([[0.0]]) == pytest.approx(expected, abs=1e-5)


# identities between losses


def test_huber_with_a_huge_delta_is_half_the_squared_error_and_half_a_line_beyond():
    Y, A = np.random.RandomState(0).standard_normal((2, 30, 2))
    np.testing.assert_allclose(Huber(1e6).pointwise(Y, A), 0.5 * (Y - A) ** 2)
    np.testing.assert_allclose(Huber(1e6).gradient(Y, A), A - Y)
    np.testing.assert_allclose(Huber(2.0).pointwise(np.zeros(1), np.array([-5.0])), 2 * (5 - 1))


def test_the_median_is_half_the_absolute_error():
    Y, A = np.random.RandomState(0).standard_normal((2, 30, 2))
    np.testing.assert_allclose(Quantile(0.5).pointwise(Y, A), 0.5 * np.abs(Y - A))
    np.testing.assert_allclose(Quantile(0.5).gradient(Y, A), 0.5 * np.sign(A - Y))


def test_log_cosh_by_its_definition_and_far_away():
    r = np.linspace(-3, 3, 13)
    loss = LOSSES["log_cosh"]()
    np.testing.assert_allclose(loss.pointwise(0 * r, r), np.log(np.cosh(r)), atol=1e-15)
    assert loss.pointwise(np.zeros(1), np.array([-1e6])) == pytest.approx(
        1e6 - np.log(2), rel=1e-12
    )


def test_gaussian_is_the_normal_density():
    random = np.random.RandomState(0)
    y, mean, log_variance = random.standard_normal((3, 50, 1))
    ours = Gaussian().pointwise(np.hstack([y, y]), np.hstack([mean, log_variance]))
    density = norm.logpdf(y, mean, np.exp(log_variance / 2))
    np.testing.assert_allclose(ours, -density - 0.5 * np.log(2 * np.pi))


def test_focal_without_gamma_is_the_log_loss():
    for focal, plain in ((Focal(0), LogLoss()), (BinaryFocal(0), BinaryLogLoss())):
        Y = targets_for(focal)
        A = np.random.RandomState(0).uniform(0.05, 0.9, Y.shape)
        np.testing.assert_allclose(focal.pointwise(Y, A), plain.pointwise(Y, A), atol=1e-15)
        np.testing.assert_allclose(focal.gradient(Y, A), plain.gradient(Y, A))


def test_focal_of_two_classes_is_the_same_in_both_forms():
    z = np.linspace(-4, 4, 9)[:, None]
    for gamma in (0.5, 2.0):
        for label in (0, 1):
            Y = np.full_like(z, label)
            P = np.hstack([expit(-z), expit(z)])
            both = Focal(gamma).pointwise(np.hstack([1 - Y, Y]), P).sum(axis=1)
            one = BinaryFocal(gamma).pointwise(Y, expit(z))[:, 0]
            np.testing.assert_allclose(both, one, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gamma", [0, 0.5, 2.0])
def test_focal_moves_a_sample_that_it_is_surely_wrong_about(gamma, dtype):
    """Far off, it is the cross-entropy: its delta is ``a - y``, however small a is."""
    Z = np.array([[60.0, -60.0]], dtype=dtype)
    A, delta = np.empty_like(Z), np.empty_like(Z)
    Softmax().forward(Z.copy(), A)
    Focal(gamma).output_delta(np.array([[0, 1]], dtype), Z, A, Softmax(), delta)
    np.testing.assert_allclose(delta, [[1, -1]], rtol=1e-4)
    Logistic().forward(Z.copy(), A)
    BinaryFocal(gamma).output_delta(np.array([[0, 1]], dtype), Z, A, Logistic(), delta)
    np.testing.assert_allclose(delta, [[1, -1]], rtol=1e-4)


# kinds of targets


@pytest.mark.parametrize(
    ("loss", "two_sided"), [(LogLoss(0.1), BinaryLogLoss), (Focal(3.0), BinaryFocal)]
)
def test_for_target_keeps_the_parameters(loss, two_sided):
    assert loss.for_target("multiclass") is loss
    for kind in ("binary", "multilabel-indicator"):
        chosen = loss.for_target(kind)
        assert type(chosen) is two_sided
        assert chosen.get_params() == loss.get_params()
        assert chosen.for_target(kind) is chosen
    with pytest.raises(ValueError, match=f"is for two classes.*loss='{loss.name}'"):
        chosen.for_target("multiclass")


@pytest.mark.parametrize("kind", LOSSES.values(), ids=LOSSES)
def test_a_regression_loss_is_the_same_for_every_target(kind):
    loss = kind()
    if loss.task == "regression":
        assert loss.for_target("continuous-multioutput") is loss


def test_label_smoothing_is_a_mixture_with_the_uniform_distribution():
    """``(1 - ε) CE(y) + ε / K Σ_k CE(k)``, as deep-learning libraries define it."""
    Z = np.random.RandomState(0).standard_normal((20, 5))
    Y = np.eye(5)[np.arange(20) % 5]
    A = np.exp(log_softmax(Z, axis=1))
    loss = LogLoss(label_smoothing=0.3)
    expected = 0.7 * -(Y * np.log(A)).sum() + 0.3 / 5 * -np.log(A).sum()
    assert loss.sum(loss.prepare_targets(Y), A) == pytest.approx(expected, rel=1e-12)
    assert loss.prepare_targets(Y)[0] == pytest.approx([0.76, 0.06, 0.06, 0.06, 0.06])
    np.testing.assert_allclose(
        BinaryLogLoss(0.3).prepare_targets(np.eye(2)), [[0.85, 0.15], [0.15, 0.85]]
    )


def test_label_smoothing_pulls_fitted_probabilities_to_the_smoothed_ones():
    """Of separable points a plain logistic model is ever surer, a smoothed one is not."""
    X, y = np.eye(3).repeat(4, axis=0), np.arange(3).repeat(4)
    model = BackpropClassifier(loss=LogLoss(0.3), standardize=False, tol=1e-9, **LINEAR).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(np.eye(3)).max(axis=1), 0.8, atol=1e-4)


# optima that scikit-learn finds too


@pytest.mark.parametrize(
    ("loss", "reference"), [("gamma", GammaRegressor), ("poisson", PoissonRegressor)]
)
@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")  # older scikit-learn's own
def test_without_hidden_layers_it_is_the_generalised_linear_model(loss, reference):
    X, mean = linear_data()
    random = np.random.RandomState(1)
    y = random.gamma(3.0, mean / 3) if loss == "gamma" else random.poisson(mean).astype(float)
    ours = BackpropRegressor(loss=loss, tol=1e-8, max_iter=500, random_state=0, **LINEAR).fit(X, y)
    theirs = reference(alpha=0, tol=1e-8, max_iter=500).fit(X, y)
    np.testing.assert_allclose(ours.coefs_[0][:, 0], theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-5)


@pytest.mark.parametrize("q", [0.2, 0.9])
def test_without_hidden_layers_it_is_linear_quantile_regression(q):
    X, y = linear_data()
    y = y + np.random.RandomState(2).standard_normal(len(y))
    settings = {"learning_rate": "cosine", "learning_rate_init": 0.05, "max_iter": 250}
    ours = BackpropRegressor(
        loss=Quantile(q),
        hidden_layer_sizes=(),
        alpha=0.0,
        batch_size=50,
        random_state=0,
        **settings,
    ).fit(X, y)
    best = mean_pinball_loss(
        y, QuantileRegressor(quantile=q, alpha=0).fit(X, y).predict(X), alpha=q
    )
    loss = mean_pinball_loss(y, ours.predict(X), alpha=q)
    assert best * (1 - 1e-9) <= loss <= best * 1.003


def test_hubers_delta_counts_in_standard_deviations_of_y():
    X, y = linear_data()
    settings = {"tol": 1e-9, "max_iter": 500, "random_state": 0, **LINEAR}
    ours = BackpropRegressor(loss=Huber(0.5), **settings).fit(X, 7 * y + 100)
    plain = BackpropRegressor(loss=Huber(0.5 * 7 * y.std()), standardize=False, **settings)
    plain.fit(StandardScaler().fit_transform(X), 7 * y + 100)
    expected = plain.predict(StandardScaler().fit_transform(X))
    np.testing.assert_allclose(ours.predict(X), expected, rtol=1e-4)
