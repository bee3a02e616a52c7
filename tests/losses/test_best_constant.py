"""``initializer=…(output="best_constant")``: training starts as good as the best constant."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropRegressor, fit_many
from sklearn_backprop.activations import OUTPUT_ACTIVATIONS
from sklearn_backprop.components import Component
from sklearn_backprop.initializers import INITIALIZERS, HeNormal, Initializer
from sklearn_backprop.losses import (
    LOSSES,
    Focal,
    Gaussian,
    Huber,
    LogLoss,
    Quantile,
    SquaredError,
)

random = np.random.RandomState(0)
X = random.standard_normal((120, 3))
POSITIVE = random.gamma(1.5, 2.0, 120)
SPECIES = random.choice(4, 120, p=[0.5, 0.3, 0.15, 0.05])
WEIGHTS = random.uniform(size=120) * (random.uniform(size=120) > 0.2)  # some are zero
WEIGHTINGS = pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])

REGRESSION = [kind() for kind in LOSSES.values() if kind.task == "regression"]
REGRESSION += [Huber(0.1), Quantile(0.9), Quantile([0.05, 0.5, 0.95])]
CLASSIFICATION = ["log_loss", "focal", LogLoss(0.2), Focal(0.5)]


def constant_start(cls, y, weights=None, **parameters):
    """Return a model after a first epoch of one step that is too small to matter."""
    parameters = {"hidden_layer_sizes": 5, "alpha": 0.0, "random_state": 0} | parameters
    initializer = HeNormal(output="best_constant")
    return cls(
        initializer=initializer, learning_rate_init=1e-12, batch_size=1000, max_iter=1, tol=1e9,
        n_iter_no_change=np.inf, learning_rate="cosine", **parameters,
    ).fit(X, y, sample_weight=weights)  # fmt: skip


def best_by_search(loss, Y, weights, output_activation):
    """Return the lowest mean loss of a constant model, by a search from several points."""
    weights = np.ones(len(Y)) if weights is None else weights

    def objective(z):
        A = np.empty_like(Y)
        output_activation.forward(np.repeat(np.atleast_1d(z)[None], len(Y), axis=0), A)
        return float(loss.sum(Y, A, weights[:, None]) / weights.sum())

    options = {"xtol": 1e-6, "ftol": 1e-9}
    starts = [np.full(Y.shape[1], start) for start in (-1.0, 0.5, 2.0)]
    return min(minimize(objective, z, method="Powell", options=options).fun for z in starts)


def prepared(loss, y, weights):
    """Return the targets as the network sees them, standardized by hand."""
    Y = np.asarray(y, dtype=float).reshape(len(y), -1)
    if loss.standardizes_targets:
        Y = StandardScaler().fit(Y, sample_weight=weights).transform(Y)
    return loss.prepare_targets(Y)


@WEIGHTINGS
@pytest.mark.parametrize("loss", REGRESSION, ids=repr)
def test_no_constant_starts_better_for_numbers(loss, weights):
    several = np.size(getattr(loss, "quantile", 0)) > 1
    for y in (POSITIVE, np.c_[POSITIVE, POSITIVE[::-1] ** 2 + 1])[: 1 if several else 2]:
        model = constant_start(BackpropRegressor, y, weights, loss=loss)
        Y = prepared(loss, y, weights)
        best = best_by_search(loss, Y, weights, OUTPUT_ACTIVATIONS[loss.output_activation]())
        assert model.loss_curve_[0] == pytest.approx(best, rel=1e-6, abs=1e-8)


@WEIGHTINGS
@pytest.mark.parametrize("loss", CLASSIFICATION, ids=str)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_no_constant_starts_better_for_classes(kind, loss, weights):
    one_hot = SPECIES[:, None] == np.arange(4)
    labels = {"binary": SPECIES > 0, "multiclass": SPECIES, "multilabel": one_hot[:, 1:]}[kind]
    Y = {"binary": one_hot[:, :1] == 0, "multiclass": one_hot, "multilabel": one_hot[:, 1:]}[kind]
    model = constant_start(BackpropClassifier, labels.astype(int), weights, loss=loss)
    own = LOSSES[loss]() if isinstance(loss, str) else loss
    own = own.for_target("multiclass" if kind == "multiclass" else "binary")
    Y = own.prepare_targets(Y.astype(float))
    best = best_by_search(own, Y, weights, OUTPUT_ACTIVATIONS[own.output_activation]())
    assert model.loss_curve_[0] == pytest.approx(best, rel=1e-6)


@WEIGHTINGS
def test_the_log_loss_starts_at_the_shares_of_the_classes(weights):
    shares = np.bincount(SPECIES, weights) / (120 if weights is None else weights.sum())
    for y, expected in (
        (SPECIES, shares),
        ((SPECIES == 1).astype(int), [1 - shares[1], shares[1]]),
        ((SPECIES[:, None] == [2, 3]).astype(int), shares[2:]),
    ):
        P = constant_start(BackpropClassifier, y, weights).predict_proba(X)
        np.testing.assert_allclose(P, np.tile(expected, (120, 1)), atol=1e-9)


@WEIGHTINGS
def test_numbers_start_at_mean_median_and_quantiles(weights):
    mean = np.average(POSITIVE, weights=weights)
    std = np.sqrt(np.average((POSITIVE - mean) ** 2, weights=weights))
    for loss in ("squared_error", "poisson", "gamma", "gaussian"):
        model = constant_start(BackpropRegressor, POSITIVE, weights, loss=loss)
        np.testing.assert_allclose(model.predict(X), mean, rtol=1e-9)
    _, spread = constant_start(
        BackpropRegressor, POSITIVE, weights, loss=Gaussian()
    ).predict(X, return_std=True)  # fmt: skip
    np.testing.assert_allclose(spread, std, rtol=1e-9)
    predictions = constant_start(
        BackpropRegressor, POSITIVE, weights, loss=Quantile([0.1, 0.5, 0.9])
    ).predict(X)  # fmt: skip
    median = constant_start(
        BackpropRegressor, POSITIVE, weights, loss="absolute_error"
    ).predict(X)  # fmt: skip
    np.testing.assert_allclose(median, predictions[:, 1])
    weights = np.ones(120) if weights is None else weights
    below = ((POSITIVE[:, None] <= predictions[:1] + 1e-9) * weights[:, None]).sum(axis=0)
    strictly = ((POSITIVE[:, None] < predictions[:1] - 1e-9) * weights[:, None]).sum(axis=0)
    target = np.array([0.1, 0.5, 0.9]) * weights.sum()
    assert (strictly <= target + 1e-9).all()
    assert (target <= below + 1e-9).all()


KINKED = [SquaredError(), LOSSES["absolute_error"](), Huber(), Quantile([0.1, 0.9]), Gaussian()]


@pytest.mark.parametrize("activation", ["relu", "softplus", "exp", "tanh", "logistic", "elu"])
@pytest.mark.parametrize("loss", KINKED, ids=repr)
def test_other_output_activations_start_at_a_minimum_found_numerically(loss, activation):
    """Kinks of a loss and the flat half of ReLU do not stop the search."""
    f = OUTPUT_ACTIVATIONS[activation]()
    Y = loss.prepare_targets(POSITIVE[:, None])
    z = loss.best_net_input(Y, WEIGHTS, f)
    A = np.empty_like(Y)
    f.forward(np.repeat(z[None], len(Y), axis=0), A)
    found = loss.sum(Y, A, WEIGHTS[:, None]) / WEIGHTS.sum()
    # an asymptote may lie at infinity, where nobody arrives
    assert found <= best_by_search(loss, Y, WEIGHTS, f) * (1 + 1e-4)


def test_the_start_is_used_with_another_output_activation_too():
    model = constant_start(BackpropRegressor, POSITIVE, output_activation="softplus")
    np.testing.assert_allclose(model.predict(X), POSITIVE.mean(), rtol=1e-4)


def test_constant_targets_and_absent_classes_start_finite():
    for loss in ("squared_error", "gaussian", "quantile", "huber"):
        model = constant_start(BackpropRegressor, np.full(120, 3.0), loss=loss)
        np.testing.assert_allclose(model.predict(X), 3.0, atol=1e-6)
    zeros = constant_start(BackpropRegressor, np.zeros(120), loss="poisson")
    np.testing.assert_allclose(zeros.predict(X), 0, atol=1e-6)
    model = constant_start(BackpropClassifier, SPECIES, (SPECIES != 2).astype(float))
    assert model.predict_proba(X)[:, 2].max() < 1e-9


def test_only_the_output_layer_is_changed_and_only_if_asked():
    drawn, constant = (
        BackpropClassifier(
            initializer=HeNormal(output=output), max_iter=1, tol=1e9, random_state=0,
            learning_rate_init=1e-12, learning_rate="cosine", standardize=False,
        ).fit(X, SPECIES)
        for output in ("drawn", "best_constant")
    )  # fmt: skip
    np.testing.assert_allclose(drawn.coefs_[0], constant.coefs_[0], atol=1e-9)
    assert np.abs(constant.coefs_[1]).max() < 1e-9 < np.abs(drawn.coefs_[1]).max()


def test_first_chunk_of_partial_fit_sets_the_constant_and_later_ones_do_not():
    model = BackpropRegressor(
        initializer=HeNormal(output="best_constant"), learning_rate_init=1e-12, standardize=False
    )
    model.partial_fit(X[:60], POSITIVE[:60])
    np.testing.assert_allclose(model.predict(X), POSITIVE[:60].mean(), rtol=1e-9)
    model.partial_fit(X[60:], POSITIVE[60:])
    np.testing.assert_allclose(model.predict(X), POSITIVE[:60].mean(), rtol=1e-9)


def test_early_stopping_takes_the_constant_from_the_rows_it_trains_on():
    y = POSITIVE.copy()
    model = constant_start(BackpropRegressor, y, early_stopping=True, validation_fraction=0.5)
    value = model.predict(X[:1])[0]
    halves = np.random.RandomState(0)  # the split follows the draws of the weights
    halves.standard_normal((3, 5)), halves.standard_normal((5, 1))
    from sklearn.model_selection import train_test_split

    rows, _ = train_test_split(np.arange(120), test_size=0.5, random_state=halves)
    assert value == pytest.approx(y[rows].mean(), rel=1e-9)


class Own(Initializer):
    """A user's initializer, whose constructor knows nothing of ``output``."""

    def __init__(self, size=0.1):
        self.size = size

    def weights(self, fan_in, fan_out, activation, random_state):
        return random_state.uniform(-self.size, self.size, (fan_in, fan_out))


def test_an_initializer_of_ones_own_needs_no_output():
    model = BackpropRegressor(initializer=Own(0.2), max_iter=1, tol=1e9, standardize=False)
    model.set_params(learning_rate_init=1e-12, learning_rate="cosine").fit(X, POSITIVE)
    assert 0.15 < np.abs(model.coefs_[0]).max() < 0.2


@pytest.mark.parametrize("kind", INITIALIZERS.values(), ids=INITIALIZERS)
def test_every_initializer_carries_the_option(kind):
    assert issubclass(kind, Component)
    model = BackpropRegressor(initializer=kind(output="best_constant"), max_iter=1, tol=1e9)
    model.set_params(learning_rate_init=1e-12, learning_rate="cosine").fit(X, POSITIVE)
    np.testing.assert_allclose(model.predict(X), POSITIVE.mean(), rtol=1e-9)
    with pytest.raises(ValueError, match="output"):
        BackpropRegressor(initializer=kind(output="best")).fit(X, POSITIVE)


# without being asked: losses whose targets are not standardized, and may be far away

FAR_AWAY = {"poisson": 1e4 * POSITIVE, "gamma": 1e4 * POSITIVE + 1}


def begun(loss, y, weights=None, **parameters):
    """Return a regressor after one step that is too small to matter."""
    planned = {"learning_rate_init": 1e-12, "learning_rate": "cosine", "max_iter": 1}
    model = BackpropRegressor(loss=loss, batch_size=1000, random_state=0, **planned | parameters)
    return model.fit(X, y, sample_weight=weights)


@WEIGHTINGS
@pytest.mark.parametrize("loss", FAR_AWAY)
@pytest.mark.parametrize("output_activation", ["auto", "softplus", "identity"])
def test_a_positive_mean_starts_at_the_weighted_mean(loss, output_activation, weights):
    for y in (FAR_AWAY[loss], np.c_[FAR_AWAY[loss], POSITIVE]):
        model = begun(loss, y, weights, output_activation=output_activation)
        mean = np.average(y, axis=0, weights=weights)
        expected = np.broadcast_to(mean, y.shape)
        # elsewhere than at the exponential it is found by a search
        rtol = 1e-9 if output_activation == "auto" else 1e-3
        np.testing.assert_allclose(model.predict(X), expected, rtol=rtol)


@pytest.mark.parametrize("loss", FAR_AWAY)
def test_it_does_not_where_weights_are_given_or_nothing_is_standardized(loss):
    y, shapes = FAR_AWAY[loss], [(3, 4), (4, 1)]
    coefs = [0.1 * random.standard_normal(shape) for shape in shapes]
    for given in ({"coefs_init": coefs}, {"intercepts_init": [np.zeros(4), np.ones(1)]}):
        model = BackpropRegressor(
            loss=loss, hidden_layer_sizes=4, max_iter=1, learning_rate_init=1e-12,
            learning_rate="cosine", random_state=0,
        ).fit(X, y, **given)  # fmt: skip
        for W, V in zip(given.get("coefs_init", []), model.coefs_, strict=False):
            np.testing.assert_allclose(W, V, atol=1e-9)
        assert abs(model.intercepts_[-1]) < 2
    assert begun(loss, y, standardize=False).predict(X).max() < 100


@pytest.mark.parametrize("loss", FAR_AWAY)
def test_a_first_chunk_sets_the_start_and_a_stack_is_as_alone(loss):
    y = FAR_AWAY[loss]
    options = {"loss": loss, "learning_rate_init": 1e-12, "learning_rate": "cosine", "max_iter": 1}
    chunked = BackpropRegressor(random_state=0, **options).partial_fit(X[:60], y[:60])
    np.testing.assert_allclose(chunked.predict(X), y[:60].mean(), rtol=1e-9)
    chunked.partial_fit(X[60:], y[60:])
    np.testing.assert_allclose(chunked.predict(X), y[:60].mean(), rtol=1e-9)
    models = [BackpropRegressor(random_state=seed, **options) for seed in range(3)]
    for model in fit_many(models, X, y, rows=[range(40), range(60), range(120)]):
        n_rows = [40, 60, 120][model.random_state]
        np.testing.assert_allclose(model.predict(X), y[:n_rows].mean(), rtol=1e-9)


@pytest.mark.parametrize("loss", FAR_AWAY)
def test_raw_diabetes_is_learned_in_60_epochs(loss):
    features, y = load_diabetes(return_X_y=True, scaled=False)
    model = BackpropRegressor(loss=loss, max_iter=60, tol=0, n_iter_no_change=60, random_state=0)
    with pytest.warns(ConvergenceWarning):
        assert model.fit(features[::2], y[::2]).score(features[1::2], y[1::2]) > 0.35
