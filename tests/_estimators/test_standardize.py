"""``standardize=True`` against scikit-learn's scalers around the plain estimator.

The oracle of a regressor is ``TransformedTargetRegressor`` around a pipeline of
``StandardScaler`` and the same estimator with ``standardize=False``; where it cannot
say what is meant (weights, warm start, ``partial_fit``) the scalers are made by hand.
Predictions agree to 1e-12 of the largest. A few epochs are enough to show a
difference, and few enough that rounding is not yet amplified.
"""

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array, csr_matrix
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.initializers import SklearnGlorot

# a few epochs are not meant to converge
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 120
EPOCHS = {"max_iter": 6, "batch_size": 32, "random_state": 0, "hidden_layer_sizes": (8, 5)}
SOLVERS = ["sgd", "adam", "adamw", "lbfgs"]


def rtol_of(solver):
    """L-BFGS divides small differences of gradients, which enlarges their rounding."""
    return 1e-10 if solver == "lbfgs" else 1e-12


def features(seed=0, n_samples=N):
    """Columns of very different places and widths; the last one is constant."""
    rng = np.random.RandomState(seed)
    return rng.standard_normal((n_samples, 5)) * [1, 0.05, 50, 3, 0] + [0, 5, -200, 0.5, 7]


def targets(X, kind, seed=1):
    Z = StandardScaler().fit_transform(X)
    noise = 0.3 * np.random.RandomState(seed).standard_normal((len(X), 3))
    Y = np.sin(Z[:, :3]) + Z[:, [3]] + noise
    return {
        "binary": Y[:, 0] > 0,
        "multiclass": np.array(["a", "b", "c"])[Y.argmax(axis=1)],
        "multilabel": (Y > 0).astype(int),
        "regression": 1e4 + 300 * Y[:, 0],
        "several outputs": Y * [1, 1e-4, 1e3] + [5, 0, -1e4],
        "poisson": np.floor(np.exp(Y[:, 0])),
    }[kind]


CLASSIFICATION = ["binary", "multiclass", "multilabel"]
REGRESSION = ["regression", "several outputs"]


def outputs(model, X):
    predict = getattr(model, "predict_proba", model.predict)
    return predict(X)


def assert_close(mine, theirs, rtol=1e-12):
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=rtol * np.abs(theirs).max())


def both(kind, **parameters):
    """Return our estimator, and the scalers around the plain one."""
    cls = BackpropClassifier if kind in CLASSIFICATION else BackpropRegressor
    plain = make_pipeline(StandardScaler(), cls(**parameters, standardize=False))
    if kind in REGRESSION:
        plain = TransformedTargetRegressor(plain, transformer=StandardScaler())
    return cls(**parameters), plain


# ---------------------------------------------------------------- fit


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", CLASSIFICATION + REGRESSION)
def test_it_equals_scalers_around_the_plain_estimator(kind, solver):
    X = features()
    y = targets(X, kind)
    ours, oracle = both(kind, **EPOCHS, solver=solver)
    assert ours.standardize  # it is the default
    other = features(seed=5)
    assert_close(outputs(ours.fit(X, y), other), outputs(oracle.fit(X, y), other), rtol_of(solver))


@pytest.mark.parametrize("scoring", ["loss", None])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", ["multiclass", "regression", "several outputs"])
def test_with_early_stopping_the_statistics_are_those_of_all_rows(kind, solver, scoring):
    X = features()
    y = targets(X, kind)
    stopping = {"early_stopping": True, "scoring": scoring, "validation_fraction": 0.3}
    ours, oracle = both(kind, **EPOCHS, solver=solver, **stopping)
    assert_close(outputs(ours.fit(X, y), X), outputs(oracle.fit(X, y), X), rtol_of(solver))
    inner = (oracle.regressor_ if kind in REGRESSION else oracle)[-1]
    assert_close(ours.validation_scores_, inner.validation_scores_, rtol_of(solver))
    assert_close(ours.loss_curve_, inner.loss_curve_, rtol_of(solver))


def test_a_validation_set_of_ones_own_moves_no_statistics():
    X, X_val = features(), features(seed=3) + np.array([10, 10, 10, 10, 0])
    y, y_val = targets(X, "regression"), 2 * targets(X_val, "regression")
    ours, oracle = both("regression", **EPOCHS, early_stopping=True)
    ours.fit(X, y, X_val=X_val, y_val=y_val)
    x_scaler, y_scaler = StandardScaler().fit(X), StandardScaler().fit(y[:, None])
    plain = oracle.regressor[-1].fit(
        x_scaler.transform(X),
        y_scaler.transform(y[:, None])[:, 0],
        X_val=x_scaler.transform(X_val),
        y_val=y_scaler.transform(y_val[:, None])[:, 0],
    )
    assert_close(ours.validation_scores_, plain.validation_scores_)
    predicted = y_scaler.inverse_transform(plain.predict(x_scaler.transform(X))[:, None])[:, 0]
    assert_close(ours.predict(X), predicted)


@pytest.mark.parametrize("container", [csr_array, csr_matrix, csc_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_sparse_features_are_scaled_but_not_centred(kind, solver, container):
    dense = features()
    dense[np.random.RandomState(2).uniform(size=dense.shape) < 0.6] = 0
    y = targets(dense, kind)
    X = container(dense)
    ours, oracle = both(kind, **EPOCHS, solver=solver)
    (oracle.regressor if kind in REGRESSION else oracle)[0].set_params(with_mean=False)
    data_before = X.data.copy()
    assert_close(outputs(ours.fit(X, y), X), outputs(oracle.fit(X, y), X), rtol_of(solver))
    np.testing.assert_array_equal(X.data, data_before)
    # the fitted network is for raw X, sparse or dense
    assert_close(outputs(ours, dense), outputs(ours, X))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("kind", ["binary", "regression", "several outputs"])
def test_weights_count_in_the_statistics(kind, is_sparse, early_stopping):
    dense = features()
    y, w = targets(dense, kind), np.random.RandomState(4).randint(0, 4, N).astype(float)
    X = csr_array(dense) if is_sparse else dense
    ours, oracle = both(kind, **EPOCHS, early_stopping=early_stopping)
    ours.fit(X, y, w)

    x_scaler = StandardScaler(with_mean=not is_sparse).fit(X, sample_weight=w)
    if kind in CLASSIFICATION:
        plain = oracle[-1].fit(x_scaler.transform(X), y, w)
        predicted = plain.predict_proba(x_scaler.transform(X))
    else:
        Y = y.reshape(N, -1)
        y_scaler = StandardScaler().fit(Y, sample_weight=w)
        plain = oracle.regressor[-1].fit(x_scaler.transform(X), y_scaler.transform(Y).squeeze(), w)
        predicted = plain.predict(x_scaler.transform(X)).reshape(N, -1)
        predicted = y_scaler.inverse_transform(predicted).reshape(y.shape)
    assert_close(outputs(ours, X), predicted)


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, 1.7e9, 1.7e18, -1e-300])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_constant_feature_counts_as_its_constant_whatever_it_holds_later(value, dtype):
    """Its weights were never trained, so here we differ from StandardScaler on purpose."""
    X = features().astype(dtype)
    X[:, 4] = value
    y = targets(X.astype(float), "regression")
    ours, oracle = both("regression", **EPOCHS)
    other = X.copy()
    other[:, 4] = X[:, 4] + 86_400
    oracle.fit(X.astype(float), y)
    rtol = 1e-12 if dtype == np.float64 else 1e-4
    assert_close(ours.fit(X, y).predict(X), oracle.predict(X.astype(float)), rtol)
    np.testing.assert_array_equal(ours.predict(other), ours.predict(X))
    np.testing.assert_array_equal(ours.coefs_[0][4], 0)
    assert not ours.input_gradients(other)[:, :, 4].any()


def test_numbers_that_differ_by_rounding_only_are_constant():
    X = features()
    X[:, 4] = np.where(np.arange(N) % 2, 0.1 + 0.2, 0.3)
    model = BackpropRegressor(**EPOCHS).fit(X, targets(X, "regression"))
    np.testing.assert_array_equal(model.coefs_[0][4], 0)


def test_sparse_constant_features_keep_their_weights():
    """They are not centred, so 7 in each row is an input like any other."""
    X = csr_array(features())
    model = BackpropRegressor(**EPOCHS).fit(X, np.arange(N))
    assert model.coefs_[0][4].all()


def test_a_constant_feature_counts_from_when_partial_fit_sees_it_vary():
    X, y = features(), targets(features(), "regression")
    model = BackpropRegressor(**EPOCHS)
    X[60:, 4] = X[60:, 0]
    for rows, moves in ((slice(0, 60), False), (slice(60, N), True)):
        model.partial_fit(X[rows], y[rows])
        other = X + np.array([0, 0, 0, 0, 1.0])
        assert bool(np.abs(model.predict(other) - model.predict(X)).max() > 0) == moves


def test_a_constant_target_is_predicted():
    X = features()
    ours = BackpropRegressor(**EPOCHS | {"max_iter": 200}).fit(X, np.full(N, 1e6))
    np.testing.assert_allclose(ours.predict(X), 1e6, atol=1.0)


@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_float32_agrees_within_its_rounding(kind):
    """A column at 5 of width 0.05 makes its rounding, 6e-8, a hundred times as large."""
    X = features().astype(np.float32)
    y = targets(X.astype(float), kind)
    ours, oracle = both(kind, **EPOCHS)
    mine, theirs = outputs(ours.fit(X, y), X), outputs(oracle.fit(X.astype(float), y), X)
    assert mine.dtype == np.float32
    assert {a.dtype for a in ours.coefs_ + ours.intercepts_} == {np.dtype(np.float32)}
    width = theirs.std() if kind in REGRESSION else 1.0
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=5e-5 * width)


def test_a_column_with_a_large_offset_is_standardized_exactly():
    """The deviations from the mean, not of float32 rounding, are what is learned from."""
    X = np.random.RandomState(0).standard_normal((N, 2))
    y = X[:, 0]
    far = X + np.array([1e6, 0])
    ours = BackpropRegressor(**EPOCHS)
    near = ours.fit(X, y).predict(X)
    assert_close(ours.fit(far, y).predict(far), near, 1e-8)  # 1e6 leaves ten digits of X


# ---------------------------------------------------------------- what is left alone


@pytest.mark.parametrize(
    "parameters",
    [{"output_activation": "logistic"}, {"output_activation": "relu"},
     {"loss": "poisson", "initializer": SklearnGlorot(output="best_constant")}],
)  # fmt: skip
def test_targets_stay_raw_unless_outputs_are_the_identity(parameters):
    X = features()
    y = targets(X, "poisson")
    y = y / y.max() if "output_activation" in parameters else y
    ours, oracle = both("poisson", **EPOCHS, **parameters)
    assert_close(ours.fit(X, y).predict(X), oracle.fit(X, y).predict(X))


def test_without_it_nothing_is_scaled():
    """The oracle of the oracle: raw columns give another model."""
    X = features()
    y = targets(X, "regression")
    raw = BackpropRegressor(**EPOCHS, standardize=False).fit(X, y).predict(X)
    scaled = BackpropRegressor(**EPOCHS).fit(X, y).predict(X)
    assert np.abs(raw - scaled).max() > 100


# ---------------------------------------------------------------- the folded network


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("hidden_layer_sizes", [(), (6,), (6, 4)])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression", "several outputs"])
def test_fitted_weights_are_a_plain_network_on_raw_features(kind, hidden_layer_sizes, solver):
    X = features()
    layers = {"hidden_layer_sizes": hidden_layer_sizes}
    model, _ = both(kind, **EPOCHS | layers, solver=solver, activation="tanh")
    model.fit(X, targets(X, kind))
    A = X
    for W, b in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        A = np.tanh(A @ W + b)
    Z = A @ model.coefs_[-1] + model.intercepts_[-1]
    expected = {
        "binary": lambda: np.hstack([1 / (1 + np.exp(Z)), 1 / (1 + np.exp(-Z))]),
        "multiclass": lambda: np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True),
        "regression": lambda: Z[:, 0],
        "several outputs": lambda: Z,
    }[kind]()
    assert_close(outputs(model, X), expected)


def test_initial_weights_are_those_of_the_network_on_raw_features():
    """A step of no length gives them back; a start at the solution stays there."""
    X = features()
    rng = np.random.RandomState(0)
    coefs, intercepts = [rng.standard_normal((5, 1))], [rng.standard_normal(1)]
    y = (X @ coefs[0] + intercepts[0])[:, 0]
    model = BackpropRegressor(hidden_layer_sizes=(), max_iter=1, alpha=0.0, solver="sgd")
    model.set_params(learning_rate_init=1e-300)
    model.fit(X, 2 * y, coefs_init=coefs, intercepts_init=intercepts)
    np.testing.assert_allclose(model.coefs_[0][:4], coefs[0][:4], rtol=1e-12)
    # of the constant column, 7 in each row, the part that it has goes into the intercept
    np.testing.assert_array_equal(model.coefs_[0][4], 0)
    expected = intercepts[0] + 7 * coefs[0][4]
    # the intercept is a sum with terms of the size of the means, up to 1e3 times as large
    np.testing.assert_allclose(model.intercepts_[0], expected, rtol=1e-9)
    model.set_params(learning_rate_init=0.1, max_iter=5)
    model.fit(X, y, coefs_init=coefs, intercepts_init=intercepts)
    assert_close(model.predict(X), y)
    assert model.loss_ < 1e-25


# ---------------------------------------------------------------- more than one call


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("kind", ["multiclass", "regression", "several outputs"])
def test_partial_fit_equals_scalers_fitted_chunk_by_chunk(kind, solver, is_weighted, is_sparse):
    """The weights stay in standardized coordinates while the statistics move."""
    dense = features() * np.linspace(1, 2, N)[:, None]  # the chunks differ
    y, w = targets(dense, kind), np.random.RandomState(4).uniform(0, 2, N)
    X = csr_array(dense) if is_sparse else dense
    ours, oracle = both(kind, **EPOCHS, solver=solver)
    plain = (oracle.regressor if kind in REGRESSION else oracle)[-1]
    x_scaler, y_scaler = StandardScaler(with_mean=not is_sparse), StandardScaler()
    first = {"classes": np.unique(y)} if kind == "multiclass" else {}
    for rows in (slice(0, 50), slice(50, 60), slice(60, N), slice(0, 50)):
        weights = {"sample_weight": w[rows]} if is_weighted else {}
        ours.partial_fit(X[rows], y[rows], **weights, **first)
        x_scaler.partial_fit(X[rows], **weights)
        Y = y[rows]
        if kind in REGRESSION:
            Y = Y.reshape(len(Y), -1)
            Y = y_scaler.partial_fit(Y, **weights).transform(Y).squeeze()
        plain.partial_fit(x_scaler.transform(X[rows]), Y, **weights, **first)
        first = {}
        predicted = outputs(plain, x_scaler.transform(X))
        if kind in REGRESSION:
            predicted = y_scaler.inverse_transform(predicted.reshape(N, -1)).reshape(y.shape)
        assert_close(outputs(ours, X), predicted)


def test_partial_fit_after_fit_goes_on_with_its_statistics():
    X, y = features(), targets(features(), "regression")
    ours, oracle = both("regression", **EPOCHS)
    ours.fit(X[:80], y[:80]).partial_fit(X[80:], y[80:])
    x_scaler, y_scaler = StandardScaler().fit(X[:80]), StandardScaler().fit(y[:80, None])
    plain = oracle.regressor[-1]
    plain.fit(x_scaler.transform(X[:80]), y_scaler.transform(y[:80, None])[:, 0])
    x_scaler.partial_fit(X[80:])
    y_scaler.partial_fit(y[80:, None])
    plain.partial_fit(x_scaler.transform(X[80:]), y_scaler.transform(y[80:, None])[:, 0])
    predicted = y_scaler.inverse_transform(plain.predict(x_scaler.transform(X))[:, None])
    assert_close(ours.predict(X), predicted[:, 0])


@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_standardizes_by_the_data_of_each_fit(solver):
    ours, oracle = both("regression", **EPOCHS, solver=solver, warm_start=True)
    plain = oracle.regressor  # TransformedTargetRegressor would clone it
    for seed in (0, 1, 2):
        X = (seed + 1) * features(seed)
        y = targets(X, "regression") * (seed + 1)
        y_scaler = StandardScaler().fit(y[:, None])
        plain.fit(X, y_scaler.transform(y[:, None])[:, 0])
        predicted = y_scaler.inverse_transform(plain.predict(X)[:, None])[:, 0]
        assert_close(ours.fit(X, y).predict(X), predicted, rtol_of(solver))


# ---------------------------------------------------------------- what it is for


def test_the_defaults_simply_work_on_raw_diabetes():
    X, y = load_diabetes(return_X_y=True, scaled=False)
    folds = KFold(5, shuffle=True, random_state=0)
    assert cross_val_score(BackpropRegressor(random_state=0), X, y, cv=folds).mean() >= 0.42
