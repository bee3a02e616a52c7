"""What losses predict beyond one number: several quantiles, a standard deviation; real data."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.model_selection import cross_val_score, train_test_split

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.activations import OUTPUT_ACTIVATIONS, Activation
from sklearn_backprop.initializers import HeNormal
from sklearn_backprop.losses import (
    BinaryLogLoss,
    Focal,
    Gaussian,
    Huber,
    LogLoss,
    Quantile,
    SquaredError,
)

PLANNED = {"learning_rate": "cosine", "learning_rate_init": 0.02, "random_state": 0}


def noisy_line(n_samples=1500, seed=0):
    """Return x in [-1, 1] and y = 3x + 20 with a standard deviation of exp(x)."""
    random = np.random.RandomState(seed)
    x = random.uniform(-1, 1, n_samples)
    y = 3 * x + 20 + np.exp(x) * random.standard_normal(n_samples)
    return x[:, None], y


# several quantiles

QUANTILES = [0.05, 0.5, 0.95]


@pytest.fixture(scope="module")
def quantile_model():
    return BackpropRegressor(
        loss=Quantile(QUANTILES), hidden_layer_sizes=16, max_iter=60, **PLANNED
    ).fit(*noisy_line())


def test_several_quantiles_have_a_column_each_and_never_cross(quantile_model):
    X = np.random.RandomState(1).uniform(-50, 50, (2000, 1))  # far outside too
    predictions = quantile_model.predict(X)
    assert predictions.shape == (2000, 3)
    assert (np.diff(predictions, axis=1) >= 0).all()
    # not because the network is so good: its outputs do cross
    outputs = quantile_model._outputs(X)
    assert (np.diff(outputs, axis=1) < 0).any()
    np.testing.assert_array_equal(predictions, np.sort(outputs, axis=1))


def test_several_quantiles_cover_what_they_promise(quantile_model):
    X, y = noisy_line(4000, seed=1)
    below = (y[:, None] <= quantile_model.predict(X)).mean(axis=0)
    np.testing.assert_allclose(below, QUANTILES, atol=0.03)
    # the interval widens with the noise: by e² from one end to the other
    low, _, high = quantile_model.predict([[-0.9], [0.9]]).T
    assert 4 < (high - low)[1] / (high - low)[0] < 9


def test_score_of_several_quantiles_is_the_mean_of_their_pinball_scores(quantile_model):
    X, y = noisy_line(300, seed=2)
    weights = np.random.RandomState(0).uniform(size=300)
    predictions = quantile_model.predict(X)
    for sample_weight in (None, weights):
        expected = np.mean(
            [
                d2_pinball_score(y, column, alpha=q, sample_weight=sample_weight)
                for column, q in zip(predictions.T, QUANTILES, strict=True)
            ]
        )
        assert quantile_model.score(X, y, sample_weight) == pytest.approx(expected, rel=1e-12)
    assert quantile_model.score(X, y) > 0.3


def test_one_quantile_in_a_list_is_one_quantile():
    X, y = noisy_line(100)
    settings = {"max_iter": 5, **PLANNED}
    one, listed = (BackpropRegressor(loss=Quantile(q), **settings).fit(X, y) for q in (0.9, [0.9]))
    np.testing.assert_array_equal(one.predict(X), listed.predict(X))
    assert one.predict(X).shape == (100,)
    assert one.score(X, y) == listed.score(X, y) == r2_score(y, one.predict(X))


@pytest.mark.parametrize("scoring", ["loss", None])
def test_early_stopping_works_with_several_quantiles(scoring):
    X, y = noisy_line(200)
    model = BackpropRegressor(
        loss=Quantile([0.1, 0.9]), early_stopping=True, scoring=scoring, max_iter=20, **PLANNED
    )
    scores = model.fit(X, y).validation_scores_
    assert model.best_validation_score_ == max(scores)
    assert np.isfinite(scores).all()


def test_one_quantile_of_several_targets_has_a_column_a_target():
    X, y = noisy_line(200)
    Y = np.c_[y, -5 * y]
    model = BackpropRegressor(loss=Quantile(0.9), max_iter=60, **PLANNED).fit(X, Y)
    np.testing.assert_allclose((model.predict(X) >= Y).mean(axis=0), 0.9, atol=0.04)


def test_bad_quantiles_are_refused():
    X, y = noisy_line(20)
    for bad in ([0.9, 0.1], [0.5, 0.5], [0.0, 0.5], [[0.1, 0.9]]):
        with pytest.raises(ValueError, match=r"quantile=.*must be a number in"):
            BackpropRegressor(loss=Quantile(bad)).fit(X, y)
    with pytest.raises(ValueError, match="quantile"):
        BackpropRegressor(loss=Quantile(1.0)).fit(X, y)
    with pytest.raises(ValueError, match="one target, but y has 2 columns"):
        BackpropRegressor(loss=Quantile([0.1, 0.9])).fit(X, np.c_[y, y])


def test_losses_survive_clone_and_repr():
    for loss in (Quantile(QUANTILES), Huber(0.5), Focal(1.0), LogLoss(0.1), Gaussian()):
        copy = clone(loss)
        assert copy is not loss
        assert copy.get_params() == loss.get_params()
        assert eval(repr(loss)).get_params() == loss.get_params()


# a mean and a standard deviation


def test_gaussian_recovers_how_the_noise_grows():
    model = BackpropRegressor(loss="gaussian", max_iter=60, hidden_layer_sizes=16, **PLANNED)
    mean, std = model.fit(*noisy_line()).predict([[-0.8], [0.0], [0.8]], return_std=True)
    np.testing.assert_allclose(mean, [17.6, 20, 22.4], atol=0.25)
    np.testing.assert_allclose(std, np.exp([-0.8, 0, 0.8]), rtol=0.15)


def test_gaussian_follows_the_units_of_each_target():
    """Standardized targets give the same model whatever the units, and std in those units."""
    X, y = noisy_line(200)
    settings = {"loss": "gaussian", "max_iter": 10, **PLANNED}
    mean, std = BackpropRegressor(**settings).fit(X, np.c_[y, y]).predict(X, return_std=True)
    assert mean.shape == std.shape == (200, 2)
    scaled = BackpropRegressor(**settings).fit(X, np.c_[y, 1000 * y - 7])
    scaled_mean, scaled_std = scaled.predict(X, return_std=True)
    np.testing.assert_allclose(scaled_mean, mean * [1, 1000] - [0, 7], rtol=1e-8)
    np.testing.assert_allclose(scaled_std, std * [1, 1000], rtol=1e-8)


def test_shapes_with_a_standard_deviation():
    X, y = noisy_line(50)
    model = BackpropRegressor(loss="gaussian", max_iter=2, **PLANNED).fit(X, y)
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == (50,)
    assert (std > 0).all()
    np.testing.assert_array_equal(model.predict(X), mean)
    assert model.n_outputs_ == 2


@pytest.mark.parametrize("loss", [SquaredError(), Quantile([0.1, 0.9])])
def test_a_standard_deviation_needs_the_gaussian_loss(loss):
    X, y = noisy_line(50)
    model = BackpropRegressor(loss=loss, max_iter=2, **PLANNED).fit(X, y)
    with pytest.raises(ValueError, match=f"needs loss='gaussian'.*fitted with loss='{loss.name}'"):
        model.predict(X, return_std=True)


# targets


@pytest.mark.parametrize(
    ("loss", "bad", "instead"),
    [("gamma", 0.0, "poisson"), ("gamma", -1.0, "poisson"), ("poisson", -1.0, "squared_error")],
)
def test_targets_out_of_range_are_refused(loss, bad, instead):
    X, y = np.ones((3, 1)), np.array([1.0, 2.0, bad])
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=f"loss='{loss}' needs y.*{bad:g}.*loss='{instead}'"):
            getattr(BackpropRegressor(loss=loss), method)(X, y)


def test_losses_of_the_other_task_and_form_are_refused():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=r"loss='log_loss' is for classification.*'huber'"):
        BackpropRegressor(loss="log_loss").fit(X, y)
    with pytest.raises(ValueError, match=r"loss=Huber\(\) is for regression.*'focal'"):
        BackpropClassifier(loss=Huber()).fit(X, y)
    # its probabilities of three classes would not add up to 1
    with pytest.raises(ValueError, match=r"is for two classes.*loss='log_loss'"):
        BackpropClassifier(loss=BinaryLogLoss()).fit(X, y)


@pytest.mark.parametrize("loss", [Huber(0), Huber(-1.0), LogLoss(1.0), Focal(-1), Quantile(0)])
def test_parameters_out_of_range_are_refused(loss):
    X, y = load_iris(return_X_y=True)
    cls = BackpropRegressor if loss.task == "regression" else BackpropClassifier
    name = next(iter(loss.get_params()))
    with pytest.raises(ValueError, match=f"'{name}' parameter of {type(loss).__name__}"):
        cls(loss=loss).fit(X, y)


# real data


@pytest.mark.parametrize(
    "loss", ["absolute_error", "huber", "log_cosh", "quantile", "gaussian", "poisson", "gamma"]
)
def test_every_regression_loss_predicts_diabetes(loss):
    """A linear model reaches R² = 0.48 in cross-validation, the mean 0."""
    data = load_diabetes(return_X_y=True)
    model = BackpropRegressor(
        loss=loss, hidden_layer_sizes=8, max_iter=40, batch_size=50, alpha=10.0, **PLANNED
    )
    # exponential outputs would take long to get from 1 to where the targets are
    model.set_params(initializer=HeNormal(output="best_constant"))
    assert cross_val_score(model, *data, cv=3).mean() > 0.38


@pytest.mark.parametrize("loss", [LogLoss(label_smoothing=0.1), "focal"], ids=str)
def test_every_classification_loss_predicts_breast_cancer(loss):
    """The more frequent class makes 63 %."""
    data = load_breast_cancer(return_X_y=True)
    model = BackpropClassifier(loss=loss, hidden_layer_sizes=8, max_iter=20, **PLANNED)
    assert cross_val_score(model, *data, cv=3).mean() > 0.96


def test_robust_losses_shrug_off_outliers():
    """Every twentieth target of the training set is off by 60 standard deviations."""
    X, y = load_diabetes(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    y[::20] += 60 * y.std()
    settings = {"hidden_layer_sizes": (), "max_iter": 150, "tol": 0.0, "n_iter_no_change": 1000}
    scores = {}
    for loss in (SquaredError(), Huber(0.05), "absolute_error"):
        model = BackpropRegressor(loss=loss, **settings, **PLANNED).fit(X, y)
        errors = np.abs(y_test - model.predict(X_test))
        scores[getattr(loss, "name", loss)] = np.median(errors)
    assert max(scores["huber"], scores["absolute_error"]) < 50 < scores["squared_error"] / 2


# outputs that a loss is not defined for


class Shifted(Activation):
    """A user's own output activation, which is positive only if it is shifted far enough."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def forward(self, Z, out):
        np.add(np.tanh(Z), self.shift, out=out)

    def backward(self, Z, A, delta):
        delta *= 1 - np.square(A - self.shift)


POSITIVE_OUTPUTS = {"exp", "softplus", "logistic", "softmax"}
IN_QUESTION = [kind() for kind in OUTPUT_ACTIVATIONS.values()] + [Shifted(), Shifted(1.5)]


@pytest.mark.parametrize("activation", IN_QUESTION, ids=repr)
def test_is_positive(activation):
    expected = activation.name in POSITIVE_OUTPUTS or getattr(activation, "shift", 0) > 1
    assert activation.is_positive() == expected


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
@pytest.mark.parametrize("activation", IN_QUESTION, ids=repr)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("standardize", [True, False])
def test_outputs_that_are_not_positive_are_what_is_blamed(loss, activation, solver, standardize):
    random = np.random.RandomState(0)
    X = random.normal(size=(200, 3))
    y = np.exp(2 * X[:, 0]) if loss == "gamma" else random.poisson(np.exp(X[:, 0]))
    model = BackpropRegressor(
        loss=loss, output_activation=activation, solver=solver, standardize=standardize,
        max_iter=30, learning_rate_init=0.01, random_state=0,
    )  # fmt: skip
    told = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.fit(X, y)
        except ValueError as error:
            told.append(str(error))
    told += [str(w.message) for w in caught if "diverged" in str(w.message)]
    assert not told or not activation.is_positive()
    for message in told:
        assert f"output_activation={activation.name!r}" in message
        assert "large values" not in message and "'softplus'" in message
    if hasattr(model, "coefs_"):
        assert (model.predict(X) >= 0).all()
